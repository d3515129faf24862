//! Each notifier's queue, and how often an alert is tried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::alert::notifier::{Notifier, NotifyError, Retry};
use crate::alert::{Alert, Severity};
use crate::exporter::delivery::{Consumer, Delivery, DeliveryConfig, Outcome, Queue};
use crate::guarded::guarded;
use crate::self_log;
use crate::self_obs::{DropReason, ExporterCounters};
use crate::{backoff, clock};

/// Why the notifiers of obs lose alerts. One of the program may give other reasons.
pub(super) const REASONS: &[DropReason] = &[
    DropReason::QueueFull,
    DropReason::Unreachable,
    DropReason::Rejected,
    DropReason::Timeout,
    DropReason::TooLarge,
    DropReason::Shutdown,
    DropReason::ExporterFailed,
];

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
    /// How long the last handle waits, when it is dropped, for alerts that are on their way.
    pub(super) end: Duration,
}

impl Default for Policy {
    /// Allows six attempts within about a minute.
    fn default() -> Self {
        Self {
            capacity: 1_024,
            attempts: 6,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
            end: Duration::from_secs(5),
        }
    }
}

/// The queue of one notifier. Its thread, `obs-alert-…`, starts with the first alert.
pub(super) type Outbox = Delivery<Arc<Alert>>;

/// Creates the queue of a notifier.
pub(super) fn new(notifier: Box<dyn Notifier>, policy: Policy) -> Outbox {
    let name = notifier.name();
    let config = DeliveryConfig {
        thread: format!("obs-alert-{name}"),
        // Beside those that wait, one is on its way.
        bound: policy.capacity.saturating_add(1),
        late: "alerts are still on their way",
        counters: Arc::new(ExporterCounters::new(name)),
    };
    let sender = Sender {
        notifier,
        policy,
        name,
    };
    Delivery::new(config, sender)
}

/// Waits for the end of the thread, which comes when the queue is empty, then gives up what is left. What the end costs is said now: nobody is left to ask
/// for the account.
pub(super) fn end(outbox: &Outbox, deadline: Instant) {
    let ended = outbox.shutdown(deadline);
    let is_late = ended.is_err_and(|error| error.is_timeout());
    if is_late {
        outbox.give_up();
    }
    let counters = outbox.counters();
    let dropped = counters.dropped.snapshot();
    let lost = dropped
        .iter()
        .find(|(reason, _)| *reason == DropReason::Shutdown);
    let lost = lost.map_or(0, |(_, lost)| *lost);
    // Of a single alert that was not too late, its notifier's thread has said it with its title.
    if lost > u64::from(!is_late) {
        let text = format_args!(
            "alerts are lost, {lost} in all: the program ended before they were delivered"
        );
        self_log::warn(counters.name, "end", text);
    }
}

/// Says that the queue did not take an alert. The thread that sent it must not wait for standard error.
pub(super) fn warn_refused(name: &'static str, alert: &Alert, reason: DropReason) {
    let why = match reason {
        DropReason::QueueFull => "the queue is full: the notifier is slower than the alerts come",
        DropReason::Shutdown => "its manager has ended",
        _ => "the notifier has no thread: raise the limit of threads",
    };
    let text = format_args!("an alert is lost ({}): {why}", alert.title);
    self_log::warn_from_host(name, cause(alert, reason), text);
}

/// Returns the cause under which a loss is said. That of an alert on which somebody must act is not held back because
/// others were lost before it.
fn cause(alert: &Alert, reason: DropReason) -> &'static str {
    match alert.severity {
        Severity::Critical => "critical",
        _ => reason.as_str(),
    }
}

/// Calls the notifier, from the outbox's thread.
struct Sender {
    notifier: Box<dyn Notifier>,
    policy: Policy,
    name: &'static str,
}

impl Consumer<Arc<Alert>> for Sender {
    fn deliver(&mut self, alert: Arc<Alert>, queue: &Queue<Arc<Alert>>) -> Outcome {
        let Err(error) = self.send(&alert, queue) else {
            return Outcome::default();
        };
        let text = format_args!("an alert is lost ({}): {error}", alert.title);
        self_log::warn(self.name, cause(&alert, error.reason), text);
        Outcome::lost(error.reason, 1)
    }
}

impl Sender {
    /// Sends an alert, again if that may help.
    fn send(&mut self, alert: &Alert, queue: &Queue<Arc<Alert>>) -> Result<(), NotifyError> {
        let mut attempt = 1;
        loop {
            let now = Instant::now();
            let mut deadline = clock::after(self.policy.timeout);
            if let Some(end) = queue.closing() {
                if end <= now {
                    let message = "the program ended before it was delivered";
                    return Err(NotifyError::permanent(DropReason::Shutdown, message));
                }
                deadline = deadline.min(end);
            }
            let Err(error) = self.notify(alert, deadline) else {
                return Ok(());
            };
            let Some(retry) = error.retry.filter(|_| attempt < self.policy.attempts) else {
                return Err(error);
            };
            let pause = match retry {
                // Asked for no pause, an outbox still makes its own.
                Retry::After(pause) => pause.max(self.backoff(attempt)),
                Retry::Backoff => self.backoff(attempt),
            };
            queue.pause(clock::after(pause));
            attempt += 1;
        }
    }

    /// Makes one attempt. A notifier of the user may panic: that is a failure like another.
    fn notify(&mut self, alert: &Alert, deadline: Instant) -> Result<(), NotifyError> {
        let message = "the notifier panicked";
        let panicked = || NotifyError::permanent(DropReason::ExporterFailed, message);
        let told = guarded(|| self.notifier.notify(alert, deadline));
        told.unwrap_or_else(|| Err(panicked()))
    }

    fn backoff(&self, attempt: u32) -> Duration {
        let policy = &self.policy;
        let longest = backoff::doubled(policy.first_pause, attempt, policy.longest_pause);
        // The programs of a fleet do not come back at the same moment.
        backoff::shortened(longest, 0.5, backoff::random())
    }
}
