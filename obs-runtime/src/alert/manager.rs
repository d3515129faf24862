//! The manager of alerts: it takes alerts and gives each to every notifier.
//!
//! [`AlertManager::send`] is called from the program's code and must never block it: each notifier
//! has a bounded queue and a thread of its own (`outbox.rs`). Every alert ends as delivered or as
//! lost for a counted reason.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::Error;
use crate::alert::Alert;
use crate::alert::notifier::{Log, Notifier, Webhook};
use crate::alert::outbox::{self, Outbox, Policy};
use crate::clock::{self, unix_nanos};
use crate::error::ErrorKind;
use crate::metrics::snapshot::{MetricData, MetricFamily, MetricSource, Number};
use crate::metrics::source::{point, push};
use crate::self_obs::ExporterStats;
use crate::semconv::{attribute as key, metric};

/// The URL of the webhook that [`AlertManagerBuilder::with_env`] reads.
const WEBHOOK_VARIABLE: &str = "OBS_ALERT_WEBHOOK";
/// A manager that sends alerts; its clones are the same manager.
///
/// When the last clone is dropped, it takes up to five seconds to send what is queued.
#[derive(Clone)]
pub struct AlertManager {
    inner: Arc<Inner>,
}

struct Inner {
    outboxes: Vec<Outbox>,
    policy: Policy,
    start_unix_nanos: u64,
}

/// A builder that says where alerts go; [`AlertManager::builder`] creates it.
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
    /// Sets whether each alert is also a line on standard error. The default is no.
    pub fn log(mut self, log: bool) -> Self {
        self.log = log;
        self
    }

    /// Adds a webhook: each alert is posted to its URL as JSON.
    ///
    /// The object has `severity`, `title`, `message`, `details`, `labels`, `time` (RFC 3339),
    /// `trace_id`, and `fingerprint`, by which receivers recognize the same alert. When the answer
    /// is 408, 429 or 5xx, or there is none, the request is repeated with growing pauses: six
    /// attempts within about a minute.
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.webhooks.push(url.into());
        self
    }

    /// Adds a notifier of your own.
    pub fn notifier(mut self, notifier: impl Notifier) -> Self {
        self.notifiers.push(Box::new(notifier));
        self
    }

    /// Sets how many alerts may wait for each notifier; the default is 1,024.
    ///
    /// Further ones are lost, and counted.
    pub fn queue(mut self, alerts: usize) -> Self {
        self.policy.capacity = alerts.max(1);
        self
    }

    /// Adds the webhook at `OBS_ALERT_WEBHOOK`, if the variable is set and not empty.
    pub fn with_env(self) -> Self {
        let value = std::env::var_os(WEBHOOK_VARIABLE);
        self.webhook_variable(value.as_deref())
    }

    fn webhook_variable(mut self, value: Option<&std::ffi::OsStr>) -> Self {
        let problem = match value.map(|value| value.to_str().map(str::trim)) {
            None | Some(Some("")) => return self,
            Some(Some(url)) => match Webhook::new(url) {
                Ok(_) => return self.webhook(url),
                Err(error) => error.to_string(),
            },
            Some(None) => "it is no UTF-8 text".to_owned(),
        };
        let message = format!("environment variable {WEBHOOK_VARIABLE}: {problem}");
        self.error.get_or_insert(Error::config(message));
        self
    }

    #[cfg(test)]
    pub(super) fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Creates the manager. Its threads start with the first alert.
    ///
    /// # Errors
    /// Returns an error when the URL of a webhook is not usable, also that of the environment.
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
        let outboxes = notifiers.into_iter();
        Ok(AlertManager {
            inner: Arc::new(Inner {
                outboxes: outboxes.map(|n| outbox::new(n, self.policy)).collect(),
                policy: self.policy,
                start_unix_nanos: unix_nanos(),
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
    /// Creates a builder of a manager, at first without notifiers.
    pub fn builder() -> AlertManagerBuilder {
        AlertManagerBuilder::default()
    }

    /// Creates a manager that writes lines on standard error, and uses `OBS_ALERT_WEBHOOK` if set.
    ///
    /// # Errors
    /// Returns an error when the variable holds no usable URL.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().log(true).with_env().build()
    }

    /// Gives an alert to every notifier, without ever waiting.
    ///
    /// What does not fit a queue is lost, and counted in [`stats`](Self::stats).
    pub fn send(&self, alert: Alert) {
        // Before it is stored anywhere.
        let alert = Arc::new(alert.redacted());
        for outbox in &self.inner.outboxes {
            outbox.counters().taken.fetch_add(1, Ordering::Relaxed);
            if let Some(reason) = outbox.push(Arc::clone(&alert), 1) {
                outbox::warn_refused(outbox.counters().name, &alert, reason);
            }
        }
    }

    /// Waits until every alert is delivered or lost.
    ///
    /// # Errors
    /// Returns an error when some are still on their way after `timeout`; they remain so.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let deadline = clock::after(timeout);
        let is_late =
            |outbox: &&Outbox| outbox.flush()(deadline).is_err_and(|error| error.is_timeout());
        let late = self.inner.outboxes.iter().filter(is_late);
        let late: Vec<&str> = late.map(|outbox| outbox.counters().name).collect();
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

    /// Returns what each notifier took, delivered and lost, by reason.
    pub fn stats(&self) -> Vec<ExporterStats> {
        let outboxes = self.inner.outboxes.iter();
        outboxes.map(|o| o.counters().snapshot()).collect()
    }
}

/// Provides the counter `obs.alerts` with the labels `notifier` and `outcome`.
///
/// The outcome is `delivered`, or the reason why alerts were lost. Each is there from the start, with 0, as far as the
/// reasons of a notifier are known.
impl MetricSource for AlertManager {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        self.account(true, out);
    }
}

impl AlertManager {
    /// Appends the counter `obs.alerts`; `from_zero` also what has not happened yet.
    pub(super) fn account(&self, from_zero: bool, out: &mut Vec<MetricFamily>) {
        // Two webhooks have one name.
        let mut counts = BTreeMap::new();
        for stats in self.stats() {
            for reason in outbox::REASONS {
                counts.entry((stats.name, reason.as_str())).or_insert(0);
            }
            *counts.entry((stats.name, "delivered")).or_insert(0) += stats.exported;
            for (reason, lost) in &stats.dropped {
                *counts.entry((stats.name, reason.as_str())).or_insert(0) += lost;
            }
        }
        let counts = counts
            .into_iter()
            .filter(|(_, count)| *count > 0 || from_zero);
        let points = counts.map(|((notifier, outcome), count)| {
            let labels = [(key::NOTIFIER, notifier), (key::OUTCOME, outcome)].into();
            point(labels, self.inner.start_unix_nanos, Number::U64(count))
        });
        push(out, &metric::ALERTS, MetricData::Counter, points.collect());
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
        let deadline = clock::after(self.policy.end);
        // A notifier that does not succeed until shortly before the end has time to say which alert it loses.
        let notifiers = clock::after(self.policy.end.mul_f64(0.9));
        for outbox in &self.outboxes {
            outbox.close(notifiers);
        }
        for outbox in &self.outboxes {
            outbox::end(outbox, deadline);
        }
    }
}

#[cfg(test)]
#[path = "manager_tests.rs"]
mod tests;
