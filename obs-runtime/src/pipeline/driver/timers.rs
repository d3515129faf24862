//! What is due at a time: pauses that end, and times that nothing may take longer than.
//!
//! A timer is 32 bytes, and nothing else waits with it. One whose reason is gone is not looked for;
//! it is dropped when it is due, or when such timers are the most of them.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use super::event::{Time, Unit};

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The pause before the next attempt is over.
    Retry,
    /// The attempt has taken as long as it may.
    Timeout,
    /// The next attempt has waited for a slot as long as it may.
    Queue,
    /// The task has taken as long as it may.
    Deadline,
    /// The run has.
    RunDeadline,
    /// The run is late.
    Late,
    /// Work that was left behind has had its time.
    Left,
    /// More items of a mapped task may begin.
    Items,
}

/// A time, and what is due then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub(super) at: Time,
    /// Timers of the same moment come in the order in which they were set.
    order: u32,
    pub(super) due: Due,
    pub(super) unit: Unit,
    /// The attempts that were made when it was set: one that is no longer so many is stale.
    pub(super) attempt: u32,
}

const _: () = assert!(size_of::<Timer>() <= 32);

/// The timers of a run.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    order: u32,
    /// At most this many of them have lost their reason.
    stale: usize,
}

impl Timers {
    pub(super) fn set(&mut self, at: Time, due: Due, unit: Unit, attempt: u32) {
        if at == Time::NEVER {
            return;
        }
        self.order = self.order.wrapping_add(1);
        self.heap.push(Reverse(Timer {
            at,
            order: self.order,
            due,
            unit,
            attempt,
        }));
    }

    /// Notes that a timer has lost its reason.
    pub(super) fn forget(&mut self) {
        self.stale += 1;
    }

    /// Drops those without a reason if they are the most.
    pub(super) fn tidy(&mut self, is_live: impl Fn(&Timer) -> bool) {
        const FEW: usize = 1_024;
        if self.stale > FEW && self.stale > self.heap.len() / 2 {
            self.heap.retain(|timer| is_live(&timer.0));
            self.stale = 0;
        }
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|timer| timer.0.at)
    }

    /// Takes the next timer that is due by now.
    pub(super) fn pop(&mut self, now: Time) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|timer| timer.0)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}
