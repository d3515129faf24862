//! What became of the batches of a lane: who waits is told, and every item is counted.

use crate::error::Undelivered;
use crate::exporter::otlp::transport::remedy;

use super::{Arc, DropReason, Error, ErrorKind, InHand, Job, Lane, Ordering, Part, State, Verdict};

impl Lane {
    /// Returns what to tell those who wait for all batches before number `queued`, and who know of the first `told` lost
    /// items. Flushes that wait at the same time are told the same.
    pub(super) fn outcome(
        &self,
        state: &mut State,
        told: u64,
        (queued, nudges): (u64, u64),
    ) -> Result<(), Error> {
        let items = self.signal.items();
        let all = self.counters.dropped.total();
        state.told = all;
        let lost = all - told;
        if lost > 0 {
            let mut cause = state.last_cause.clone();
            if cause.is_empty() {
                // The spool, which knows no lanes, gave up the oldest.
                let dropped = self.counters.dropped.snapshot();
                let reasons = dropped.iter().map(|(reason, _)| reason.as_str());
                cause = reasons.collect::<Vec<_>>().join(", ");
            }
            return Err(Error::undelivered(Undelivered {
                to: format!("OTLP, {}", self.receiver),
                items: format!("{lost} {items}"),
                cause,
            }));
        }
        if !state.is_safe(queued) {
            let trouble = state.last_attempt();
            if self.gives_up(state, nudges) {
                let waiting = state.items;
                let text = format!(
                    "OTLP: {waiting} {items} were not sent yet, because nobody listens there; they will be tried again{trouble}"
                );
                return Err(Error::new(ErrorKind::Export, text));
            }
            let text =
                format!("OTLP: {items} were still being sent when the deadline passed{trouble}");
            return Err(Error::new(ErrorKind::Timeout, text));
        }
        Ok(())
    }

    /// Counts what is queued or being sent, and not on disk, as lost by the shutdown.
    pub(super) fn abandon(&self, state: &mut State) {
        let mut items = state.queue.drain(..).map(|b| b.items).sum::<u64>();
        state.in_hand.retain(|job| {
            if !job.is_spooled {
                items += job.batch.items;
            }
            job.is_spooled
        });
        if items > 0 {
            self.counters.dropped.add(DropReason::Shutdown, items);
            let trouble = state.last_attempt();
            let remedy = remedy::LATE;
            state.last_cause = format!("the shutdown deadline passed{trouble}; {remedy}");
        }
        state.bytes = 0;
        state.items = 0;
    }

    /// Accounts for a batch of a sender, unless the shutdown did so already.
    pub(in super::super) fn settle(&self, job: Job, mut verdict: Verdict) {
        // Of what was rejected in part nobody knows which part.
        job.batch.settle(verdict.exported > 0);
        self.learn(&verdict);
        let mut state = self.lock();
        let of_hand = state.leave(job.number);
        if let Some(InHand {
            stored, is_spooled, ..
        }) = &of_hand
        {
            if let (true, Some(stored)) = (is_spooled, stored) {
                // It was counted as spooled when the lane closed, and arrived nevertheless.
                self.counters.unspool(stored.items);
            }
            self.count(&mut state, &verdict);
            // Under the lane's lock: a flush that finds the batch gone finds its parts counted.
            self.put(core::mem::take(&mut verdict.kept));
        }
        if state.queue.is_empty() {
            self.counters.set_problem(Part::Queue, None);
        }
        let stored = of_hand.and_then(|job| job.stored);
        if let Some(batch) = Arc::into_inner(job.batch) {
            state.keep(batch.into_spare());
        }
        drop(state);
        if let Some(spool) = &self.spool {
            // Parts are left here only if the shutdown has accounted for the batch.
            stored
                .iter()
                .chain(&verdict.kept)
                .for_each(|stored| spool.remove(stored));
        }
        self.changed.notify_all();
    }

    pub(super) fn learn(&self, verdict: &Verdict) {
        if verdict.exported > 0 {
            self.accepts.set(true);
        } else if verdict
            .lost
            .iter()
            .any(|(reason, _)| *reason == DropReason::Rejected)
        {
            self.accepts.set(false);
        }
    }

    pub(super) fn count(&self, state: &mut State, verdict: &Verdict) {
        let exported = &self.counters.exported;
        exported.fetch_add(verdict.exported, Ordering::Release);
        for (reason, items) in &verdict.lost {
            self.counters.dropped.add(*reason, *items);
            verdict.cause.clone_into(&mut state.last_cause);
        }
    }
}
