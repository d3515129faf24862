//! `TracesData` (opentelemetry/proto/trace/v1/trace.proto) as JSON.

use std::borrow::Cow;

use super::write::Json;
use crate::semconv::{OTHER, attribute as key};
use crate::trace::{Outcome, SpanContext, SpanRecord};
use crate::{AttributeValue, SpanKind};

/// `SpanFlags`: what is known of the parent, or of the span that a link points to.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// `Status.StatusCode`.
const STATUS_ERROR: u8 = 2;

pub(super) fn line(
    resource: &[(Cow<'static, str>, AttributeValue)],
    records: &[SpanRecord],
) -> Json {
    let names = ("resourceSpans", "scopeSpans", "spans");
    Json::envelope(names, resource, records, span)
}

/// `Span.SpanKind`.
fn kind(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn remote(is_remote: bool) -> u32 {
    HAS_IS_REMOTE | if is_remote { IS_REMOTE } else { 0 }
}

fn span(json: &mut Json, record: &SpanRecord) {
    json.object(|json| {
        json.key("traceId").quoted(record.trace_id);
        json.key("spanId").quoted(record.span_id);
        if let Some(parent) = record.parent_id {
            json.key("parentSpanId").quoted(parent);
        }
        // Only sampled spans are exported.
        json.key("flags").plain(1 | remote(record.parent_is_remote));
        json.key("name").string(&record.name);
        json.key("kind").plain(kind(record.kind));
        json.key("startTimeUnixNano")
            .quoted(record.start_unix_nanos);
        json.key("endTimeUnixNano").quoted(record.end_unix_nanos);
        attributes(json, record);
        json.key("events").array(&record.events, |json, event| {
            json.object(|json| {
                json.key("timeUnixNano").quoted(event.unix_nanos);
                json.key("name").string(&event.name);
                json.key("attributes").attributes(&event.attributes);
            });
        });
        json.key("links").array(&record.links, |json, link| {
            let SpanContext {
                trace_id,
                span_id,
                flags,
                is_remote,
                ..
            } = link.context;
            json.object(|json| {
                json.key("traceId").quoted(trace_id);
                json.key("spanId").quoted(span_id);
                json.key("attributes").attributes(&link.attributes);
                json.key("flags")
                    .plain(u32::from(flags.bits()) | remote(is_remote));
            });
        });
        if matches!(record.outcome, Outcome::Error | Outcome::Panicked) {
            let message = record.error.as_ref().and_then(|e| e.message.as_deref());
            json.key("status").object(|json| {
                json.key("message").string(message.unwrap_or_default());
                json.key("code").plain(STATUS_ERROR);
            });
        }
    });
}

/// What the record says in fields of its own is an attribute in OTLP.
fn attributes(json: &mut Json, record: &SpanRecord) {
    let mut all: Vec<(Cow<'static, str>, AttributeValue)> = record.attributes.clone();
    let mut add = |key: &'static str, value: String| {
        if !all.iter().any(|(k, _)| k == key) {
            all.push((key.into(), value.into()));
        }
    };
    if !record.function.is_empty() {
        let path = [record.module, record.function].join("::");
        add(
            key::CODE_FUNCTION_NAME,
            path.trim_start_matches("::").to_owned(),
        );
    }
    match record.outcome {
        Outcome::Ok => {}
        Outcome::Cancelled => add(key::OBS_OUTCOME, Outcome::Cancelled.as_str().to_owned()),
        Outcome::Panicked | Outcome::Error => {
            let default = if record.outcome == Outcome::Panicked {
                "panic"
            } else {
                OTHER
            };
            let kind = record.error.as_ref().map_or(default, |e| &*e.kind);
            add(key::ERROR_TYPE, kind.to_owned());
        }
    }
    json.key("attributes").attributes(&all);
}
