//! The `tracestate` of the traces that came with one.
//!
//! It belongs to a trace on its way through the process, but is too large for a `SpanContext`, which
//! every call copies, and few traces have one. So it stands here, by trace: recording a call never
//! looks, and writing a header looks only if there is any.

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::TraceState;
use crate::processor::drain::fork::in_child;
use crate::trace::{SpanContext, TraceId};

/// How many traces; at 512 bytes each, half a mebibyte.
const CAPACITY: usize = 1024;

/// The trace, and the `Observability` that records it: tests do not see each other's.
type Key = (TraceId, u16);

#[derive(Default)]
struct Table {
    states: HashMap<Key, TraceState>,
    /// The keys of `states`, oldest first.
    order: VecDeque<Key>,
}

static ANY: AtomicBool = AtomicBool::new(false);
static TABLE: Mutex<Option<Table>> = Mutex::new(None);

impl Table {
    fn keep(&mut self, key: Key, state: &TraceState) {
        // Calls of one trace come close together: mostly at the end.
        if self.states.remove(&key).is_some()
            && let Some(at) = self.order.iter().rposition(|k| *k == key)
        {
            self.order.remove(at);
        }
        if state.is_empty() {
            return;
        }
        if self.order.len() >= CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.states.remove(&oldest);
        }
        self.order.push_back(key);
        self.states.insert(key, state.clone());
    }
}

fn key(context: &SpanContext) -> Key {
    (context.trace_id, context.scope)
}

/// Keeps the latest `tracestate` of a trace; an empty one forgets it.
pub(crate) fn keep(context: &SpanContext, state: &TraceState) {
    if (state.is_empty() && !ANY.load(Ordering::Acquire)) || in_child() {
        return;
    }
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let table = table.get_or_insert_default();
    table.keep(key(context), state);
    ANY.store(!table.order.is_empty(), Ordering::Release);
}

/// Whether any trace came with one.
#[cfg(feature = "otlp")]
#[inline]
pub(crate) fn any() -> bool {
    ANY.load(Ordering::Relaxed)
}

/// The latest `tracestate` of a trace.
pub(crate) fn find(context: &SpanContext) -> Option<TraceState> {
    of_trace(context.trace_id, context.scope)
}

/// As [`find`], by the parts of a context.
pub(crate) fn of_trace(trace_id: TraceId, scope: u16) -> Option<TraceState> {
    // A forked child must not wait for the lock: who held it may not be there.
    if !ANY.load(Ordering::Acquire) || in_child() {
        return None;
    }
    let table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let states = &table.as_ref()?.states;
    // A caller that was read outside of every scope goes with any.
    let found = states.get(&(trace_id, scope));
    let found = found.or_else(|| states.get(&(trace_id, 0)));
    found.cloned()
}

#[cfg(test)]
#[path = "remembered_tests.rs"]
mod tests;
