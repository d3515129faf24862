//! `Span` (opentelemetry/proto/trace/v1/trace.proto), straight from a finished record.

use crate::exporter::otlp::attributes::{constant, key_value, key_values};
use crate::exporter::otlp::lane::Accepts;
use crate::exporter::otlp::protobuf::{
    FIXED32, bytes, fixed32, fixed64, long_message, message, text, uint,
};
use crate::exporter::otlp::template::Template;
use crate::semconv::attribute::{
    CODE_FUNCTION_NAME, ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_TYPE, LEVEL, OBS_OUTCOME,
};
use crate::semconv::event::EXCEPTION;
use crate::trace::attribute::{OTHER, Status};
use crate::trace::{Event, Link, Outcome, SpanView, TraceFlags, ValueRef};

pub(super) const TRACE_ID: u32 = 1;
pub(super) const SPAN_ID: u32 = 2;
pub(super) const PARENT_SPAN_ID: u32 = 4;
pub(super) const NAME: u32 = 5;
pub(super) const KIND: u32 = 6;
pub(super) const START: u32 = 7;
pub(super) const END: u32 = 8;
pub(super) const ATTRIBUTES: u32 = 9;
const EVENTS: u32 = 11;
const LINKS: u32 = 13;
const STATUS: u32 = 15;
const FLAGS: u32 = 16;

/// Of `Span.Event`.
const EVENT_TIME: u32 = 1;
const EVENT_NAME: u32 = 2;
const EVENT_ATTRIBUTES: u32 = 3;

/// Of `Span.Link`.
const LINK_ATTRIBUTES: u32 = 4;
const LINK_FLAGS: u32 = 6;

/// Of `Status`.
const STATUS_MESSAGE: u32 = 2;
const STATUS_CODE: u32 = 3;
const STATUS_CODE_OK: u64 = 1;
const STATUS_CODE_ERROR: u64 = 2;

/// `SpanFlags`: the bit below is known.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Appends the span as field number `field`. `logs` says whether its error is sent as a log record.
#[inline]
pub(super) fn span(
    out: &mut Vec<u8>,
    field: u32,
    view: &SpanView<'_>,
    template: &Template,
    logs: Option<&Accepts>,
) {
    if view.extra.is_none() && view.outcome == Outcome::Ok && template.is_plain {
        plain(out, field, view, template);
    } else {
        full(out, field, view, template, logs);
    }
}

/// A span as most are: only what its callsite foresaw.
fn plain(out: &mut Vec<u8>, field: u32, view: &SpanView<'_>, template: &Template) {
    let image = if view.parent_id.is_valid() {
        &template.child
    } else {
        &template.root
    };
    long_message(out, field, |out| {
        image.stamp(out, view);
        for (key, value) in template.keys.iter().zip(view.values) {
            if let Some(value) = value.get(view.base) {
                key.pair(out, value);
            }
        }
        let flags = flags(view.flags, view.parent_is_remote);
        out.extend_from_slice(&flags_field(flags));
    });
}

/// A span with parts that few have: a name, late attributes, events, links, an error.
#[cold]
fn full(
    out: &mut Vec<u8>,
    field: u32,
    view: &SpanView<'_>,
    template: &Template,
    logs: Option<&Accepts>,
) {
    long_message(out, field, |out| {
        bytes(out, TRACE_ID, &view.trace_id.to_bytes());
        bytes(out, SPAN_ID, &view.span_id.to_bytes());
        if view.parent_id.is_valid() {
            bytes(out, PARENT_SPAN_ID, &view.parent_id.to_bytes());
        }
        text(out, NAME, view.name());
        uint(out, KIND, template.kind);
        fixed64(out, START, view.start_unix_nanos);
        fixed64(out, END, view.end_unix_nanos);
        attributes(out, view, template);
        for e in view.events() {
            event(out, e);
        }
        // A back end without logs is to show the message all the same.
        if !logs.is_some_and(Accepts::get) {
            exception(out, view);
        }
        for l in view.links() {
            link(out, l);
        }
        status(out, view);
        let flags = flags(view.flags, view.parent_is_remote);
        out.extend_from_slice(&flags_field(flags));
    });
}

/// Every attribute once; of one key the last that was set.
fn attributes(out: &mut Vec<u8>, view: &SpanView<'_>, template: &Template) {
    let mut all: Vec<(&str, ValueRef<'_>)> = Vec::with_capacity(16);
    let mut set = |key, value| match all.iter_mut().find(|(k, _)| *k == key) {
        Some((_, old)) => *old = value,
        None => all.push((key, value)),
    };
    for (key, value) in view.callsite.constants() {
        set(key, constant(value));
    }
    if !template.function.is_empty() {
        set(CODE_FUNCTION_NAME, ValueRef::Str(&template.function));
    }
    for (key, value) in view.recorded() {
        set(key, value);
    }
    if let Some(kind) = error_type(view) {
        set(ERROR_TYPE, ValueRef::Str(kind));
    }
    if view.outcome == Outcome::Cancelled {
        set(OBS_OUTCOME, ValueRef::Str(Outcome::Cancelled.as_str()));
    }
    // What the user set while the span ran is the last word.
    for (key, value) in view.late() {
        set(key, value.as_ref());
    }
    for (key, value) in all {
        key_value(out, ATTRIBUTES, key, value);
    }
}

fn error_type<'a>(view: &SpanView<'a>) -> Option<&'a str> {
    let default = match view.outcome {
        Outcome::Ok | Outcome::Cancelled => return None,
        // A status that was set as such says everything.
        Outcome::Error if view.status().is_some() && view.error().is_none() => return None,
        Outcome::Error => OTHER,
        Outcome::Panicked => "panic",
    };
    Some(view.error().map_or(default, |e| &*e.kind))
}

fn status(out: &mut Vec<u8>, view: &SpanView<'_>) {
    match view.status() {
        Some(Status::Ok) => message(out, STATUS, |out| uint(out, STATUS_CODE, STATUS_CODE_OK)),
        Some(Status::Error(description)) => message(out, STATUS, |out| {
            text(out, STATUS_MESSAGE, description);
            uint(out, STATUS_CODE, STATUS_CODE_ERROR);
        }),
        None => status_of_outcome(out, view),
    }
}

fn status_of_outcome(out: &mut Vec<u8>, view: &SpanView<'_>) {
    if error_type(view).is_some() {
        let cause = view.error().and_then(|e| e.message.as_deref());
        message(out, STATUS, |out| {
            text(out, STATUS_MESSAGE, cause.unwrap_or_default());
            uint(out, STATUS_CODE, STATUS_CODE_ERROR);
        });
    }
}

fn event(out: &mut Vec<u8>, event: &Event) {
    message(out, EVENTS, |out| {
        fixed64(out, EVENT_TIME, event.unix_nanos);
        text(out, EVENT_NAME, &event.name);
        key_values(out, EVENT_ATTRIBUTES, &event.attributes);
    });
}

/// The error as back ends show it: an event named `exception` (semantic conventions,
/// "Exceptions on spans"), unless the user recorded one.
fn exception(out: &mut Vec<u8>, view: &SpanView<'_>) {
    let (Some(error), Some(_)) = (view.error(), error_type(view)) else {
        return;
    };
    if !error.exception || view.events().iter().any(|e| e.name == EXCEPTION) {
        return;
    }
    message(out, EVENTS, |out| {
        fixed64(out, EVENT_TIME, view.end_unix_nanos);
        text(out, EVENT_NAME, EXCEPTION);
        let kind = ValueRef::Str(&error.kind);
        key_value(out, EVENT_ATTRIBUTES, EXCEPTION_TYPE, kind);
        if let Some(message) = &error.message {
            let message = ValueRef::Str(message);
            key_value(out, EVENT_ATTRIBUTES, EXCEPTION_MESSAGE, message);
        }
        if let Some(level) = error.level {
            let level = ValueRef::Str(level.as_str());
            key_value(out, EVENT_ATTRIBUTES, LEVEL, level);
        }
    });
}

fn link(out: &mut Vec<u8>, link: &Link) {
    let context = &link.context;
    message(out, LINKS, |out| {
        bytes(out, TRACE_ID, &context.trace_id.to_bytes());
        bytes(out, SPAN_ID, &context.span_id.to_bytes());
        key_values(out, LINK_ATTRIBUTES, &link.attributes);
        fixed32(out, LINK_FLAGS, flags(context.flags, context.is_remote));
    });
}

const fn flags(flags: TraceFlags, is_remote: bool) -> u32 {
    let remote = if is_remote { IS_REMOTE } else { 0 };
    flags.bits() as u32 | HAS_IS_REMOTE | remote
}

/// The field of the flags in one piece; the tag of number 16 takes two bytes.
#[inline]
fn flags_field(flags: u32) -> [u8; 6] {
    let [a, b, c, d] = flags.to_le_bytes();
    [
        0x80 | (FLAGS << 3 & 0x7f) as u8 | FIXED32,
        (FLAGS >> 4) as u8,
        a,
        b,
        c,
        d,
    ]
}

#[cfg(test)]
#[path = "span_tests.rs"]
mod tests;
