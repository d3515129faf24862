use super::*;
use crate::metrics::MetricsCollector;

#[test]
fn each_metric_is_a_table() {
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").unit("{row}").labels(["task"]);
    let rows = rows.build().unwrap();
    rows.with(["load"]).unwrap().add(3);
    rows.with(["transform\x1b"]).unwrap().add(12);
    collector.gauge("queue").build().unwrap().set(-2.5);
    let latency = collector.histogram("latency").unit("s").buckets([0.1, 0.2]);
    let latency = latency.build().unwrap();
    latency.observe(0.05);
    latency.observe(0.15);
    let sizes = collector.histogram("size").exponential().build().unwrap();
    sizes.observe(8.0);
    let ages = collector.summary("age").quantiles([0.29, 0.999]);
    ages.build().unwrap().observe(8.0);
    let idle = collector
        .histogram("idle")
        .labels(["task"])
        .build()
        .unwrap();
    let _ = (rows.with(["idle"]), idle.with(["idle"]));
    let text = tables(&collector.collect_all(), 1_709_251_199_007_000_000);
    for part in [
        "metrics · 2024-02-29T23:59:59.007Z\n",
        "rows [{row}]\n  task=load             3\n  task=transform\\u{1b}  12\n",
        "queue\n  -2.5\n",
        "latency [s]\n  count=2 mean=100 ms p50=100 ms p99=",
        " max=150 ms\n",
        "size\n  count=1 mean=8 p50=8 p99=8 max=8\n",
        "age\n  count=1 mean=8 p29=8 p99.9=8\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    // What has counted nothing tells nobody anything.
    assert!(!text.contains("idle"), "{text}");
}

#[test]
fn a_closed_console_is_an_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = ConsoleMetrics::new(Closed)
        .export(MetricBatch {
            resource: &[],
            families: &[],
            unix_nanos: 0,
            temporality: crate::exporter::Temporality::Cumulative,
            deadline: std::time::Instant::now(),
        })
        .unwrap_err();
    assert!(
        error.to_string().contains("did not take the metrics"),
        "{error}"
    );
}
