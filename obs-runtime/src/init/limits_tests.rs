use super::*;

fn of(set: &[(&str, &str)]) -> (SpanLimits, Vec<String>) {
    let mut vars = Vars::of_list(set);
    (of_spans(&mut vars), vars.problems)
}

#[test]
fn the_variable_of_spans_comes_before_that_of_all_attributes() {
    let (limits, problems) = of(&[
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
    let (limits, _) = of(&[("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7")]);
    assert_eq!((limits.attributes, limits.value_length), (128, 7));
}

#[test]
fn what_is_no_number_is_said_and_left_out() {
    for bad in ["-1", "many", "99999999999", "1.5"] {
        let (limits, problems) = of(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", bad)]);
        assert_eq!(limits, SpanLimits::default());
        let said = format!("OTEL_SPAN_EVENT_COUNT_LIMIT={bad}: ");
        assert!(problems[0].starts_with(&said), "{problems:?}");
    }
}
