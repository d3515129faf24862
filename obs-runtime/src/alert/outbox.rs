//! Each notifier's queue, and how often an alert is tried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::alert::Alert;
use crate::alert::notifier::{Notifier, NotifyError, Retry};
use crate::backoff;
use crate::exporter::delivery::{Consumer, Delivery, DeliveryConfig, Outcome, Queue, guarded};
use crate::self_log;
use crate::self_obs::{DropReason, ExporterCounters};

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
    /// Allows six attempts within about a minute.
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
        self_log::warn(self.name, error.reason.as_str(), text);
        Outcome::lost(error.reason, 1)
    }
}

impl Sender {
    /// Sends an alert, again if that may help.
    fn send(&mut self, alert: &Alert, queue: &Queue<Arc<Alert>>) -> Result<(), NotifyError> {
        let mut attempt = 1;
        loop {
            let now = Instant::now();
            let mut deadline = now + self.policy.timeout;
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
            queue.pause(Instant::now() + pause);
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
