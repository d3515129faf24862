//! The lane's way to disk and back.

use super::{Arc, Batch, DropReason, InHand, Instant, Job, Lane, Ordering, Part, Stored, Verdict};
use std::time::Duration;

impl Lane {
    /// Puts a batch in hand on disk.
    pub(in super::super) fn store(&self, job: Job, cause: &str) {
        let Some(spool) = &self.spool else {
            return;
        };
        let copy = self.lock().in_hand(job.number).map(|j| j.stored.is_some());
        let fresh = match copy {
            // The shutdown has accounted for it.
            None => return,
            Some(true) => None,
            Some(false) => match spool.store(self.signal, &job.batch) {
                Ok(fresh) => Some(fresh),
                Err(reason) => {
                    let cause = format!("{cause}; and not spooled ({reason})");
                    let verdict = Verdict::lost(job.batch.items, reason, cause);
                    return self.settle(job, verdict);
                }
            },
        };
        // From here on the spool answers for it.
        job.batch.settle(true);
        let mut state = self.lock();
        let (keep, spare) = match state.leave(job.number) {
            // It was counted when the lane closed: a file of it stays for the next process.
            None
            | Some(InHand {
                is_spooled: true, ..
            }) => (None, fresh),
            // Another copy was made meanwhile: one is enough.
            Some(InHand {
                stored: Some(stored),
                ..
            }) => (Some(stored), fresh),
            Some(_) => (fresh, None),
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
        let Some(spool) = &self.spool else {
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
    pub(in super::super) fn resent(&self, stored: &Stored, verdict: Verdict) {
        self.learn(&verdict);
        if verdict.exported > 0 {
            // There is room again.
            self.counters.set_problem(Part::Spool, None);
        }
        if let Some(spool) = &self.spool {
            spool.remove(stored);
        }
        self.counters.unspool(stored.items);
        self.count(&mut self.lock(), &verdict);
        self.put(verdict.kept);
    }

    /// Writes a part of a batch to disk. It is neither counted nor sent before the verdict on the batch is settled.
    pub(in super::super) fn keep(&self, part: &Batch, cause: String) -> Verdict {
        let Some(spool) = &self.spool else {
            return Verdict::lost(part.items, DropReason::Shutdown, cause);
        };
        match spool.store(self.signal, part) {
            Ok(stored) => Verdict {
                kept: vec![stored],
                ..Verdict::default()
            },
            Err(reason) => Verdict::lost(
                part.items,
                reason,
                format!("{cause}; and not spooled ({reason})"),
            ),
        }
    }

    pub(super) fn put(&self, kept: Vec<Stored>) {
        if let Some(spool) = &self.spool {
            for stored in kept {
                spool.put(stored);
            }
        }
    }

    /// Notes that the receiver failed: nothing is sent to it before the pause that follows from how often it did.
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
        state.unreached = [None; 2];
        state.wakes += u64::from(was_down);
        drop(state);
        if was_down {
            self.notify_all();
        }
    }
}
