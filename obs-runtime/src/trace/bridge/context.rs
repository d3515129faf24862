//! Finds one parent for every span, whether obs or OpenTelemetry begins it.
//!
//! The thread has two contexts: ours (`local`) and OpenTelemetry's. Beside ours stands `seen`: the
//! id of OpenTelemetry's active span at the moment when ours became the current one. As long as
//! that span is still the active one, nobody entered anything since, and ours is the parent;
//! otherwise the active one of theirs is, or none.
//!
//! OpenTelemetry is told of a span of ours only where the parent is not a span of ours that is
//! entered here: at the root, or under a span of theirs. So spans inside of spans of ours cost one
//! comparison, and the id that OpenTelemetry calls active is never older than `seen`.
//!
//! All of it is behind the gate ([`gate::ASK`]).

use core::cell::{Cell, RefCell};
use core::ptr;
use std::sync::Mutex;

use ::opentelemetry::trace::TraceContextExt as _;
use ::opentelemetry::{Context, ContextGuard};

use super::boundary::Boundary;
use super::convert;
use crate::callsite::Callsite;
use crate::guarded::guarded;
use crate::inside::{Inside, is_inside};
use crate::lock::lock;
use crate::self_obs;
use crate::trace::SpanContext;
use crate::trace::active::{Begun, CHILD, CHILD_MASK, FutureCore, begin_other, mode};
use crate::trace::attribute::SpanExtra;
use crate::trace::gate;
use crate::trace::local::{Local, flag};

/// Whether OpenTelemetry's context can be asked on this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    Ready,
    /// The thread ends: OpenTelemetry's thread local may be gone, and asking it would panic.
    Ending,
}

thread_local! {
    static PHASE: Cell<Phase> = const { Cell::new(Phase::New) };
    static SEEN: Cell<u64> = const { Cell::new(0) };
    static STACK: Stack = const { Stack(RefCell::new(Vec::new())) };
}

/// The changes of entering, innermost last.
struct Stack(RefCell<Vec<Entry>>);

struct Entry {
    /// The span of ours that was entered; 0 for none.
    span: u64,
    /// The value of `seen` before.
    before: u64,
    /// OpenTelemetry's active span at that moment.
    under: u64,
    /// The guard that keeps the span OpenTelemetry's context.
    guard: Option<ContextGuard>,
    /// The boundary of a synchronous call, which has no other place for it.
    boundary: Option<Boundary>,
}

impl Drop for Stack {
    fn drop(&mut self) {
        PHASE.set(Phase::Ending);
        for entry in self.0.get_mut().drain(..) {
            // A guard outlived its thread's stack: the context goes with the thread.
            core::mem::forget(entry.guard);
        }
    }
}

fn is_ready() -> bool {
    match PHASE.get() {
        Phase::Ready => true,
        Phase::New => prepare(),
        Phase::Ending => false,
    }
}

/// Prepares this thread for asking OpenTelemetry, and returns whether it may be asked.
///
/// Destructors of thread locals run in reverse order: OpenTelemetry's exists before ours is
/// registered, so ours learns first that the thread ends.
#[cold]
fn prepare() -> bool {
    let Some(_inside) = Inside::first() else {
        return false;
    };
    // The first use may come while the thread already ends: OpenTelemetry's may be gone.
    let theirs = guarded(|| Context::map_current(|_| ())).is_some();
    let ours = STACK.try_with(|_| ()).is_ok();
    let phase = if theirs && ours {
        Phase::Ready
    } else {
        Phase::Ending
    };
    PHASE.set(phase);
    phase == Phase::Ready
}

/// Returns the id of OpenTelemetry's active span, 0 for none. Returns `None` if it cannot be asked.
fn active() -> Option<u64> {
    is_ready().then(|| Context::map_current(id))
}

/// Returns the id of a context's span; 0 for none.
pub(crate) fn id(cx: &Context) -> u64 {
    u64::from_be_bytes(cx.span().span_context().span_id().to_bytes())
}

/// Returns the id that was active when the thread's context became current.
pub(crate) fn seen() -> u64 {
    SEEN.get()
}

/// Returns the id that was active before OpenTelemetry was told of our span, if that is active now.
pub(crate) fn under() -> u64 {
    let seen = SEEN.get();
    let under = STACK.try_with(|stack| {
        let stack = stack.0.try_borrow().ok()?;
        let told = stack
            .iter()
            .rev()
            .find(|e| e.guard.is_some() && e.span == seen)?;
        Some(told.under)
    });
    under.ok().flatten().unwrap_or(seen)
}

/// Returns whether somebody set our context, also if it is outside of every trace.
fn is_set(local: &Local) -> bool {
    local.flags.get() & (flag::VALID | flag::ATTACHED) != 0
}

/// Returns the parent of what begins on this thread.
pub(crate) fn current(local: &Local) -> Option<SpanContext> {
    match active() {
        Some(id) if id != SEEN.get() || !is_set(local) => {
            Context::map_current(|cx| convert::context(cx.span().span_context(), local.scope()))
        }
        _ => local.context(),
    }
}

/// Returns the parent of what somebody wants to begin under a context of OpenTelemetry.
pub(crate) fn parent_of(cx: &Context) -> Option<SpanContext> {
    let local = crate::trace::local::local();
    if id(cx) == SEEN.get() && is_set(local) {
        local.context()
    } else {
        taken_over(cx)
    }
}

/// Returns the span of a context, whatever is entered here.
pub(crate) fn taken_over(cx: &Context) -> Option<SpanContext> {
    let scope = crate::trace::local::local().scope();
    convert::take_over(cx.span().span_context(), scope)
}

/// Begins a call while the gate asks.
///
/// It is not inlined: calls of programs without OpenTelemetry would save registers for it.
#[inline(never)]
pub(crate) fn begin(local: &Local, site: &'static Callsite) -> Begun {
    if is_inside() {
        // OpenTelemetry's context is being changed, and an annotated allocator comes back.
        self_obs::count_reentrant_call();
        return OFF;
    }
    let level = gate::level();
    let flags = local.flags.get();
    let state =
        is_ready().then(|| Context::map_current(|cx| (id(cx), cx.is_telemetry_suppressed())));
    let id = match state {
        None => return begin_other(local, site, level, flags),
        Some((_, true)) => return OFF,
        Some((id, false)) => id,
    };
    let same = id == SEEN.get();
    let mut begun = if same && is_set(local) {
        begin_other(local, site, level, flags)
    } else {
        let before = local.save();
        let theirs = Context::map_current(taken_over);
        local.attach(theirs.as_ref());
        let begun = begin_other(local, site, level, local.flags.get());
        local.restore(&before);
        begun
    };
    let nested =
        same && flags & (CHILD_MASK | flag::ATTACHED) == CHILD && begun.parent == local.span.get();
    if !nested && begun.state & mode::SPAN != 0 {
        begun.state |= mode::BOUNDARY;
    }
    begun
}

const OFF: Begun = Begun {
    state: mode::OFF,
    trace_hi: 0,
    trace_lo: 0,
    span: 0,
    parent: 0,
};

/// Notes that a span became the thread's context, and returns whether [`leave`] must undo that.
///
/// OpenTelemetry is told of the span if there is a place for its boundary.
#[cold]
fn enter(local: &Local, boundary: Option<&mut Option<Boundary>>) -> bool {
    let Some(under) = active() else {
        return false;
    };
    let _inside = Inside::enter();
    let guard = boundary.and_then(|place| {
        let context = local.context()?;
        let boundary = place.get_or_insert_with(|| Boundary::new(&context));
        attach(boundary.context())
    });
    let span = local.span.get();
    let now = if guard.is_some() { span } else { under };
    if now == SEEN.get() {
        // There is nothing to attach, and nothing happened since the thread's context was another.
        return false;
    }
    let entry = Entry {
        span,
        before: SEEN.replace(now),
        under,
        guard,
        boundary: None,
    };
    push(entry)
}

/// Attaches a context of OpenTelemetry, if that is possible.
///
/// `attach` panics where somebody calls us from within `Context::map_current` or `get_active_span`;
/// OpenTelemetry is not told then.
fn attach(cx: Context) -> Option<ContextGuard> {
    guarded(|| cx.attach())
}

fn push(entry: Entry) -> bool {
    let mut entry = Some(entry);
    let pushed = STACK.try_with(|stack| {
        if let (Ok(mut stack), Some(entry)) = (stack.0.try_borrow_mut(), entry.take()) {
            stack.push(entry);
        }
    });
    if let Some(entry) = entry {
        SEEN.set(entry.before);
    }
    pushed.is_ok()
}

fn pop(span: u64) -> Option<Entry> {
    let popped = STACK.try_with(|stack| {
        let mut stack = stack.0.try_borrow_mut().ok()?;
        let at = stack.iter().rposition(|entry| entry.span == span)?;
        Some(stack.remove(at))
    });
    popped.ok().flatten()
}

/// Undoes [`enter`].
fn undo(span: u64) -> Option<Boundary> {
    let _inside = Inside::enter();
    let entry = pop(span)?;
    SEEN.set(entry.before);
    detach(entry.guard);
    entry.boundary
}

/// Undoes [`attach`].
fn detach(guard: Option<ContextGuard>) {
    if PHASE.get() == Phase::Ready {
        // This may panic for the same reason as in `attach`.
        let _ = guarded(|| drop(guard));
    } else {
        core::mem::forget(guard);
    }
}

/// Leaves what an `enter_…` said must be left, while the span is still the thread's context.
#[cold]
pub(crate) fn leave(span: u64) {
    undo(span);
}

/// Enters a synchronous call that OpenTelemetry is told of.
#[cold]
pub(crate) fn enter_sync(local: &Local) {
    let mut boundary = None;
    if enter(local, Some(&mut boundary)) {
        let span = local.span.get();
        let _ = STACK.try_with(|stack| {
            let mut stack = stack.0.borrow_mut();
            if let Some(entry) = stack.iter_mut().rfind(|entry| entry.span == span) {
                entry.boundary = boundary;
            }
        });
    }
}

/// Leaves a synchronous call at its end. What OpenTelemetry said of the call becomes late data.
#[cold]
pub(crate) fn end_sync(local: &Local, span: u64) {
    if let Some(late) = undo(span).and_then(|boundary| boundary.close()) {
        local.late().merge(*late);
    }
}

/// Leaves a synchronous call whose future goes on, and keeps the call's boundary for the future.
#[cold]
pub(crate) fn leave_sync(local: &Local, span: u64) {
    if let Some(boundary) = undo(span) {
        local.late().boundary = Some(boundary);
    }
}

/// Returns the bit of the state for a span that is entered elsewhere than inside its parent.
///
/// OpenTelemetry is told of such a span where it is entered, though not where it began.
#[inline]
pub(crate) fn away(outer: u64, parent: u64) -> u64 {
    if gate::gate() == gate::ASK && outer != parent {
        mode::BOUNDARY
    } else {
        0
    }
}

/// Enters a poll of a call's future, and returns the span to [`leave`], or 0.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn enter_poll(local: &Local, core: &mut FutureCore, outer: u64) -> u64 {
    if gate::gate() == gate::ASK {
        polled(local, core, outer)
    } else {
        0
    }
}

#[cold]
#[inline(never)]
fn polled(local: &Local, core: &mut FutureCore, outer: u64) -> u64 {
    core.state |= away(outer, core.parent);
    if poll(local, core.state) {
        core.span
    } else {
        0
    }
}

/// Enters the drop of a call's future, and returns whether it must be left.
#[inline]
pub(crate) fn enter_future(local: &Local, state: u64) -> bool {
    gate::gate() == gate::ASK && poll(local, state)
}

#[cold]
fn poll(local: &Local, state: u64) -> bool {
    if state & mode::BOUNDARY != 0 {
        enter(local, Some(&mut local.late().boundary))
    } else {
        enter(local, None)
    }
}

/// Tells OpenTelemetry again of a call's future, after the sampler has decided about it late.
#[cold]
pub(crate) fn renew(local: &Local) {
    undo(local.span.get());
    local.late().boundary = None;
    poll(local, mode::BOUNDARY);
}

/// Enters a context whose span lives elsewhere.
#[inline]
pub(crate) fn enter_attached(local: &Local) -> bool {
    gate::gate() == gate::ASK && enter(local, None)
}

/// Enters a span that is held by hand, with the place of its boundary in what is locked beside it.
#[inline]
pub(crate) fn enter_manual<T>(
    local: &Local,
    state: u64,
    beside: &Mutex<T>,
    place: impl FnOnce(&mut T) -> &mut Option<Boundary>,
) -> bool {
    if gate::gate() != gate::ASK {
        return false;
    }
    if state & mode::BOUNDARY == 0 {
        return enter(local, None);
    }
    let mut beside = lock(beside);
    enter(local, Some(place(&mut beside)))
}

/// Leaves a span that `tracing` holds while others that were entered inside it stay.
#[cfg(feature = "tracing")]
#[cold]
pub(crate) fn leave_below(span: u64) {
    let taken = STACK.try_with(|stack| {
        let mut stack = stack.0.try_borrow_mut().ok()?;
        let at = stack.iter().rposition(|entry| entry.span == span)?;
        let entry = stack.remove(at);
        if let Some(above) = stack.get_mut(at) {
            above.before = entry.before;
        }
        Some(entry)
    });
    let Some(entry) = taken.ok().flatten() else {
        return;
    };
    // What is entered inside stays the context, also if OpenTelemetry now calls another span
    // active.
    let is_seen = active() == Some(SEEN.get());
    detach(entry.guard);
    if is_seen {
        SEEN.set(active().unwrap_or_default());
    }
}

/// Ends a call that OpenTelemetry was told of, and returns its late data.
#[cold]
pub(crate) fn end(here: *mut SpanExtra) -> *mut SpanExtra {
    if here.is_null() {
        return here;
    }
    // SAFETY: this is the late data of the span that ends: from `Box::into_raw`, and the only
    // pointer to it.
    let mut late = unsafe { Box::from_raw(here) };
    merge(&mut late);
    if late.is_empty() {
        ptr::null_mut()
    } else {
        Box::into_raw(late)
    }
}

/// Closes the boundary of a span, and adds what OpenTelemetry said of the span.
pub(crate) fn merge(late: &mut SpanExtra) {
    if let Some(more) = late.boundary.take().and_then(|boundary| boundary.close()) {
        late.merge(*more);
    }
}
