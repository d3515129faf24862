//! Conversions of attributes, events, links and status from OpenTelemetry's API.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use ::opentelemetry::trace::{self as otel};
use ::opentelemetry::{Array, Key, KeyValue, Value};

use super::convert;
use crate::semconv::attribute::EXCEPTION_MESSAGE;
use crate::trace::attribute::{AttributeValue, Event, Link, SpanExtra, Status};
use crate::trace::local::redact;

/// The name of the event that an error becomes (semantic conventions, "Exceptions on spans").
pub(crate) const EXCEPTION: &str = "exception";

pub(crate) fn exception(error: &dyn core::error::Error) -> Vec<KeyValue> {
    let message = redact(&error.to_string()).into_owned();
    vec![KeyValue::new(EXCEPTION_MESSAGE, message)]
}

pub(crate) fn key(key: Key) -> Cow<'static, str> {
    Cow::Owned(String::from(key))
}

pub(crate) fn value(value: Value) -> AttributeValue {
    match value {
        Value::Bool(v) => v.into(),
        Value::I64(v) => v.into(),
        Value::F64(v) => v.into(),
        Value::String(v) => String::from(v).into(),
        Value::Array(Array::Bool(v)) => v.into(),
        Value::Array(Array::I64(v)) => v.into(),
        Value::Array(Array::F64(v)) => v.into(),
        Value::Array(Array::String(v)) => {
            let all: Vec<String> = v.into_iter().map(String::from).collect();
            all.into()
        }
        // A kind of value that a later version adds becomes text.
        other => other.to_string().into(),
    }
}

fn pairs(all: Vec<KeyValue>) -> Vec<(Cow<'static, str>, AttributeValue)> {
    all.into_iter()
        .map(|pair| (key(pair.key), value(pair.value)))
        .collect()
}

pub(crate) fn set(extra: &mut SpanExtra, pair: KeyValue) {
    extra.set(key(pair.key), value(pair.value));
}

pub(crate) fn event(
    name: Cow<'static, str>,
    timestamp: SystemTime,
    attributes: Vec<KeyValue>,
) -> Event {
    Event {
        name,
        unix_nanos: unix_nanos(timestamp),
        attributes: pairs(attributes),
    }
}

/// Converts a link; returns none if it names no span.
pub(crate) fn link(context: &otel::SpanContext, attributes: Vec<KeyValue>) -> Option<Link> {
    Some(Link {
        context: convert::context(context, 0)?,
        attributes: pairs(attributes),
    })
}

/// Converts a status; returns none if it is unset.
pub(crate) fn status(status: otel::Status) -> Option<Status> {
    match status {
        otel::Status::Unset => None,
        otel::Status::Ok => Some(Status::Ok),
        otel::Status::Error { description } => {
            Some(Status::Error(redact(&description).into_owned()))
        }
    }
}

pub(crate) fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
}
