//! The drain's end of the OTLP exporter: spans are encoded where they lie.

use core::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Instant;

use crate::Error;
use crate::exporter::otlp::batch::{Envelope, Open, Resource};
use crate::exporter::otlp::config::{Limits, Protocol};
use crate::exporter::otlp::lane::{Accepts, Lane};
use crate::exporter::otlp::library::Library;
use crate::exporter::otlp::span::SpanEncoder;
use crate::exporter::otlp::target::Target;
use crate::exporter::otlp::transport::Transport;
use crate::exporter::otlp::worker;
use crate::processor::sink::{PendingFlush, SpanSink};
use crate::self_obs::{DropReason, ExporterCounters};
use crate::trace::{SpanLimits, SpanView};

/// Gathers spans into requests and hands these to the sender thread.
pub(super) struct OtlpSpanSink {
    envelope: Envelope,
    encoder: SpanEncoder,
    open: Open,
    lane: Arc<Lane>,
    limits: Limits,
    /// The longest request; a single larger span is dropped.
    request_bytes: usize,
    /// When the last request was handed over.
    last: Instant,
    is_closed: bool,
}

impl OtlpSpanSink {
    pub(super) fn start(
        target: &Target,
        transport: Box<dyn Transport>,
        limits: Limits,
        resource: &Resource,
        logs: Option<Accepts>,
    ) -> Result<Self, Error> {
        let lane = Lane::bounded(target.signal, limits.queue_bytes, limits.queue_spans);
        worker::start("obs-otlp-traces", &lane, transport, target, limits)?;
        let envelope = Envelope::new(resource);
        let open = envelope.begin(Vec::new());
        Ok(Self {
            envelope,
            encoder: SpanEncoder::new(SpanLimits::current(), logs),
            open,
            lane,
            limits,
            request_bytes: match target.protocol {
                Protocol::HttpProtobuf => limits.queue_bytes,
                Protocol::Grpc => limits.grpc_message_bytes.min(limits.queue_bytes),
            },
            last: Instant::now(),
            is_closed: false,
        })
    }

    #[cfg(test)]
    pub(super) fn lane(&self) -> &Lane {
        &self.lane
    }

    fn hand_over(&mut self) {
        self.last = Instant::now();
        if self.open.items > 0 {
            let next = self.envelope.begin(self.lane.spare());
            let full = core::mem::replace(&mut self.open, next);
            self.lane.hand_over(self.envelope.finish(full));
        }
    }

    /// Takes the span back that made a request too long, and puts it into the next one if it
    /// fits there.
    #[cold]
    fn overflow(&mut self, view: &SpanView<'_>, before: usize) {
        self.open.truncate(before);
        self.hand_over();
        self.encoder.span(&mut self.open.out, view);
        if self.open.len() > self.request_bytes {
            self.open.truncate(0);
            self.lane.lose(DropReason::TooLarge, 1);
        } else {
            self.open.items = 1;
        }
    }
}

impl OtlpSpanSink {
    /// A span that belongs to a library.
    #[inline(never)]
    fn of_library(&mut self, view: &SpanView<'_>, library: Library) {
        if !self.add(view, library) {
            self.hand_over();
            if !self.add(view, library) {
                self.lane.lose(DropReason::TooLarge, 1);
                return;
            }
        }
        if self.open.len() >= self.limits.batch_bytes || self.open.items >= self.limits.batch_spans
        {
            self.hand_over();
        }
    }

    /// Whether there was room.
    fn add(&mut self, view: &SpanView<'_>, library: Library) -> bool {
        let most = self.request_bytes.saturating_sub(self.open.own_len());
        let encode = |out: &mut Vec<u8>| self.encoder.span(out, view);
        let fits = self.open.libraries.add(library, most, encode);
        self.open.items += u64::from(fits);
        fits
    }
}

impl SpanSink for OtlpSpanSink {
    fn span(&mut self, view: &SpanView<'_>) {
        // One thread at a time calls, and nobody else writes: no locked instruction is needed.
        let taken = &self.lane.counters.taken;
        taken.store(taken.load(Ordering::Relaxed) + 1, Ordering::Release);

        let before = self.open.own_len();
        if let Some(library) = self.encoder.own(&mut self.open.out, view) {
            self.of_library(view, library);
            return;
        }
        let len = self.open.len();
        if len > self.request_bytes {
            self.overflow(view, before);
        } else {
            self.open.items += 1;
        }
        if len >= self.limits.batch_bytes || self.open.items >= self.limits.batch_spans {
            self.hand_over();
        }
    }

    fn pass_end(&mut self, idle: bool) {
        if idle && self.last.elapsed() >= self.limits.delay {
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

impl Drop for OtlpSpanSink {
    /// Without a shutdown nobody waits: what remains is counted, and the thread ends.
    fn drop(&mut self) {
        if !self.is_closed {
            let _ = self.shutdown(Instant::now());
        }
    }
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "sink_library_tests.rs"]
mod library_tests;
