//! The limits of one log record.

use crate::trace::SpanLimits;
#[cfg(feature = "otlp")]
use crate::trace::{AttributeValue, ValueRef};

/// The limits of one log record. What exceeds them is dropped and counted in the record itself.
///
/// They are those of the OpenTelemetry specification, "`LogRecord` Limits".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogLimits {
    /// How many attributes a record may have.
    pub(crate) attributes: u32,
    /// How many characters a text among them may have; longer ones are cut.
    pub(crate) value_length: u32,
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

#[cfg(feature = "otlp")]
impl LogLimits {
    /// Calls `f` with a value whose texts are cut to the allowed length.
    pub(crate) fn with_value(self, value: &AttributeValue, f: impl FnOnce(ValueRef<'_>)) {
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
