//! A finished span outside of the buffers.
//!
//! Spans are copied out of the buffers only if they wait for a decision or were changed on their
//! way.

use crate::callsite::Callsite;
use crate::trace::attribute::{AttributeValue, SpanExtra};
use crate::trace::value::Value;
use crate::trace::view::{Outcome, SpanView};
use crate::trace::{SpanId, TraceFlags, TraceId};

/// A copy of a [`SpanView`], which can be viewed as one again.
#[derive(Debug)]
pub(crate) struct OwnedSpan {
    callsite: &'static Callsite,
    scope: u16,
    trace_id: TraceId,
    span_id: SpanId,
    parent_id: SpanId,
    parent_is_remote: bool,
    flags: TraceFlags,
    start_unix_nanos: u64,
    end_unix_nanos: u64,
    outcome: Outcome,
    pub(super) values: Box<[Value]>,
    pub(super) extra: Option<Box<SpanExtra>>,
}

impl OwnedSpan {
    pub(crate) fn new(span: &SpanView<'_>) -> Self {
        let values = span.values.iter().map(|v| v.detached(span.base));
        Self {
            callsite: span.callsite,
            scope: span.scope,
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent_id: span.parent_id,
            parent_is_remote: span.parent_is_remote,
            flags: span.flags,
            start_unix_nanos: span.start_unix_nanos,
            end_unix_nanos: span.end_unix_nanos,
            outcome: span.outcome,
            values: values.collect(),
            extra: span.extra.cloned().map(Box::new),
        }
    }

    pub(crate) fn view(&self) -> SpanView<'_> {
        SpanView {
            callsite: self.callsite,
            scope: self.scope,
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_id: self.parent_id,
            parent_is_remote: self.parent_is_remote,
            flags: self.flags,
            start_unix_nanos: self.start_unix_nanos,
            end_unix_nanos: self.end_unix_nanos,
            outcome: self.outcome,
            values: &self.values,
            // No value lies behind a record any more.
            base: core::ptr::null(),
            extra: self.extra.as_deref(),
        }
    }

    /// Returns how many bytes the span takes on the heap, in addition to itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        let values = self.values.iter();
        let texts: usize = values.filter_map(Value::boxed_str).map(allocation).sum();
        let values = size_of_val(&*self.values);
        values + texts + self.extra.as_deref().map_or(0, extra_bytes)
    }
}

/// Returns what an allocator takes for a text, including its own book-keeping.
fn allocation(text: &str) -> usize {
    text.len() + 16
}

fn extra_bytes(extra: &SpanExtra) -> usize {
    let pairs = |pairs: &[(std::borrow::Cow<'static, str>, AttributeValue)]| -> usize {
        let of = pairs
            .iter()
            .map(|(key, value)| allocation(key) + value_bytes(value));
        size_of_val(pairs) + of.sum::<usize>()
    };
    let events = extra
        .events
        .iter()
        .map(|e| allocation(&e.name) + pairs(&e.attributes));
    let links = extra.links.iter().map(|l| pairs(&l.attributes));
    let error = extra.error.as_ref().map_or(0, |e| {
        allocation(&e.kind) + e.message.as_deref().map_or(0, allocation)
    });
    size_of::<SpanExtra>()
        + extra.name.as_deref().map_or(0, allocation)
        + pairs(&extra.attributes)
        + size_of_val(&*extra.events)
        + events.sum::<usize>()
        + size_of_val(&*extra.links)
        + links.sum::<usize>()
        + error
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::Bool(_) | AttributeValue::I64(_) | AttributeValue::F64(_) => 0,
        AttributeValue::String(v) => allocation(v),
        AttributeValue::BoolArray(v) => v.len(),
        AttributeValue::I64Array(v) => v.len() * 8,
        AttributeValue::F64Array(v) => v.len() * 8,
        AttributeValue::StringArray(v) => {
            let texts: usize = v.iter().map(|text| allocation(text)).sum();
            size_of_val(&**v) + texts
        }
    }
}
