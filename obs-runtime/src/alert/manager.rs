//! Takes alerts and hands them to every notifier.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::alert::Alert;
use crate::alert::notifier::{Log, Notifier, Webhook};
use crate::alert::outbox::{Outbox, Policy};
use crate::error::ErrorKind;
use crate::metrics::snapshot::{MetricData, MetricFamily, MetricSource, Number, NumberPoint};
use crate::self_obs::ExporterStats;
use crate::{Error, semconv};

/// The URL of the webhook that [`AlertManagerBuilder::with_env`] reads.
const WEBHOOK_VARIABLE: &str = "OBS_ALERT_WEBHOOK";
/// How long the last handle waits, when it is dropped, for alerts that are on their way.
const END: Duration = Duration::from_secs(5);

/// Sends alerts. A clone is the same manager; when the last one is dropped, what is queued is sent within
/// five seconds.
#[derive(Clone)]
pub struct AlertManager {
    inner: Arc<Inner>,
}

struct Inner {
    outboxes: Vec<Outbox>,
    start_unix_nanos: u64,
}

/// Says where alerts go, see [`AlertManager::builder`].
#[derive(Default)]
#[must_use = "nothing is set up before `build`"]
pub struct AlertManagerBuilder {
    log: bool,
    webhooks: Vec<String>,
    notifiers: Vec<Box<dyn Notifier>>,
    policy: Policy,
    /// What the environment said that cannot be used.
    error: Option<Error>,
}

impl AlertManagerBuilder {
    /// Whether each alert is a line on standard error.
    pub fn log(mut self, log: bool) -> Self {
        self.log = log;
        self
    }

    /// Posts each alert as JSON to a URL: `severity`, `title`, `message`, `details`, `labels`, `time` (RFC 3339),
    /// `trace_id` and `fingerprint`, by which receivers recognize the same alert. Answers 408, 429 and 5xx, and
    /// no answer, are tried again with growing pauses: six times within about a minute.
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.webhooks.push(url.into());
        self
    }

    /// A channel of your own.
    pub fn notifier(mut self, notifier: impl Notifier) -> Self {
        self.notifiers.push(Box::new(notifier));
        self
    }

    /// How many alerts may wait for each notifier, 1,024 unless said; further ones are lost, and counted.
    pub fn queue(mut self, alerts: usize) -> Self {
        self.policy.capacity = alerts.max(1);
        self
    }

    /// Adds what the environment says: a webhook at `OBS_ALERT_WEBHOOK`. An empty variable is none.
    pub fn with_env(self) -> Self {
        let value = std::env::var_os(WEBHOOK_VARIABLE);
        self.webhook_variable(value.as_deref())
    }

    fn webhook_variable(mut self, value: Option<&std::ffi::OsStr>) -> Self {
        match value.map(|value| value.to_str().map(str::trim)) {
            None | Some(Some("")) => self,
            Some(Some(url)) => match Webhook::new(url) {
                Ok(_) => self.webhook(url),
                Err(error) => {
                    let message = format!("environment variable {WEBHOOK_VARIABLE}: {error}");
                    self.error.get_or_insert(Error::config(message));
                    self
                }
            },
            Some(None) => {
                let message =
                    format!("environment variable {WEBHOOK_VARIABLE}: it is no UTF-8 text");
                self.error.get_or_insert(Error::config(message));
                self
            }
        }
    }

    #[cfg(test)]
    pub(super) fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the manager up. Its threads start with the first alert.
    ///
    /// # Errors
    /// When a webhook's URL is not usable, also one of the environment.
    pub fn build(self) -> Result<AlertManager, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut notifiers: Vec<Box<dyn Notifier>> = Vec::new();
        if self.log {
            notifiers.push(Box::new(Log));
        }
        for url in &self.webhooks {
            notifiers.push(Box::new(Webhook::new(url)?));
        }
        notifiers.extend(self.notifiers);
        let outboxes = notifiers
            .into_iter()
            .map(|notifier| Outbox::new(notifier, self.policy))
            .collect();
        let start = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Ok(AlertManager {
            inner: Arc::new(Inner {
                outboxes,
                start_unix_nanos: start.map_or(0, |d| d.as_nanos() as u64),
            }),
        })
    }
}

impl fmt::Debug for AlertManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // URLs of webhooks are secrets.
        f.debug_struct("AlertManagerBuilder")
            .field("log", &self.log)
            .field("webhooks", &self.webhooks.len())
            .field("notifiers", &self.notifiers.len())
            .finish_non_exhaustive()
    }
}

impl AlertManager {
    /// A manager without notifiers, to which they are added.
    pub fn builder() -> AlertManagerBuilder {
        AlertManagerBuilder::default()
    }

    /// Lines on standard error, and the webhook of `OBS_ALERT_WEBHOOK` if there is one.
    ///
    /// # Errors
    /// When the variable holds no usable URL.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().log(true).with_env().build()
    }

    /// Hands an alert to every notifier. Never waits: what does not fit a queue is lost, and counted in
    /// [`stats`](Self::stats).
    pub fn send(&self, alert: Alert) {
        // Before it is stored anywhere.
        let alert = Arc::new(alert.redacted());
        for outbox in &self.inner.outboxes {
            outbox.push(&alert);
        }
    }

    /// Waits until every alert is delivered or lost.
    ///
    /// # Errors
    /// When some are still on their way after `timeout`; they stay so.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        let late: Vec<&str> = self
            .inner
            .outboxes
            .iter()
            .filter(|outbox| !outbox.flush(deadline))
            .map(Outbox::name)
            .collect();
        if late.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Timeout,
            format!(
                "alerts are still on their way after {timeout:?}: {}",
                late.join(", ")
            ),
        ))
    }

    /// What each notifier took, delivered and lost, by reason.
    pub fn stats(&self) -> Vec<ExporterStats> {
        self.inner.outboxes.iter().map(Outbox::stats).collect()
    }
}

/// The counter `obs.alerts` with the labels `notifier` and `outcome`: `delivered`, or why it was lost.
impl MetricSource for AlertManager {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        // Two webhooks have one name.
        let mut counts = BTreeMap::new();
        for stats in self.stats() {
            *counts.entry((stats.name, "delivered")).or_insert(0) += stats.exported;
            for (reason, lost) in &stats.dropped {
                *counts.entry((stats.name, reason.as_str())).or_insert(0) += lost;
            }
        }
        let points: Vec<_> = counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|((notifier, outcome), count)| NumberPoint {
                labels: [("notifier", notifier), ("outcome", outcome)].into(),
                start_unix_nanos: self.inner.start_unix_nanos,
                value: Number::U64(count),
                exemplar: None,
            })
            .collect();
        if !points.is_empty() {
            let def = semconv::metric::ALERTS;
            out.push(MetricFamily {
                name: def.name.into(),
                description: def.description.into(),
                unit: def.unit.into(),
                data: MetricData::Counter(points.into()),
            });
        }
    }
}

impl fmt::Debug for AlertManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlertManager")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let deadline = Instant::now() + END;
        for outbox in &self.outboxes {
            outbox.end(deadline);
        }
        for outbox in &self.outboxes {
            // What comes too late is counted by the thread, which goes on without us.
            outbox.flush(deadline);
        }
    }
}

#[cfg(test)]
#[path = "manager_tests.rs"]
mod tests;
