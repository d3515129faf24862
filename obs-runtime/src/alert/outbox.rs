//! A bounded queue before each notifier, and the thread that empties it.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::DropReason;
use crate::alert::Alert;
use crate::alert::notifier::{Notifier, NotifyError, Retry};
use crate::backoff;
use crate::self_obs::{ExporterCounters, ExporterStats};

/// How often an alert is tried, and how long the pauses are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) capacity: usize,
    pub(super) attempts: u32,
    /// The longest pause before the second attempt; that of each further one is twice as long. Half of a pause is
    /// random.
    pub(super) first_pause: Duration,
    pub(super) longest_pause: Duration,
    /// For one attempt.
    pub(super) timeout: Duration,
}

impl Default for Policy {
    /// Six attempts within about a minute.
    fn default() -> Self {
        Self {
            capacity: 1_024,
            attempts: 6,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
        }
    }
}

/// The queue of one notifier.
pub(super) struct Outbox {
    shared: Arc<Shared>,
}

struct Shared {
    policy: Policy,
    state: Mutex<State>,
    /// An alert came, one was finished, or the end was asked for.
    changed: Condvar,
    counters: ExporterCounters,
}

struct State {
    queue: VecDeque<Arc<Alert>>,
    /// Until its thread is started.
    notifier: Option<Box<dyn Notifier>>,
    /// Alerts that were taken and have no outcome yet.
    pending: usize,
    /// Nothing is tried after it.
    end: Option<Instant>,
}

impl Outbox {
    pub(super) fn new(notifier: Box<dyn Notifier>, policy: Policy) -> Self {
        let counters = ExporterCounters::new(notifier.name());
        let state = State {
            queue: VecDeque::new(),
            notifier: Some(notifier),
            pending: 0,
            end: None,
        };
        Self {
            shared: Arc::new(Shared {
                policy,
                state: Mutex::new(state),
                changed: Condvar::new(),
                counters,
            }),
        }
    }

    /// Queues an alert, or counts it as lost. The lock is never held while somebody sends.
    pub(super) fn push(&self, alert: &Arc<Alert>) {
        let shared = &self.shared;
        shared.counters.taken.fetch_add(1, Ordering::Relaxed);
        let mut state = shared.lock();
        if state.queue.len() >= shared.policy.capacity {
            drop(state);
            shared.counters.dropped.add(DropReason::QueueFull, 1);
            return;
        }
        state.queue.push_back(Arc::clone(alert));
        state.pending += 1;
        if let Some(notifier) = state.notifier.take() {
            shared.start(&mut state, notifier);
        }
        drop(state);
        shared.changed.notify_all();
    }

    /// Waits until every alert has its outcome; whether it has.
    pub(super) fn flush(&self, deadline: Instant) -> bool {
        let mut state = self.shared.lock();
        while state.pending > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.shared.wait(state, left);
        }
        true
    }

    /// Lets the thread try until `deadline`; what is left then is lost.
    pub(super) fn end(&self, deadline: Instant) {
        self.shared.lock().end = Some(deadline);
        self.shared.changed.notify_all();
    }

    pub(super) fn name(&self) -> &'static str {
        self.shared.counters.name
    }

    pub(super) fn stats(&self) -> ExporterStats {
        self.shared.counters.snapshot()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.changed
            .wait_timeout(state, time)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// A program that never sends an alert has no thread for it.
    fn start(self: &Arc<Self>, state: &mut State, notifier: Box<dyn Notifier>) {
        let shared = Arc::clone(self);
        // The notifier is lost with a thread that cannot start: so are its alerts, and counted.
        let spawned = std::thread::Builder::new()
            .name(format!("obs-alert-{}", self.counters.name))
            .spawn(move || shared.run(notifier));
        if spawned.is_err() {
            let lost = state.queue.len();
            state.queue.clear();
            state.pending -= lost;
            self.counters
                .dropped
                .add(DropReason::ExporterFailed, lost as u64);
        }
    }

    fn run(&self, mut notifier: Box<dyn Notifier>) {
        while let Some(alert) = self.next() {
            let outcome = self.deliver(notifier.as_mut(), &alert);
            match &outcome {
                Ok(()) => {
                    self.counters.exported.fetch_add(1, Ordering::Release);
                }
                Err(error) => {
                    self.counters.dropped.add(error.reason, 1);
                    crate::self_log::warn(
                        self.counters.name,
                        error.reason.as_str(),
                        format_args!("an alert is lost ({}): {error}", alert.title),
                    );
                }
            }
            self.lock().pending -= 1;
            self.changed.notify_all();
        }
    }

    /// The next alert; `None` at the end, when the queue is empty.
    fn next(&self) -> Option<Arc<Alert>> {
        let mut state = self.lock();
        loop {
            if let Some(alert) = state.queue.pop_front() {
                return Some(alert);
            }
            if state.end.is_some() {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn deliver(&self, notifier: &mut dyn Notifier, alert: &Alert) -> Result<(), NotifyError> {
        let mut attempt = 1;
        loop {
            let now = Instant::now();
            let mut deadline = now + self.policy.timeout;
            if let Some(end) = self.lock().end {
                if end <= now {
                    let message = "the program ended before it was delivered";
                    return Err(NotifyError::permanent(DropReason::Shutdown, message));
                }
                deadline = deadline.min(end);
            }
            let Err(error) = guarded(notifier, alert, deadline) else {
                return Ok(());
            };
            let Some(retry) = error.retry.filter(|_| attempt < self.policy.attempts) else {
                return Err(error);
            };
            let pause = match retry {
                Retry::After(pause) => pause,
                Retry::Backoff => self.backoff(attempt),
            };
            self.pause(pause);
            attempt += 1;
        }
    }

    fn backoff(&self, attempt: u32) -> Duration {
        let Policy {
            first_pause,
            longest_pause,
            ..
        } = self.policy;
        let longest = backoff::doubled(first_pause, attempt, longest_pause);
        // The programs of a fleet do not come back at the same moment.
        backoff::shortened(longest, 0.5, backoff::random())
    }

    /// Waits, but not beyond the end.
    fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        loop {
            let until = state.end.map_or(until, |end| end.min(until));
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.wait(state, left);
        }
    }
}

/// A notifier of the user may panic: that is a failure like another.
fn guarded(
    notifier: &mut dyn Notifier,
    alert: &Alert,
    deadline: Instant,
) -> Result<(), NotifyError> {
    let call = std::panic::AssertUnwindSafe(|| notifier.notify(alert, deadline));
    std::panic::catch_unwind(call).unwrap_or_else(|_| {
        Err(NotifyError::permanent(
            DropReason::ExporterFailed,
            "the notifier panicked",
        ))
    })
}
