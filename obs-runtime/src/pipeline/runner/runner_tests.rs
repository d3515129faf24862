//! Order, parallelism, repetition, failure and cancellation of whole runs. Parallelism is shown
//! by barriers and time by tokio's paused clock, so that no verdict hangs on the machine's speed.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex};

use tokio::sync::{Barrier, Notify};
use tokio::time::Instant;

use crate::pipeline::{
    Backoff, Pipeline, PipelineBuilder, RetryPolicy, RunResult, RunState, SkipReason, Task,
    TaskContext, TaskError, TaskState,
};

const SECOND: Duration = Duration::from_secs(1);

type Log = Arc<Mutex<Vec<String>>>;

async fn ok(_: TaskContext) -> Result<(), String> {
    Ok(())
}

async fn fail(_: TaskContext) -> Result<(), String> {
    Err("broken".to_owned())
}

async fn run(builder: PipelineBuilder) -> RunResult {
    builder.build().unwrap().run().await.unwrap()
}

fn states(result: &RunResult) -> Vec<(&str, TaskState)> {
    let results = result.task_results.iter();
    results.map(|t| (&*t.name, t.state)).collect()
}

#[tokio::test]
async fn a_task_begins_after_its_dependencies_have_ended() {
    let log: Log = Arc::default();
    let logged = |name: &'static str| {
        let log = Arc::clone(&log);
        move |_| {
            let log = Arc::clone(&log);
            async move {
                log.lock().unwrap().push(format!("+{name}"));
                tokio::task::yield_now().await;
                log.lock().unwrap().push(format!("-{name}"));
                Ok::<_, String>(())
            }
        }
    };
    let result = run(Pipeline::builder("diamond")
        .task("d", ["b", "c"], logged("d"))
        .task("b", ["a"], logged("b"))
        .task("c", ["a"], logged("c"))
        .task("a", [], logged("a")))
    .await;
    assert_eq!(result.state, RunState::Succeeded);
    assert_eq!(result.tasks_succeeded, 4);
    let log = log.lock().unwrap();
    let at = |what: &str| log.iter().position(|l| l == what).unwrap();
    for (before, after) in [("-a", "+b"), ("-a", "+c"), ("-b", "+d"), ("-c", "+d")] {
        assert!(at(before) < at(after), "{log:?}");
    }
}

#[tokio::test]
async fn independent_tasks_run_at_the_same_time() {
    let barrier = Arc::new(Barrier::new(3));
    let mut builder = Pipeline::builder("wide");
    for name in ["a", "b", "c"] {
        let barrier = Arc::clone(&barrier);
        builder = builder.task(name, [], move |_| {
            let barrier = Arc::clone(&barrier);
            // Nobody passes until all three are here.
            async move { Ok::<_, String>(barrier.wait().await.is_leader()) }
        });
    }
    assert_eq!(run(builder).await.tasks_succeeded, 3);
}

#[tokio::test]
async fn outputs_reach_dependants_and_the_last_one_the_result() {
    let result = run(Pipeline::builder("sum")
        .task("numbers", [], |_| async { Ok::<_, String>(vec![1, 2, 3]) })
        .task("sum", ["numbers"], |context| async move {
            let numbers = context.output::<Vec<i32>>("numbers")?;
            context.set_records(numbers.len() as u64);
            Ok::<_, TaskError>(numbers.iter().sum::<i32>())
        }))
    .await;
    assert_eq!(result.output::<i32>("sum"), Some(&6));
    assert_eq!(result.output::<i64>("sum"), None, "another type");
    assert_eq!(result.output::<Vec<i32>>("numbers"), None, "freed");
    assert_eq!(result.records_count, 3);
    assert_eq!(result.task_results["sum"].records, Some(3));
}

#[tokio::test]
async fn an_output_is_freed_when_its_last_reader_has_ended() {
    struct Tracked(Arc<AtomicUsize>);
    impl Drop for Tracked {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let (made, seen) = (Arc::clone(&dropped), Arc::clone(&dropped));
    let result = run(Pipeline::builder("memory")
        .task("big", [], move |_| {
            let tracked = Tracked(Arc::clone(&made));
            async { Ok::<_, String>(tracked) }
        })
        .task("one", ["big"], |c| async move {
            c.output::<Tracked>("big").map(|_| ())
        })
        .task("two", ["big"], |c| async move {
            c.output::<Tracked>("big").map(|_| ())
        })
        .task("later", ["one", "two"], move |_| {
            let seen = Arc::clone(&seen);
            async move { Ok::<_, String>(seen.load(Ordering::SeqCst)) }
        }))
    .await;
    assert_eq!(result.output::<usize>("later"), Some(&1));
}

#[tokio::test]
async fn a_wrong_name_or_type_of_an_output_fails_the_task_with_the_remedy() {
    let result = run(Pipeline::builder("wrong")
        .task("a", [], |_| async { Ok::<_, String>(1_u8) })
        .task("type", ["a"], |c| async move { c.output::<String>("a") })
        .task("name", ["a"], |c| async move { c.output::<u8>("b") }))
    .await;
    let text = |name: &str| result.task_results[name].error.clone().unwrap().to_string();
    assert_eq!(
        text("type"),
        "the output of task `a` is no `alloc::string::String`"
    );
    assert_eq!(
        text("name"),
        "task `name` does not depend on `b`: add it to its dependencies"
    );
}

#[tokio::test]
async fn a_failure_skips_what_depends_on_it_and_nothing_else() {
    use TaskState::{Failed, Skipped, Succeeded};
    let result = run(Pipeline::builder("partly")
        .task("bad", [], fail)
        .task("good", [], ok)
        .task("behind", ["bad", "good"], ok)
        .task("far", ["behind"], ok)
        .task("fine", ["good"], ok))
    .await;
    assert_eq!(result.state, RunState::Failed);
    assert_eq!(
        states(&result),
        [
            ("bad", Failed),
            ("good", Succeeded),
            ("behind", Skipped),
            ("fine", Succeeded),
            ("far", Skipped),
        ]
    );
    let far = &result.task_results["far"];
    let bad = SkipReason::UpstreamFailed("bad".into());
    assert_eq!(far.skip_reason.as_ref(), Some(&bad));
    assert_eq!(
        (far.error.as_ref(), bad.to_string()),
        (None, "`bad` failed".to_owned())
    );
    assert_eq!((far.attempts, far.duration), (0, Duration::ZERO));
    let counts = (
        result.tasks_succeeded,
        result.tasks_failed,
        result.tasks_skipped,
    );
    assert_eq!(counts, (2, 1, 2));
    let failed: Vec<_> = result.get_failed_tasks().iter().map(|t| &*t.name).collect();
    assert_eq!(failed, ["bad"]);
}

#[tokio::test(start_paused = true)]
async fn retries_are_attempts_after_the_first_with_growing_pauses() {
    let starts: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = Arc::clone(&starts);
    let task = Task::new("flaky", move |context| {
        seen.lock().unwrap().push(Instant::now());
        async move {
            match context.attempt() {
                3 => Ok(()),
                n => Err(format!("attempt {n}")),
            }
        }
    })
    .retry(RetryPolicy::new(5).delay(SECOND));
    let result = run(Pipeline::builder("retry").add_task(task)).await;
    let starts = starts.lock().unwrap();
    let pauses: Vec<_> = starts.windows(2).map(|w| w[1] - w[0]).collect();
    assert_eq!(pauses, [SECOND, SECOND * 2]);
    let task = &result.task_results["flaky"];
    assert_eq!((task.state, task.attempts), (TaskState::Succeeded, 3));
    assert_eq!(task.duration, SECOND * 3);
}

#[tokio::test]
async fn the_last_error_counts_when_no_retry_is_left() {
    let task = Task::new("bad", |c: TaskContext| async move {
        Err::<(), _>(format!("attempt {}", c.attempt()))
    })
    .retries(2)
    .backoff(Backoff::None);
    let result = run(Pipeline::builder("retry").add_task(task)).await;
    let task = &result.task_results["bad"];
    assert_eq!((task.state, task.attempts), (TaskState::Failed, 3));
    let error = task.error.as_ref().unwrap();
    assert_eq!(error.message(), "attempt 3");
    assert_eq!(error.error_type(), "alloc::string::String");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_each_attempt_and_can_be_retried() {
    let task = Task::new("slow", |c: TaskContext| async move {
        if c.attempt() < 3 {
            std::future::pending::<()>().await;
        }
        Ok::<_, String>(c.attempt())
    })
    .timeout(SECOND)
    .retries(2)
    .backoff(Backoff::None);
    let began = Instant::now();
    let result = run(Pipeline::builder("timeout").add_task(task)).await;
    assert_eq!(result.output::<u32>("slow"), Some(&3));
    assert_eq!(began.elapsed(), SECOND * 2);

    let task = Task::new("slow", |_| std::future::pending::<Result<(), String>>()).timeout(SECOND);
    let result = run(Pipeline::builder("timeout").add_task(task)).await;
    let error = result.task_results["slow"].error.clone().unwrap();
    assert_eq!(error.error_type(), "timeout");
    assert_eq!(error.message(), "timed out after 1s");
}

#[tokio::test]
async fn a_panic_fails_its_task_alone_and_is_not_repeated() {
    let in_closure = Task::new("early", |_| -> std::future::Ready<Result<(), String>> {
        panic!("in the closure")
    })
    .retries(3);
    let result = run(Pipeline::builder("panics")
        .add_task(in_closure)
        .task("late", [], |_| async {
            tokio::task::yield_now().await;
            let n = 2;
            panic!("at {n}") as Result<(), String>
        })
        .task("good", [], ok)
        .task("behind", ["late"], ok))
    .await;
    let early = &result.task_results["early"];
    assert_eq!((early.state, early.attempts), (TaskState::Panicked, 1));
    assert_eq!(
        early.error.as_ref().unwrap().message(),
        "panicked: in the closure"
    );
    let late = result.task_results["late"].error.clone().unwrap();
    assert_eq!(late.message(), "panicked: at 2");
    assert_eq!(late.error_type(), "panic");
    assert_eq!(result.task_results["good"].state, TaskState::Succeeded);
    assert_eq!(result.task_results["behind"].state, TaskState::Skipped);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_future_panics_while_it_is_dropped_does_not_hang_the_run() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let task = Task::new("bomb", |_| async {
        let _bomb = Bomb;
        std::future::pending::<Result<(), String>>().await
    })
    .timeout(SECOND);
    let result = run(Pipeline::builder("drop")
        .add_task(task)
        .task("behind", ["bomb"], ok))
    .await;
    assert_eq!(result.task_results["bomb"].state, TaskState::TimedOut);
    assert_eq!(result.task_results["behind"].state, TaskState::Skipped);
}

#[tokio::test]
async fn cancelling_keeps_what_has_finished() {
    let pipeline = Pipeline::builder("cancel")
        .task("done", [], ok)
        .task("stuck", ["done"], |_| async {
            std::future::pending::<()>().await;
            Ok::<_, String>(())
        })
        .task("behind", ["stuck"], ok)
        .task("canceller", ["done"], |c: TaskContext| async move {
            c.resource::<Arc<Notify>>()?.notify_one();
            Ok::<_, TaskError>(())
        })
        .build()
        .unwrap();
    let notify = Arc::new(Notify::new());
    let handle = pipeline.cancel_handle();
    let running = pipeline.resource(Arc::clone(&notify)).run();
    let (result, ()) = tokio::join!(running, async {
        notify.notified().await;
        handle.cancel();
    });
    let result = result.unwrap();
    assert_eq!(result.state, RunState::Cancelled);
    assert_eq!(result.task_results["done"].state, TaskState::Succeeded);
    let stuck = &result.task_results["stuck"];
    assert_eq!((stuck.state, stuck.attempts), (TaskState::Cancelled, 1));
    let behind = &result.task_results["behind"];
    assert_eq!((behind.state, behind.attempts), (TaskState::Cancelled, 0));
    assert_eq!(result.tasks_cancelled, 2);
}

#[tokio::test]
async fn a_run_that_is_cancelled_before_it_begins_runs_nothing() {
    let pipeline = Pipeline::builder("early")
        .task("a", [], ok)
        .build()
        .unwrap();
    pipeline.cancel_handle().cancel();
    let result = pipeline.run().await.unwrap();
    assert_eq!(result.state, RunState::Cancelled);
    assert_eq!(result.task_results["a"].attempts, 0);
}

#[tokio::test]
async fn dropping_the_run_drops_its_tasks() {
    struct OnDrop(Arc<Notify>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (began, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (began2, gone2) = (Arc::clone(&began), Arc::clone(&gone));
    let pipeline = Pipeline::builder("dropped").task("stuck", [], move |_| {
        let (began, on_drop) = (Arc::clone(&began2), OnDrop(Arc::clone(&gone2)));
        async move {
            let _on_drop = on_drop;
            began.notify_one();
            std::future::pending::<Result<(), String>>().await
        }
    });
    let running = tokio::spawn(pipeline.build().unwrap().run());
    began.notified().await;
    running.abort();
    gone.notified().await;
}

#[tokio::test]
async fn limits_by_name_and_for_the_whole_run_hold() {
    struct Load {
        now: AtomicUsize,
        most: AtomicUsize,
    }
    let load = Arc::new(Load {
        now: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let pipeline = |limit: Option<&'static str>| {
        let mut builder = Pipeline::builder("limits");
        for i in 0..20 {
            let load = Arc::clone(&load);
            let mut task = Task::new(format!("t{i}"), move |_| {
                let load = Arc::clone(&load);
                async move {
                    let now = load.now.fetch_add(1, Ordering::SeqCst) + 1;
                    load.most.fetch_max(now, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    load.now.fetch_sub(1, Ordering::SeqCst);
                    Ok::<_, String>(())
                }
            });
            if let Some(limit) = limit {
                task = task.concurrency(limit);
            }
            builder = builder.add_task(task);
        }
        builder.build().unwrap()
    };
    let named = pipeline(Some("gpu"))
        .concurrency("gpu", 3)
        .run()
        .await
        .unwrap();
    assert!(named.succeeded());
    assert_eq!(load.most.swap(0, Ordering::SeqCst), 3);
    assert!(
        pipeline(None)
            .max_parallel_tasks(2)
            .run()
            .await
            .unwrap()
            .succeeded()
    );
    assert_eq!(load.most.swap(0, Ordering::SeqCst), 2);
    assert!(pipeline(None).run().await.unwrap().succeeded());
    assert_eq!(load.most.swap(0, Ordering::SeqCst), 20);
}

#[tokio::test]
async fn what_is_missing_or_given_twice_is_said_before_anything_runs() {
    let limited = Task::new("a", ok).concurrency("gpu");
    let pipeline = Pipeline::builder("p").add_task(limited).build().unwrap();
    let error = pipeline
        .input(1_u8)
        .input(2_u8)
        .concurrency("cpu", 1)
        .run()
        .await
        .unwrap_err();
    assert!(error.is_pipeline());
    let text = error.to_string();
    for part in [
        "pipeline `p`: two values of type `u8` were given with `.input(…)`",
        "no task has `concurrency = \"cpu\"`",
        "call `.concurrency(\"gpu\", n)`",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn outside_a_tokio_runtime_a_run_is_refused() {
    let pipeline = Pipeline::builder("p").task("a", [], ok).build().unwrap();
    let mut running = Box::pin(pipeline.run());
    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
    match running.as_mut().poll(&mut context) {
        core::task::Poll::Ready(Err(error)) => {
            assert!(error.to_string().contains("tokio"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_pipeline_without_tasks_succeeds() {
    let result = run(Pipeline::builder("empty")).await;
    assert_eq!(result.state, RunState::Succeeded);
    assert!(result.task_results.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_chain_and_a_wide_graph_end() {
    let mut builder = Pipeline::builder("large").task("0", [], ok);
    let names: Vec<String> = (0..20_000).map(|i| i.to_string()).collect();
    for i in 1..10_000 {
        builder = builder.task(names[i].clone(), [&*names[i - 1]], ok);
    }
    for name in &names[10_000..] {
        builder = builder.task(name.clone(), ["0"], ok);
    }
    assert_eq!(run(builder).await.tasks_succeeded, 20_000);
}

/// A wide graph holds one of these for each task.
#[test]
fn an_attempt_in_flight_is_small() {
    let bytes = size_of::<super::Flight>();
    assert!(bytes <= 96, "{bytes} bytes");
}
