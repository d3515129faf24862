//! The drain's part for logs: takes records out of the queue, masks secrets, hands them to the
//! sinks.
//!
//! The errors of finished spans become records here, too. It runs in a pass of the drain.

use std::sync::Arc;

use crate::guarded::guarded;
use crate::logs::{self, LogQueue, LogRecord};
use crate::processor::hand_on::{each_sink, lose, say_panicked};
use crate::processor::sink::{LogSink, PendingFlush};
use crate::self_obs::{DropReason, LogStats};
use crate::trace::{Outcome, SpanView};

/// The logs of one scope.
pub(crate) struct Logs {
    scope: u16,
    queue: Arc<LogQueue>,
    sinks: Vec<Box<dyn LogSink>>,
    /// The errors of the spans of this pass.
    exceptions: Vec<LogRecord>,
    /// The number of such errors in all passes.
    exception_count: u64,
}

impl Logs {
    /// Makes the scope take logs from now on. Without a sink it takes none.
    pub(crate) fn start(
        scope: u16,
        most_records: Option<usize>,
        sinks: Vec<Box<dyn LogSink>>,
    ) -> Option<Self> {
        if sinks.is_empty() {
            return None;
        }
        let queue = Arc::new(LogQueue::new(most_records));
        logs::set(scope, Some(Arc::clone(&queue)));
        Some(Self {
            scope,
            queue,
            sinks,
            exceptions: Vec::new(),
            exception_count: 0,
        })
    }

    /// Looks at a finished span, whose error becomes a record.
    #[inline]
    pub(super) fn span(&mut self, span: &SpanView<'_>) {
        if !matches!(span.outcome, Outcome::Ok | Outcome::Cancelled)
            && let Some(record) = logs::exception(self.scope, span)
        {
            self.exceptions.push(record);
        }
    }

    /// Hands over the records that came since the last pass.
    pub(super) fn pass_end(&mut self, idle: bool) {
        let mut records = self.queue.take();
        if !self.exceptions.is_empty() {
            self.exception_count += self.exceptions.len() as u64;
            records.append(&mut self.exceptions);
            records.sort_by_key(|record| record.unix_nanos);
        }
        for mut record in records {
            if guarded(|| record.redact()).is_none() {
                // What it would have masked is not known.
                say_panicked();
                lose(
                    self.sinks.iter().map(|s| s.stats()),
                    DropReason::ExporterFailed,
                );
                continue;
            }
            each_sink(&mut self.sinks, |sink| sink.log(&record), LogSink::abandon);
        }
        each_sink(
            &mut self.sinks,
            |sink| sink.pass_end(idle),
            LogSink::abandon,
        );
    }

    pub(super) fn flush(&mut self) -> impl Iterator<Item = PendingFlush> {
        self.sinks.iter_mut().map(|sink| sink.flush())
    }

    /// Takes no more records, and makes a last pass.
    pub(super) fn close(&mut self) {
        logs::set(self.scope, None);
        self.queue.close();
        self.pass_end(true);
    }

    pub(super) fn into_sinks(self) -> Vec<Box<dyn LogSink>> {
        self.sinks
    }

    pub(super) fn stats(&self) -> LogStats {
        let (recorded, lost) = self.queue.account();
        LogStats {
            recorded: recorded + self.exception_count,
            lost,
            exporters: self.sinks.iter().map(|s| s.stats().snapshot()).collect(),
        }
    }
}
