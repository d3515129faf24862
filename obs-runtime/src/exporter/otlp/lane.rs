//! Between the threads that make requests and the one that sends them: a queue bounded in
//! bytes, and the account of every item that was handed over.

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;
use crate::error::ErrorKind;
use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::Signal;
use crate::self_obs::{DropReason, ExporterCounters};

/// Buffers that are kept for further requests.
const MAX_SPARE: usize = 4;

/// One signal's way from its producer to its sender thread.
pub(super) struct Lane {
    signal: Signal,
    queue_bytes: usize,
    state: Mutex<State>,
    /// Any change of `state`.
    changed: Condvar,
    pub(super) counters: Arc<ExporterCounters>,
    accepts: Accepts,
}

/// Whether a receiver takes a signal: what its last answer said; not before the first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accepts(Arc<AtomicBool>);

impl Accepts {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, accepts: bool) {
        self.0.store(accepts, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct State {
    queue: VecDeque<Batch>,
    /// Of what is queued and being sent.
    bytes: usize,
    /// The items being sent; `None` once somebody has accounted for them.
    in_hand: Option<u64>,
    in_hand_bytes: usize,
    /// Batches that were queued, ever, and those that have left again. They leave in order.
    queued: u64,
    settled: u64,
    /// Items that were lost after they were handed over, and why the last ones were.
    lost: u64,
    last_cause: String,
    /// Flushes and the closing: each ends a pause between two attempts.
    nudges: u64,
    /// Until when the sender may go on; set when the lane closes.
    closing: Option<Instant>,
    /// The sender has gone.
    ended: bool,
    spare: Vec<Vec<u8>>,
}

/// What the sender is to do next.
pub(super) enum Next {
    Send(Batch),
    /// The time that was asked for has come.
    Tick,
    End,
}

/// A moment of a lane, to wait from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    queued: u64,
    lost: u64,
}

/// What became of a batch.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) exported: u64,
    pub(super) lost: u64,
    pub(super) reason: DropReason,
    /// Why items were lost; for the error of a flush.
    pub(super) cause: String,
}

impl Lane {
    pub(super) fn new(signal: Signal, queue_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            signal,
            queue_bytes,
            state: Mutex::default(),
            changed: Condvar::new(),
            counters: Arc::new(ExporterCounters::new("otlp")),
            accepts: Accepts::default(),
        })
    }

    pub(super) fn accepts(&self) -> Accepts {
        self.accepts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts items that never become part of a batch.
    pub(super) fn lose(&self, reason: DropReason, items: u64) {
        self.counters.dropped.add(reason, items);
    }

    /// Queues a finished request, or counts it as lost if there is no room. Never blocks.
    pub(super) fn hand_over(&self, batch: Batch) {
        let len = batch.body().len();
        let mut state = self.lock();
        // A lane that closes still takes what was collected meanwhile: the sender empties it.
        let refused = if state.ended {
            Some(DropReason::Shutdown)
        } else if state.bytes + len > self.queue_bytes {
            Some(DropReason::QueueFull)
        } else {
            None
        };
        if let Some(reason) = refused {
            self.counters.dropped.add(reason, batch.items);
            state.lose(batch.items, reason.as_str());
            state.keep(batch.into_spare());
            return;
        }
        state.bytes += len;
        state.queued += 1;
        state.queue.push_back(batch);
        drop(state);
        self.changed.notify_all();
    }

    /// Memory of an earlier request, if there is some.
    pub(super) fn spare(&self) -> Vec<u8> {
        self.lock().spare.pop().unwrap_or_default()
    }

    /// Where the lane stands, before something is handed over that is to be waited for.
    pub(super) fn mark(&self) -> Mark {
        let state = self.lock();
        Mark {
            queued: state.queued,
            lost: state.lost,
        }
    }

    /// Has a mark's wait include what was handed over since, and the sender try at once.
    pub(super) fn extend(&self, mark: Mark) -> Mark {
        let mut state = self.lock();
        state.nudges += 1;
        let queued = state.queued;
        drop(state);
        self.changed.notify_all();
        Mark { queued, ..mark }
    }

    /// Waits until all that was queued before the mark is settled.
    ///
    /// # Errors
    /// When the deadline comes first, or items were lost since.
    pub(super) fn wait_for(&self, mark: Mark, deadline: Instant) -> Result<(), Error> {
        let state = self.lock();
        let settled = |s: &State| s.settled >= mark.queued || s.ended;
        let state = self.wait(state, Some(deadline), settled);
        self.outcome(&state, mark)
    }

    /// Lets the sender go on until `deadline`, then counts what remains as lost.
    ///
    /// # Errors
    /// As [`Lane::wait_for`].
    pub(super) fn close(&self, mark: Mark, deadline: Instant) -> Result<(), Error> {
        let mut state = self.lock();
        state.closing = Some(deadline);
        state.nudges += 1;
        self.changed.notify_all();
        let mut state = self.wait(state, Some(deadline), |s| s.ended);
        self.abandon(&mut state);
        let result = self.outcome(&state, mark);
        drop(state);
        self.changed.notify_all();
        result
    }

    /// Waits until the sender has gone, at most until `deadline`.
    #[cfg(test)]
    pub(super) fn wait_until_ended(&self, deadline: Instant) {
        let state = self.wait(self.lock(), Some(deadline), |s| s.ended);
        assert!(state.ended, "the sender is still there");
    }

    fn outcome(&self, state: &State, mark: Mark) -> Result<(), Error> {
        let items = self.signal.items();
        let lost = state.lost - mark.lost;
        if lost > 0 {
            let cause = &state.last_cause;
            let text = format!("OTLP: {lost} {items} could not be delivered: {cause}");
            return Err(Error::new(ErrorKind::Export, text));
        }
        if state.settled < mark.queued {
            let text = format!("OTLP: {items} were still being sent when the deadline passed");
            return Err(Error::new(ErrorKind::Timeout, text));
        }
        Ok(())
    }

    /// Counts what is queued or being sent as lost by the shutdown.
    fn abandon(&self, state: &mut State) {
        let queued = state.queue.drain(..).map(|b| b.items).sum::<u64>();
        let items = queued + state.in_hand.take().unwrap_or(0);
        if items > 0 {
            self.counters.dropped.add(DropReason::Shutdown, items);
            state.lose(items, "the shutdown deadline passed");
        }
        state.bytes = 0;
        state.in_hand_bytes = 0;
        state.settled = state.queued;
    }

    /// Waits until `done`, at most until `until`.
    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        until: Option<Instant>,
        done: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        while !done(&state) {
            state = match until {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    self.changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        state
    }

    /// For the sender: what comes next. A tick is due at `tick`, whatever is queued.
    pub(super) fn next(&self, tick: Option<Instant>) -> Next {
        let due = || tick.is_some_and(|at| at <= Instant::now());
        let state = self.lock();
        let mut state = self.wait(state, tick, |s| {
            !s.queue.is_empty() || s.closing.is_some() || due()
        });
        if state.closing.is_none() && due() {
            return Next::Tick;
        }
        match state.queue.pop_front() {
            Some(batch) => {
                state.in_hand = Some(batch.items);
                state.in_hand_bytes = batch.body().len();
                Next::Send(batch)
            }
            None => Next::End,
        }
    }

    /// For the sender: what to give to [`Lane::pause`] after an attempt that begins now.
    pub(super) fn nudges(&self) -> u64 {
        self.lock().nudges
    }

    /// For the sender: waits until `until`, or until somebody who waits wants it to try again.
    /// Returns whether it may; not if a closing lane leaves no time for it.
    pub(super) fn pause(&self, until: Instant, nudges: u64) -> bool {
        let state = self.lock();
        let over = |s: &State| s.nudges != nudges || s.leaves_no_time_until(until);
        let state = self.wait(state, Some(until), over);
        state.nudges != nudges || !state.leaves_no_time_until(until)
    }

    /// For the sender: waits until `until`, as the receiver asked. Returns whether it came; not
    /// if a closing lane leaves no time for it.
    pub(super) fn hold(&self, until: Instant) -> bool {
        let state = self.lock();
        let state = self.wait(state, Some(until), |s| s.leaves_no_time_until(until));
        !state.leaves_no_time_until(until)
    }

    /// For the sender: the time that a closing lane leaves.
    pub(super) fn closing(&self) -> Option<Duration> {
        let deadline = self.lock().closing?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// For the sender: accounts for the batch in hand, unless the shutdown did so already.
    pub(super) fn settle(&self, verdict: &Verdict, spare: Option<Vec<u8>>) {
        if verdict.exported > 0 {
            self.accepts.set(true);
        } else if verdict.reason == DropReason::Rejected {
            self.accepts.set(false);
        }
        let mut state = self.lock();
        if state.in_hand.take().is_some() {
            self.counters
                .exported
                .fetch_add(verdict.exported, Ordering::Release);
            if verdict.lost > 0 {
                self.counters.dropped.add(verdict.reason, verdict.lost);
                state.lose(verdict.lost, &verdict.cause);
            }
            state.bytes -= state.in_hand_bytes;
            state.in_hand_bytes = 0;
            state.settled += 1;
        }
        if let Some(spare) = spare {
            state.keep(spare);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// For the sender: it will take nothing any more.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        self.abandon(&mut state);
        drop(state);
        self.changed.notify_all();
    }
}

impl State {
    fn leaves_no_time_until(&self, until: Instant) -> bool {
        self.closing.is_some_and(|deadline| deadline < until)
    }

    fn lose(&mut self, items: u64, cause: &str) {
        self.lost += items;
        cause.clone_into(&mut self.last_cause);
    }

    fn keep(&mut self, spare: Vec<u8>) {
        if self.spare.len() < MAX_SPARE {
            self.spare.push(spare);
        }
    }
}
