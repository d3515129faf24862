//! Encoded items on their way to a lane: they are gathered into requests, and each request that is full is handed over.
//!
//! The sinks of spans and of log records say how an item is encoded. When a request ends, and what a flush waits for,
//! is the same for both.

use std::sync::Arc;
use std::time::Instant;

use crate::Error;
use crate::exporter::otlp::batch::{Envelope, Open, Resource};
use crate::exporter::otlp::config::{Limits, Protocol};
use crate::exporter::otlp::lane::Lane;
use crate::exporter::otlp::library::Library;
use crate::exporter::otlp::target::Target;
use crate::exporter::otlp::transport::Transport;
use crate::exporter::otlp::worker;
use crate::memory::{self, Held};
use crate::processor::sink::PendingFlush;
use crate::self_obs::{DropReason, ExporterCounters};

/// The request that is being filled, and the lane of those that are finished.
pub(super) struct Requests {
    envelope: Envelope,
    pub(super) open: Open,
    /// Items that were taken and neither handed over nor refused.
    pub(super) unsettled: u64,
    /// The part of the memory budget that this request's memory had before.
    held: Held,
    /// The most bytes of a request of several items, of which a few fit into the lane's share of the
    /// memory budget.
    pub(super) most: usize,
    pub(super) lane: Arc<Lane>,
    pub(super) limits: Limits,
    /// The longest request, which a single item can make; an item that is longer yet is dropped.
    pub(super) longest: usize,
    /// When the last request was handed over.
    last: Instant,
    is_closed: bool,
}

impl Requests {
    /// Starts the lane's first sender; `name` is that of its thread, and who speaks in the log.
    pub(super) fn start(
        name: &'static str,
        target: &Target,
        transport: Box<dyn Transport>,
        limits: Limits,
        resource: &Resource,
    ) -> Result<Self, Error> {
        let envelope = Envelope::new(resource);
        let mut requests = Self {
            open: envelope.begin(Vec::new()),
            unsettled: 0,
            held: Held::none(),
            most: 0,
            envelope,
            lane: worker::start(name, transport, target, limits)?,
            limits,
            longest: match target.protocol {
                Protocol::HttpProtobuf => limits.queue_bytes,
                Protocol::Grpc => limits.grpc_message_bytes.min(limits.queue_bytes),
            },
            last: Instant::now(),
            is_closed: false,
        };
        requests.limit();
        Ok(requests)
    }

    /// Sets how long the next request may be.
    fn limit(&mut self) {
        let most = self.limits.batch_bytes.min(self.longest);
        self.most = most.min(memory::part_of_share());
    }

    /// Adds an item of a library, to the next request if this one has no room for it.
    #[inline(never)]
    pub(super) fn add(&mut self, library: &Library, mut encode: impl FnMut(&mut Vec<u8>)) {
        if !self.open.add(library, self.most, &mut encode) {
            self.hand_over();
            // It travels alone if it is too long to have company.
            if !self.open.add(library, self.longest, &mut encode) {
                self.refuse(1, DropReason::TooLarge);
            }
        }
        self.hand_over_if_full();
    }

    #[inline]
    pub(super) fn hand_over_if_full(&mut self) {
        if self.open.len() >= self.most || self.open.items >= self.limits.batch_items {
            self.hand_over();
        }
    }

    pub(super) fn hand_over(&mut self) {
        self.last = Instant::now();
        if self.open.items > 0 {
            let empty = self.envelope.begin(Vec::new());
            let full = core::mem::replace(&mut self.open, empty);
            let mut batch = self.envelope.finish(full);
            batch.held = core::mem::replace(&mut self.held, Held::none());
            let items = batch.items;
            self.lane.hand_over(batch);
            self.unsettled -= items;
            let spare;
            (spare, self.held) = self.lane.spare();
            self.open = self.envelope.begin(spare);
            self.limit();
        }
    }

    /// Counts items as lost that no request has.
    pub(super) fn refuse(&mut self, items: u64, reason: DropReason) {
        self.unsettled -= items;
        self.lane.refuse(items, reason);
    }

    /// Gives up the request, which may end in the midst of an item.
    pub(super) fn abandon(&mut self) {
        self.open = self.envelope.begin(Vec::new());
        self.held = Held::none();
        if self.unsettled > 0 {
            self.refuse(self.unsettled, DropReason::ExporterFailed);
        }
    }

    pub(super) fn pass_end(&mut self, timer: bool) {
        if timer && self.last.elapsed() >= self.limits.delay {
            self.hand_over();
        }
    }

    pub(super) fn flush(&mut self) -> PendingFlush {
        self.hand_over();
        self.lane.pending(self.lane.told())
    }

    pub(super) fn shutdown(&mut self, deadline: Instant) -> Result<(), Error> {
        self.hand_over();
        self.is_closed = true;
        self.lane.close(deadline)
    }

    pub(super) fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.lane.counters)
    }
}

impl Drop for Requests {
    /// Ends the lane. Without a shutdown nobody waits: what remains is counted, and the thread ends.
    fn drop(&mut self) {
        if !self.is_closed {
            let _ = self.shutdown(Instant::now());
        }
    }
}
