//! The exporters of the program itself.

use crate::error::Error;
use crate::exporter::periodic::PeriodicPusher;
use crate::exporter::{ExportSchedule, MetricExporter, RecordExporter, custom};
use crate::init::Builder;
use crate::init::component::{Component, Startup};
use crate::processor::sink::{MetricReader, PendingFlush};

/// What the program hands to the builder.
#[derive(Default)]
pub(crate) struct Exporters {
    records: Vec<Box<dyn RecordExporter>>,
    metrics: Vec<(Box<dyn MetricExporter>, ExportSchedule)>,
}

impl Component for Exporters {
    fn start(&mut self, startup: &mut Startup) -> Result<(), Error> {
        for exporter in self.records.drain(..) {
            start_records("record", exporter, startup)?;
        }
        for (exporter, schedule) in self.metrics.drain(..) {
            start_metrics(exporter, schedule, startup)?;
        }
        Ok(())
    }
}

/// Starts an exporter of spans; `account` is what its account is called.
pub(crate) fn start_records(
    account: &'static str,
    mut exporter: Box<dyn RecordExporter>,
    startup: &mut Startup,
) -> Result<(), Error> {
    exporter.begin(&startup.scope.resource);
    startup.span_sinks.push(custom::sink(account, exporter)?);
    Ok(())
}

/// Starts an exporter of metrics.
pub(super) fn start_metrics(
    exporter: Box<dyn MetricExporter>,
    schedule: ExportSchedule,
    startup: &mut Startup,
) -> Result<(), Error> {
    let resource = startup.scope.resource.clone();
    let pusher = PeriodicPusher::start(exporter, schedule, resource, startup.metrics())?;
    let account = pusher.stats();
    startup.add_reader(pusher, account);
    Ok(())
}

impl MetricReader for PeriodicPusher {
    fn flush(&self) -> PendingFlush {
        Self::flush(self)
    }

    fn shutdown(&mut self, deadline: std::time::Instant) -> Result<(), Error> {
        Self::shutdown(self, deadline)
    }
}

impl Builder {
    /// Hands finished spans to your own code, in batches, from a thread of obs.
    pub fn record_exporter(mut self, exporter: impl RecordExporter) -> Self {
        let exporters = self.component::<Exporters>();
        exporters.records.push(Box::new(exporter));
        self
    }

    /// Hands metrics to your own code every minute, from a thread of obs.
    pub fn metric_exporter(self, exporter: impl MetricExporter) -> Self {
        self.metric_exporter_with(exporter, ExportSchedule::new())
    }

    /// Does the same as [`Builder::metric_exporter`], with an interval, a jitter, a deadline and a temporality of your
    /// own.
    pub fn metric_exporter_with(
        mut self,
        exporter: impl MetricExporter,
        schedule: ExportSchedule,
    ) -> Self {
        let exporters = self.component::<Exporters>();
        exporters.metrics.push((Box::new(exporter), schedule));
        self
    }
}
