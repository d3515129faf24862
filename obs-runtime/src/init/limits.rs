//! The variables of limits of spans (OpenTelemetry specification, "Attribute Limits" and "Span Limits").

use crate::trace::SpanLimits;
use crate::vars::Vars;

/// Reads the limits; what is said of spans, events or links counts before what is said of all attributes.
pub(super) fn of_spans(vars: &mut Vars<'_>) -> SpanLimits {
    let count = vars.get("OTEL_ATTRIBUTE_COUNT_LIMIT");
    let length = vars.get("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    let mut limit =
        |name, of_all: Option<u32>, default| vars.get(name).or(of_all).unwrap_or(default);
    let default = SpanLimits::default();
    SpanLimits {
        attributes: limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", count, default.attributes),
        value_length: limit(
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            length,
            default.value_length,
        ),
        events: limit("OTEL_SPAN_EVENT_COUNT_LIMIT", None, default.events),
        links: limit("OTEL_SPAN_LINK_COUNT_LIMIT", None, default.links),
        event_attributes: limit(
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            count,
            default.event_attributes,
        ),
        link_attributes: limit(
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
            count,
            default.link_attributes,
        ),
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
