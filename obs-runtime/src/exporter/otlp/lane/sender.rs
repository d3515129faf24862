//! What the sender threads ask of a lane.

use super::{Instant, Job, Lane, Stored, wait};
use std::time::Duration;

/// What a sender is to do next.
pub(in super::super) enum Next {
    Send(Job),
    /// The receiver is known to be down: to disk with it.
    Store(Job),
    /// A request from the disk.
    Resend(Stored),
    /// To look for files of processes that have gone.
    Adopt,
    End,
}

impl Lane {
    /// Registers a sender, and returns true, if none is free for the next request and `max` are not there yet. One is
    /// free from the moment its request is settled.
    pub(in super::super) fn enter(&self, max: usize) -> bool {
        let mut state = self.lock();
        let busy = state.in_hand.len() + state.resending;
        let is_wanted = state.senders < max && busy >= state.senders && state.closing.is_none();
        state.senders += usize::from(is_wanted);
        is_wanted
    }

    /// Notes that a request from the disk was sent, or put back.
    pub(in super::super) fn has_resent(&self) {
        self.lock().resending -= 1;
    }

    /// Returns what the sender is to do next, once there is something.
    pub(in super::super) fn next(&self) -> Next {
        let spool = self.spool.as_ref();
        let scan = spool.map(|s| s.next_scan());
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
        let mut state = self.lock();
        loop {
            let is_closing = state.closing.is_some();
            if scan == Some(None) {
                // First of all: what an earlier process left is counted before anything is settled.
                return Next::Adopt;
            }
            let resume = spool.and_then(|_| state.hold.max(state.down));
            let is_down = resume.is_some_and(|until| until > Instant::now());
            if let Some(job) = state.take() {
                return if is_down {
                    Next::Store(job)
                } else {
                    Next::Send(job)
                };
            }
            if let Some(spool) = spool {
                if !is_down
                    && state.closing.is_none_or(|end| end > Instant::now())
                    && let Some(stored) = spool.take(self.signal)
                {
                    state.resending += 1;
                    return Next::Resend(stored);
                }
                if !is_closing && scan.is_some_and(due) {
                    return Next::Adopt;
                }
            }
            if is_closing {
                return Next::End;
            }
            let retry = resume.filter(|_| spool.is_some_and(|s| s.has(self.signal)));
            let until = [scan.flatten(), retry].into_iter().flatten().min();
            let wakes = state.wakes;
            state = wait(&self.work, state, until, |s| s.wakes != wakes);
        }
    }

    /// Returns what to give to [`Lane::pause`] after an attempt that begins now.
    pub(in super::super) fn nudges(&self) -> u64 {
        self.lock().nudges
    }

    /// Waits until `until`, or until somebody who waits wants it to be tried again. Returns whether it
    /// may; not if a closing lane leaves no time for it.
    pub(in super::super) fn pause(&self, until: Instant, nudges: u64) -> bool {
        let state = self.lock();
        let over = |s: &super::State| s.nudges != nudges || s.leaves_no_time_until(until);
        let state = wait(&self.changed, state, Some(until), over);
        state.nudges != nudges || !state.leaves_no_time_until(until)
    }

    /// Has every sender be silent until then, as the receiver asked.
    pub(in super::super) fn hold_until(&self, until: Instant) {
        let mut state = self.lock();
        state.hold = state.hold.max(Some(until));
    }

    /// Waits as long as the receiver asked. Returns whether that time came; not if a closing lane leaves
    /// no time for it.
    pub(in super::super) fn hold(&self) -> bool {
        let mut state = self.lock();
        while let Some(until) = state.hold.filter(|until| *until > Instant::now()) {
            if state.leaves_no_time_until(until) {
                return false;
            }
            state = wait(&self.changed, state, Some(until), |s| {
                s.leaves_no_time_until(until)
            });
        }
        true
    }

    /// Returns the time that a closing lane leaves for requests.
    pub(in super::super) fn closing(&self) -> Option<Duration> {
        let deadline = self.lock().closing?;
        Some(
            self.before(deadline)
                .saturating_duration_since(Instant::now()),
        )
    }

    /// Notes that a sender has gone; the last one ends the lane.
    pub(in super::super) fn exit(&self) {
        let mut state = self.lock();
        state.senders -= 1;
        if state.senders == 0 {
            state.ended = true;
            self.abandon(&mut state);
            if let Some(spool) = &self.spool {
                spool.detach();
            }
        }
        drop(state);
        self.changed.notify_all();
    }
}
