//! Deltas and exponential histograms, judged by a receiver that shares no code with obs.

use obs_runtime::exporter::otlp::OtlpConfig;
use obs_runtime::{Observability, exporter::Temporality};
use obs_tests::otlp_oracle::{Dump, OtlpOracle};
use obs_tests::own_process;
use serde_json::{Value, json};

/// What was sent of a metric in all requests: the member of each point, and the metric.
fn sent<'a>(dump: &'a Dump, name: &str, member: &str) -> (Vec<f64>, &'a Value) {
    let metrics = dump.metrics().iter().filter(|m| m["name"] == name);
    let metrics: Vec<&Value> = metrics.collect();
    let points = metrics.iter().filter_map(|m| m["points"].as_array());
    let values = points
        .flatten()
        .map(|p| p[member].as_f64().expect("a number"));
    (values.collect(), metrics.last().expect("the metric"))
}

#[test]
fn deltas_add_up_and_their_intervals_do_not_overlap() -> Result<(), obs_runtime::Error> {
    own_process!();
    let Some(oracle) = OtlpOracle::start("deltas_add_up_and_their_intervals_do_not_overlap") else {
        return Ok(());
    };
    let obs = Observability::builder()
        .service_name("deltas")
        .otlp_with(OtlpConfig::new(oracle.http_url()).temporality(Temporality::Delta))
        .install()?;
    let metrics = obs.metrics();
    let rows = metrics.counter("rows").labels(["task"]).build()?;
    let active = metrics.up_down_counter("active").build()?;
    let latency = metrics.histogram("latency").unit("s").build()?;
    let size = metrics.histogram("size").unit("By").exponential().build()?;
    let wait = metrics.summary("wait").unit("ms").build()?;
    for round in 1..=3_u32 {
        rows.with(["load"])?.add(round);
        active.inc();
        for value in 0..100 {
            latency.observe(f64::from(value) * 0.01);
            size.observe(f64::from(value) * 1e6 - 1e3);
            wait.observe(value);
        }
        obs.force_flush()?;
    }
    // Nothing is added: nothing of it is sent.
    obs.shutdown()?;
    let dump = oracle.dump();
    assert_eq!(dump.problems(), &[] as &[Value]);

    let (values, metric) = sent(&dump, "rows", "value");
    assert_eq!(
        (&values[..], &metric["temporality"]),
        (&[1.0, 2.0, 3.0][..], &json!("delta"))
    );
    let (values, metric) = sent(&dump, "active", "value");
    assert_eq!(values, [1.0, 2.0, 3.0, 3.0]);
    assert_eq!(metric["temporality"], "cumulative");
    for (name, kind) in [
        ("latency", "histogram"),
        ("size", "exponential_histogram"),
        ("wait", "exponential_histogram"),
    ] {
        let (counts, metric) = sent(&dump, name, "count");
        assert_eq!(counts, [100.0; 3], "{name}");
        assert_eq!(
            (&metric["kind"], &metric["temporality"]),
            (&json!(kind), &json!("delta"))
        );
    }
    let (sums, _) = sent(&dump, "wait", "sum");
    assert_eq!(sums, [4950.0; 3]);
    Ok(())
}
