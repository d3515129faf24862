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
    let runs = family(&captured.metrics, "obs.pipeline.runs");
    assert_eq!(runs, [("pipeline=dropped,state=cancelled".to_owned(), 1.0)]);
}

async fn futures_poll<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    core::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Series of a metric with their value, or the count of a histogram.
fn family(metrics: &[crate::metrics::MetricFamily], name: &str) -> Vec<(String, f64)> {
    use crate::metrics::MetricData;
    let family = metrics.iter().find(|f| f.name == name).unwrap();
    let labels = |labels: &crate::metrics::snapshot::Labels| {
        let pairs: Vec<_> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        pairs.join(",")
    };
    match &family.data {
        MetricData::Counter(points) => points
            .iter()
            .map(|p| (labels(&p.labels), p.value.as_f64()))
            .collect(),
        MetricData::Histogram(points) => points
            .iter()
            .map(|p| (labels(&p.labels), p.count as f64))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_run_is_counted_with_its_tasks_retries_and_records() {
    let captured = testing::capture_async(etl().run()).await;
    let metrics = &captured.metrics;
    let one = |name, labels: &str, value| {
        assert_eq!(
            family(metrics, name),
            [(labels.to_owned(), value)],
            "{name}"
        );
    };
    one("obs.pipeline.runs", "pipeline=etl,state=succeeded", 1.0);
    one(
        "obs.pipeline.run.duration",
        "pipeline=etl,state=succeeded",
        1.0,
    );
    one("obs.pipeline.task.retries", "pipeline=etl,task=load", 1.0);
    one("obs.pipeline.records", "pipeline=etl,task=extract", 7.0);
    let mut tasks = family(metrics, "obs.pipeline.task.duration");
    tasks.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        tasks,
        [
            ("pipeline=etl,state=succeeded,task=extract".to_owned(), 1.0),
            ("pipeline=etl,state=succeeded,task=load".to_owned(), 1.0),
        ]
    );
}

// bug: each run looked every series up again.
#[test]
fn a_graph_is_shown_once_in_each_scope() {
    fn graph(retries: u32) -> Graph {
        let task = Task::new("load", |_| async { Ok::<_, String>(()) });
        let tasks = vec![task.retries(retries)];
        Graph::build("etl".into(), tasks).unwrap()
    }
    // The installed default's: it counts from zero.
    let scope = Scope::new(0, Vec::new(), MetricsCollector::new());
    let shown = |scope: &Scope, name: &str| {
        let families = scope.metrics.collect_all();
        let found = families.iter().any(|family| family.name == name);
        found.then(|| family(&families, name).len())
    };
    let _ = Meters::of(&scope, &graph(0));
    assert_eq!(shown(&scope, "obs.pipeline.runs"), Some(4));
    assert_eq!(shown(&scope, "obs.pipeline.task.retries"), None);
    // Another graph of the same name.
    let _ = Meters::of(&scope, &graph(1));
    assert_eq!(shown(&scope, "obs.pipeline.task.retries"), Some(1));
    assert_eq!(shown(&scope, "obs.pipeline.task.duration"), None);
    let ahead = scope.extension::<Ahead>();
    assert!(!ahead.is_new(&graph(0)) && !ahead.is_new(&graph(1)));
    let other = Scope::new(0, Vec::new(), MetricsCollector::new());
    assert!(other.extension::<Ahead>().is_new(&graph(0)));
}
