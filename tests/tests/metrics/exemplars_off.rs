//! `OTEL_METRICS_EXEMPLAR_FILTER=always_off`: no exemplar, whoever counts.

use obs_runtime::metrics::{Counter, Histogram, MetricData};
use obs_runtime::{Observability, traced};
use obs_tests::own_process;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[traced]
fn fails((orders, price): &(Counter, Histogram)) -> Result<(), String> {
    orders.inc();
    price.observe(7);
    Err("as the test wants it".into())
}

const VARIABLE: &str = "OTEL_METRICS_EXEMPLAR_FILTER";

#[test]
fn the_environment_switches_exemplars_off() -> Result {
    own_process!(VARIABLE => "always_off");
    every_metric_has(0)
}

#[test]
fn an_environment_that_says_nothing_leaves_them_on() -> Result {
    own_process!(VARIABLE => "");
    every_metric_has(1)
}

/// One exemplar, or none, for each counter and each histogram of a call.
fn every_metric_has(expected: usize) -> Result {
    let obs = Observability::builder().install()?;
    let instruments = (
        obs.metrics().counter("orders").build()?,
        obs.metrics().histogram("price").build()?,
    );
    assert!(fails(&instruments).is_err());
    for family in obs.collect_metrics() {
        let exemplars: usize = match &family.data {
            MetricData::Counter(points) => points.iter().flat_map(|p| &p.exemplar).count(),
            MetricData::Histogram(points) => points.iter().map(|p| p.exemplars.len()).sum(),
            _ => continue,
        };
        let expected = match &*family.name {
            "function.calls" | "function.calls.duration" | "orders" | "price" => expected,
            _ => 0,
        };
        assert_eq!(exemplars, expected, "{}", family.name);
    }
    Ok(())
}
