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
use super::{CHILD, CHILD_MASK, OWN, begin_other, box_extra, enter, mode, settle};
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

/// The guard of a synchronous call. Generated code creates, enters and ends it, all in one place.
#[derive(Debug)]
pub struct SyncSpan<const N: usize> {
    pub(super) core: SyncCore,
    pub(super) values: MaybeUninit<[Value; N]>,
}

/// The part of the guard that does not depend on the number of fields.
#[derive(Debug)]
pub(super) struct SyncCore {
    pub(super) state: u64,
    /// The call that is counted or recorded. It is initialised unless the state is `OFF`.
    pub(super) counted: MaybeUninit<Counted>,
    /// The span that is entered. It is initialised unless the state is `OFF` or `COUNT`.
    pub(super) entered: MaybeUninit<Entered>,
}

/// What a call needs at its end.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) site: &'static Callsite,
    pub(super) start: u64,
    /// The words of the thread, which the guard does not leave.
    pub(super) local: *const Local,
}

/// What a call that has a span needs as well.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) span: u64,
    pub(super) saved: Saved,
    pub(super) parent: u64,
}

impl<const N: usize> SyncSpan<N> {
    /// Creates the guard of a call that has not begun.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub const fn idle() -> Self {
        Self {
            core: SyncCore {
                state: mode::OFF,
                counted: MaybeUninit::uninit(),
                entered: MaybeUninit::uninit(),
            },
            values: MaybeUninit::uninit(),
        }
    }

    /// Begins the call.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn enter(&mut self, site: &'static Callsite) {
        if gate::gate() != 0 {
            // The address is found here, where that is cheaper than within a library.
            self.core.enter(local(), site);
            if std::thread::panicking() {
                self.core.note_unwinding();
            }
        }
    }

    /// Creates the guard of a call that has begun.
    #[cfg(test)]
    pub(crate) fn entered(site: &'static Callsite) -> Self {
        let mut this = Self::idle();
        this.enter(site);
        this
    }

    /// Returns whether the call is recorded, so that computing values is worth while.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn is_recording(&self) -> bool {
        self.core.state & mode::MASK == mode::RECORD
    }

    /// Evaluates and keeps the fields if the call is recorded.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn fields(&mut self, values: impl FnOnce() -> [Value; N]) {
        if self.core.state & mode::WANTS_FIELDS != 0 {
            let values = self.values.write(values());
            if self.core.state & mode::ASKS != 0 && !self.core.decide(values) {
                // SAFETY: they were written above, and are not marked as written.
                unsafe { self.values.assume_init_drop() };
                return;
            }
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

    /// Ends the call while the thread unwinds.
    #[cold]
    #[inline(never)]
    fn unwound(&mut self) {
        if self.core.state & mode::UNWINDING == 0 {
            self.panicked();
        } else {
            self.finish(Outcome::Ok);
        }
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
            let entered = unsafe { self.core.entered.assume_init_ref() };
            let (span, parent) = (entered.span, entered.parent);
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
                if outcome != Outcome::Ok {
                    self.core.finish_other(outcome, values, N);
                } else if N == 0 {
                    self.core.finish();
                } else {
                    self.core.finish_with::<N>(values);
                }
            }
        }
    }
}

impl SyncCore {
    /// Begins a call in a context that was attached or remote, one above the configured level, the
    /// first of a thread, and a root that more than its id decides about.
    #[inline(never)]
    pub(super) fn enter_other(&mut self, local: &Local, site: &'static Callsite, gate: u8) {
        let saved = local.save();
        let (state, parent) = if site.threshold() <= gate && saved.flags & CHILD_MASK == CHILD {
            local.span.set(local.next_id());
            local.flags.set(saved.flags & OWN);
            local.extra.set(ptr::null_mut());
            (mode::RECORD | saved.flags & OWN, saved.span)
        } else {
            #[allow(unused_mut, reason = "log lines ask for fields")]
            let mut begun = begin_other(local, site, gate, saved.flags);
            #[cfg(feature = "tracing")]
            let extra = if gate::is_long_way(gate) {
                line_fields::begin(local, site, &mut begun)
            } else {
                ptr::null_mut()
            };
            #[cfg(not(feature = "tracing"))]
            let extra = ptr::null_mut();
            if begun.state & mode::SPAN != 0 {
                enter(local, &begun);
                local.extra.set(extra);
                #[cfg(feature = "opentelemetry")]
                if begun.state & mode::BOUNDARY != 0 {
                    bridge::enter_sync(local);
                }
            }
            (begun.state, begun.parent)
        };
        if state != mode::OFF {
            self.state = state;
            self.entered.write(Entered {
                span: local.span.get(),
                saved,
                parent,
            });
            self.count(local, site, clock::ticks());
        }
    }

    /// Decides with the fields that the sampler asked for, and returns whether the call is
    /// recorded.
    #[cold]
    #[inline(never)]
    fn decide(&mut self, values: &[Value]) -> bool {
        let local = local();
        // SAFETY: initialised while the call has a span.
        let (counted, entered) = unsafe { self.parts() };
        let site = counted.site;
        let parent = entered.saved.flags;
        #[cfg(feature = "opentelemetry")]
        let span = entered.span;
        let trace = local.trace_lo.get();
        #[cfg(feature = "tracing")]
        // SAFETY: the late data is this call's own.
        unsafe {
            line_fields::say(local.extra.get(), values);
        }
        #[cfg(feature = "opentelemetry")]
        let was_decided = self.state & mode::DECIDED != 0;
        self.state = settle(site, self.state, trace, parent, values);
        local.flags.set(self.state & !mode::ALL & OWN);
        #[cfg(feature = "opentelemetry")]
        if self.state & mode::BOUNDARY != 0 && !was_decided {
            bridge::end_sync(local, span);
            bridge::enter_sync(local);
        }
        self.state & mode::MASK == mode::RECORD
    }

    /// # Safety
    /// The call has a span: its mode is neither `OFF` nor `COUNT`.
    #[inline(always)]
    pub(super) unsafe fn parts(&self) -> (&Counted, &Entered) {
        // SAFETY: both were written when the state was set to a mode with a span.
        unsafe {
            (
                self.counted.assume_init_ref(),
                self.entered.assume_init_ref(),
            )
        }
    }

    /// Ends any call.
    ///
    /// # Safety
    /// The state is not `OFF`; `values` points to `len` values if the state has `FIELDS`.
    #[inline(never)]
    pub(super) unsafe fn finish_slow(&mut self, outcome: Outcome, values: *mut Value, len: usize) {
        let end = clock::ticks();
        let local = local();
        let scope = (self.state >> flag::SCOPE_SHIFT) as u16;
        if self.state & mode::MASK == mode::COUNT {
            // SAFETY: initialised whenever the state is not `OFF`.
            let counted = unsafe { self.counted.assume_init_ref() };
            let ticks = end.saturating_sub(counted.start);
            record::write_mini(local, counted.site, scope, outcome, ticks);
            return;
        }
        // SAFETY: it has a span.
        let (counted, entered) = unsafe { self.parts() };
        #[cfg(feature = "opentelemetry")]
        if self.state & mode::BOUNDARY != 0 {
            bridge::end_sync(local, entered.span);
        }
        #[cfg(feature = "tracing")]
        if self.state & mode::MASK != mode::RECORD {
            if let Some(state) = recorded(self.state) {
                self.state = state;
                // SAFETY: the state has no values.
                return unsafe { self.finish_slow(outcome, ptr::null_mut(), 0) };
            }
            // SAFETY: the late data is this call's own.
            unsafe {
                line_fields::free(local.extra.get());
            }
        }
        let call = Call {
            trace_hi: local.trace_hi.get(),
            trace_lo: local.trace_lo.get(),
            span: entered.span,
            parent: entered.parent,
            start: counted.start,
            end,
        };
        let extra = local.extra.get();
        local.restore(&entered.saved);
        if self.state & mode::MASK == mode::RECORD {
            let flags = self.state & !mode::ALL;
            let len = if self.state & mode::FIELDS != 0 {
                len
            } else {
                0
            };
            let rest = Rest { values, len, extra };
            // SAFETY: the caller gives the values away, and the extra part was this span's.
            unsafe { record::write_full(local, counted.site, call, flags, outcome, rest) };
        } else if counted.site.metrics() {
            // It is not sampled, or ended before its fields were known, which counts as that.
            record::write_mini(local, counted.site, scope, outcome, call.ticks());
        }
    }
}

impl<const N: usize> Drop for SyncSpan<N> {
    /// Ends a call whose result was not seen: it counts as ok unless the thread unwinds.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        if self.core.state != mode::OFF {
            if std::thread::panicking() {
                self.unwound();
            } else {
                self.finish(Outcome::Ok);
            }
        }
    }
}
