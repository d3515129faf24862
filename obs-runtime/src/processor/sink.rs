//! What the drain hands finished spans and log records to.
//!
//! The drain owns these interfaces and the exporters implement them, so that imports go one way.

use std::sync::Arc;
use std::time::Instant;

use crate::Error;
use crate::logs::LogRecord;
use crate::self_obs::ExporterCounters;
use crate::trace::SpanView;

/// The drain's side of an exporter. Calls come one at a time, from whichever thread runs the pass: the
/// drain's own, or one that scrapes or flushes.
pub(crate) trait SpanSink: Send {
    /// Takes one finished span. Must not block: hand bytes to a thread of your own.
    fn span(&mut self, span: &SpanView<'_>);

    /// One pass over the buffers is over. `timer` says that the pass came by the timer, or that somebody
    /// asked for it: what is gathered should go out now.
    fn pass_end(&mut self, timer: bool);

    /// Sends off what was taken so far, and returns what waits for it: the drain goes on meanwhile.
    fn flush(&mut self) -> PendingFlush;

    /// Sends what was taken and waits for it until `deadline`, then ends the sink's threads. Nothing is
    /// called afterwards.
    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error>;

    /// What it took, passed on and lost.
    fn stats(&self) -> Arc<ExporterCounters>;
}

/// The drain's side of an exporter of logs; the calls are those of [`SpanSink`].
pub(crate) trait LogSink: Send {
    /// Takes one record, without secrets. Must not block.
    fn log(&mut self, record: &LogRecord);

    /// One pass is over; see [`SpanSink::pass_end`].
    fn pass_end(&mut self, timer: bool);

    /// See [`SpanSink::flush`].
    fn flush(&mut self) -> PendingFlush;

    /// See [`SpanSink::shutdown`].
    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error>;

    /// What it took, passed on and lost.
    fn stats(&self) -> Arc<ExporterCounters>;
}

/// Waits until what was handed over is settled, or the given moment.
pub(crate) type PendingFlush = Box<dyn FnOnce(Instant) -> Result<(), Error> + Send>;
