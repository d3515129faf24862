//! The delivery loop: a bounded queue, and one thread that hands what is in it to a [`Consumer`].
//!
//! Whoever produces items calls [`Delivery::push`], which takes a lock for a moment and never waits for the consumer.
//! The delivery's own thread calls the consumer, for one item after the other; a panic there costs the item and not
//! the thread. Any thread may wait: [`Delivery::flush`] for what is queued at the moment, [`Delivery::shutdown`] for
//! the end. Each item ends in one counter, as exported or as dropped for a reason; what a deadline cuts off is counted
//! by [`Delivery::give_up`], and not again should the consumer come back later.

use core::sync::atomic::Ordering;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::Error;
use crate::error::ErrorKind;
use crate::guarded::guarded;
use crate::lock::{lock, wait};
use crate::memory::{Held, Share};
use crate::processor::sink::PendingFlush;
use crate::self_obs::{DropReason, ExporterCounters, Part, start_thread};
use crate::trace::heap::HeapBytes;
use crate::trace::suppress::own_thread;

/// Takes what a delivery's queue holds. All calls come from the delivery's thread.
pub(crate) trait Consumer<T>: Send {
    /// Delivers one item; it may block. `queue` knows when the program ends.
    fn deliver(&mut self, item: T, queue: &Queue<T>) -> Outcome;

    /// Returns when [`tick`](Self::tick) is to be called if the queue is empty then; none for a consumer without
    /// ticks. The last tick comes at the end.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// Does what is to be done at regular times.
    fn tick(&mut self, queue: &Queue<T>) -> Outcome {
        let _ = queue;
        Outcome::default()
    }

    /// Returns whether there is something to do at the end beside what is queued.
    fn has_an_end(&self) -> bool {
        true
    }

    /// Ends its work: the last call.
    ///
    /// # Errors
    /// When that is something which a shutdown should fail with.
    fn end(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// What became of an item: all it stands for was delivered unless this says otherwise.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How much was lost, by reason.
    pub(crate) lost: Vec<(DropReason, u64)>,
    /// What the next flush fails with; some consumers only count.
    pub(crate) failure: Option<String>,
    /// Whether it makes up for earlier failures, as a later total does: no flush tells of those then.
    pub(crate) makes_up: bool,
}

impl Outcome {
    pub(crate) fn lost(reason: DropReason, items: u64) -> Self {
        Self {
            lost: vec![(reason, items)],
            ..Self::default()
        }
    }

    /// Says that everything which the item stands for was lost.
    pub(crate) fn all_lost(reason: DropReason) -> Self {
        Self::lost(reason, u64::MAX)
    }
}

/// What tells one delivery from another.
pub(crate) struct DeliveryConfig {
    /// The thread's name.
    pub(crate) thread: String,
    /// How many items of the queue may wait and be in the consumer's hands together. Their memory is bounded by the
    /// queue's share of the memory budget.
    pub(crate) bound: usize,
    /// What a flush says that has waited in vain.
    pub(crate) late: &'static str,
    pub(crate) counters: Arc<ExporterCounters>,
}

/// The producers' side of a queue. When it is dropped, its thread delivers what is queued and ends.
pub(crate) struct Delivery<T> {
    queue: Arc<Queue<T>>,
}

/// What producers and the consumer share.
pub(crate) struct Queue<T> {
    config: DeliveryConfig,
    /// Nothing is to be done at the end beside what is queued.
    ends_empty: bool,
    state: Mutex<State<T>>,
    /// Any change of `state`.
    changed: Condvar,
    share: Arc<Share>,
}

struct State<T> {
    /// The consumer, until the thread starts that has it from then on.
    idle: Option<Box<dyn Consumer<T>>>,
    waiting: VecDeque<Queued<T>>,
    /// Whether the consumer has something of the queue.
    is_busy: bool,
    /// How many items that stands for; none once they were given up.
    in_hand: u64,
    /// Calls of `push` that were not refused, and those of them whose outcome is known.
    pushed: u64,
    done: u64,
    /// How the last failure is told, how many there were, and how many of them flushes have told of.
    failure: Option<String>,
    failures: u64,
    told: u64,
    /// Set once the thread is to end; the consumer should not go on beyond it.
    closing: Option<Instant>,
    ended: bool,
    thread: Option<JoinHandle<()>>,
    /// The thread has nothing left to do.
    has_left: bool,
}

struct Queued<T> {
    item: T,
    held: Held,
    items: u64,
}

impl<T> State<T> {
    /// Notes what the next flush is to fail with.
    fn fail(&mut self, failure: String) {
        self.failure = Some(failure);
        self.failures += 1;
    }
}

enum Next<T> {
    Item(Queued<T>),
    Tick,
    End,
}

impl<T: HeapBytes + Send + 'static> Delivery<T> {
    /// Makes the queue. Its thread starts with the first item, unless [`start`](Self::start) is called before.
    pub(crate) fn new(config: DeliveryConfig, consumer: impl Consumer<T> + 'static) -> Self {
        let ends_empty = !consumer.has_an_end();
        let state = State {
            idle: Some(Box::new(consumer)),
            waiting: VecDeque::new(),
            is_busy: false,
            in_hand: 0,
            pushed: 0,
            done: 0,
            failure: None,
            failures: 0,
            told: 0,
            closing: None,
            ended: false,
            thread: None,
            has_left: false,
        };
        Self {
            queue: Arc::new(Queue {
                config,
                ends_empty,
                state: Mutex::new(state),
                changed: Condvar::new(),
                share: Arc::default(),
            }),
        }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started: from then on all is lost that is pushed.
    pub(crate) fn start(&self) -> Result<(), Error> {
        self.start_with(&mut self.queue.lock())
    }

    fn start_with(&self, state: &mut State<T>) -> Result<(), Error> {
        let Some(consumer) = state.idle.take() else {
            return Ok(());
        };
        let queue = Arc::clone(&self.queue);
        let started = start_thread(&self.queue.config.thread, move || queue.run(consumer));
        let thread = started.inspect_err(|error| {
            state.fail(error.to_string());
            state.ended = true;
        })?;
        state.thread = Some(thread);
        Ok(())
    }

    /// Counts items that are gathered for the queue.
    pub(crate) fn take(&self, items: u64) {
        let taken = &self.counters().taken;
        taken.fetch_add(items, Ordering::Release);
    }

    /// Queues what stands for `items` items, or counts them as lost if there is no room or no thread. The caller has
    /// counted them as [taken](Self::take). Returns why they were lost. Never waits.
    pub(crate) fn push(&self, item: T, items: u64) -> Option<DropReason> {
        let queue = &self.queue;
        let mut state = queue.lock();
        let place = if state.closing.is_some() {
            Err(DropReason::Shutdown)
        } else if self.start_with(&mut state).is_err() || state.ended {
            Err(DropReason::ExporterFailed)
        } else if state.waiting.len() + usize::from(state.is_busy) >= queue.config.bound {
            Err(DropReason::QueueFull)
        } else {
            let held = queue.share.hold(item.heap_bytes());
            held.ok_or(DropReason::QueueFull)
        };
        match place {
            Ok(held) => state.waiting.push_back(Queued { item, held, items }),
            Err(reason) => {
                self.counters().dropped.add(reason, items);
                if reason == DropReason::QueueFull && items > 0 {
                    let text = "its queue is full: it is slower than the program";
                    self.counters().set_problem(Part::Queue, Some(text));
                    state.fail(format!("{} lost items: {text}", self.counters().name));
                }
                return Some(reason);
            }
        }
        state.pushed += 1;
        drop(state);
        self.queue.changed.notify_all();
        None
    }

    /// Counts items as lost that were taken and cannot be pushed, because what gathers them panicked.
    pub(crate) fn lose(&self, items: u64) {
        if items > 0 {
            let counters = self.counters();
            counters.dropped.add(DropReason::ExporterFailed, items);
            let failure = format!("{} lost items: it panicked", counters.name);
            self.queue.lock().fail(failure);
        }
    }

    /// Returns a wait for the outcome of all that was pushed before this call.
    ///
    /// The wait is an error when the deadline comes first, or when something was lost since the last one and the consumer
    /// says so ([`Outcome::failure`]).
    pub(crate) fn flush(&self) -> PendingFlush {
        let state = self.queue.lock();
        let (pushed, told) = (state.pushed, state.told);
        drop(state);
        let queue = Arc::clone(&self.queue);
        Box::new(move |deadline| {
            let mut state = wait(&queue.changed, queue.lock(), Some(deadline), |s| {
                s.done >= pushed || s.ended
            });
            let is_done = state.done >= pushed;
            queue.result(&mut state, told, is_done)
        })
    }

    /// Has the thread end once the queue is empty; the consumer should not go on beyond `deadline`. Does not wait.
    pub(crate) fn close(&self, deadline: Instant) {
        let mut state = self.queue.lock();
        state.closing.get_or_insert(deadline);
        // Without a thread there is nobody to wait for.
        state.ended |= state.idle.is_some();
        drop(state);
        self.queue.changed.notify_all();
    }

    /// Has the thread end once the queue is empty, and waits for it until `deadline`.
    ///
    /// # Errors
    /// When the deadline comes first, or when the consumer says so.
    pub(crate) fn shutdown(&self, deadline: Instant) -> Result<(), Error> {
        self.close(deadline);
        let queue = &self.queue;
        let mut state = wait(&queue.changed, queue.lock(), Some(deadline), |s| s.ended);
        // Its thread may not have had a moment since: who ended before it took all the time.
        let is_empty = queue.ends_empty && state.done >= state.pushed;
        let (told, is_done) = (state.told, state.ended || is_empty);
        let result = queue.result(&mut state, told, is_done);
        let thread = if state.has_left {
            state.thread.take()
        } else {
            None
        };
        drop(state);
        // The library that this is part of may be unloaded next.
        let _ = thread.map(JoinHandle::join);
        result
    }

    /// Counts what is queued or in the consumer's hands as lost by the shutdown.
    pub(crate) fn give_up(&self) {
        let mut state = self.queue.lock();
        let mut items = core::mem::take(&mut state.in_hand);
        for queued in core::mem::take(&mut state.waiting) {
            items += queued.items;
        }
        state.ended = true;
        self.counters().dropped.add(DropReason::Shutdown, items);
        drop(state);
        self.queue.changed.notify_all();
    }

    pub(crate) fn counters(&self) -> &Arc<ExporterCounters> {
        &self.queue.config.counters
    }
}

impl<T> Drop for Delivery<T> {
    /// Lets the thread end; nobody waits for it.
    fn drop(&mut self) {
        self.queue.lock().closing.get_or_insert_with(Instant::now);
        self.queue.changed.notify_all();
    }
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }

    /// Returns what to tell those who know of the first `told` failures. Flushes that wait at the same time are told the
    /// same.
    fn result(&self, state: &mut State<T>, told: u64, is_done: bool) -> Result<(), Error> {
        match &state.failure {
            Some(failure) if state.failures > told && (is_done || state.ended) => {
                state.told = state.failures;
                Err(Error::new(ErrorKind::Export, failure.as_str()))
            }
            _ if is_done => Ok(()),
            _ => Err(Error::new(ErrorKind::Timeout, self.config.late)),
        }
    }

    /// Returns until when the consumer may go on, once the program ends.
    #[allow(dead_code, reason = "for consumers that try again, which are features")]
    pub(crate) fn closing(&self) -> Option<Instant> {
        self.lock().closing
    }

    /// Waits between two attempts, not beyond the end of the program.
    #[allow(dead_code, reason = "for consumers that try again, which are features")]
    pub(crate) fn pause(&self, until: Instant) {
        let state = wait(&self.changed, self.lock(), Some(until), |s| {
            s.closing.is_some()
        });
        if let Some(end) = state.closing {
            drop(wait(&self.changed, state, Some(end.min(until)), |_| false));
        }
    }

    /// Counts items that the consumer itself found, and has in hand from now on.
    pub(crate) fn take(&self, items: u64) {
        let counters = &self.config.counters;
        counters.taken.fetch_add(items, Ordering::Release);
        self.lock().in_hand += items;
    }
}

impl<T: 'static> Queue<T> {
    /// Runs on the delivery's thread until the end.
    fn run(&self, mut consumer: Box<dyn Consumer<T>>) {
        own_thread();
        loop {
            match self.next(consumer.due()) {
                Next::Item(Queued { item, held, .. }) => {
                    let outcome = guarded(|| consumer.deliver(item, self));
                    drop(held);
                    self.settle(outcome, true);
                }
                Next::Tick => self.settle(guarded(|| consumer.tick(self)), false),
                Next::End => break,
            }
        }
        if consumer.due().is_some() {
            self.settle(guarded(|| consumer.tick(self)), false);
        }
        let failure = match guarded(|| consumer.end()) {
            Some(Ok(())) => None,
            Some(Err(failure)) => Some(failure),
            None => Some("the exporter could not be shut down: it panicked".to_owned()),
        };
        // What it holds, a file say, is closed when the wait for the end is over.
        guarded(|| drop(consumer));
        let mut state = self.lock();
        state.ended = true;
        state.has_left = true;
        // What was lost last says more.
        if let Some(failure) = failure.filter(|_| state.failures == state.told) {
            state.fail(failure);
        }
        drop(state);
        self.changed.notify_all();
    }

    fn next(&self, due: Option<Instant>) -> Next<T> {
        let has_come = |s: &State<T>| !s.waiting.is_empty() || s.closing.is_some();
        let mut state = wait(&self.changed, self.lock(), due, has_come);
        match state.waiting.pop_front() {
            Some(queued) => {
                state.is_busy = true;
                state.in_hand = queued.items;
                Next::Item(queued)
            }
            None if state.closing.is_some() => Next::End,
            None => Next::Tick,
        }
    }

    /// Counts what became of the items in hand, unless they were given up already; `outcome` is missing if the
    /// consumer panicked.
    fn settle(&self, outcome: Option<Outcome>, is_of_queue: bool) {
        let counters = &self.config.counters;
        let mut state = self.lock();
        let in_hand = core::mem::take(&mut state.in_hand);
        if outcome.is_none() {
            counters.set_problem(Part::Export, Some("it panicked"));
        } else if state.waiting.is_empty() {
            counters.set_problem(Part::Queue, None);
        }
        let outcome = outcome.unwrap_or_else(|| Outcome {
            failure: Some(format!(
                "{} panicked, {in_hand} items are lost",
                counters.name
            )),
            ..Outcome::lost(DropReason::ExporterFailed, in_hand)
        });
        if in_hand > 0 {
            let mut exported = in_hand;
            for (reason, items) in outcome.lost {
                let items = items.min(exported);
                counters.dropped.add(reason, items);
                exported -= items;
            }
            counters.exported.fetch_add(exported, Ordering::Release);
        }
        if is_of_queue {
            state.is_busy = false;
            state.done += 1;
        }
        if let Some(failure) = outcome.failure {
            state.fail(failure);
        } else if outcome.makes_up {
            state.failures = state.told;
        }
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
