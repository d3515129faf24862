//! How the call of an asynchronous function begins and ends: the common cases first.
//!
//! One copy serves all functions. Whatever is not the common case is behind a call at an end, so that
//! no register is saved for it.

use core::ptr;

use super::future::FutureCore;
use super::{
    Begun, CHILD, CHILD_MASK, OWN, begin_other, begin_root, is_just, is_unsampled,
    is_unsampled_above, mode,
};
use crate::clock;
#[cfg(feature = "tracing")]
use crate::trace::gate;
#[cfg(feature = "tracing")]
use crate::trace::line_fields;
use crate::trace::local::{Local, flag};
use crate::trace::record::{self, Quick};
use crate::trace::value::Value;
use crate::trace::view::Outcome;

impl FutureCore {
    /// Begins the call in the thread's context, which stays as it is.
    #[inline(never)]
    pub(super) fn start(&mut self, local: &Local, gate: u8) {
        if self.site.threshold() > gate {
            return self.start_above(local, gate);
        }
        let flags = local.flags.get();
        if flags & CHILD_MASK != CHILD {
            return self.start_unsampled(local, gate);
        }
        let Some([span]) = local.later_ids() else {
            return self.start_other(local, gate);
        };
        self.state = mode::RECORD | mode::QUICK | flags & OWN;
        self.trace_hi = local.trace_hi.get();
        self.trace_lo = local.trace_lo.get();
        self.span = span;
        self.parent = local.span.get();
        self.start = clock::counter();
    }

    /// Begins a call inside a trace that is not sampled.
    #[inline(never)]
    fn start_unsampled(&mut self, local: &Local, gate: u8) {
        if !is_unsampled(local.flags.get()) {
            return self.start_root(local, gate);
        }
        self.start_counted(local);
    }

    /// Begins a call of a level above the configured one, and one that is always a root.
    #[inline(never)]
    fn start_above(&mut self, local: &Local, gate: u8) {
        if is_unsampled_above(self.site, gate, local.flags.get()) {
            self.start_counted(local);
        } else {
            self.start_other(local, gate);
        }
    }

    #[inline(always)]
    fn start_counted(&mut self, local: &Local) {
        if self.site.metrics() {
            self.state = mode::COUNT | mode::QUICK | local.flags.get() & flag::SCOPE_MASK;
            self.start = clock::counter();
        } else {
            self.state = mode::OFF;
        }
    }

    /// Begins a root that the installed default decides about by its id.
    #[inline(never)]
    fn start_root(&mut self, local: &Local, gate: u8) {
        match begin_root(local, local.flags.get()) {
            Some(begun) => {
                self.begin(&begun);
                self.start = clock::counter();
            }
            None => self.start_other(local, gate),
        }
    }

    /// Begins a call of any other kind.
    #[inline(never)]
    fn start_other(&mut self, local: &Local, gate: u8) {
        #[allow(unused_mut, reason = "log lines ask for fields")]
        let mut begun = begin_other(local, self.site, gate, local.flags.get());
        #[cfg(feature = "tracing")]
        if gate::is_long_way(gate) {
            self.extra = line_fields::begin(local, self.site, &mut begun);
        }
        self.begin(&begun);
        if begun.state != mode::OFF {
            self.start = clock::ticks();
        }
    }

    #[inline(always)]
    fn begin(&mut self, begun: &Begun) {
        self.state = begun.state;
        self.trace_hi = begun.trace_hi;
        self.trace_lo = begun.trace_lo;
        self.span = begun.span;
        self.parent = begun.parent;
    }

    /// Ends a call that went well.
    ///
    /// # Safety
    /// The state is neither `OFF` nor has it `FIELDS`, and is set to `OFF` afterwards.
    #[inline(never)]
    pub(super) unsafe fn finish(&mut self, local: &Local) {
        // SAFETY: the caller's promise; there are no values.
        unsafe { self.finish_any::<0>(local, mode::QUICK, ptr::null_mut()) };
    }

    /// Ends a call that went well and has fields.
    ///
    /// # Safety
    /// The state is not `OFF`, and is set to `OFF` afterwards; `values` points to `N` values if it has
    /// `FIELDS`.
    #[inline(never)]
    pub(super) unsafe fn finish_with<const N: usize>(&mut self, local: &Local, values: *mut Value) {
        // SAFETY: the caller's promise.
        unsafe { self.finish_any::<N>(local, mode::QUICK | mode::FIELDS, values) };
    }

    /// Is inlined into the two functions above.
    ///
    /// # Safety
    /// The promises are those of [`finish_with`](Self::finish_with).
    #[inline(always)]
    unsafe fn finish_any<const N: usize>(&mut self, local: &Local, bits: u64, values: *mut Value) {
        if is_just(self.state, mode::RECORD | bits) && self.extra.is_null() {
            let quick = Quick {
                site: &raw const self.site,
                flags: &raw const self.state,
                trace_hi: &raw const self.trace_hi,
                trace_lo: &raw const self.trace_lo,
                span: &raw const self.span,
                parent: &raw const self.parent,
                start: &raw const self.start,
            };
            // SAFETY: the words are this call's; the values were written, as the state says.
            if unsafe { record::write_quick(local, &quick, values, N) } {
                return;
            }
        }
        // SAFETY: the caller's promise.
        unsafe {
            if is_just(self.state, mode::COUNT | mode::QUICK) {
                self.finish_counted(local);
            } else {
                self.finish_slow(Outcome::Ok, values, N);
            }
        }
    }

    /// Ends a call that is only counted, and went well.
    ///
    /// # Safety
    /// The mode is `COUNT`.
    #[inline(never)]
    unsafe fn finish_counted(&mut self, local: &Local) {
        let (site, start) = (self.site, self.start);
        if !record::write_mini_quick(local, site, self.state, Outcome::Ok, start) {
            // SAFETY: a call that is only counted has no values.
            unsafe { self.finish_slow(Outcome::Ok, ptr::null_mut(), 0) };
        }
    }
}
