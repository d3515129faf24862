//! The interfaces through which the drain hands over finished spans and log records.
//!
//! The drain owns these interfaces and the exporters implement them, so that imports go one way.

use std::sync::Arc;
use std::time::Instant;

use crate::Error;
use crate::logs::LogRecord;
use crate::self_obs::ExporterCounters;
use crate::trace::SpanView;

/// The drain's side of an exporter of spans.
///
/// Calls come one at a time, from whichever thread runs the pass: the drain's own, or one that
/// scrapes or flushes.
pub(crate) trait SpanSink: Send {
    /// Takes one finished span, and counts it as taken before all else. It must not block: an exporter
    /// gives bytes to a thread of its own.
    fn span(&mut self, span: &SpanView<'_>);

    /// Marks the end of a pass over the buffers.
    ///
    /// `timer` says that the pass came by the timer, or that somebody asked for it: what is
    /// gathered should go out now.
    fn pass_end(&mut self, timer: bool);

    /// Sends what was taken so far, and returns what waits for its end; the drain goes on
    /// meanwhile.
    fn flush(&mut self) -> PendingFlush;

    /// Sends what was taken and waits for it until `deadline`, then ends the sink's threads.
    ///
    /// Nothing is called afterwards.
    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error>;

    /// Counts what it has gathered and cannot vouch for as lost, because a call of it panicked: it goes
    /// on without that.
    fn abandon(&mut self);

    /// Returns the counters of what it took, passed on and lost.
    fn stats(&self) -> Arc<ExporterCounters>;
}

/// The drain's side of an exporter of logs. The calls are those of [`SpanSink`].
pub(crate) trait LogSink: Send {
    /// Takes one record, whose secrets are masked, and counts it before all else. It must not block.
    fn log(&mut self, record: &LogRecord);

    /// Marks the end of a pass, as [`SpanSink::pass_end`] does.
    fn pass_end(&mut self, timer: bool);

    /// Sends what was taken so far, as [`SpanSink::flush`] does.
    fn flush(&mut self) -> PendingFlush;

    /// Sends what was taken and ends the sink's threads, as [`SpanSink::shutdown`] does.
    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error>;

    /// Gives up what it has gathered, as [`SpanSink::abandon`] does.
    fn abandon(&mut self);

    /// Returns the counters of what it took, passed on and lost.
    fn stats(&self) -> Arc<ExporterCounters>;
}

/// What gives a scope's metrics to somebody at times of its own: an exporter, or an endpoint that
/// is scraped.
pub(crate) trait MetricReader: Send + Sync {
    /// Sends what is there now, and returns what waits for it.
    fn flush(&self) -> PendingFlush;

    /// Sends for the last time and ends its threads, until `deadline`.
    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error>;
}

/// Waits until what was handed over is settled, or until the given moment.
pub(crate) type PendingFlush = Box<dyn FnOnce(Instant) -> Result<(), Error> + Send>;
