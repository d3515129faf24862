use core::time::Duration;

use super::*;
use crate::metrics::{MetricData, MetricFamily};
use crate::pipeline::{Backoff, Pipeline, Task, TaskContext, TaskError};
use crate::testing;

/// Series of a metric with their value, or the count of a histogram.
fn family(metrics: &[MetricFamily], name: &str) -> Vec<(String, f64)> {
    let family = metrics.iter().find(|f| f.name == name);
    let family = family.unwrap_or_else(|| panic!("no {name}"));
    let labels = |labels: &crate::metrics::snapshot::Labels| {
        let pairs: Vec<_> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        pairs.join(",")
    };
    match &family.data {
        MetricData::Counter(points) | MetricData::UpDownCounter(points) => points
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

fn etl() -> Pipeline {
    Pipeline::builder("etl")
        .task("extract", [], |c: TaskContext| async move {
            c.set_records(7);
            Ok::<_, String>(())
        })
        .add_task(
            Task::new("load", |c: TaskContext| async move {
                match c.attempt() {
                    1 => Err("refused"),
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

#[tokio::test]
async fn a_run_is_counted_with_its_tasks_retries_and_records() {
    let captured = testing::capture_async(etl().run()).await;
    let metrics = &captured.metrics;
    let are = |name, expected: &[(&str, f64)]| {
        let mut found = family(metrics, name);
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let found: Vec<_> = found.iter().map(|(l, v)| (&**l, *v)).collect();
        assert_eq!(found, expected, "{name}");
    };
    let run = [("pipeline=etl,state=succeeded", 1.0)];
    are("obs.pipeline.runs", &run);
    are("obs.pipeline.run.duration", &run);
    are("obs.pipeline.active_runs", &[("pipeline=etl", 0.0)]);
    let retried = [("pipeline=etl,task=load", 1.0)];
    are("obs.pipeline.task.retries", &retried);
    are(
        "obs.pipeline.records",
        &[("pipeline=etl,task=extract", 7.0)],
    );
    let ended = [
        ("pipeline=etl,state=succeeded,task=extract", 1.0),
        ("pipeline=etl,state=succeeded,task=load", 1.0),
    ];
    are("obs.pipeline.tasks", &ended);
    are("obs.pipeline.task.duration", &ended);
}

/// Nobody is told of a failed attempt that was followed by a better one.
#[tokio::test(start_paused = true)]
async fn tasks_are_counted_by_their_state_and_the_type_of_their_error() {
    let pipeline = Pipeline::builder("ends")
        .task("fails", [], |_| async { "no".parse::<u8>().map(drop) })
        .task("panics", [], |_| async {
            panic!("boom") as Result<(), String>
        })
        .add_task(
            Task::new("hangs", |_| std::future::pending::<Result<(), String>>())
                .timeout(Duration::from_secs(1)),
        )
        .task("asked", [], |_| async {
            Err::<(), _>(TaskError::new("quota", "too many"))
        })
        .task("behind", ["fails"], |_| async { Ok::<_, String>(()) })
        .build()
        .unwrap();
    let captured = testing::capture_async(pipeline.run()).await;
    let tasks = captured.assert_metric("obs.pipeline.tasks");
    for (task, state) in [
        ("fails", "failed"),
        ("panics", "panicked"),
        ("hangs", "timed_out"),
        ("asked", "failed"),
        ("behind", "skipped"),
    ] {
        let one = tasks.clone().labels([("task", task), ("state", state)]);
        one.value(1);
    }
    let tasks = tasks.series(5);
    tasks.total(5);
    let errors = captured.assert_metric("obs.pipeline.task.errors");
    for (task, kind) in [
        ("fails", "core::num::error::ParseIntError"),
        ("panics", "panic"),
        ("hangs", "timeout"),
        ("asked", "quota"),
    ] {
        let one = errors
            .clone()
            .labels([("task", task), ("error.type", kind)]);
        one.value(1);
    }
    errors.series(4).total(4);
}

#[tokio::test]
async fn a_run_is_active_until_it_has_ended() {
    let seen = || {
        let families = crate::scope::current_metrics().collect_all();
        family(&families, "obs.pipeline.active_runs")
    };
    let captured = testing::capture_async(async {
        let pipeline = Pipeline::builder("one")
            .task("look", [], move |_| async move { Ok::<_, String>(seen()) });
        let result = pipeline.build().unwrap().run().await.unwrap();
        let inside: &Vec<(String, f64)> = result.output("look").unwrap();
        assert_eq!(*inside, [("pipeline=one".to_owned(), 1.0)]);
    })
    .await;
    captured.assert_metric("obs.pipeline.active_runs").value(0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_slot_is_counted_and_how_long() {
    type Seen = (Vec<(String, f64)>, Vec<(String, f64)>);

    let look = |name: &'static str| {
        let families = crate::scope::current_metrics().collect_all();
        family(&families, name)
    };
    let task = move |_: TaskContext| async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let depth = look("obs.pipeline.queue.depth");
        Ok::<_, String>((depth, look("obs.pipeline.active_attempts")))
    };
    let captured = testing::capture_async(async {
        let pipeline = Pipeline::builder("narrow");
        let pipeline = pipeline.task("first", [], task).task("second", [], task);
        let pipeline = pipeline.build().unwrap().max_parallel_tasks(1);
        pipeline.run().await.unwrap()
    })
    .await;
    let seen = |task| captured.value.output::<Seen>(task).unwrap();
    let one = |labels: &str, value| (labels.to_owned(), value);
    assert_eq!(seen("first").0, [one("pipeline=narrow", 1.0)]);
    assert_eq!(seen("first").1, [one("pipeline=narrow,task=first", 1.0)]);
    assert_eq!(seen("second").0, [one("pipeline=narrow", 0.0)]);
    let active = &seen("second").1;
    assert!(active.contains(&one("pipeline=narrow,task=second", 1.0)));
    assert!(active.contains(&one("pipeline=narrow,task=first", 0.0)));
    let waits = captured.assert_metric("obs.pipeline.queue.wait_time");
    waits.clone().labels([("task", "first")]).count(1).value(0);
    waits.labels([("task", "second")]).count(1).value(2);
    captured.assert_metric("obs.pipeline.queue.depth").value(0);
}

/// Whoever has no limit never waits: there is nothing to be measured.
#[tokio::test]
async fn without_limits_no_wait_is_measured() {
    let captured = testing::capture_async(etl().run()).await;
    let name = "obs.pipeline.queue.wait_time";
    assert!(captured.metrics.iter().all(|family| family.name != name));
}

#[tokio::test]
async fn a_run_that_is_cut_off_leaves_nothing_active_or_waiting() {
    let endless = || std::future::pending::<Result<(), String>>();
    let pipeline = Pipeline::builder("cut")
        .task("first", [], move |_| endless())
        .task("second", [], move |_| endless());
    let pipeline = pipeline.build().unwrap().max_parallel_tasks(1);
    let captured = testing::capture_async(async {
        let run = pipeline.start().await.unwrap();
        tokio::task::yield_now().await;
        run.cancel();
        run.wait().await.unwrap()
    })
    .await;
    for name in [
        "obs.pipeline.queue.depth",
        "obs.pipeline.active_attempts",
        "obs.pipeline.active_runs",
    ] {
        captured.assert_metric(name).total(0);
    }
}

// bug: each run looked every series up again.
#[test]
fn a_graph_is_shown_once_in_each_scope() {
    fn graph(retries: u32) -> Graph {
        let task = Task::new("load", |_| async { Ok::<_, std::io::Error>(()) });
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
    let _ = Meters::of(&scope, &graph(0), &[]);
    assert_eq!(shown(&scope, "obs.pipeline.runs"), Some(4));
    assert_eq!(shown(&scope, "obs.pipeline.active_runs"), Some(1));
    assert_eq!(shown(&scope, "obs.pipeline.tasks"), Some(8));
    assert_eq!(shown(&scope, "obs.pipeline.items"), None);
    assert_eq!(shown(&scope, "obs.pipeline.task.retries"), None);
    let errors = family(&scope.metrics.collect_all(), "obs.pipeline.task.errors");
    let errors: Vec<_> = errors.iter().map(|(labels, _)| &**labels).collect();
    assert_eq!(
        errors,
        [
            "error.type=panic,pipeline=etl,task=load",
            "error.type=run_deadline,pipeline=etl,task=load",
            "error.type=std::io::error::Error,pipeline=etl,task=load",
        ]
    );
    // Another graph of the same name, with a handler.
    let closure = ["main.rs:1".into()];
    let _ = Meters::of(&scope, &graph(1), &closure);
    assert_eq!(shown(&scope, "obs.pipeline.task.retries"), Some(1));
    assert_eq!(shown(&scope, "obs.pipeline.task.duration"), None);
    assert_eq!(shown(&scope, "obs.pipeline.handler.calls"), Some(4));
    let known = scope.extension::<Known>();
    assert!(!known.is_new(&graph(0), &[]) && !known.is_new(&graph(1), &closure));
    let other = Scope::new(0, Vec::new(), MetricsCollector::new());
    assert!(other.extension::<Known>().is_new(&graph(0), &[]));
}
