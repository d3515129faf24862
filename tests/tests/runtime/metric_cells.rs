//! What happens when the cells of all metrics are used up. There is one space of
//! cells for all collectors of a process.

use obs_runtime::metrics::{Counter, MetricData, MetricsCollector};
use obs_tests::own_process;

type Result<T = ()> = std::result::Result<T, obs_runtime::Error>;

/// Counters until there is no room.
fn fill(collector: &MetricsCollector) -> (Vec<Counter>, obs_runtime::Error) {
    let mut counters = Vec::new();
    loop {
        match collector.counter(format!("c{}", counters.len())).build() {
            Ok(counter) => counters.push(counter),
            Err(error) => return (counters, error),
        }
    }
}

#[test]
fn without_cells_series_overflow_and_metrics_are_refused_until_some_are_free() -> Result {
    own_process!();
    let collector = MetricsCollector::new();
    // About 500 cells a series, of a million.
    let large = collector
        .histogram("large")
        .labels(["x"])
        .buckets((0..500_u16).map(f64::from))
        .max_series(10_000)
        .build()?;
    for x in 0..3_000 {
        large.with([x.to_string()])?.observe(x);
    }
    let MetricData::Histogram(points) = &collector.collect_all()[0].data else {
        panic!("a histogram");
    };
    assert!((2_000..2_100).contains(&points.len()), "{}", points.len());
    assert_eq!(points.iter().map(|p| p.count).sum::<u64>(), 3_000);
    assert_eq!(
        points
            .last()
            .and_then(|p| p.labels.get("otel.metric.overflow")),
        Some("true")
    );
    drop(large);

    let (counters, error) = fill(&collector);
    assert!(
        error.is_metric() && error.to_string().contains("no room"),
        "{error}"
    );
    for counter in &counters {
        counter.inc();
        assert!((counter.value() - 1.0).abs() < f64::EPSILON);
    }

    // Removing the histogram makes room for another of its size, which starts at zero.
    assert!(collector.remove("large"));
    let again = collector
        .histogram("again")
        .buckets((0..500_u16).map(f64::from))
        .build()?;
    assert_eq!(again.count(), 0);
    again.observe(3);
    assert_eq!((again.count(), again.snapshot().max), (1, Some(3.0)));
    Ok(())
}
