//! The drain's end of the OTLP exporter for logs.

use core::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Error;
use crate::exporter::otlp::batch::{Envelope, ITEMS, Resource};
use crate::exporter::otlp::config::{BatchLimits, Limits, Protocol};
use crate::exporter::otlp::lane::{Accepts, Lane};
use crate::exporter::otlp::log::{OpenLogs, log_record};
use crate::exporter::otlp::log_limits::LogLimits;
use crate::exporter::otlp::target::Target;
use crate::exporter::otlp::transport::Transport;
use crate::exporter::otlp::worker;
use crate::logs::LogRecord;
use crate::processor::sink::{LogSink, PendingFlush};
use crate::self_obs::{DropReason, ExporterCounters};

/// Gathers log records into requests and hands these to the sender thread.
pub(crate) struct OtlpLogSink {
    envelope: Envelope,
    open: OpenLogs,
    /// The record that is being added.
    record: Vec<u8>,
    lane: Arc<Lane>,
    batch_records: u64,
    batch_bytes: usize,
    /// The longest request; a single larger record is dropped.
    request_bytes: usize,
    /// A request that is not full goes out so long after the one before it.
    delay: Duration,
    log_limits: LogLimits,
    last: Instant,
    is_closed: bool,
}

impl OtlpLogSink {
    pub(super) fn start(
        target: &Target,
        transport: Box<dyn Transport>,
        limits: Limits,
        logs: BatchLimits,
        log_limits: LogLimits,
        resource: &Resource,
    ) -> Result<Self, Error> {
        let lane = Lane::new(target.signal, limits.queue_bytes);
        worker::start("obs-otlp-logs", &lane, transport, target, limits)?;
        Ok(Self {
            envelope: Envelope::new(resource),
            open: OpenLogs::default(),
            record: Vec::new(),
            lane,
            batch_records: logs.batch_items.unwrap_or(limits.batch_spans),
            batch_bytes: limits.batch_bytes,
            request_bytes: match target.protocol {
                Protocol::HttpProtobuf => limits.queue_bytes,
                Protocol::Grpc => limits.grpc_message_bytes.min(limits.queue_bytes),
            },
            delay: logs.delay.unwrap_or_default(),
            log_limits,
            last: Instant::now(),
            is_closed: false,
        })
    }

    /// Whether the receiver takes logs, as far as it has said.
    pub(crate) fn accepts(&self) -> Accepts {
        self.lane.accepts()
    }

    fn hand_over(&mut self) {
        self.last = Instant::now();
        if self.open.items > 0 {
            let batch = self.open.finish(&self.envelope, self.lane.spare());
            self.lane.hand_over(batch);
        }
    }
}

impl LogSink for OtlpLogSink {
    fn log(&mut self, record: &LogRecord) {
        self.lane.counters.taken.fetch_add(1, Ordering::Release);
        self.record.clear();
        log_record(&mut self.record, ITEMS, record, self.log_limits);
        let growth = OpenLogs::growth(&record.target, &self.record);
        if growth > self.request_bytes {
            self.lane.lose(DropReason::TooLarge, 1);
            return;
        }
        if self.open.len + growth > self.request_bytes {
            self.hand_over();
        }
        self.open.add(record, &self.record);
        if self.open.len >= self.batch_bytes || self.open.items >= self.batch_records {
            self.hand_over();
        }
    }

    fn pass_end(&mut self, idle: bool) {
        if idle && self.last.elapsed() >= self.delay {
            self.hand_over();
        }
    }

    fn flush(&mut self) -> PendingFlush {
        // Losses from here on are those of this flush.
        let mark = self.lane.mark();
        self.hand_over();
        self.lane.pending(mark)
    }

    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        let mark = self.lane.mark();
        self.hand_over();
        self.is_closed = true;
        self.lane.close(mark, deadline)
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.lane.counters)
    }
}

impl Drop for OtlpLogSink {
    /// Without a shutdown nobody waits: what remains is counted, and the thread ends.
    fn drop(&mut self) {
        if !self.is_closed {
            let _ = self.shutdown(Instant::now());
        }
    }
}

#[cfg(test)]
#[path = "log_sink_tests.rs"]
mod tests;
