//! How much one log record may hold.

use crate::trace::SpanLimits;
#[cfg(feature = "otlp")]
use crate::trace::{AttributeValue, ValueRef};

/// What goes beyond is dropped and counted in the record itself (OpenTelemetry specification, "`LogRecord`
/// Limits").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogLimits {
    /// Attributes of a record.
    pub(crate) attributes: u32,
    /// Characters of a text among them; longer ones are cut.
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
    /// Calls `f` with a value whose texts are as long as is allowed.
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
