//! The lane's way to disk and back.

use super::{Arc, DropReason, Instant, Job, Lane, Ordering, Spool, Stored, Verdict};
use std::time::Duration;

impl Lane {
    /// Has requests that cannot be sent go to disk; before the first sender starts.
    pub(in super::super) fn set_spool(&self, spool: &Arc<Spool>) {
        if self.spool.set(Arc::clone(spool)).is_ok() {
            spool.attach(self.signal, &self.counters);
        }
    }

    pub(in super::super) fn spool(&self) -> Option<&Arc<Spool>> {
        self.spool.get()
    }

    /// Puts a batch in hand on disk.
    pub(in super::super) fn store(&self, job: Job, cause: &str) {
        let Some(spool) = self.spool.get() else {
            return;
        };
        let copy = self.lock().in_hand(job.number).map(|j| j.stored.is_some());
        let fresh = match copy {
            // The shutdown has accounted for it.
            None => return,
            Some(true) => Ok(None),
            Some(false) => spool.store(self.signal, &job.batch).map(Some),
        };
        let fresh = match fresh {
            Ok(fresh) => fresh,
            Err(reason) => {
                let verdict = Verdict {
                    exported: 0,
                    lost: job.batch.items,
                    reason,
                    cause: format!("{cause}; and not spooled ({reason})"),
                };
                return self.settle(job, &verdict);
            }
        };
        // From here on the spool answers for it.
        job.batch.settle(true);
        let mut state = self.lock();
        let of_hand = state.leave(job.number);
        // Another copy may have been made meanwhile: one is enough.
        let (keep, spare) = match of_hand {
            // Counted as spooled when the lane closed: its file stays for the next process.
            Some(j) if j.is_spooled => (None, fresh),
            Some(j) => match j.stored {
                Some(stored) => (Some(stored), fresh),
                None => (fresh, None),
            },
            None => (None, fresh),
        };
        if let Some(stored) = keep {
            // Under the lane's lock: a flush that finds the batch gone finds it counted.
            spool.put(stored);
        }
        state.wakes += 1;
        drop(state);
        if let Some(stored) = spare {
            spool.remove(&stored);
        }
        self.notify_all();
    }

    /// Puts everything on disk that is queued or being sent; what is being sent stays in hand, and its
    /// copy goes if the receiver takes it after all.
    pub(super) fn secure(&self) {
        let Some(spool) = self.spool.get() else {
            return;
        };
        loop {
            let Some(job) = self.lock().take() else { break };
            self.store(job, "the deadline passed");
        }
        let mut state = self.lock();
        let open: Vec<_> = state
            .in_hand
            .iter()
            .filter(|job| job.stored.is_none())
            .map(|job| (job.number, Arc::clone(&job.batch)))
            .collect();
        for (number, batch) in open {
            // Not under the lock: the drain hands over meanwhile.
            drop(state);
            let stored = spool.store(self.signal, &batch);
            state = self.lock();
            let unused = match (state.in_hand(number), stored) {
                (Some(job), Ok(stored)) if job.stored.is_none() => {
                    job.stored = Some(stored);
                    None
                }
                (_, stored) => stored.ok(),
            };
            if let Some(stored) = unused {
                spool.remove(&stored);
            }
        }
        let is_closing = state.closing.is_some();
        let state = &mut *state;
        for job in state
            .in_hand
            .iter_mut()
            .filter(|j| is_closing && !j.is_spooled)
        {
            if let Some(stored) = &job.stored {
                job.is_spooled = true;
                state.bytes -= job.batch.body().len();
                state.items -= job.batch.items;
                self.counters
                    .spooled
                    .fetch_add(stored.items, Ordering::Release);
            }
        }
    }

    /// Accounts for a request from the disk whose fate is known.
    pub(in super::super) fn resent(&self, stored: &Stored, verdict: &Verdict) {
        self.learn(verdict);
        if let Some(spool) = self.spool.get() {
            spool.remove(stored);
        }
        self.counters.unspool(stored.items);
        self.counters
            .exported
            .fetch_add(verdict.exported, Ordering::Release);
        if verdict.lost > 0 {
            self.counters.dropped.add(verdict.reason, verdict.lost);
        }
    }

    /// The receiver failed: nothing is sent to it before the pause that follows from how often it did.
    pub(in super::super) fn receiver_failed(&self, pause: impl Fn(u32) -> Duration) {
        let mut state = self.lock();
        let now = Instant::now();
        // Senders that fail together count once.
        if state.down.is_none_or(|until| until <= now) {
            state.failures = state.failures.saturating_add(1);
            state.down = Some(now + pause(state.failures));
        }
    }

    pub(in super::super) fn receiver_answered(&self) {
        let mut state = self.lock();
        let was_down = state.down.take().is_some();
        state.failures = 0;
        state.trouble.clear();
        state.wakes += u64::from(was_down);
        drop(state);
        if was_down {
            self.notify_all();
        }
    }

    /// A request from the disk that cannot be read.
    pub(in super::super) fn damaged(&self, stored: &Stored, cause: String) {
        let verdict = Verdict {
            exported: 0,
            lost: stored.items,
            reason: DropReason::SpoolFailed,
            cause,
        };
        self.resent(stored, &verdict);
    }
}
