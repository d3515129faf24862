use super::*;

fn quick() -> Pipeline {
    let pipeline = Pipeline::builder("quick").task("a", [], |_| async { Ok::<_, String>(()) });
    pipeline.build().unwrap()
}

// bug: the handle of every run that had ended was cancelled.
#[tokio::test]
async fn a_run_that_ends_by_itself_is_not_cancelled() {
    let pipeline = quick();
    let cancel = pipeline.cancel_handle();
    assert!(pipeline.run().await.unwrap().succeeded());
    assert!(!cancel.is_cancelled());
}

#[tokio::test]
async fn whoever_waits_learns_whether_the_runner_panicked_or_its_runtime_is_gone() {
    for panics in [true, false] {
        let (tell, told) = oneshot::channel();
        let teller = Teller::new("quick".into(), tell);
        let ended = guarded(move || {
            let _teller = teller;
            assert!(!panics, "a defect");
        });
        assert_eq!(ended.is_none(), panics);
        let run = RunHandle::new(
            "1".to_owned(),
            CancelHandle::default(),
            ProgressWatch::new(Arc::default()),
            told,
        );
        let error = run.wait().await.unwrap_err().to_string();
        assert_eq!(error.contains("its runner panicked"), panics, "{error}");
        assert_eq!(error.contains("was shut down"), !panics, "{error}");
    }
}

// bug: an error of `retry_after` asked tokio for a timer that its runtime did not have, a panic.
#[test]
fn a_task_whose_errors_ask_for_pauses_needs_a_timer() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let task = |asks| {
        let retry = crate::pipeline::RetryPolicy::new(1).backoff(crate::pipeline::Backoff::None);
        let mut task = crate::pipeline::Task::new("a", |_| async { Ok::<_, String>(()) });
        task = task.retry(retry);
        task.policy.retry_after = asks;
        Pipeline::builder("p").add_task(task).build().unwrap()
    };
    let error = runtime.block_on(task(true).run()).unwrap_err().to_string();
    assert!(error.contains("`enable_time()`"), "{error}");
    assert!(runtime.block_on(task(false).run()).unwrap().succeeded());
}
