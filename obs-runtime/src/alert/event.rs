//! The alert: what it says, how receivers recognize it, and how it is written as text and JSON.
//!
//! Alerts leave the program, so secrets are masked once, when a manager takes the alert. The
//! fingerprint is a promise: receivers compare it across processes and releases, so its hash and
//! what goes into it must never change.

use core::fmt;
use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::printable::{Printable, formatted};
use crate::redact::{MASK, is_secret_key};
use crate::rfc3339::rfc3339;
use crate::serialize;
use crate::trace::TraceId;
use crate::trace::heap::HeapBytes;
use crate::trace::local::redact;

/// The severity of an alert: the four levels of PagerDuty's Events API v2.
///
/// ```
/// use obs_runtime::alert::Severity;
/// assert!(Severity::Critical > Severity::Warning);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something should be looked at.
    Warning,
    /// Something failed.
    Error,
    /// Somebody must act now.
    Critical,
}

impl Severity {
    /// Returns the level's name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

serialize::serialize_text!(as_str: Severity);

/// A message to people. Notifiers get it with its secrets masked.
///
/// Alerts with the same title and labels are one alert to their receivers; see
/// [`fingerprint`](Self::fingerprint). What differs each time, such as a run's id or a number,
/// therefore belongs in the message or the details.
///
/// ```
/// use obs_runtime::alert::{Alert, Severity};
///
/// let alert = Alert::new(Severity::Error, "Pipeline etl failed")
///     .message("Run 42 failed after 3 s")
///     .detail("task", "load")
///     .label("pipeline", "etl");
/// assert_eq!(
///     alert.to_string(),
///     "ERROR Pipeline etl failed: Run 42 failed after 3 s pipeline=etl task=load",
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Alert {
    /// How severe it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub title: String,
    /// More about it; the text may be empty.
    pub message: String,
    /// Further facts, in the order they were added.
    pub details: Vec<(String, String)>,
    /// What the alert is about. Labels identify the alert, and receivers route by them.
    pub labels: BTreeMap<String, String>,
    /// The trace that led to it: that of the span in which the alert was made.
    pub trace_id: Option<TraceId>,
    /// When the alert was made.
    pub time: SystemTime,
}

/// A fact of an alert: a pair of its key and its value, or what has both.
///
/// ```
/// use obs_runtime::alert::{Alert, IntoDetail, Severity};
///
/// struct Disk(&'static str, u8);
///
/// impl IntoDetail for Disk {
///     fn into_detail(self) -> (String, String) {
///         (self.0.to_owned(), format!("{} % full", self.1))
///     }
/// }
/// let alert = Alert::new(Severity::Warning, "Little space").details([Disk("/var", 91)]);
/// assert_eq!(alert.details[0].1, "91 % full");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no fact of an alert",
    note = "a fact is a pair `(key, value)`, or a type that implements `IntoDetail`"
)]
pub trait IntoDetail {
    /// Returns its key and its value.
    fn into_detail(self) -> (String, String);
}

impl<K: Into<String>, V: fmt::Display> IntoDetail for (K, V) {
    fn into_detail(self) -> (String, String) {
        (self.0.into(), shown(self.1))
    }
}

impl HeapBytes for Alert {
    fn heap_bytes(&self) -> usize {
        let labels = self
            .labels
            .iter()
            .map(|(k, v)| k.heap_bytes() + v.heap_bytes());
        self.title.heap_bytes()
            + self.message.heap_bytes()
            + self.details.heap_bytes()
            + labels.sum::<usize>()
    }
}

impl Alert {
    /// Creates an alert that happens now, in the trace of the current span.
    pub fn new(severity: Severity, title: impl Into<String>) -> Self {
        Self {
            severity,
            title: title.into(),
            message: String::new(),
            details: Vec::new(),
            labels: BTreeMap::new(),
            trace_id: crate::SpanContext::current().map(|context| context.trace_id()),
            time: SystemTime::now(),
        }
    }

    /// Sets the text that says more about it.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn detail(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        self.details.push((key.into(), shown(value)));
        self
    }

    /// Adds several facts: pairs, or tasks of a run that failed (`run.get_failed_tasks()`).
    ///
    /// ```
    /// use obs_runtime::alert::{Alert, Severity};
    /// let failed = [("load", "timeout"), ("index", "skipped")];
    /// Alert::new(Severity::Error, "etl failed").details(failed);
    /// ```
    #[must_use]
    pub fn details<D: IntoDetail>(mut self, details: impl IntoIterator<Item = D>) -> Self {
        let details = details.into_iter().map(D::into_detail);
        self.details.extend(details);
        self
    }

    /// Adds a label, which says what the alert is about; the last value of a key wins.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Sets the trace that led to it.
    #[must_use]
    pub fn trace_id(mut self, trace_id: TraceId) -> Self {
        self.trace_id = Some(trace_id);
        self
    }

    /// Returns the alert's identity, 16 hexadecimal digits.
    ///
    /// It is the same for alerts with the same title and labels, in every process and release.
    ///
    /// ```
    /// use obs_runtime::alert::{Alert, Severity};
    /// let alert = |severity| Alert::new(severity, "disk full").label("host", "a");
    /// assert_eq!(
    ///     alert(Severity::Warning).message("91 %").fingerprint(),
    ///     alert(Severity::Critical).message("99 %").fingerprint(),
    /// );
    /// ```
    pub fn fingerprint(&self) -> String {
        // FNV-1a, 64 bits: small, and fixed for all time, as `std`'s hash is not.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |text: &str| {
            // The end of each text counts, so that "ab", "c" is not "a", "bc".
            for byte in text.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        eat(&self.title);
        for (key, value) in &self.labels {
            eat(key);
            eat(value);
        }
        format!("{hash:016x}")
    }

    /// Returns the alert without secrets.
    pub(crate) fn redacted(mut self) -> Self {
        let mask = |text: &mut String| {
            if let std::borrow::Cow::Owned(masked) = redact(text) {
                *text = masked;
            }
        };
        let mask_of = |key: &str, value: &mut String| {
            if is_secret_key(key) {
                MASK.clone_into(value);
            } else {
                mask(value);
            }
        };
        mask(&mut self.title);
        mask(&mut self.message);
        for (key, value) in &mut self.details {
            mask_of(key, value);
        }
        for (key, value) in &mut self.labels {
            mask_of(key, value);
        }
        self
    }

    /// Returns the alert as the webhook sends it.
    pub(crate) fn to_json(&self) -> String {
        // Texts cannot fail to become JSON.
        serde_json::to_value(self).unwrap_or_default().to_string()
    }
}

/// Writes what the webhook sends: the fields, a `version` of the form, and the `fingerprint`.
///
/// `details` and `labels` are objects, `time` is RFC 3339 in UTC, and `trace_id` is only there if
/// there is a trace. Secrets are masked in the alerts that notifiers get, not in those that a
/// program has just made.
impl Serialize for Alert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = 8 + usize::from(self.trace_id.is_some());
        let mut alert = serializer.serialize_struct("Alert", fields)?;
        alert.serialize_field("version", &1)?;
        alert.serialize_field("fingerprint", &self.fingerprint())?;
        alert.serialize_field("severity", &self.severity)?;
        alert.serialize_field("title", &self.title)?;
        alert.serialize_field("message", &self.message)?;
        alert.serialize_field("details", &serialize::Map(&self.details))?;
        alert.serialize_field("labels", &self.labels)?;
        alert.serialize_field("time", &rfc3339(self.time))?;
        match &self.trace_id {
            Some(trace) => alert.serialize_field("trace_id", trace)?,
            None => alert.skip_field("trace_id")?,
        }
        alert.end()
    }
}

/// Writes one line, with control characters escaped: `CRITICAL title: message key=value trace=…`.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = self.severity.as_str().to_uppercase();
        write!(f, "{severity} {}", Printable(&self.title))?;
        if !self.message.is_empty() {
            write!(f, ": {}", Printable(&self.message))?;
        }
        let facts = self
            .labels
            .iter()
            .chain(self.details.iter().map(|(k, v)| (k, v)));
        for (key, value) in facts {
            write!(f, " {}=", Printable(key))?;
            if value.is_empty() || value.contains([' ', '"', '=']) {
                write!(f, "{value:?}")?;
            } else {
                write!(f, "{}", Printable(value))?;
            }
        }
        if let Some(trace) = self.trace_id {
            write!(f, " trace={trace}")?;
        }
        Ok(())
    }
}

fn shown(value: impl fmt::Display) -> String {
    formatted(format_args!("{value}")).into_owned()
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
