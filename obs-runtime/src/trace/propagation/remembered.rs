//! What came with a trace besides its identity: its `tracestate`, and the wish of a B3 caller.
//!
//! It belongs to a trace on its way through the process, but is too large for a `SpanContext`,
//! which every call copies, and few traces have any. So it is kept here, by trace: recording a call
//! never looks, and writing a header looks only if there is any.

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use super::TraceState;
use crate::fork::PerProcess;
use crate::lock::lock;
use crate::trace::{SpanContext, TraceId};

/// How many traces are kept; at 512 bytes each they take half a mebibyte.
const CAPACITY: usize = 1024;

/// The trace and the `Observability` that records it, so that tests do not see each other's.
type Key = (TraceId, u16);

/// A wish of the caller that the flags of a `SpanContext` cannot express.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wish {
    #[default]
    None,
    /// Everybody should record the trace (B3's debug flag).
    Debug,
    /// Whoever is called should decide.
    Decide,
}

#[derive(Clone, Default)]
struct Kept {
    state: TraceState,
    wish: Wish,
}

impl Kept {
    fn is_empty(&self) -> bool {
        self.state.is_empty() && self.wish == Wish::None
    }
}

#[derive(Default)]
struct Table {
    kept: HashMap<Key, Kept>,
    /// The keys of `kept`, oldest first.
    order: VecDeque<Key>,
}

static ANY: AtomicBool = AtomicBool::new(false);
static TABLE: PerProcess<Mutex<Option<Table>>> = PerProcess::new(Mutex::default);

impl Table {
    fn change(&mut self, key: Key, new: impl FnOnce(Kept) -> Kept) {
        let old = self.kept.remove(&key);
        // Calls of one trace come close together: the key is mostly near the end.
        if old.is_some()
            && let Some(at) = self.order.iter().rposition(|k| *k == key)
        {
            self.order.remove(at);
        }
        let kept = new(old.unwrap_or_default());
        if kept.is_empty() {
            return;
        }
        if self.order.len() >= CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
        self.order.push_back(key);
        self.kept.insert(key, kept);
    }
}

fn key(context: &SpanContext) -> Key {
    (context.trace_id, context.scope)
}

/// Changes what is kept of a trace. `nothing` says that nothing new came with the trace.
fn change(context: &SpanContext, nothing: bool, new: impl FnOnce(Kept) -> Kept) {
    if nothing && !ANY.load(Ordering::Acquire) {
        return;
    }
    let mut table = lock(&TABLE);
    let table = table.get_or_insert_default();
    table.change(key(context), new);
    ANY.store(!table.order.is_empty(), Ordering::Release);
}

/// Keeps what came with a trace most recently; a caller that sent nothing forgets what was kept.
pub(crate) fn keep(context: &SpanContext, state: &TraceState, wish: Wish) {
    let nothing = state.is_empty() && wish == Wish::None;
    change(context, nothing, |_| Kept {
        state: state.clone(),
        wish,
    });
}

/// Keeps the latest `tracestate` of a trace; an empty one forgets it.
#[cfg(feature = "opentelemetry")]
pub(crate) fn keep_state(context: &SpanContext, state: &TraceState) {
    change(context, state.is_empty(), |old| Kept {
        state: state.clone(),
        ..old
    });
}

/// Returns whether anything came with any trace.
#[cfg(feature = "otlp")]
#[inline]
pub(crate) fn any() -> bool {
    ANY.load(Ordering::Relaxed)
}

fn look<R>(trace_id: TraceId, scope: u16, what: impl FnOnce(&Kept) -> R) -> Option<R> {
    if !ANY.load(Ordering::Acquire) {
        return None;
    }
    let table = lock(&TABLE);
    let all = &table.as_ref()?.kept;
    // A caller that was read outside of every scope belongs to any scope.
    let found = all.get(&(trace_id, scope));
    let found = found.or_else(|| all.get(&(trace_id, 0)));
    found.map(what)
}

/// Returns the latest `tracestate` of a trace.
pub(crate) fn find(context: &SpanContext) -> Option<TraceState> {
    of_trace(context.trace_id, context.scope)
}

/// Returns the latest `tracestate` of a trace, like [`find`], from the parts of a context.
pub(crate) fn of_trace(trace_id: TraceId, scope: u16) -> Option<TraceState> {
    look(trace_id, scope, |kept| kept.state.clone()).filter(|state| !state.is_empty())
}

/// Returns what the latest caller of a trace wishes.
pub(crate) fn wish(trace_id: TraceId, scope: u16) -> Wish {
    look(trace_id, scope, |kept| kept.wish).unwrap_or_default()
}

#[cfg(test)]
#[path = "remembered_tests.rs"]
mod tests;
