//! `Span` (opentelemetry/proto/trace/v1/trace.proto), straight from a finished record.

use crate::exporter::otlp::attributes::{key_value, key_values};
use crate::exporter::otlp::batch::ITEMS;
use crate::exporter::otlp::lane::Accepts;
use crate::exporter::otlp::library::Library;
use crate::exporter::otlp::plain::{Block, plain};
use crate::exporter::otlp::protobuf::{
    FIXED32, bytes, fixed32, fixed64, long_message, message, text, uint,
};
use crate::exporter::otlp::template::{Template, Templates};
use crate::semconv::OTHER;
use crate::semconv::attribute::{
    CODE_FUNCTION_NAME, ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE, LEVEL,
    OBS_OUTCOME,
};
use crate::semconv::event::EXCEPTION;
use crate::trace::attribute::Status;
use crate::trace::propagation::{TraceState, remembered};
use crate::trace::{Event, Link, Outcome, SpanLimits, SpanView, TraceFlags, TraceId, ValueRef};

pub(super) const TRACE_ID: u32 = 1;
pub(super) const SPAN_ID: u32 = 2;
/// Of `Span` and of `Span.Link`.
const TRACE_STATE: u32 = 3;
pub(super) const PARENT_SPAN_ID: u32 = 4;
pub(super) const NAME: u32 = 5;
pub(super) const KIND: u32 = 6;
pub(super) const START: u32 = 7;
pub(super) const END: u32 = 8;
pub(super) const ATTRIBUTES: u32 = 9;
const DROPPED_ATTRIBUTES: u32 = 10;
const EVENTS: u32 = 11;
const DROPPED_EVENTS: u32 = 12;
const LINKS: u32 = 13;
const DROPPED_LINKS: u32 = 14;
const STATUS: u32 = 15;
const FLAGS: u32 = 16;

/// Of `Span.Event`.
const EVENT_TIME: u32 = 1;
const EVENT_NAME: u32 = 2;
const EVENT_ATTRIBUTES: u32 = 3;
const EVENT_DROPPED: u32 = 4;

/// Of `Span.Link`.
const LINK_ATTRIBUTES: u32 = 4;
const LINK_DROPPED: u32 = 5;
const LINK_FLAGS: u32 = 6;

/// Of `Status`.
const STATUS_MESSAGE: u32 = 2;
const STATUS_CODE: u32 = 3;
const STATUS_CODE_OK: u64 = 1;
const STATUS_CODE_ERROR: u64 = 2;

/// `SpanFlags`: the bit below is known.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Encodes spans as items of a request.
pub(super) struct SpanEncoder {
    templates: Templates,
    block: Box<Block>,
    /// Whether errors arrive as log records; none if logs are not sent.
    logs: Option<Accepts>,
}

impl SpanEncoder {
    pub(super) fn new(limits: SpanLimits, logs: Option<Accepts>) -> Self {
        Self {
            templates: Templates::new(limits),
            block: Box::new([0; size_of::<Block>()]),
            logs,
        }
    }

    /// Appends a span of obs; of a span that belongs to a library it says which, and appends nothing.
    #[inline]
    pub(super) fn own(&mut self, out: &mut Vec<u8>, view: &SpanView<'_>) -> Option<Library> {
        let template = self.templates.get(view.callsite);
        if template.library.is_none() {
            append(out, view, template, &mut self.block, self.logs.as_ref());
        }
        template.library.clone()
    }

    /// Appends any span.
    pub(super) fn span(&mut self, out: &mut Vec<u8>, view: &SpanView<'_>) {
        let template = self.templates.get(view.callsite);
        append(out, view, template, &mut self.block, self.logs.as_ref());
    }
}

#[inline]
fn append(
    out: &mut Vec<u8>,
    view: &SpanView<'_>,
    template: &Template,
    block: &mut Block,
    logs: Option<&Accepts>,
) {
    if view.extra.is_none()
        && view.outcome == Outcome::Ok
        && template.is_plain
        && trace_state(view.trace_id, view.scope).is_none()
        && let Some(item) = plain(block, view, template)
    {
        out.extend_from_slice(item);
    } else {
        full(out, view, template, logs);
    }
}

/// Appends a span of any length, with parts that few have: a name, late attributes, events, links, an error.
#[cold]
fn full(out: &mut Vec<u8>, view: &SpanView<'_>, template: &Template, logs: Option<&Accepts>) {
    let limits = &template.limits;
    let extra = view.extra;
    long_message(out, ITEMS, |out| {
        bytes(out, TRACE_ID, &view.trace_id.to_bytes());
        bytes(out, SPAN_ID, &view.span_id.to_bytes());
        trace_state_field(out, view.trace_id, view.scope);
        if view.parent_id.is_valid() {
            bytes(out, PARENT_SPAN_ID, &view.parent_id.to_bytes());
        }
        text(out, NAME, view.name());
        uint(out, KIND, template.kind);
        fixed64(out, START, view.start_unix_nanos);
        fixed64(out, END, view.end_unix_nanos);
        let over = attributes(out, view, template);
        dropped(
            out,
            DROPPED_ATTRIBUTES,
            over + extra.map_or(0, |e| e.dropped_attributes),
        );
        for e in view.events() {
            event(out, e, limits);
        }
        // A back end without logs is to show the message all the same.
        if !logs.is_some_and(Accepts::get) {
            exception(out, view, limits);
        }
        dropped(out, DROPPED_EVENTS, extra.map_or(0, |e| e.dropped_events));
        for l in view.links() {
            link(out, l, limits);
        }
        dropped(out, DROPPED_LINKS, extra.map_or(0, |e| e.dropped_links));
        status(out, view);
        let flags = flags(view.flags, view.parent_is_remote);
        out.extend_from_slice(&flags_field(flags));
    });
}

/// Appends how many were left out, unless none were.
fn dropped(out: &mut Vec<u8>, field: u32, count: u32) {
    if count > 0 {
        uint(out, field, u64::from(count));
    }
}

/// Returns the `tracestate` that a trace came with. That is one load if no trace came with any.
#[inline]
fn trace_state(trace_id: TraceId, scope: u16) -> Option<TraceState> {
    if remembered::any() {
        remembered::of_trace(trace_id, scope)
    } else {
        None
    }
}

fn trace_state_field(out: &mut Vec<u8>, trace_id: TraceId, scope: u16) {
    if let Some(state) = trace_state(trace_id, scope) {
        text(out, TRACE_STATE, state.as_str());
    }
}

/// Writes every attribute once; of one key the last that was set. Returns how many the limit left out.
fn attributes(out: &mut Vec<u8>, view: &SpanView<'_>, template: &Template) -> u32 {
    let mut all: Vec<(&str, ValueRef<'_>)> = Vec::with_capacity(16);
    let mut set = |key, value| match all.iter_mut().find(|(k, _)| *k == key) {
        Some((_, old)) => *old = value,
        None => all.push((key, value)),
    };
    if !template.function.is_empty() {
        set(CODE_FUNCTION_NAME, ValueRef::Str(&template.function));
    }
    for (key, value) in view.written() {
        if !template.is_of_library(key) {
            set(key, value);
        }
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
    let limits = &template.limits;
    let most = all.len().min(limits.attributes as usize);
    for (key, value) in &all[..most] {
        key_value(out, ATTRIBUTES, key, limits.value(*value));
    }
    (all.len() - most) as u32
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
    let (code, description) = match view.status() {
        Some(Status::Ok) => (STATUS_CODE_OK, None),
        Some(Status::Error(description)) => (STATUS_CODE_ERROR, Some(&**description)),
        None if error_type(view).is_some() => {
            let cause = view.error().and_then(|e| e.message.as_deref());
            (STATUS_CODE_ERROR, cause)
        }
        None => return,
    };
    message(out, STATUS, |out| {
        text(out, STATUS_MESSAGE, description.unwrap_or_default());
        uint(out, STATUS_CODE, code);
    });
}

fn event(out: &mut Vec<u8>, event: &Event, limits: &SpanLimits) {
    let most = event.attributes.len().min(limits.event_attributes as usize);
    message(out, EVENTS, |out| {
        fixed64(out, EVENT_TIME, event.unix_nanos);
        text(out, EVENT_NAME, &event.name);
        key_values(out, EVENT_ATTRIBUTES, &event.attributes[..most]);
        dropped(out, EVENT_DROPPED, (event.attributes.len() - most) as u32);
    });
}

/// Appends the error as back ends show it: an event named `exception` (semantic conventions,
/// "Exceptions on spans"), unless the user recorded one.
fn exception(out: &mut Vec<u8>, view: &SpanView<'_>, limits: &SpanLimits) {
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
            let message = ValueRef::Str(limits.prefix(message));
            key_value(out, EVENT_ATTRIBUTES, EXCEPTION_MESSAGE, message);
        }
        if let Some(stacktrace) = &error.stacktrace {
            let stacktrace = ValueRef::Str(limits.prefix(stacktrace));
            key_value(out, EVENT_ATTRIBUTES, EXCEPTION_STACKTRACE, stacktrace);
        }
        if let Some(level) = error.level {
            let level = ValueRef::Str(level.as_str());
            key_value(out, EVENT_ATTRIBUTES, LEVEL, level);
        }
    });
}

fn link(out: &mut Vec<u8>, link: &Link, limits: &SpanLimits) {
    let most = link.attributes.len().min(limits.link_attributes as usize);
    let context = &link.context;
    message(out, LINKS, |out| {
        bytes(out, TRACE_ID, &context.trace_id.to_bytes());
        bytes(out, SPAN_ID, &context.span_id.to_bytes());
        trace_state_field(out, context.trace_id, context.scope);
        key_values(out, LINK_ATTRIBUTES, &link.attributes[..most]);
        dropped(out, LINK_DROPPED, (link.attributes.len() - most) as u32);
        fixed32(out, LINK_FLAGS, flags(context.flags, context.is_remote()));
    });
}

pub(super) const fn flags(flags: TraceFlags, is_remote: bool) -> u32 {
    let remote = if is_remote { IS_REMOTE } else { 0 };
    flags.bits() as u32 | HAS_IS_REMOTE | remote
}

/// Returns the field of the flags in one piece; the tag of number 16 takes two bytes.
#[inline]
pub(super) fn flags_field(flags: u32) -> [u8; 6] {
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

#[cfg(test)]
#[path = "span_limits_tests.rs"]
mod limits_tests;
