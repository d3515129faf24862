//! Runtimes as metrics.

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::*;

/// The values of a metric, by labels as text.
fn values(source: &TokioMetrics, name: &str) -> Vec<(String, f64)> {
    let mut families = Vec::new();
    source.collect(&mut families);
    let family = families.iter().find(|f| f.name == name).expect("a metric");
    let (MetricData::Counter(points) | MetricData::UpDownCounter(points)) = &family.data else {
        panic!("{family:?}");
    };
    let text = |labels: &Labels| {
        let values: Vec<_> = labels.values().collect();
        values.join(" ")
    };
    let values = points.iter();
    values
        .map(|p| (text(&p.labels), p.value.as_f64()))
        .collect()
}

#[test]
fn tasks_are_counted_while_they_live() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    let source = TokioMetrics::new(runtime.handle());
    let none = String::new;
    assert_eq!(values(&source, "tokio.worker.count"), [(none(), 2.0)]);
    assert_eq!(values(&source, "tokio.task.count"), [(none(), 0.0)]);
    let (end, ended) = oneshot::channel::<()>();
    let task = runtime.spawn(ended);
    assert_eq!(values(&source, "tokio.task.count"), [(none(), 1.0)]);
    end.send(()).expect("the task waits");
    runtime.block_on(task).expect("no panic").expect("sent");
    // The task is taken off the list after its result is there.
    while values(&source, "tokio.task.count") != [(none(), 0.0)] {
        std::thread::yield_now();
    }
}

#[test]
fn the_queue_is_as_deep_as_what_nobody_took() {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let source = TokioMetrics::new(runtime.handle());
    // Nobody runs the runtime.
    for _ in 0..3 {
        runtime.spawn(async {});
    }
    let depth = || values(&source, "tokio.global_queue.depth");
    assert_eq!(depth(), [(String::new(), 3.0)]);
    runtime.block_on(async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(depth(), [(String::new(), 0.0)]);
}

#[test]
fn several_runtimes_have_names_and_their_workers_numbers() {
    let [a, b] = [1, 2].map(|workers| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(workers).build().expect("a runtime")
    });
    let runtimes = [("b", a.handle()), ("a", b.handle()), ("a", a.handle())];
    let source = TokioMetrics::named(runtimes);
    let expected = [("b".to_owned(), 1.0), ("a".to_owned(), 2.0)];
    assert_eq!(values(&source, "tokio.worker.count"), expected);
    let parks = values(&source, "tokio.worker.parks");
    let labels: Vec<_> = parks.iter().map(|(labels, _)| &**labels).collect();
    assert_eq!(labels, ["b 0", "a 0", "a 1"]);
    // Workers without work park, and a worker that works is busy.
    while values(&source, "tokio.worker.parks")
        .iter()
        .any(|(_, parks)| *parks == 0.0)
    {
        std::thread::yield_now();
    }
    let busy = || values(&source, "tokio.worker.busy.time")[0].1;
    let before = busy();
    while busy() <= before {
        a.block_on(a.spawn(async { std::hint::black_box(0) }))
            .expect("no panic");
    }
}
