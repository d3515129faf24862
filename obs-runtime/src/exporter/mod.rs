//! Where finished spans and metric snapshots go.

#[cfg(feature = "console")]
pub(crate) mod console;
pub(crate) mod custom;
pub(crate) mod delta;
pub(crate) mod json_lines;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
pub(crate) mod periodic;
pub mod prometheus;
pub(crate) mod schedule;
#[cfg(feature = "statsd")]
pub mod statsd;

use std::borrow::Cow;
use std::time::Instant;

pub use periodic::{MetricBatch, MetricExporter};
pub use schedule::ExportLoop;

use crate::logs::LogRecord;
use crate::trace::{SpanRecord, SpanView};
use crate::{AttributeValue, Error};

/// The drain's side of an exporter. All calls come from the drain thread.
pub(crate) trait SpanSink: Send {
    /// Takes one finished span. Must not block: hand bytes to a thread of your own.
    fn span(&mut self, span: &SpanView<'_>);

    /// One pass over the buffers is over. `idle` says that this pass found nothing or came by the timer,
    /// so that what is gathered should go out now.
    fn pass_end(&mut self, idle: bool);

    /// Sends off what was taken so far, and returns what waits for it: the drain goes on meanwhile.
    fn flush(&mut self) -> PendingFlush;

    /// Sends what was taken and waits for it until `deadline`, then ends the sink's threads. Nothing is called afterwards.
    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error>;

    /// What it took, passed on and lost.
    fn stats(&self) -> std::sync::Arc<crate::self_obs::ExporterCounters>;
}

/// The drain's side of an exporter of logs; the calls are those of [`SpanSink`].
pub(crate) trait LogSink: Send {
    /// Takes one record, without secrets. Must not block.
    fn log(&mut self, record: &LogRecord);

    /// One pass is over; see [`SpanSink::pass_end`].
    fn pass_end(&mut self, idle: bool);

    /// See [`SpanSink::flush`].
    fn flush(&mut self) -> PendingFlush;

    /// See [`SpanSink::shutdown`].
    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error>;

    /// What it took, passed on and lost.
    fn stats(&self) -> std::sync::Arc<crate::self_obs::ExporterCounters>;
}

/// Waits until what was handed over is settled, or the given moment.
pub(crate) type PendingFlush = Box<dyn FnOnce(Instant) -> Result<(), Error> + Send>;

/// Receives batches of finished spans; for your own destinations.
///
/// Calls come from one thread of obs, never from the instrumented code. An error counts the
/// batch as lost; nothing is retried.
pub trait RecordExporter: Send + 'static {
    /// The first call: what describes the program, the attributes of the OpenTelemetry resource.
    fn begin(&mut self, resource: &[(Cow<'static, str>, AttributeValue)]) {
        let _ = resource;
    }

    /// Takes a batch.
    ///
    /// # Errors
    /// When the batch could not be delivered; it is counted as lost.
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error>;

    /// The last call, at shutdown.
    ///
    /// # Errors
    /// When something could not be delivered.
    fn shutdown(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
