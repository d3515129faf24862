//! The call of a synchronous function, kept as a guard on its stack.
//!
//! While the call runs its span is the thread's context; what the context was before is saved in
//! the guard. Guards must be dropped in the reverse order of their creation, which the stack
//! ensures.
//!
//! Functions are inlined in optimized builds only: otherwise each inlined move keeps a place of its
//! own in the frame of the annotated function, and deep recursion runs out of stack (2,208 bytes a
//! call, now 512).

use core::mem::MaybeUninit;
use core::ptr;

#[cfg(feature = "tracing")]
use super::recorded;
use super::{
    CHILD, CHILD_MASK, OWN, begin_other, box_extra, enter, mode, settle, unsampled, unwinding,
};
use crate::callsite::Callsite;
use crate::clock;
use crate::trace::attribute::SpanError;
#[cfg(feature = "opentelemetry")]
use crate::trace::bridge::context as bridge;
use crate::trace::gate;
#[cfg(feature = "tracing")]
use crate::trace::line_fields;
use crate::trace::local::{Local, Saved, flag, local};
use crate::trace::record::{self, Call, Rest};
use crate::trace::value::Value;
use crate::trace::view::Outcome;

/// The guard of a synchronous call. Generated code creates, keeps and ends it.
#[derive(Debug)]
pub struct SyncSpan<const N: usize> {
    pub(super) core: SyncCore,
    pub(super) values: MaybeUninit<[Value; N]>,
}

/// The part of the guard that does not depend on the number of fields.
#[derive(Debug)]
pub(super) struct SyncCore {
    pub(super) state: u64,
    /// The running call. It is initialised unless the state is `OFF`.
    pub(super) running: MaybeUninit<SyncCall>,
}

/// What a call needs at its end.
#[derive(Debug)]
pub(super) struct SyncCall {
    pub(super) site: &'static Callsite,
    pub(super) span: u64,
    pub(super) parent: u64,
    pub(super) start: u64,
    pub(super) saved: Saved,
}

impl<const N: usize> SyncSpan<N> {
    /// Begins a call.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn enter(site: &'static Callsite) -> Self {
        Self {
            core: SyncCore::enter(site),
            values: MaybeUninit::uninit(),
        }
    }

    /// Returns whether the call is recorded, so that computing values is worth while.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn is_recording(&self) -> bool {
        self.core.state & mode::MASK == mode::RECORD
    }

    /// Evaluates and keeps the fields if the call is recorded.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn fields(&mut self, values: impl FnOnce() -> [Value; N]) {
        if self.core.state & mode::MASK & !mode::ASKS == mode::RECORD {
            let values = values();
            if self.core.state & mode::ASKS != 0 && !self.core.decide(&values) {
                return;
            }
            self.values.write(values);
            self.core.state |= mode::FIELDS;
        }
    }

    /// Ends the call. A second end has no effect.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn end(&mut self, outcome: Outcome) {
        self.finish(outcome);
        self.core.state = mode::OFF;
    }

    /// Ends the call with an error.
    pub fn fail(&mut self, error: SpanError) {
        self.end_for(|_, _| error, Outcome::Error);
    }

    /// Ends the call with the panic that unwinds the thread.
    pub fn panicked(&mut self) {
        self.end_for(SpanError::of_panic, Outcome::Panicked);
    }

    #[cold]
    #[inline(never)]
    fn end_for(&mut self, error: impl FnOnce(u64, u64) -> SpanError, outcome: Outcome) {
        if self.core.state & mode::DECIDED != 0 {
            // An expression of its fields has panicked.
            self.core.decide(&[]);
        }
        if self.is_recording() {
            let local = local();
            // SAFETY: initialised whenever the state is not `OFF`.
            let running = unsafe { self.core.running.assume_init_ref() };
            let (span, parent) = (running.span, running.parent);
            let extra = box_extra(local.extra.get(), error(span, parent), span, parent);
            local.extra.set(extra);
        }
        self.end(outcome);
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn finish(&mut self, outcome: Outcome) {
        if self.core.state != mode::OFF {
            let values = self.values.as_mut_ptr().cast();
            // SAFETY: the state says whether the values were written; `self` is not used again.
            unsafe {
                if N == 0 {
                    self.core.finish(outcome);
                } else {
                    self.core.finish_with(outcome, values, N);
                }
            }
        }
    }
}

impl SyncCore {
    const OFF: Self = Self {
        state: mode::OFF,
        running: MaybeUninit::uninit(),
    };

    /// Begins the call. Everything stays in registers until the end, so that the guard is built
    /// where it stays; for the same reason `enter_other` returns two words, not a guard.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn enter(site: &'static Callsite) -> Self {
        let gate = gate::gate();
        if gate == 0 {
            return Self::OFF;
        }
        let local = local();
        let saved = local.save();
        let (state, parent) = if site.threshold() <= gate && saved.flags & CHILD_MASK == CHILD {
            local.span.set(local.next_id());
            local.flags.set(saved.flags & OWN);
            local.extra.set(ptr::null_mut());
            (mode::RECORD | saved.flags & OWN, saved.span)
        } else {
            enter_other(local, site, gate)
        };
        if state == mode::OFF {
            return Self::OFF;
        }
        Self {
            state: state | unwinding(),
            running: MaybeUninit::new(SyncCall {
                site,
                span: local.span.get(),
                parent,
                start: clock::ticks(),
                saved,
            }),
        }
    }

    /// Decides with the fields that the sampler asked for, and returns whether the call is
    /// recorded.
    #[cold]
    #[inline(never)]
    fn decide(&mut self, values: &[Value]) -> bool {
        let local = local();
        // SAFETY: initialised whenever the state is not `OFF`.
        let running = unsafe { self.running.assume_init_ref() };
        let parent = running.saved.flags;
        let trace = local.trace_lo.get();
        #[cfg(feature = "tracing")]
        // SAFETY: the late data is this call's own.
        unsafe {
            line_fields::say(local.extra.get(), values);
        }
        self.state = settle(running.site, self.state, trace, parent, values);
        local.flags.set(self.state & !mode::ALL & OWN);
        #[cfg(feature = "opentelemetry")]
        if self.state & mode::BOUNDARY != 0 {
            bridge::end_sync(local, running.span);
            bridge::enter_sync(local);
        }
        self.state & mode::MASK == mode::RECORD
    }

    /// # Safety
    /// The state is neither `OFF` nor has it `FIELDS`.
    #[inline(never)]
    unsafe fn finish(&mut self, outcome: Outcome) {
        // SAFETY: the caller's promise; no values are read.
        unsafe { self.finish_any(outcome, ptr::null_mut(), 0) };
    }

    /// # Safety
    /// The state is not `OFF`; `values` points to `len` values if the state has `FIELDS`.
    #[inline(never)]
    unsafe fn finish_with(&mut self, outcome: Outcome, values: *mut Value, len: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.finish_any(outcome, values, len) };
    }

    /// Is inlined into the two functions above, so that a call without values has no loop over
    /// them.
    ///
    /// # Safety
    /// The state is not `OFF`; `values` points to `len` values if the state has `FIELDS`.
    #[inline(always)]
    unsafe fn finish_any(&mut self, outcome: Outcome, values: *mut Value, len: usize) {
        let end = clock::ticks();
        let local = local();
        // SAFETY: initialised whenever the state is not `OFF`.
        let running = unsafe { self.running.assume_init_ref() };
        #[cfg(feature = "opentelemetry")]
        if self.state & mode::BOUNDARY != 0 {
            bridge::end_sync(local, running.span);
        }
        let ticks = end.saturating_sub(running.start);
        match self.state & mode::MASK {
            mode::RECORD => {
                let extra = local.extra.get();
                let call = Call {
                    trace_hi: local.trace_hi.get(),
                    trace_lo: local.trace_lo.get(),
                    span: running.span,
                    parent: running.parent,
                    start: running.start,
                    end,
                };
                local.restore(&running.saved);
                let flags = self.state & !mode::ALL;
                let len = if len > 0 && self.state & mode::FIELDS != 0 {
                    len
                } else {
                    0
                };
                let rest = Rest { values, len, extra };
                // SAFETY: the caller gives the values away, and the extra part was this span's.
                unsafe { record::write_full(local, running.site, call, flags, outcome, rest) };
            }
            // A call that ended before its fields were known counts as not sampled.
            mode::UNSAMPLED | mode::PENDING => {
                #[cfg(feature = "tracing")]
                if let Some(state) = recorded(self.state) {
                    self.state = state;
                    // SAFETY: the state has no values.
                    return unsafe { self.finish(outcome) };
                }
                #[cfg(feature = "tracing")]
                // SAFETY: the late data is this call's own.
                unsafe {
                    line_fields::free(local.extra.get());
                }
                local.restore(&running.saved);
                if running.site.metrics() {
                    let scope = (self.state >> flag::SCOPE_SHIFT) as u16;
                    record::write_mini(local, running.site, scope, outcome, ticks);
                }
            }
            _ => {
                let scope = (self.state >> flag::SCOPE_SHIFT) as u16;
                record::write_mini(local, running.site, scope, outcome, ticks);
            }
        }
    }
}

/// Enters a call that is no child of a sampled local span. Returns the state and the parent's id.
#[inline(never)]
fn enter_other(local: &Local, site: &'static Callsite, gate: u8) -> (u64, u64) {
    match unsampled(site, gate, local.flags.get()) {
        Some(state) => (state, 0),
        None => enter_root(local, site, gate),
    }
}

/// Enters a root, a call with a remote parent, or one above the configured level.
#[inline(never)]
fn enter_root(local: &Local, site: &'static Callsite, gate: u8) -> (u64, u64) {
    #[allow(unused_mut, reason = "log lines ask for fields")]
    let mut begun = begin_other(local, site, gate, local.flags.get());
    #[cfg(feature = "tracing")]
    let extra = if gate::is_long_way(gate) {
        line_fields::begin(local, site, &mut begun)
    } else {
        ptr::null_mut()
    };
    #[cfg(not(feature = "tracing"))]
    let extra = ptr::null_mut();
    if begun.state & mode::MASK >= mode::RECORD {
        enter(local, &begun);
        local.extra.set(extra);
        #[cfg(feature = "opentelemetry")]
        if begun.state & mode::BOUNDARY != 0 {
            bridge::enter_sync(local);
        }
    }
    (begun.state, begun.parent)
}

impl<const N: usize> Drop for SyncSpan<N> {
    /// Ends a call whose result was not seen: it counts as ok unless the thread unwinds.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        if self.core.state != mode::OFF {
            if std::thread::panicking() && self.core.state & mode::UNWINDING == 0 {
                self.panicked();
            } else {
                self.finish(Outcome::Ok);
            }
        }
    }
}
