//! The drain's end of the OTLP exporter: spans are encoded where they lie.

use core::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Instant;

use crate::Error;
use crate::exporter::otlp::batch::Resource;
use crate::exporter::otlp::config::Limits;
use crate::exporter::otlp::lane::Accepts;
use crate::exporter::otlp::requests::Requests;
use crate::exporter::otlp::span::SpanEncoder;
use crate::exporter::otlp::target::Target;
use crate::exporter::otlp::transport::Transport;
use crate::processor::sink::{PendingFlush, SpanSink};
use crate::self_obs::{DropReason, ExporterCounters};
use crate::trace::{SpanLimits, SpanView};

/// Encodes spans into requests.
pub(super) struct OtlpSpanSink {
    pub(super) requests: Requests,
    encoder: SpanEncoder,
}

impl OtlpSpanSink {
    pub(super) fn start(
        target: &Target,
        transport: Box<dyn Transport>,
        limits: Limits,
        resource: &Resource,
        logs: Option<Accepts>,
    ) -> Result<Self, Error> {
        Ok(Self {
            requests: Requests::start("obs-otlp-traces", target, transport, limits, resource)?,
            encoder: SpanEncoder::new(SpanLimits::current(), logs),
        })
    }

    /// Takes the span back that made a request too long, and puts it into the next one. It travels alone there if it is
    /// too long to have company.
    #[cold]
    fn overflow(&mut self, view: &SpanView<'_>, before: usize) {
        let requests = &mut self.requests;
        requests.open.truncate(before);
        requests.hand_over();
        self.encoder.span(&mut requests.open.out, view);
        if requests.open.len() > requests.longest {
            requests.open.truncate(0);
            requests.refuse(1, DropReason::TooLarge);
        } else {
            requests.open.items = 1;
        }
    }
}

impl SpanSink for OtlpSpanSink {
    fn span(&mut self, view: &SpanView<'_>) {
        let requests = &mut self.requests;
        // One thread at a time calls, and nobody else writes: no locked instruction is needed.
        let taken = &requests.lane.counters.taken;
        taken.store(taken.load(Ordering::Relaxed) + 1, Ordering::Release);
        requests.unsettled += 1;

        let before = requests.open.own_len();
        if let Some(library) = self.encoder.own(&mut requests.open.out, view) {
            let encode = |out: &mut Vec<u8>| self.encoder.span(out, view);
            requests.add(&library, encode);
            return;
        }
        if requests.open.len() > requests.most {
            self.overflow(view, before);
        } else {
            requests.open.items += 1;
        }
        self.requests.hand_over_if_full();
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
#[path = "sink_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "sink_library_tests.rs"]
mod library_tests;

#[cfg(test)]
#[path = "answer_tests.rs"]
mod answer_tests;

#[cfg(test)]
#[path = "size_tests.rs"]
mod size_tests;

#[cfg(test)]
#[path = "health_tests.rs"]
mod health_tests;

#[cfg(test)]
#[path = "abandon_tests.rs"]
mod abandon_tests;
