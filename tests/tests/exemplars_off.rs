//! `OTEL_METRICS_EXEMPLAR_FILTER=always_off`: no exemplar, whoever counts.

use std::process::Command;

use obs_runtime::metrics::{Counter, Histogram, MetricData};
use obs_runtime::{Observability, traced};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[traced]
fn fails((orders, price): &(Counter, Histogram)) -> Result<(), String> {
    orders.inc();
    price.observe(7);
    Err("as the test wants it".into())
}

// One test: there is one default for the process, and the environment is that of another one.
#[test]
fn the_environment_switches_exemplars_off() -> Result {
    let variable = "OTEL_METRICS_EXEMPLAR_FILTER";
    let is_off = std::env::var_os(variable).is_some();
    if !is_off {
        let mut again = Command::new(std::env::current_exe()?);
        again.args(["--exact", "the_environment_switches_exemplars_off"]);
        assert!(again.env(variable, "always_off").status()?.success());
    }
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
            _ if is_off => 0,
            "function.calls" | "function.calls.duration" | "orders" | "price" => 1,
            _ => 0,
        };
        assert_eq!(exemplars, expected, "{}", family.name);
    }
    Ok(())
}
