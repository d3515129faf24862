//! The drain's end of the OTLP exporter for logs.

use core::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Instant;

use crate::Error;
use crate::exporter::otlp::batch::Resource;
use crate::exporter::otlp::config::{Limits, OtlpConfig};
use crate::exporter::otlp::lane::Accepts;
use crate::exporter::otlp::library::Library;
use crate::exporter::otlp::log::log_record;
use crate::exporter::otlp::requests::Requests;
use crate::exporter::otlp::target::Target;
use crate::exporter::otlp::transport::Transport;
use crate::logs::LogRecord;
use crate::processor::sink::{LogSink, PendingFlush};
use crate::self_obs::ExporterCounters;
use crate::trace::SpanLimits;

/// Encodes log records into requests, each under its target.
pub(crate) struct OtlpLogSink {
    requests: Requests,
    log_limits: SpanLimits,
}

impl OtlpLogSink {
    pub(super) fn start(
        target: &Target,
        transport: Box<dyn Transport>,
        config: &OtlpConfig,
        resource: &Resource,
    ) -> Result<Self, Error> {
        let limits = Limits {
            batch_items: config.logs.batch_items.unwrap_or(config.limits.batch_items),
            delay: config.logs.delay.unwrap_or_default(),
            ..config.limits
        };
        Ok(Self {
            requests: Requests::start("obs-otlp-logs", target, transport, limits, resource)?,
            log_limits: config.log_limits,
        })
    }

    /// Returns whether the receiver takes logs, as far as it has said.
    pub(crate) fn accepts(&self) -> Accepts {
        self.requests.lane.accepts.clone()
    }
}

impl LogSink for OtlpLogSink {
    fn log(&mut self, record: &LogRecord) {
        let taken = &self.requests.lane.counters.taken;
        taken.fetch_add(1, Ordering::Release);
        self.requests.unsettled += 1;
        let library = Library::of_target(record.target.clone());
        let limits = self.log_limits;
        let encode = |out: &mut Vec<u8>| log_record(out, record, limits);
        self.requests.add(&library, encode);
    }

    fn pass_end(&mut self, timer: bool) {
        self.requests.pass_end(timer);
    }

    fn flush(&mut self) -> PendingFlush {
        self.requests.flush()
    }

    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        self.requests.shutdown(deadline)
    }

    fn abandon(&mut self) {
        self.requests.abandon();
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        self.requests.stats()
    }
}

#[cfg(test)]
#[path = "log_sink_tests.rs"]
mod tests;
