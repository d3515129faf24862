//! The variables of limits (OpenTelemetry specification, "Attribute Limits", "Span Limits" and "`LogRecord` Limits").

use crate::logs::LogLimits;
use crate::trace::SpanLimits;

/// Those of all attributes first.
pub(super) const VARIABLES: [&str; 10] = [
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
];

/// Reads the values of [`VARIABLES`]; one that is no number is a problem and left out.
pub(super) fn read(
    values: &[Option<String>; VARIABLES.len()],
    problems: &mut Vec<String>,
) -> (SpanLimits, LogLimits) {
    let mut parsed = [None; VARIABLES.len()];
    for ((value, name), place) in values.iter().zip(VARIABLES).zip(&mut parsed) {
        let Some(text) = value else { continue };
        *place = text.parse::<u32>().ok();
        if place.is_none() {
            problems.push(format!(
                "{name}={text}: expected a whole number from 0 to {}; the default is used",
                u32::MAX
            ));
        }
    }
    let [
        count,
        length,
        span_count,
        span_length,
        events,
        links,
        of_event,
        of_link,
        of_log,
        log_length,
    ] = parsed;
    let default = SpanLimits::default();
    let spans = SpanLimits {
        attributes: span_count.or(count).unwrap_or(default.attributes),
        value_length: span_length.or(length).unwrap_or(default.value_length),
        events: events.unwrap_or(default.events),
        links: links.unwrap_or(default.links),
        event_attributes: of_event.or(count).unwrap_or(default.event_attributes),
        link_attributes: of_link.or(count).unwrap_or(default.link_attributes),
    };
    let default = LogLimits::default();
    let logs = LogLimits {
        attributes: of_log.or(count).unwrap_or(default.attributes),
        value_length: log_length.or(length).unwrap_or(default.value_length),
    };
    (spans, logs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vars: &[(&str, &str)]) -> (SpanLimits, LogLimits, Vec<String>) {
        let value = |name: &str| {
            vars.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        };
        let mut problems = Vec::new();
        let (spans, logs) = read(&VARIABLES.map(value), &mut problems);
        (spans, logs, problems)
    }

    #[test]
    fn the_variable_of_spans_comes_before_that_of_all_attributes() {
        let (limits, logs, problems) = of(&[
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "20"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "30"),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", "40"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "50"),
            ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "60"),
        ]);
        assert_eq!(problems, [""; 0]);
        assert_eq!((limits.attributes, limits.value_length), (30, 20));
        assert_eq!((limits.events, limits.links), (40, 50));
        assert_eq!((limits.event_attributes, limits.link_attributes), (10, 60));
        assert_eq!((logs.attributes, logs.value_length), (10, 20));
        let (_, logs, _) = of(&[
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
            ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "3"),
            ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4"),
        ]);
        assert_eq!((logs.attributes, logs.value_length), (3, 4));
        let (limits, logs, _) = of(&[("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7")]);
        assert_eq!((limits.attributes, limits.value_length), (128, 7));
        assert_eq!(logs, LogLimits::default());
    }

    #[test]
    fn what_is_no_number_is_said_and_left_out() {
        for bad in ["-1", "many", "99999999999", "1.5"] {
            let (limits, _, problems) = of(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", bad)]);
            assert_eq!(limits, SpanLimits::default());
            assert!(
                problems[0].contains("OTEL_SPAN_EVENT_COUNT_LIMIT") && problems[0].contains(bad)
            );
        }
    }
}
