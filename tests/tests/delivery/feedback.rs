//! What works for telemetry is not recorded itself.

use std::time::Instant;

use obs_runtime::alert::{Alert, AlertManager, Notifier, NotifyError, Severity};
use obs_runtime::exporter::{MetricBatch, MetricExporter, RecordExporter};
use obs_runtime::metrics::{MetricData, MetricFamily, MetricSource};
use obs_runtime::trace::SpanRecord;
use obs_runtime::{Error, Observability, traced};
use obs_tests::exporters::Kept;
use tracing_subscriber::prelude::*;

/// Does with annotated functions what its users do.
#[traced(track_concurrency)]
fn helper() {
    obs_runtime::span!("by hand").in_scope(|_| ());
    tracing::info_span!("of tracing").in_scope(|| tracing::info!("an event"));
}

struct Records(Kept);

impl RecordExporter for Records {
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        helper();
        self.0.export(batch)
    }

    fn shutdown(&mut self) -> Result<(), Error> {
        helper();
        Ok(())
    }
}

struct Metrics;

impl MetricExporter for Metrics {
    fn export(&mut self, _: MetricBatch<'_>) -> Result<(), Error> {
        helper();
        Ok(())
    }
}

struct Source;

impl MetricSource for Source {
    fn collect(&self, _: &mut Vec<MetricFamily>) {
        helper();
    }
}

struct Notify;

impl Notifier for Notify {
    fn name(&self) -> &'static str {
        "notify"
    }

    fn notify(&mut self, _: &Alert, _: Instant) -> Result<(), NotifyError> {
        helper();
        Ok(())
    }
}

#[traced]
fn work() {}

// bug: an exporter with an annotated helper exported that helper's spans with the next batch, for ever.
#[test]
fn the_threads_of_obs_record_nothing() -> Result<(), Error> {
    obs_tests::own_process!();

    tracing_subscriber::registry()
        .with(obs_runtime::interop::tracing::layer())
        .init();
    let kept = Kept::default();
    let alerts = AlertManager::builder().notifier(Notify).build()?;
    let obs = Observability::builder()
        .record_exporter(Records(kept.clone()))
        .metric_exporter(Metrics)
        .metric_source(Source)
        .install()?;
    work();
    alerts.send(Alert::new(Severity::Info, "test"));
    alerts.flush(std::time::Duration::MAX)?;
    for _ in 0..3 {
        obs.force_flush()?;
    }
    let metrics = obs.collect_metrics();
    let sum = |name: &str| {
        let family = metrics.iter().find(|family| family.name == name).unwrap();
        let MetricData::Counter(points) = &family.data else {
            panic!("{family:?}")
        };
        points.iter().map(|p| p.value.as_f64()).sum::<f64>()
    };
    assert_eq!(
        (sum("function.calls"), sum("obs.spans.recorded")),
        (1.0, 1.0)
    );
    let concurrent = |family: &MetricFamily| family.name == "function.calls.concurrent";
    assert!(!metrics.iter().any(concurrent), "{metrics:?}");
    obs.shutdown()?;
    let names: Vec<_> = kept.spans().iter().map(|s| s.name.to_string()).collect();
    assert_eq!(names, ["work"]);
    Ok(())
}
