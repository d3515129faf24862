use core::pin::Pin;
use core::task::Poll;

use super::*;
use crate::AttributeValue;
use crate::pipeline::{Backoff, Pipeline, Task};
use crate::testing;
use crate::trace::Outcome;
use crate::trace::SpanRecord;

fn text<'a>(span: &'a SpanRecord, key: &str) -> &'a str {
    match span.attribute(key) {
        Some(AttributeValue::String(text)) => text,
        other => panic!("{key} of {} is {other:?}", span.name),
    }
}

fn etl() -> Pipeline {
    Pipeline::builder("etl")
        .task("extract", [], |c: TaskContext| async move {
            c.set_records(7);
            tokio::task::yield_now().await;
            Ok::<_, String>(())
        })
        .add_task(
            Task::new("load", |c: TaskContext| async move {
                match c.attempt() {
                    1 => Err("key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789 refused"),
                    _ => Ok(()),
                }
            })
            .depends_on(["extract"])
            .retries(1)
            .backoff(Backoff::None),
        )
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_a_span_and_each_attempt_its_child() {
    let captured = testing::capture_async(etl().run()).await;
    let result = captured.value.as_ref().unwrap();
    let run = captured.span("pipeline etl");
    assert_eq!(run.outcome, Outcome::Ok);
    assert_eq!(run.parent_id, None);
    assert_eq!(result.trace_id, Some(run.trace_id));
    assert_eq!(text(run, "obs.pipeline.name"), "etl");
    assert_eq!(text(run, "obs.run.id"), result.run_id);
    assert_eq!(text(run, "obs.pipeline.state"), "succeeded");
    assert_eq!(
        run.attribute("obs.pipeline.records"),
        Some(&AttributeValue::I64(7))
    );

    let extract = captured.span("extract");
    assert_eq!(extract.parent_id, Some(run.span_id));
    assert_eq!(extract.trace_id, run.trace_id);
    assert!(extract.links.is_empty());

    let loads: Vec<_> = captured.spans.iter().filter(|s| s.name == "load").collect();
    let outcomes: Vec<_> = loads.iter().map(|s| s.outcome).collect();
    assert_eq!(outcomes, [Outcome::Error, Outcome::Ok]);
    for (i, load) in loads.iter().enumerate() {
        assert_eq!(load.parent_id, Some(run.span_id));
        assert_eq!(
            load.attribute("obs.task.attempt"),
            Some(&AttributeValue::I64(i as i64 + 1))
        );
        assert_eq!(load.links.len(), 1);
        assert_eq!(load.links[0].context.span_id(), extract.span_id);
    }
    let message = loads[0].error.as_ref().unwrap().message.clone().unwrap();
    assert!(
        message.contains("refused") && !message.contains("abcdefg"),
        "{message}"
    );
}

#[tokio::test]
async fn a_failed_run_is_a_failed_span_that_names_the_tasks() {
    let pipeline = Pipeline::builder("bad")
        .task("a", [], |_| async { Err::<(), _>("broken") })
        .task("b", ["a"], |_| async { Ok::<_, String>(()) })
        .task("c", [], |_| async { panic!("boom") as Result<(), String> })
        .build()
        .unwrap();
    let captured = testing::capture_async(pipeline.run()).await;
    let run = captured.span("pipeline bad");
    assert_eq!(run.outcome, Outcome::Error);
    let error = run.error.as_ref().unwrap();
    assert_eq!(error.kind, "task_failed");
    assert_eq!(error.message.as_deref(), Some("2 of 3 tasks failed: a, c"));
    assert_eq!(captured.span("c").error.as_ref().unwrap().kind, "panic");
    assert!(!captured.spans.iter().any(|s| s.name == "b"), "never began");
}

#[tokio::test]
async fn a_dropped_run_is_cancelled() {
    let pipeline = Pipeline::builder("dropped")
        .task("stuck", [], |_| {
            std::future::pending::<Result<(), String>>()
        })
        .build()
        .unwrap();
    let captured = testing::capture_async(async {
        let mut running = Box::pin(pipeline.run());
        // Once: the tasks have been spawned then.
        assert!(futures_poll(running.as_mut()).await.is_pending());
        drop(running);
        tokio::task::yield_now().await;
    })
    .await;
    let run = captured.span("pipeline dropped");
    assert_eq!(run.outcome, Outcome::Cancelled);
    assert_eq!(text(run, "obs.pipeline.state"), "cancelled");
    let runs = captured.assert_metric("obs.pipeline.runs");
    runs.labels([("pipeline", "dropped"), ("state", "cancelled")])
        .value(1);
}

async fn futures_poll<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    core::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}
