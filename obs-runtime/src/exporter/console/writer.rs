//! Writes texts on a thread of their own: a terminal that takes nothing does not keep the drain.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::Error;
use crate::exporter::delivery::{Consumer, Delivery, DeliveryConfig, Outcome, Queue};
use crate::processor::sink::PendingFlush;
use crate::self_obs::{DropReason, ExporterCounters};

/// Texts that wait for a slow terminal or are being written.
pub(super) const QUEUE: usize = 64;

/// Hands texts to the thread `obs-console`, which starts with the first one.
pub(super) struct Writer {
    delivery: Delivery<Text>,
}

/// A text that shows so many items.
struct Text {
    text: String,
    items: u64,
}

struct Output(Box<dyn Write + Send>);

impl Consumer<Text> for Output {
    fn deliver(&mut self, Text { text, items }: Text, _: &Queue<Text>) -> Outcome {
        let written = self.0.write_all(text.as_bytes());
        let _ = self.0.flush();
        match written {
            Ok(()) => Outcome::default(),
            Err(_) => Outcome::lost(DropReason::Unreachable, items),
        }
    }
}

impl Writer {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        let config = DeliveryConfig {
            thread: "obs-console".to_owned(),
            bound: QUEUE,
            late: "standard error did not take what was printed before the deadline",
            counters: Arc::new(ExporterCounters::new("console")),
        };
        Self {
            delivery: Delivery::new(config, Output(out)),
        }
    }

    /// Counts an item that will be printed.
    pub(super) fn take(&self) {
        let taken = &self.delivery.counters().taken;
        taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Has a text printed that shows so many items.
    pub(super) fn print(&self, text: String, items: u64) {
        self.delivery.push(Text { text, items }, 1, items);
    }

    pub(super) fn flush(&self) -> PendingFlush {
        self.delivery.flush()
    }

    /// Waits for the end; what a terminal has not taken by then stays in flight, and may be printed yet.
    pub(super) fn shutdown(&self, deadline: Instant) -> Result<(), Error> {
        self.delivery.shutdown(deadline)
    }

    pub(super) fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(self.delivery.counters())
    }
}
