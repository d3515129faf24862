//! A hidden link in a span builder, which remembers the thread's context at that moment.
//!
//! `tracing-opentelemetry` makes a builder when a span is created, and builds the span when it is
//! first entered, perhaps on another thread. OpenTelemetry's context goes along with the builder.
//! The context of obs would be lost, so [`put`] stores it in a link and [`take_parent`] removes
//! that link again: it must never reach an exporter.

use ::opentelemetry::trace::{Link, SpanBuilder, SpanContext as Theirs};
use ::opentelemetry::{Context, KeyValue, Value};

use crate::trace::SpanContext;
use crate::trace::bridge::{context, convert};
use crate::trace::local::{flag, local};

/// Marks the link; it is never sent, because [`take_parent`] removes it.
const SEEN: &str = "obs.marker.seen";
const SCOPE: &str = "obs.marker.scope";

/// Adds the thread's context to a builder, if the thread has one.
pub(super) fn put(builder: &mut SpanBuilder) {
    let local = local();
    if local.flags.get() & (flag::VALID | flag::ATTACHED) == 0 {
        return;
    }
    let ours = local.context();
    let theirs = ours.map_or(Theirs::NONE, SpanContext::to_opentelemetry);
    let attributes = vec![
        KeyValue::new(SEEN, context::seen() as i64),
        KeyValue::new(SCOPE, i64::from(local.scope())),
    ];
    let link = Link::new(theirs, attributes, 0);
    builder.links.get_or_insert_default().push(link);
}

/// Returns the parent of a span that is built under a context, and removes the marker.
pub(super) fn take_parent(builder: &mut SpanBuilder, cx: &Context) -> Option<SpanContext> {
    let marker = builder.links.as_mut().and_then(|links| {
        let at = links.iter().position(is_marker)?;
        Some(links.remove(at))
    });
    if builder.links.as_ref().is_some_and(Vec::is_empty) {
        builder.links = None;
    }
    match marker {
        Some(marker) if number(&marker, 0) as u64 == context::id(cx) => {
            let scope = number(&marker, 1) as u16;
            convert::context(&marker.span_context, scope)
        }
        Some(_) => context::taken_over(cx),
        None => context::parent_of(cx),
    }
}

fn is_marker(link: &Link) -> bool {
    let key = |at: usize| link.attributes.get(at).map(|pair| pair.key.as_str());
    key(0) == Some(SEEN) && key(1) == Some(SCOPE)
}

fn number(link: &Link, at: usize) -> i64 {
    match link.attributes.get(at).map(|pair| &pair.value) {
        Some(Value::I64(number)) => *number,
        _ => 0,
    }
}
