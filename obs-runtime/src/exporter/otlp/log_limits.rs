//! The limits of one log record.

use crate::trace::{AttributeValue, SpanLimits, ValueRef};
use crate::vars::Vars;

/// The limits of one log record. What exceeds them is dropped and counted in the record itself.
///
/// They are those of the OpenTelemetry specification, "`LogRecord` Limits".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogLimits {
    /// How many attributes a record may have.
    pub(super) attributes: u32,
    /// How many characters a text among them may have; longer ones are cut.
    pub(super) value_length: u32,
}

impl Default for LogLimits {
    fn default() -> Self {
        let spans = SpanLimits::default();
        Self {
            attributes: spans.attributes,
            value_length: spans.value_length,
        }
    }
}

impl LogLimits {
    /// Reads the limits; what is said of log records counts before what is said of all attributes.
    pub(super) fn from_env(vars: &mut Vars<'_>) -> Self {
        let default = Self::default();
        let count = vars.get("OTEL_ATTRIBUTE_COUNT_LIMIT");
        let length = vars.get("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT");
        let own_count = vars.get("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT");
        let own_length = vars.get("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT");
        Self {
            attributes: own_count.or(count).unwrap_or(default.attributes),
            value_length: own_length.or(length).unwrap_or(default.value_length),
        }
    }

    /// Calls `f` with a value whose texts are cut to the allowed length.
    pub(super) fn with_value(self, value: &AttributeValue, f: impl FnOnce(ValueRef<'_>)) {
        let limits = SpanLimits {
            value_length: self.value_length,
            ..SpanLimits::default()
        };
        match value {
            AttributeValue::StringArray(_) if self.value_length < u32::MAX => {
                let mut cut = value.clone();
                limits.cut(&mut cut);
                f(cut.as_ref());
            }
            _ => f(limits.value(value.as_ref())),
        }
    }
}
