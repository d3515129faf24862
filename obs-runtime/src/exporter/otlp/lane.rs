//! Between the threads that make requests and those that send them: a queue bounded in bytes, and
//! the account of every item that was handed over.

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Error;
use crate::error::ErrorKind;
use crate::exporter::otlp::batch::{Batch, Spare};
use crate::exporter::otlp::config::{Limits, Signal};
use crate::exporter::otlp::spool::{Spool, Stored};
use crate::exporter::otlp::target::Target;
use crate::lock::{lock, wait};
use crate::memory::{Held, Share};
use crate::processor::sink::PendingFlush;
use crate::self_obs::{DropReason, ExporterCounters, Part};

mod account;
mod sender;
mod spooled;

pub(super) use sender::Next;

/// Buffers that are kept for further requests.
const MAX_SPARE: usize = 4;
/// The largest buffer that is kept: a request of the usual size fits into it.
const MAX_SPARE_BYTES: usize = 2 << 20;

/// How long before a deadline requests go to disk that were not answered.
const TO_DISK: Duration = Duration::from_millis(100);

/// One signal's way from its producer to its sender threads.
pub(super) struct Lane {
    pub(super) signal: Signal,
    /// The receiver as errors name it, whatever the signal.
    receiver: String,
    queue_bytes: usize,
    /// The lane's part of the memory budget.
    share: Arc<Share>,
    /// Items that may wait or be sent.
    queue_items: u64,
    state: Mutex<State>,
    /// What a free sender may want to know: most often that there is a request for one of them.
    work: Condvar,
    /// Any other change of `state`.
    changed: Condvar,
    pub(super) counters: Arc<ExporterCounters>,
    pub(super) accepts: Accepts,
    /// Where requests go that cannot be sent.
    pub(super) spool: Option<Arc<Spool>>,
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
    queue: VecDeque<Arc<Batch>>,
    /// Of what is queued and being sent.
    bytes: usize,
    items: u64,
    /// What the senders have taken.
    in_hand: Vec<InHand>,
    /// Batches that were queued, ever: the number of the next one. Those in the queue have the last numbers.
    queued: u64,
    /// How many lost items flushes have told of, and why the last of the others were lost.
    told: u64,
    last_cause: String,
    /// Why the last attempt failed; empty since the receiver answered.
    trouble: String,
    /// Flushes and the closing: each ends a pause between two attempts.
    nudges: u64,
    /// The nudges before the last two attempts, if nobody listened at either.
    unreached: [Option<u64>; 2],
    /// Whatever a sender that waits may want to know of.
    wakes: u64,
    /// The receiver asked for silence until then.
    hold: Option<Instant>,
    /// With a spool: the receiver is tried again then, and how often in a row it failed.
    down: Option<Instant>,
    failures: u32,
    /// Until when the senders may go on; set when the lane closes.
    closing: Option<Instant>,
    /// Threads that send, and those of them that send something from the disk.
    senders: usize,
    resending: usize,
    /// All senders have gone.
    ended: bool,
    /// Those that send, and may have ended.
    threads: Vec<JoinHandle<()>>,
    spare: Vec<Spare>,
}

/// A batch on its way.
struct InHand {
    number: u64,
    batch: Arc<Batch>,
    /// A copy on disk, made when somebody could wait no longer.
    stored: Option<Stored>,
    /// The copy is what counts: the lane closed before the sender came back.
    is_spooled: bool,
}

/// A batch that a sender has taken, under its number.
pub(super) struct Job {
    number: u64,
    pub(super) batch: Arc<Batch>,
}

/// What became of a batch.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Verdict {
    pub(super) exported: u64,
    pub(super) lost: Vec<(DropReason, u64)>,
    /// Why items were lost; for the error of a flush.
    pub(super) cause: String,
    /// Parts of the batch that are on disk, to be sent later.
    pub(super) kept: Vec<Stored>,
}

impl Verdict {
    pub(super) fn lost(items: u64, reason: DropReason, cause: impl Into<String>) -> Self {
        Self {
            lost: vec![(reason, items)],
            cause: cause.into(),
            ..Self::default()
        }
    }

    /// Adds what became of another part of the batch.
    pub(super) fn add(&mut self, part: Self) {
        self.exported += part.exported;
        self.lost.extend(part.lost);
        self.kept.extend(part.kept);
        if !part.cause.is_empty() {
            self.cause = part.cause;
        }
    }
}

impl Lane {
    pub(super) fn new(target: &Target, limits: &Limits) -> Arc<Self> {
        let counters = Arc::new(ExporterCounters::new("otlp"));
        if let Some(spool) = &target.spool {
            spool.attach(target.signal, &counters);
        }
        let shown = target.endpoint.shown();
        let receiver = shown
            .strip_suffix(target.signal.http_path())
            .unwrap_or(&shown);
        Arc::new(Self {
            signal: target.signal,
            receiver: receiver.to_owned(),
            queue_bytes: limits.queue_bytes,
            share: Arc::default(),
            queue_items: limits.queue_items,
            state: Mutex::default(),
            work: Condvar::new(),
            changed: Condvar::new(),
            counters,
            accepts: Accepts::default(),
            spool: target.spool.clone(),
        })
    }

    /// Keeps the thread of a sender, for the end.
    pub(super) fn has_begun(&self, thread: JoinHandle<()>) {
        let mut state = self.lock();
        state.threads.retain(|thread| !thread.is_finished());
        state.threads.push(thread);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Queues a finished request, or counts it as lost if there is no room. Never blocks.
    pub(super) fn hand_over(&self, mut batch: Batch) {
        let len = batch.body().len();
        let mut state = self.lock();
        // Until its deadline a lane that closes takes what was collected meanwhile: the senders empty it.
        let is_over = |s: &State| s.closing.is_some_and(|deadline| deadline <= Instant::now());
        let place = if state.ended || is_over(&state) {
            Err(DropReason::Shutdown)
        } else if state.bytes + len > self.queue_bytes
            || state.items + batch.items > self.queue_items
        {
            Err(DropReason::QueueFull)
        } else {
            let capacity = batch.capacity();
            let mut is_held = self.share.extend(&mut batch.held, capacity);
            if !is_held {
                // What is kept for later requests makes room for this one.
                state.spare.clear();
                is_held = self.share.extend(&mut batch.held, capacity);
            }
            is_held.then_some(()).ok_or(DropReason::QueueFull)
        };
        if let Err(reason) = place {
            self.counters.dropped.add(reason, batch.items);
            state.last_cause = reason.to_string();
            if reason == DropReason::QueueFull {
                let text = format!(
                    "the queue is full, the receiver is slower than the program{}",
                    state.last_attempt()
                );
                self.counters.set_problem(Part::Queue, Some(&text));
            }
            state.keep(batch.into_spare());
            return;
        }
        state.bytes += len;
        state.items += batch.items;
        state.queued += 1;
        state.wakes += 1;
        state.queue.push_back(Arc::new(batch));
        drop(state);
        self.work.notify_one();
    }

    /// Returns the memory of an earlier request, if there is some.
    pub(super) fn spare(&self) -> Spare {
        let spare = self.lock().spare.pop();
        spare.unwrap_or_else(|| (Vec::new(), Held::none()))
    }

    /// Counts items as lost that no request can hold.
    #[cold]
    pub(super) fn refuse(&self, items: u64, reason: DropReason) {
        let mut state = self.lock();
        self.counters.dropped.add(reason, items);
        state.last_cause = reason.to_string();
    }

    /// Returns how many lost items flushes have told of, for a wait that begins now.
    pub(super) fn told(&self) -> u64 {
        self.lock().told
    }

    /// Returns a wait for what was handed over until now, which fails if more than `told` items are lost in its end; what
    /// has no outcome by its deadline goes to disk if there is a spool. The senders try at once, and where
    /// nobody listens at two attempts nobody is waited for: what is to be sent stays queued.
    pub(super) fn pending(self: &Arc<Self>, told: u64) -> PendingFlush {
        let mut state = self.lock();
        if self.counters.dropped.total() == told {
            state.last_cause.clear();
        }
        state.nudges += 1;
        state.wakes += 1;
        let (queued, nudges) = (state.queued, state.nudges);
        drop(state);
        self.notify_all();
        let lane = Arc::clone(self);
        Box::new(move |deadline| {
            let settled = |s: &State| s.has_settled(queued) || s.ended || lane.gives_up(s, nudges);
            let state = wait(
                &lane.changed,
                lane.lock(),
                Some(lane.before(deadline)),
                settled,
            );
            let is_late = !settled(&state);
            drop(state);
            if is_late {
                lane.secure();
            }
            lane.outcome(&mut lane.lock(), told, (queued, nudges))
        })
    }

    /// Lets the senders go on until `deadline`; what remains goes to disk, or is counted as lost.
    ///
    /// # Errors
    /// When items were lost since the last flush.
    pub(super) fn close(&self, deadline: Instant) -> Result<(), Error> {
        let mut state = self.lock();
        state.closing = Some(deadline);
        state.nudges += 1;
        state.wakes += 1;
        self.notify_all();
        let mut state = wait(&self.changed, state, Some(self.before(deadline)), |s| {
            s.ended
        });
        let threads = if state.ended {
            core::mem::take(&mut state.threads)
        } else {
            Vec::new()
        };
        drop(state);
        // The library that this is part of may be unloaded next.
        for thread in threads {
            let _ = thread.join();
        }
        self.secure();
        let mut state = self.lock();
        self.abandon(&mut state);
        // Nothing is left that could be unsafe.
        let told = state.told;
        let result = self.outcome(&mut state, told, (0, 0));
        drop(state);
        self.changed.notify_all();
        result
    }

    /// Waits until the senders have gone, at most until `deadline`.
    #[cfg(test)]
    pub(super) fn wait_until_ended(&self, deadline: Instant) {
        let state = wait(&self.changed, self.lock(), Some(deadline), |s| s.ended);
        assert!(state.ended, "the sender is still there");
    }

    /// Returns a deadline that leaves time to write to disk, if that is to be done.
    fn before(&self, deadline: Instant) -> Instant {
        match self.spool {
            Some(_) => deadline.checked_sub(TO_DISK).unwrap_or(deadline),
            None => deadline,
        }
    }

    #[cfg(test)]
    pub(super) fn senders(&self) -> usize {
        self.lock().senders
    }

    /// Has `health` say how an export failed, and what to do against it.
    pub(super) fn failed(&self, problem: &str) {
        self.counters.set_problem(Part::Export, Some(problem));
    }

    /// Takes back what [`Lane::failed`] said: an export succeeded.
    pub(super) fn works(&self) {
        self.counters.set_problem(Part::Export, None);
    }

    /// Notes why an attempt failed: errors of a flush say so until the receiver answers.
    pub(super) fn trouble(&self, cause: &str) {
        cause.clone_into(&mut self.lock().trouble);
    }

    /// Notes that an attempt failed, and how many nudges came before it if nobody listened.
    pub(super) fn attempt_failed(&self, nobody_listened: Option<u64>) {
        let mut state = self.lock();
        state.unreached = match nobody_listened {
            Some(nudges) => [state.unreached[1], Some(nudges)],
            None => [None; 2],
        };
        drop(state);
        self.changed.notify_all();
    }

    /// Returns whether nobody is waited for who listened neither at the last attempt but one nor at the
    /// last, which began after so many nudges. With a spool the disk is waited for.
    fn gives_up(&self, state: &State, nudges: u64) -> bool {
        let is_unreached = matches!(state.unreached, [Some(_), Some(last)] if last >= nudges);
        self.spool.is_none() && is_unreached
    }

    /// Wakes all who wait, for what concerns every sender.
    fn notify_all(&self) {
        self.work.notify_all();
        self.changed.notify_all();
    }
}

impl State {
    /// Returns whether all that was queued before number `queued` has left.
    fn has_settled(&self, queued: u64) -> bool {
        self.queued - self.queue.len() as u64 >= queued
            && self.in_hand.iter().all(|job| job.number >= queued)
    }

    /// Returns whether all that was queued before number `queued` has left or is on disk.
    fn is_safe(&self, queued: u64) -> bool {
        let is_safe = |job: &InHand| job.number >= queued || job.stored.is_some();
        self.queued - self.queue.len() as u64 >= queued && self.in_hand.iter().all(is_safe)
    }

    /// Takes the oldest batch of the queue in hand.
    fn take(&mut self) -> Option<Job> {
        let number = self.queued - self.queue.len() as u64;
        let batch = self.queue.pop_front()?;
        self.in_hand.push(InHand {
            number,
            batch: Arc::clone(&batch),
            stored: None,
            is_spooled: false,
        });
        Some(Job { number, batch })
    }

    fn in_hand(&mut self, number: u64) -> Option<&mut InHand> {
        self.in_hand.iter_mut().find(|job| job.number == number)
    }

    /// Lets go of a batch in hand; `None` once somebody else has accounted for it.
    fn leave(&mut self, number: u64) -> Option<InHand> {
        let at = self.in_hand.iter().position(|job| job.number == number)?;
        let job = self.in_hand.swap_remove(at);
        if !job.is_spooled {
            self.bytes -= job.batch.body().len();
            self.items -= job.batch.items;
        }
        Some(job)
    }

    /// Returns what the last attempt failed with, to be appended to an error.
    fn last_attempt(&self) -> String {
        match &*self.trouble {
            "" => String::new(),
            cause => format!("; the last attempt: {cause}"),
        }
    }

    fn leaves_no_time_until(&self, until: Instant) -> bool {
        self.closing.is_some_and(|deadline| deadline < until)
    }

    fn keep(&mut self, spare: Spare) {
        // What was refused was never part of the budget.
        let is_held = spare.1.bytes() >= spare.0.capacity();
        if is_held && self.spare.len() < MAX_SPARE && spare.1.bytes() <= MAX_SPARE_BYTES {
            self.spare.push(spare);
        }
    }
}
