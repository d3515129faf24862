//! `TracesData` (opentelemetry/proto/trace/v1/trace.proto) as JSON.

use std::borrow::Cow;

use serde::ser::{Serialize, Serializer};

use super::write::{Value, attributes, envelope, key_value};
use crate::json::{Each, Field, Object, Text};
use crate::semconv::{OTHER, attribute as key};
use crate::trace::{Event, Outcome, SpanRecord};
use crate::{AttributeValue, trace::Link};

/// `SpanFlags`: what is known of the parent, or of the span that a link points to.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// `Status.StatusCode`.
const STATUS_ERROR: u8 = 2;

pub(super) fn line(
    resource: &[(Cow<'static, str>, AttributeValue)],
    records: &[SpanRecord],
) -> impl Serialize {
    let names = ("resourceSpans", "scopeSpans", "spans");
    let all = Each(records.iter().map(Span));
    envelope(names, resource, all)
}

fn remote(is_remote: bool) -> u32 {
    HAS_IS_REMOTE | if is_remote { IS_REMOTE } else { 0 }
}

struct Span<'a>(&'a SpanRecord);

impl Serialize for Span<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(record) = *self;
        let ids = (
            Field("traceId", Text(record.trace_id)),
            Field("spanId", Text(record.span_id)),
            record.parent_id.map(|id| Field("parentSpanId", Text(id))),
            // Only sampled spans are exported.
            Field("flags", 1 | remote(record.parent_is_remote)),
        );
        let what = (
            Field("name", &*record.name),
            // OTLP has the same list of kinds, from 1 on.
            Field("kind", record.kind as u8 + 1),
            Field("startTimeUnixNano", Text(record.start_unix_nanos)),
            Field("endTimeUnixNano", Text(record.end_unix_nanos)),
        );
        let more = more_attributes(record);
        let own = record.attributes.iter();
        let own = own.map(|(key, value)| (&**key, Value::Of(value)));
        let more = more.iter().flatten();
        let more = more.map(|(key, text)| (*key, Value::Text(text)));
        let all = own.chain(more).map(|(key, value)| key_value(key, value));
        let is_error = matches!(record.outcome, Outcome::Error | Outcome::Panicked);
        Object((
            ids,
            what,
            Field("attributes", Each(all)),
            Field("events", Each(record.events.iter().map(event))),
            Field("links", Each(record.links.iter().map(link))),
            is_error.then(|| Field("status", status(record))),
        ))
        .serialize(serializer)
    }
}

/// Returns what the record says in fields of its own and OTLP as attributes, unless the user has such an attribute.
fn more_attributes(record: &SpanRecord) -> [Option<(&'static str, Cow<'_, str>)>; 2] {
    let function = match (record.module, record.function) {
        (_, "") => None,
        ("", function) => Some(Cow::Borrowed(function)),
        (module, function) => Some(format!("{module}::{function}").into()),
    };
    let of_error = |default| record.error.as_ref().map_or(default, |error| &*error.kind);
    let outcome = match record.outcome {
        Outcome::Ok => None,
        Outcome::Cancelled => Some((key::OBS_OUTCOME, Outcome::Cancelled.as_str())),
        Outcome::Panicked => Some((key::ERROR_TYPE, of_error("panic"))),
        Outcome::Error => Some((key::ERROR_TYPE, of_error(OTHER))),
    };
    let is_new = |key: &str| !record.attributes.iter().any(|(k, _)| k == key);
    let function = function.map(|function| (key::CODE_FUNCTION_NAME, function));
    let outcome = outcome.map(|(key, value)| (key, value.into()));
    [function, outcome].map(|more| more.filter(|(key, _)| is_new(key)))
}

fn event(event: &Event) -> impl Serialize {
    Object((
        Field("timeUnixNano", Text(event.unix_nanos)),
        Field("name", &*event.name),
        attributes(&event.attributes),
    ))
}

fn link(link: &Link) -> impl Serialize {
    let context = &link.context;
    let flags = u32::from(context.flags.bits()) | remote(context.is_remote());
    Object((
        Field("traceId", Text(context.trace_id)),
        Field("spanId", Text(context.span_id)),
        attributes(&link.attributes),
        Field("flags", flags),
    ))
}

fn status(record: &SpanRecord) -> impl Serialize {
    let message = record.error.as_ref().and_then(|e| e.message.as_deref());
    Object((
        Field("message", message.unwrap_or_default()),
        Field("code", STATUS_ERROR),
    ))
}
