//! Where finished spans, log records and metrics go.
//!
//! Spans and logs are pushed: a pass of the drain hands them to a sink (`processor/sink.rs`), which
//! gathers them and never waits. Metrics are pulled: a pusher (`periodic.rs`) collects them on its own
//! thread, a page of Prometheus on that of the request. What may block (a user's exporter, a terminal,
//! a collection, an alert's receiver) is called by the thread of a delivery (`delivery.rs`); OTLP has a
//! queue of its own, counted in bytes, before its senders and its spool.

pub(crate) mod builder;
#[cfg(feature = "console")]
pub mod console;
pub(crate) mod custom;
pub(crate) mod delivery;
pub(crate) mod delta;
#[cfg(any(feature = "otlp", feature = "alert"))]
pub(crate) mod http_client;
#[cfg(feature = "json")]
pub(crate) mod json_lines;
#[cfg(feature = "otlp")]
pub mod otlp;
pub(crate) mod periodic;
pub mod prometheus;
#[cfg(any(feature = "otlp", feature = "alert"))]
mod proxy;
pub(crate) mod schedule;
#[cfg(feature = "statsd")]
pub mod statsd;

use std::borrow::Cow;

pub use delta::Temporality;
#[cfg(feature = "json")]
pub use json_lines::JsonLines;
pub use periodic::{MetricBatch, MetricExporter};
pub use schedule::ExportSchedule;

use crate::trace::SpanRecord;
use crate::{AttributeValue, Error};

/// Receives batches of finished spans; for your own destinations.
///
/// Calls come from one thread of obs, never from the instrumented code, and nothing is recorded on
/// it; what an exporter does on threads of its own it wraps in
/// [`current::suppress`](crate::current::suppress). An error counts the batch as lost; nothing is
/// retried.
pub trait RecordExporter: Send + 'static {
    /// Begins the work of the exporter: the first call, with what describes the program, the attributes of the
    /// OpenTelemetry resource.
    fn begin(&mut self, resource: &[(Cow<'static, str>, AttributeValue)]) {
        let _ = resource;
    }

    /// Takes a batch.
    ///
    /// # Errors
    /// When the batch could not be delivered; it is counted as lost.
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error>;

    /// Ends the work of the exporter: the last call, at shutdown.
    ///
    /// # Errors
    /// When something could not be delivered.
    fn shutdown(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
