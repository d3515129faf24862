//! The log record, as exporters and tests see it.

use std::borrow::Cow;

use crate::callsite::Level;
use crate::trace::heap::HeapBytes as _;
use crate::trace::local::redact;
use crate::trace::{AttributeValue, SpanContext};

/// A log record: something that was reported at one moment (OpenTelemetry logs data model).
///
/// Secrets are masked in what exporters and `testing::capture` see.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LogRecord {
    /// When it was reported, in nanoseconds since the Unix epoch.
    pub unix_nanos: u64,
    /// The severity.
    pub level: Level,
    /// The name of the kind of event, where there is one.
    pub event_name: Option<Cow<'static, str>>,
    /// The part of the program that reports it: the target of a `tracing` event, the module of a
    /// function.
    ///
    /// In OTLP it is the name of the instrumentation scope.
    pub target: Cow<'static, str>,
    /// The message.
    pub body: Option<Cow<'static, str>>,
    /// The attributes.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::map"))]
    pub attributes: Vec<(Cow<'static, str>, AttributeValue)>,
    /// The span in which it was reported.
    pub context: Option<SpanContext>,
}

impl LogRecord {
    /// Returns the value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&AttributeValue> {
        let found = self.attributes.iter().find(|(k, _)| k == key);
        found.map(|(_, value)| value)
    }

    /// Returns how many bytes the record takes in memory.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>()
            + self.event_name.heap_bytes()
            + self.target.heap_bytes()
            + self.body.heap_bytes()
            + self.attributes.heap_bytes()
    }

    /// Masks the secrets in all texts of the record.
    pub(crate) fn redact(&mut self) {
        for text in self.body.iter_mut().chain(&mut self.event_name) {
            if let Some(masked) = masked(text) {
                *text = Cow::Owned(masked);
            }
        }
        for (key, value) in &mut self.attributes {
            if let Some(masked) = value.redacted(key, masked) {
                *value = masked;
            }
        }
    }
}

fn masked(text: &str) -> Option<String> {
    match redact(text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(masked) => Some(masked),
    }
}

#[cfg(all(test, feature = "serde"))]
#[path = "record_tests.rs"]
mod tests;
