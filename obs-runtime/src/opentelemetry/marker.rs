//! Where a span was asked for, if it is built elsewhere.
//!
//! `tracing-opentelemetry` makes a builder when a span is made, and builds it when that is first entered,
//! perhaps on another thread. The context of OpenTelemetry goes with the builder; ours goes in a link that
//! nobody else sees.

use ::opentelemetry::trace::{Link, SpanBuilder, SpanContext as Theirs};
use ::opentelemetry::{Context, KeyValue, Value};

use crate::trace::SpanContext;
use crate::trace::bridge::{context, convert};
use crate::trace::local::{flag, local};

/// Never sent: [`take`] removes the link.
const SEEN: &str = "obs.marker.seen";
const SCOPE: &str = "obs.marker.scope";

/// Adds the thread's context, if it is set.
pub(super) fn put(builder: &mut SpanBuilder) {
    let local = local();
    if local.flags.get() & (flag::VALID | flag::ATTACHED) == 0 {
        return;
    }
    let ours = local.context();
    let theirs = ours.map_or(Theirs::NONE, |ours| convert::to_opentelemetry(&ours));
    let attributes = vec![
        KeyValue::new(SEEN, context::seen() as i64),
        KeyValue::new(SCOPE, i64::from(local.scope())),
    ];
    let link = Link::new(theirs, attributes, 0);
    builder.links.get_or_insert_default().push(link);
}

/// The parent of a span that is built under a context.
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
