//! The error of a span as a log record (semantic conventions, "Exceptions in logs").
//!
//! The drain calls it for each failed span. One error that passes through several spans gives one
//! record, or two if nobody handled it.

use std::borrow::Cow;

use crate::callsite::{Construct, Level, SpanKind};
use crate::logs::LogRecord;
use crate::semconv::attribute::{
    CODE_FILE_PATH, CODE_FUNCTION_NAME, CODE_LINE_NUMBER, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE, GEN_AI_OPERATION_NAME,
};
use crate::semconv::{INFERENCE, event};
use crate::trace::attribute::ValueRef;
use crate::trace::context::Origin;
use crate::trace::frame::FrameId;
use crate::trace::{Outcome, SpanContext, SpanError, SpanView};

/// Returns the record of a span that failed; none if it did not, or if its error has a record
/// already.
pub(crate) fn exception(scope: u16, span: &SpanView<'_>) -> Option<LogRecord> {
    let error = span.error();
    let kind = match span.outcome {
        Outcome::Ok | Outcome::Cancelled => return None,
        Outcome::Error => error.map(|e| e.kind.clone()),
        Outcome::Panicked => Some(error.map_or("panic".into(), |e| e.kind.clone())),
    };
    let message = error.and_then(|e| e.message.clone());
    if kind.is_none() && message.is_none() {
        return None;
    }
    let site = span.callsite;
    // A span of `tracing` fails by an event, which is a record itself.
    let said = site.construct() == Construct::Tracing
        || span.events().iter().any(|e| e.name == event::EXCEPTION);
    let level = error.and_then(|e| e.level).unwrap_or_else(|| level(span));
    if said || error.is_some_and(|e| !says_more(e, level, span.outcome)) {
        return None;
    }
    let function = match site.module() {
        "" => Cow::Borrowed(site.function()),
        module => Cow::Owned(format!("{module}::{}", site.function())),
    };
    let mut attributes = Vec::with_capacity(6);
    if let Some(kind) = kind {
        attributes.push((EXCEPTION_TYPE.into(), kind.into()));
    }
    if let Some(message) = message {
        attributes.push((EXCEPTION_MESSAGE.into(), message.into()));
    }
    if let Some(stacktrace) = error.and_then(|e| e.stacktrace.clone()) {
        attributes.push((EXCEPTION_STACKTRACE.into(), stacktrace.into()));
    }
    attributes.push((CODE_FUNCTION_NAME.into(), function.into()));
    attributes.push((CODE_FILE_PATH.into(), site.file().into()));
    attributes.push((CODE_LINE_NUMBER.into(), site.line().into()));
    Some(LogRecord {
        unix_nanos: span.end_unix_nanos,
        level,
        event_name: Some(Cow::Borrowed(event_name(span))),
        target: Cow::Borrowed(site.target()),
        body: None,
        attributes,
        context: Some(SpanContext {
            trace_id: span.trace_id,
            span_id: span.span_id,
            flags: span.flags,
            origin: Origin::Here,
            frame: FrameId::NONE,
            scope,
        }),
    })
}

fn event_name(span: &SpanView<'_>) -> &'static str {
    match span.callsite.construct() {
        Construct::LlmCall if is_inference(span) => event::GEN_AI_CLIENT_INFERENCE_EXCEPTION,
        Construct::LlmCall => event::GEN_AI_CLIENT_OPERATION_EXCEPTION,
        Construct::ToolCall => event::GEN_AI_EXECUTE_TOOL_EXCEPTION,
        Construct::VectorOp => event::DB_CLIENT_OPERATION_EXCEPTION,
        _ => event::EXCEPTION,
    }
}

fn is_inference(span: &SpanView<'_>) -> bool {
    let mut attributes = span.attributes();
    let operation = attributes.find(|(key, _)| *key == GEN_AI_OPERATION_NAME);
    operation.is_some_and(|(_, value)| match value {
        ValueRef::Str(operation) => INFERENCE.contains(&operation),
        _ => false,
    })
}

/// Returns the error's severity. An error that leaves the program's part of the trace was not
/// handled.
fn level(span: &SpanView<'_>) -> Level {
    let is_local_root = !span.parent_id.is_valid() || span.parent_is_remote;
    match (span.outcome, span.callsite.kind()) {
        (_, SpanKind::Client) => Level::Warn,
        (Outcome::Panicked, _) | (_, SpanKind::Server | SpanKind::Consumer) => Level::Error,
        _ if is_local_root => Level::Error,
        _ => Level::Warn,
    }
}

/// Returns whether a record is due.
///
/// Of the spans that an error passes through, the innermost has a record, and so has the span that
/// makes the error grave because nobody handled it. A panic is grave from the start.
fn says_more(error: &SpanError, level: Level, outcome: Outcome) -> bool {
    let becomes_grave = level == Level::Error && outcome != Outcome::Panicked;
    error.exception || (error.level.is_none() && becomes_grave)
}

#[cfg(test)]
#[path = "exception_tests.rs"]
mod tests;
