//! Limits, what they leave out, and `tracestate`.

use std::collections::HashMap;

use super::*;
use crate::exporter::otlp::batch::Envelope;
use crate::exporter::otlp::fixtures::{Fixture, callsite, only, pair, resource, spans};
use crate::trace::attribute::SpanExtra;
use crate::trace::{SpanContext, SpanId, Value};

fn limited(limits: SpanLimits, fixture: &Fixture) -> opentelemetry_proto::tonic::trace::v1::Span {
    let envelope = Envelope::new(&resource());
    let mut open = envelope.begin(Vec::new());
    SpanEncoder::new(limits, None).span(&mut open.out, &fixture.view());
    spans(envelope.finish(open).body()).remove(0)
}

fn event(attributes: usize) -> Event {
    Event {
        name: "e".into(),
        unix_nanos: 1,
        attributes: (0..attributes)
            .map(|i| (format!("k{i}").into(), 1.into()))
            .collect(),
    }
}

#[test]
fn a_span_holds_no_more_than_the_limits_and_says_what_is_missing() {
    let mut extra = SpanExtra::default();
    for i in 0..200 {
        extra.set(format!("key{i}").into(), i.into());
        extra.add_event(event(0));
        extra.add_link(Link {
            context: SpanContext::remote(TraceId(1), SpanId(2), TraceFlags(1)).unwrap(),
            attributes: Vec::new(),
        });
    }
    // A key that is there can still be changed.
    extra.set("key0".into(), 1000.into());
    assert_eq!(extra.attributes.len(), 128);
    let mut fixture = Fixture::bare();
    fixture.extra = Some(extra);
    let span = only(fixture);
    // The function's name is the first of them.
    assert_eq!(span.attributes.len(), 128);
    assert_eq!(span.attributes[1], pair("key0", 1000));
    assert_eq!(span.dropped_attributes_count, 200 + 1 - 128);
    assert_eq!((span.events.len(), span.dropped_events_count), (128, 72));
    assert_eq!((span.links.len(), span.dropped_links_count), (128, 72));
}

#[test]
fn what_was_set_in_an_entered_span_obeys_the_same_limits() {
    let mut first = SpanExtra::default();
    let mut later = SpanExtra::default();
    for i in 0..100 {
        first.set(format!("a{i}").into(), 1.into());
        later.set(format!("b{i}").into(), 1.into());
        first.add_event(event(0));
        later.add_event(event(0));
    }
    later.dropped_links = 3;
    first.merge(later);
    assert_eq!(
        (first.attributes.len(), first.dropped_attributes),
        (128, 72)
    );
    assert_eq!((first.events.len(), first.dropped_events), (128, 72));
    assert_eq!(first.dropped_links, 3);
}

#[test]
fn fields_are_cut_and_counted_too() {
    let limits = SpanLimits {
        attributes: 2,
        value_length: 4,
        event_attributes: 3,
        ..SpanLimits::default()
    };
    let site = callsite(&["one", "two", "three"], &[]);
    let values = Vec::from(["größer", "x", "y"].map(Value::from_str));
    let mut fixture = Fixture::new(site, values);
    let span = limited(limits, &fixture);
    let keys: Vec<_> = span.attributes.iter().map(|a| &*a.key).collect();
    assert_eq!(keys, [CODE_FUNCTION_NAME, "one"]);
    assert_eq!(span.attributes[1], pair("one", "größ"));
    assert_eq!(span.dropped_attributes_count, 2);

    let mut extra = SpanExtra::default();
    extra.add_event(event(5));
    fixture.extra = Some(extra);
    let event = &limited(limits, &fixture).events[0];
    assert_eq!(
        (event.attributes.len(), event.dropped_attributes_count),
        (3, 2)
    );
}

#[test]
fn the_state_that_a_trace_came_with_is_in_its_spans_and_in_links_to_it() {
    let mut headers = HashMap::new();
    let traceparent = "00-5af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    headers.insert("traceparent".to_owned(), traceparent.to_owned());
    headers.insert("tracestate".to_owned(), "vendor=abc,other=1".to_owned());
    let caller = crate::trace::propagation::extract(&headers);
    let context = caller.context().unwrap();

    let mut fixture = Fixture::bare();
    let before = only(Fixture::bare());
    assert_eq!(before.trace_state, "");
    fixture.trace_id = context.trace_id;
    fixture.parent_id = context.span_id;
    let span = only(fixture);
    assert_eq!(span.trace_state, "vendor=abc,other=1");

    let mut extra = SpanExtra::default();
    let attributes = Vec::new();
    extra.add_link(Link {
        context,
        attributes,
    });
    let mut linking = Fixture::bare();
    linking.extra = Some(extra);
    assert_eq!(only(linking).links[0].trace_state, "vendor=abc,other=1");
}
