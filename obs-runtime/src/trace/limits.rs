//! The limits of one span, so that a loop that adds to a span costs bounded memory.
//!
//! They hold for the whole process, because whoever adds to a span does not look for its
//! `Observability`.

use core::sync::atomic::{AtomicU32, Ordering};
use std::borrow::Cow;

use crate::trace::attribute::{AttributeValue, ValueRef};

/// The limits of one span. What exceeds them is dropped and counted in the span itself.
///
/// OTLP calls the counts `dropped_attributes_count` and the like. Names and defaults are those of
/// the OpenTelemetry specification, "Span Limits" and "Attribute Limits".
///
/// ```
/// let mut limits = obs_runtime::trace::SpanLimits::default();
/// limits.events = 1_000;
/// let builder = obs_runtime::Observability::builder().span_limits(limits);
/// # drop(builder);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanLimits {
    /// How many attributes a span may have. Default: `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, else
    /// `OTEL_ATTRIBUTE_COUNT_LIMIT`, else 128.
    pub attributes: u32,
    /// How many characters a text value may have; longer ones are cut. Default:
    /// `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, else `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, else any
    /// number (`u32::MAX`).
    pub value_length: u32,
    /// How many events a span may have. Default: `OTEL_SPAN_EVENT_COUNT_LIMIT`, else 128.
    pub events: u32,
    /// How many links a span may have. Default: `OTEL_SPAN_LINK_COUNT_LIMIT`, else 128.
    pub links: u32,
    /// How many attributes an event may have. Default: `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`, else
    /// `OTEL_ATTRIBUTE_COUNT_LIMIT`, else 128.
    pub event_attributes: u32,
    /// How many attributes a link may have. Default: `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT`, else
    /// `OTEL_ATTRIBUTE_COUNT_LIMIT`, else 128.
    pub link_attributes: u32,
}

/// Declares the value of each limit until somebody sets it, and where the process keeps it.
macro_rules! limits {
    ($($limit:ident: $default:expr),+ $(,)?) => {
        const DEFAULT: SpanLimits = SpanLimits { $($limit: $default),+ };

        /// The limits of the whole process, as the buffers' budget is.
        struct Limits { $($limit: AtomicU32),+ }

        static LIMITS: Limits = Limits { $($limit: AtomicU32::new($default)),+ };

        impl SpanLimits {
            pub(crate) fn current() -> Self {
                Self { $($limit: LIMITS.$limit.load(Ordering::Relaxed)),+ }
            }

            pub(crate) fn make_current(self) {
                $(LIMITS.$limit.store(self.$limit, Ordering::Relaxed);)+
            }
        }
    };
}

limits! {
    attributes: 128,
    value_length: u32::MAX,
    events: 128,
    links: 128,
    event_attributes: 128,
    link_attributes: 128,
}

impl Default for SpanLimits {
    /// Returns OpenTelemetry's defaults.
    fn default() -> Self {
        DEFAULT
    }
}

impl SpanLimits {
    /// Cuts the texts of a value.
    pub(crate) fn cut(&self, value: &mut AttributeValue) {
        match value {
            AttributeValue::String(text) => self.cut_text(text),
            AttributeValue::StringArray(all) => all.iter_mut().for_each(|text| self.cut_text(text)),
            _ => {}
        }
    }

    fn cut_text(&self, text: &mut Cow<'static, str>) {
        let len = self.prefix(text).len();
        match text {
            Cow::Borrowed(text) => *text = &text[..len],
            Cow::Owned(text) => text.truncate(len),
        }
    }

    /// Returns as much of a text as is allowed. A character counts as one, however many bytes it
    /// has.
    pub(crate) fn prefix<'a>(&self, text: &'a str) -> &'a str {
        let most = self.value_length as usize;
        if text.len() <= most {
            return text;
        }
        text.char_indices()
            .nth(most)
            .map_or(text, |(end, _)| &text[..end])
    }

    /// Returns a text cut to the allowed length, and any other value as it is.
    pub(crate) fn value<'a>(&self, value: ValueRef<'a>) -> ValueRef<'a> {
        match value {
            ValueRef::Str(text) => ValueRef::Str(self.prefix(text)),
            other => other,
        }
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
