//! A finished span outside of the buffers.
//!
//! Spans are copied out of the buffers only if they wait for a decision or were changed on their
//! way.

use crate::callsite::Callsite;
use crate::memory::ALLOCATION;
use crate::trace::attribute::SpanExtra;
use crate::trace::heap::HeapBytes;
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
}

impl HeapBytes for OwnedSpan {
    fn heap_bytes(&self) -> usize {
        let values = self.values.iter().map(Value::heap_bytes);
        let extra = |extra: &SpanExtra| size_of_val(extra) + ALLOCATION + extra.heap_bytes();
        size_of_val(&*self.values)
            + ALLOCATION
            + values.sum::<usize>()
            + self.extra.as_deref().map_or(0, extra)
    }
}
