//! The memory budget: how many bytes finished data may take while it waits, wherever it does.
//!
//! The buffers of threads, the texts beside them, the traces that tail sampling holds back, log
//! records and the queues of exporters take from one budget of the process, so that its memory is
//! bounded however slow a receiver is. Whoever finds no room drops what it has and counts the loss.
//!
//! Queues behind exporters have equal [`Share`]s of three quarters of the budget, because a receiver
//! that hangs must not take the room of the others, nor that of the threads that record. Those leave
//! an eighth, or after a burst nothing that is read would find room behind them.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::fork::{self, Process};

/// The budget unless the builder sets one.
const DEFAULT: usize = 64 << 20;
/// The smallest budget that can be set: a few threads fit into it, and requests that are short.
const LEAST: usize = 256 << 10;
/// What an allocation takes beside its bytes.
pub(crate) const ALLOCATION: usize = 16;

static LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT);
static HELD: AtomicUsize = AtomicUsize::new(0);
/// The shares that were used so far and are still there.
static SHARES: AtomicUsize = AtomicUsize::new(0);

/// Sets the budget of the process.
pub(crate) fn set_limit(bytes: usize) {
    LIMIT.store(bytes.max(LEAST), Ordering::Relaxed);
}

/// Forgets what a forked child's parent holds.
pub(crate) fn start() {
    fork::in_child(|| {
        HELD.store(0, Ordering::Relaxed);
        SHARES.store(0, Ordering::Relaxed);
    });
}

/// Takes bytes from the budget, if they are there.
///
/// It is for the threads that record, which leave an eighth.
pub(crate) fn hold(bytes: usize) -> bool {
    let limit = LIMIT.load(Ordering::Relaxed);
    add_below(limit - limit / 8, &HELD, bytes)
}

/// Adds bytes to a sum that stays below its limit, and returns whether they fit.
fn add_below(limit: usize, sum: &AtomicUsize, bytes: usize) -> bool {
    let add = |now: usize| now.checked_add(bytes).filter(|sum| *sum <= limit);
    sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
        .is_ok()
}

/// Returns the most bytes that all queues behind exporters, and what tail sampling holds back, may
/// find in use when they take more: a quarter stays for the threads that record.
fn limit_behind() -> usize {
    let limit = LIMIT.load(Ordering::Relaxed);
    limit - limit / 4
}

/// Gives bytes back that were [held](hold).
pub(crate) fn release(bytes: usize) {
    HELD.fetch_sub(bytes, Ordering::Relaxed);
}

/// Bytes of the budget that are given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: usize,
    share: Option<Arc<Share>>,
    process: Process,
}

impl Held {
    /// Holds nothing yet.
    pub(crate) fn none() -> Self {
        Self {
            bytes: 0,
            share: None,
            process: Process::current(),
        }
    }

    /// Returns how many bytes these are.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds more, if that is there. It is for what no share bounds.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let is_held = add_below(limit_behind(), &HELD, bytes);
        self.bytes += if is_held { bytes } else { 0 };
        is_held
    }

    /// Gives a part back.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.give_back(bytes);
    }

    fn give_back(&self, bytes: usize) {
        // What a forked child inherits was never part of its budget.
        if self.process.is_current() {
            match &self.share {
                Some(share) => share.give_back(bytes),
                None => release(bytes),
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

/// The part of the budget that one queue behind an exporter may have.
#[derive(Debug, Default)]
pub(crate) struct Share {
    held: AtomicUsize,
    /// Whether it counts among the others: a queue that was never used takes nobody's room.
    is_used: OnceLock<Process>,
}

impl Share {
    /// Takes bytes from the share and from the budget, if they are there.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        self.is_used.get_or_init(|| {
            SHARES.fetch_add(1, Ordering::Relaxed);
            Process::current()
        });
        if !add_below(limit_of_share(), &self.held, bytes) {
            return false;
        }
        let is_held = add_below(LIMIT.load(Ordering::Relaxed), &HELD, bytes);
        if !is_held {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
        }
        is_held
    }

    /// Gives bytes back that were [taken](Self::take).
    pub(crate) fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        release(bytes);
    }

    /// Takes bytes until what is returned is dropped, if they are there.
    pub(crate) fn hold(self: &Arc<Self>, bytes: usize) -> Option<Held> {
        let mut held = Held::none();
        self.extend(&mut held, bytes).then_some(held)
    }

    /// Has `held`, which is of this share or nothing yet, be as many bytes at least, if they are
    /// there.
    pub(crate) fn extend(self: &Arc<Self>, held: &mut Held, bytes: usize) -> bool {
        let more = bytes.saturating_sub(held.bytes);
        let is_held = more == 0 || self.take(more);
        if is_held {
            held.bytes += more;
            held.share.get_or_insert_with(|| Arc::clone(self));
        }
        is_held
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self
            .is_used
            .get()
            .is_some_and(|process| process.is_current())
        {
            SHARES.fetch_sub(1, Ordering::Relaxed);
            release(*self.held.get_mut());
        }
    }
}

/// Returns how many bytes each share may hold.
fn limit_of_share() -> usize {
    limit_behind() / SHARES.load(Ordering::Relaxed).max(1)
}

/// Returns how large a request or a batch should be at most, so that several fit into a share.
pub(crate) fn part_of_share() -> usize {
    limit_of_share() / 4
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
