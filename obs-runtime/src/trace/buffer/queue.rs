//! The queue of one thread, and the drain's view of all of them.
//!
//! A thread that finds no room for its record counts the call in its queue's overflow, so that
//! counts of calls stay exact.

use core::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use super::chain::{Chain, Limit};
use super::shared;
use crate::callsite::Callsite;
use crate::inside::Inside;
use crate::lock::lock;
use crate::trace::calls::CallCounts;
use crate::trace::view::Outcome;

/// The calls of one scope that found no room.
#[derive(Debug, Default)]
pub(crate) struct Overflow {
    pub(crate) metrics: CallCounts,
    pub(crate) lost_spans: u64,
}

/// The records of one thread, and the calls that found no room among them.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(super) chain: Chain,
    /// The overflow by scope; most programs have one scope.
    overflow: Mutex<Vec<(u16, Overflow)>>,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            chain: Chain::new(),
            overflow: Mutex::default(),
        }
    }

    /// Counts a call for which there is no room.
    pub(super) fn count_unrecorded(
        &self,
        scope: u16,
        site: &'static Callsite,
        outcome: Outcome,
        nanos: u64,
        lost_span: bool,
    ) {
        let mut all = lock(&self.overflow);
        let at = if let Some(at) = all.iter().position(|(s, _)| *s == scope) {
            at
        } else {
            all.push((scope, Overflow::default()));
            all.len() - 1
        };
        let overflow = &mut all[at].1;
        if site.metrics() {
            overflow.metrics.record(site, outcome, nanos, None);
        }
        overflow.lost_spans += u64::from(lost_span);
    }

    fn take_overflow(&self) -> Vec<(u16, Overflow)> {
        std::mem::take(&mut *lock(&self.overflow))
    }
}

/// The queues, and how far each may be read: the drain's view at the start of a pass.
pub(crate) struct Limits {
    queues: Vec<(Arc<Queue>, Limit)>,
}

/// Returns what every thread has published by now. The caller holds the drain's lock.
pub(crate) fn limits() -> Limits {
    let shared = shared();
    shared.pool.ask_again();
    let _inside = Inside::enter();
    let queues = lock(&shared.queues).clone();
    Limits::of(queues)
}

impl Limits {
    pub(super) fn of(queues: Vec<Arc<Queue>>) -> Self {
        let queues = queues.into_iter().map(|queue| {
            let limit = queue.chain.limit();
            (queue, limit)
        });
        Self {
            queues: queues.collect(),
        }
    }

    /// Passes every published record before the limits to `each`, once, and gives back the read
    /// chunks. If it panics it can be called again, and goes on after that record. Returns whether it came to the limits: after each chunk, and each queue, it asks `goes_on`. It begins
    /// with the queue after the one where the last pass was stopped, so that a thread which records
    /// without a pause does not keep those of the others.
    ///
    /// `length` returns a record's length.
    pub(crate) fn consume(
        &mut self,
        length: impl Fn(*mut u8) -> usize,
        mut each: impl FnMut(*mut u8),
        mut overflow: impl FnMut(u16, Overflow),
        goes_on: impl Fn() -> bool,
    ) -> bool {
        let shared = shared();
        let first = shared.first.load(Ordering::Relaxed);
        let count = self.queues.len().max(1);
        self.queues.rotate_left(first % count);
        let (mut ended, mut is_whole) = (false, true);
        for (at, (queue, limit)) in self.queues.iter().enumerate() {
            for (scope, lost) in queue.take_overflow() {
                overflow(scope, lost);
            }
            let chain = &queue.chain;
            is_whole = chain.consume(*limit, &shared.pool, &length, &mut each, &goes_on);
            ended |= chain.is_done();
            is_whole &= at + 1 == self.queues.len() || goes_on();
            if !is_whole {
                shared.first.store(first + at + 1, Ordering::Relaxed);
                break;
            }
        }
        if ended {
            let _inside = Inside::enter();
            lock(&shared.queues).retain(|queue| !queue.chain.is_done());
        }
        is_whole
    }
}
