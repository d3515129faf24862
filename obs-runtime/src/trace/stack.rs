//! Spans that another library enters and leaves by calls, in any order: a stack for each thread.
//!
//! The guards of obs are dropped in the order of a stack. `tracing` promises no such order, so an
//! entry that is left too early or too late is repaired here, and the late data of the span,
//! collected while it was entered, goes back to it. `tracing/layer.rs` is the caller, on the thread
//! that enters or leaves.

use core::cell::RefCell;
use core::ptr;

use crate::callsite::Callsite;
use crate::self_obs;
use crate::trace::active::Manual;
use crate::trace::attribute::SpanExtra;
#[cfg(feature = "opentelemetry")]
use crate::trace::bridge;
use crate::trace::frame::FrameId;
use crate::trace::line_fields::{self, LineFields};
use crate::trace::local::{Local, Saved, flag, local};
use crate::trace::suppress::is_suppressed;
use crate::trace::value::Value;
use crate::trace::{Outcome, SpanContext};

/// How many entries a thread keeps: more than any recursion that its memory allows.
///
/// A stack with more of them holds spans that are never left on their thread (a guard held over an
/// `.await`), and the older half is forgotten.
const MOST: usize = 1 << 14;

/// A span that may be entered here.
pub(crate) struct KeptSpan {
    pub(crate) manual: Manual,
    /// The form in which OpenTelemetry knows the span.
    #[cfg(feature = "opentelemetry")]
    told: std::sync::Mutex<Option<bridge::boundary::Boundary>>,
}

impl KeptSpan {
    /// Begins a span under the thread's context. Returns nothing if the span would have no
    /// identity.
    pub(crate) fn begin(
        site: &'static Callsite,
        values: impl FnOnce() -> Vec<Value>,
    ) -> Option<(Self, Vec<Value>)> {
        let (manual, values) = Manual::begin(site, values)?;
        manual.has_context().then(|| (Self::new(manual), values))
    }

    fn new(manual: Manual) -> Self {
        Self {
            manual,
            #[cfg(feature = "opentelemetry")]
            told: std::sync::Mutex::default(),
        }
    }

    /// Begins the same span again under the thread's context, which was not known the first time.
    pub(crate) fn begin_again(self, values: Vec<Value>) -> (Self, Vec<Value>) {
        let (manual, values) = self.manual.begin_again(values);
        (Self::new(manual), values)
    }

    pub(crate) fn end(
        self,
        outcome: Outcome,
        values: Vec<Value>,
        #[cfg_attr(not(feature = "opentelemetry"), allow(unused_mut))] mut extra: SpanExtra,
    ) {
        #[cfg(feature = "opentelemetry")]
        {
            let told = self.told.into_inner();
            extra.boundary = told.unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        self.manual.end(outcome, values, extra);
    }
}

/// What is entered.
pub(crate) enum Held<'a> {
    /// A span with an identity.
    Span(&'a KeptSpan),
    /// The context in which a span without an identity was created, and what log lines show there.
    Through(&'a SpanContext, Option<&'a LineFields>),
}

struct Entry {
    /// The name that the caller has for the span.
    key: u64,
    trace_lo: u64,
    span: u64,
    /// The flag of a context that was attached.
    attached: u64,
    /// The context before the entry; none if the entry left the thread's context as it was.
    saved: Option<Saved>,
    /// The frame before the entry, and the one that it brought.
    frame: FrameId,
    brought: FrameId,
    /// Whether it was left while a span of obs that began inside was still entered.
    is_left: bool,
    /// Whether the bridge to OpenTelemetry has something to undo.
    #[cfg(feature = "opentelemetry")]
    is_bridged: bool,
}

thread_local! {
    static STACK: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

impl Entry {
    fn is(&self, trace_lo: u64, span: u64, flags: u64) -> bool {
        let same = self.span == span && self.trace_lo == trace_lo;
        same && flags & flag::VALID != 0 && flags & flag::ATTACHED == self.attached
    }

    fn is_current(&self, local: &Local) -> bool {
        self.is(local.trace_lo.get(), local.span.get(), local.flags.get())
    }

    /// Closes the frame that the entry has brought, if it is still the thread's.
    fn leave_frame(&self, local: &Local) {
        if self.brought != FrameId::NONE && local.frame.get() == self.brought {
            local.frame.set(self.frame);
        }
    }

    /// Leaves the entry while it is the thread's context.
    fn leave(&self) {
        #[cfg(feature = "opentelemetry")]
        if self.is_bridged {
            bridge::context::leave(self.span);
        }
    }

    /// Leaves the entry while what was entered inside stays.
    fn leave_below(&self) {
        #[cfg(feature = "opentelemetry")]
        if self.is_bridged {
            bridge::context::leave_below(self.span);
        }
    }

    fn is_saved(&self, saved: &Saved) -> bool {
        self.is(saved.trace_lo, saved.span, saved.flags)
    }
}

/// Makes a span the thread's context until [`exit`] is called with the same key.
pub(crate) fn enter(key: u64, held: &Held<'_>) {
    let (context, attached) = match held {
        Held::Span(kept) => (kept.manual.context(), 0),
        Held::Through(context, _) => (Some(**context), flag::ATTACHED),
    };
    let Some(context) = context else { return };
    if is_suppressed() {
        return;
    }
    let push = |stack: &RefCell<Vec<Entry>>| {
        let Ok(mut stack) = stack.try_borrow_mut() else {
            return;
        };
        let local = local();
        settle(&mut stack, local);
        let (trace_lo, span) = (context.trace_id.0 as u64, context.span_id.0);
        // The span is entered once more inside itself, perhaps in a span of obs: that one stays the
        // context.
        let again = stack.last().is_some_and(|top| {
            let same = top.key == key && top.span == span && !top.is_left;
            same && local.trace_lo.get() == trace_lo && local.flags.get() & flag::VALID != 0
        });
        let here = local.span.get() == span && local.trace_lo.get() == trace_lo;
        let stays = again || here && attached != 0;
        if stack.len() == MOST {
            stack.drain(..MOST / 2);
        }
        let saved = (!stays).then(|| local.save());
        let frame = local.frame.get();
        #[cfg(feature = "opentelemetry")]
        let outer = local.span.get();
        match held {
            _ if stays => {}
            Held::Span(kept) => kept.manual.enter(local),
            Held::Through(context, fields) => {
                local.attach(Some(context));
                local.extra.set(line_fields::late_data(fields.cloned()));
            }
        }
        stack.push(Entry {
            key,
            trace_lo,
            span,
            attached,
            saved,
            frame,
            brought: local.frame.get(),
            is_left: false,
            #[cfg(feature = "opentelemetry")]
            is_bridged: !stays && tell(local, outer, held),
        });
    };
    // A thread that ends has lost its stack: spans are neither entered nor left there.
    let _ = STACK.try_with(push);
}

/// Tells OpenTelemetry of an entry inside the span `outer`, and returns whether that must be
/// undone.
#[cfg(feature = "opentelemetry")]
fn tell(local: &Local, outer: u64, held: &Held<'_>) -> bool {
    match held {
        Held::Span(kept) => {
            let state = kept.manual.state_inside(outer);
            bridge::context::enter_manual(local, state, &kept.told, |told| told)
        }
        Held::Through(..) => bridge::context::enter_attached(local),
    }
}

/// Leaves the span that was last entered with the key, and returns its late data.
pub(crate) fn exit(key: u64) -> Option<Box<SpanExtra>> {
    let pop = |stack: &RefCell<Vec<Entry>>| {
        let mut stack = stack.try_borrow_mut().ok()?;
        let local = local();
        settle(&mut stack, local);
        let at = stack.iter().rposition(|e| e.key == key && !e.is_left)?;
        let Some(saved) = stack[at].saved else {
            stack.remove(at);
            return None;
        };
        let late = if let Some(above) = stack[at + 1..].iter().position(|e| e.saved.is_some()) {
            let above = at + 1 + above;
            match stack[above].saved {
                // It was entered directly inside: it goes back to what was before this span.
                Some(here) if stack[at].is_saved(&here) => {
                    stack[above].saved = Some(saved);
                    stack[above].frame = stack[at].frame;
                    stack[at].leave_below();
                    here.extra
                }
                _ => {
                    stack[at].is_left = true;
                    return None;
                }
            }
        } else if stack[at].is_current(local) {
            stack[at].leave();
            let late = local.extra.get();
            local.restore(&saved);
            stack[at].leave_frame(local);
            late
        } else {
            stack[at].is_left = true;
            return None;
        };
        stack.remove(at);
        settle(&mut stack, local);
        // SAFETY: this is the late data of the span's own context, from `Box::into_raw`; the
        // context was just replaced in the only place that had it.
        (!late.is_null()).then(|| unsafe { Box::from_raw(late) })
    };
    STACK.try_with(pop).ok().flatten()
}

/// Leaves what is entered with the key, of a span that is gone: nobody will.
pub(crate) fn forget(key: u64) {
    let is_entered = |stack: &RefCell<Vec<Entry>>| {
        let stack = stack.try_borrow();
        stack.is_ok_and(|stack| stack.iter().any(|e| e.key == key && !e.is_left))
    };
    // Each turn takes an entry off, or marks it as left.
    while STACK.try_with(is_entered).unwrap_or(false) {
        if exit(key).is_some_and(|late| !late.is_empty()) {
            self_obs::count_late();
        }
    }
}

/// Returns the key of the entered span, if that span was entered through this stack.
pub(crate) fn current() -> Option<u64> {
    let top = |stack: &RefCell<Vec<Entry>>| {
        let stack = stack.try_borrow().ok()?;
        let top = stack.iter().rfind(|e| e.saved.is_some())?;
        (!top.is_left && top.attached == 0 && top.is_current(local())).then_some(top.key)
    };
    STACK.try_with(top).ok().flatten()
}

/// Returns whether the thread's context was entered through this stack.
pub(crate) fn is_current() -> bool {
    let top = |stack: &RefCell<Vec<Entry>>| {
        let stack = stack.try_borrow();
        stack.is_ok_and(|stack| {
            let top = stack.iter().rfind(|e| e.saved.is_some());
            top.is_some_and(|top| !top.is_left && top.is_current(local()))
        })
    };
    STACK.try_with(top).unwrap_or(false)
}

/// Leaves the entries that should have been left earlier, now that they are the context again.
fn settle(stack: &mut Vec<Entry>, local: &Local) {
    while let Some(top) = stack.last()
        && top.is_left
        && let Some(saved) = top.saved
        && top.is_current(local)
    {
        top.leave();
        let late = local.extra.replace(ptr::null_mut());
        local.restore(&saved);
        top.leave_frame(local);
        stack.pop();
        if !late.is_null() {
            // SAFETY: as in `exit`. The span may have ended.
            let late = unsafe { Box::from_raw(late) };
            if !late.is_empty() {
                self_obs::count_late();
            }
        }
    }
}

#[cfg(test)]
#[path = "stack_tests.rs"]
mod tests;
