//! How the call of a synchronous function begins and ends: the common cases first.
//!
//! One copy serves all functions. Whatever is not the common case is behind a call at an end, so that
//! no register is saved for it.

use core::ptr;

use super::sync::{Counted, Entered, SyncCore};
use super::{
    CHILD, PLACE_MASK, begin_root, enter, is_just, is_unsampled, is_unsampled_above, mode,
};
use crate::callsite::Callsite;
use crate::clock;
use crate::trace::gate;
use crate::trace::local::{Local, flag};
use crate::trace::record::{self, Quick};
use crate::trace::value::Value;
use crate::trace::view::Outcome;

/// The mode of a root.
const ROOT: u64 = mode::RECORD | mode::QUICK | mode::ROOT;

impl SyncCore {
    /// Begins the call. The state is `OFF`.
    #[inline(never)]
    pub(super) fn enter(&mut self, local: &Local, site: &'static Callsite) {
        let gate = gate::gate();
        if site.threshold() > gate {
            return self.enter_above(local, site, gate);
        }
        let flags = local.flags.get();
        if flags & PLACE_MASK != CHILD {
            return self.enter_unsampled(local, site, gate);
        }
        let Some([span]) = local.later_ids() else {
            return self.enter_other(local, site, gate);
        };
        let saved = local.save();
        local.span.set(span);
        local.extra.set(ptr::null_mut());
        self.state = mode::RECORD | mode::QUICK | flags;
        self.entered.write(Entered {
            span,
            saved,
            parent: saved.span,
        });
        self.count(local, site, clock::counter());
    }

    /// Notes that the thread was unwinding already when the call began.
    #[cold]
    #[inline(never)]
    pub(super) fn note_unwinding(&mut self) {
        if self.state != mode::OFF {
            self.state |= mode::UNWINDING;
        }
    }

    /// Notes what a call needs that is only counted.
    #[inline(always)]
    pub(super) fn count(&mut self, local: &Local, site: &'static Callsite, start: u64) {
        self.counted.write(Counted { site, start, local });
    }

    /// Begins a call inside a trace that is not sampled. Production samples a few per cent, so most
    /// calls begin here: the root has decided for all of them.
    #[inline(never)]
    fn enter_unsampled(&mut self, local: &Local, site: &'static Callsite, gate: u8) {
        if !is_unsampled(local.flags.get()) {
            return self.enter_root(local, site, gate);
        }
        self.enter_counted(local, site);
    }

    /// Begins a call of a level above the configured one, and one that is always a root.
    #[inline(never)]
    fn enter_above(&mut self, local: &Local, site: &'static Callsite, gate: u8) {
        if is_unsampled_above(site, gate, local.flags.get()) {
            self.enter_counted(local, site);
        } else {
            self.enter_other(local, site, gate);
        }
    }

    #[inline(always)]
    fn enter_counted(&mut self, local: &Local, site: &'static Callsite) {
        if site.metrics() {
            self.state = mode::COUNT | mode::QUICK | local.flags.get() & flag::SCOPE_MASK;
            self.count(local, site, clock::counter());
        }
    }

    /// Begins a root that the installed default decides about by its id.
    #[inline(never)]
    fn enter_root(&mut self, local: &Local, site: &'static Callsite, gate: u8) {
        let saved = local.save();
        let Some(mut begun) = begin_root(local, saved.flags) else {
            return self.enter_other(local, site, gate);
        };
        enter(local, &begun);
        local.extra.set(ptr::null_mut());
        begun.state |= mode::ROOT;
        self.state = begun.state;
        self.entered.write(Entered {
            span: begun.span,
            saved,
            parent: 0,
        });
        self.count(local, site, clock::counter());
    }

    /// Ends a call that went well.
    ///
    /// # Safety
    /// The state is neither `OFF` nor has it `FIELDS`.
    #[inline(never)]
    pub(super) unsafe fn finish(&mut self) {
        // SAFETY: the caller's promise; there are no values.
        unsafe { self.finish_with_any::<0>(mode::QUICK, ptr::null_mut()) };
    }

    /// Ends a call that went well and has fields.
    ///
    /// # Safety
    /// The state is not `OFF`; `values` points to `N` values if the state has `FIELDS`.
    #[inline(never)]
    pub(super) unsafe fn finish_with<const N: usize>(&mut self, values: *mut Value) {
        // SAFETY: the caller's promise.
        unsafe { self.finish_with_any::<N>(mode::QUICK | mode::FIELDS, values) };
    }

    /// Is inlined into the two functions above: a child of a span that is entered here ends in them,
    /// if it has no late data.
    ///
    /// # Safety
    /// The promises are those of [`finish_with`](Self::finish_with).
    #[inline(always)]
    unsafe fn finish_with_any<const N: usize>(&mut self, bits: u64, values: *mut Value) {
        if is_just(self.state, mode::RECORD | bits) {
            // SAFETY: a call that is recorded has a span.
            let (counted, entered) = unsafe { self.parts() };
            // SAFETY: the guard stays on its thread, whose words live as long as the thread.
            let local = unsafe { &*counted.local };
            // Those of the parent.
            let saved = &entered.saved;
            let trace = (&raw const saved.trace_hi, &raw const saved.trace_lo);
            // SAFETY: the values were written, as the state says.
            if unsafe { Self::write_quick(local, counted, entered, trace, (values, N)) } {
                local.span.set(entered.saved.span);
                // Somebody may have attached the call's own context, and forgotten it.
                local.flags.set(entered.saved.flags);
                local.extra.set(entered.saved.extra);
                return;
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.finish_rest::<N>(values) };
    }

    /// Ends any other call that went well.
    ///
    /// # Safety
    /// The promises are those of [`finish_slow`](Self::finish_slow).
    #[inline(never)]
    unsafe fn finish_rest<const N: usize>(&mut self, values: *mut Value) {
        let fields = if N > 0 { mode::FIELDS } else { 0 };
        // SAFETY: the caller's promise.
        unsafe {
            if is_just(self.state, mode::COUNT | mode::QUICK) {
                self.finish_counted(Outcome::Ok);
            } else if is_just(self.state, ROOT | fields) {
                self.finish_root::<N>(values);
            } else {
                self.finish_slow(Outcome::Ok, values, N);
            }
        }
    }

    /// Writes the record of a call that went well, if it has no late data, its span is the thread's
    /// context (somebody may have left another one entered), and there is room for it.
    ///
    /// # Safety
    /// The state has `QUICK`; `trace` are the words of the trace, `values` points to `len` values.
    #[inline(always)]
    unsafe fn write_quick(
        local: &Local,
        counted: &Counted,
        entered: &Entered,
        trace: (*const u64, *const u64),
        values: (*const Value, usize),
    ) -> bool {
        if local.span.get() != entered.span || !local.extra.get().is_null() {
            return false;
        }
        let quick = Quick {
            site: &raw const counted.site,
            flags: local.flags.as_ptr(),
            trace_hi: trace.0,
            trace_lo: trace.1,
            span: &raw const entered.span,
            parent: &raw const entered.parent,
            start: &raw const counted.start,
        };
        // SAFETY: the words are the guard's and the thread's; the rest is the caller's promise.
        unsafe { record::write_quick(local, &quick, values.0, values.1) }
    }

    /// Ends a call that is only counted.
    ///
    /// # Safety
    /// The mode is `COUNT`.
    #[inline(always)]
    unsafe fn finish_counted(&mut self, outcome: Outcome) {
        // SAFETY: initialised whenever the state is not `OFF`.
        let counted = unsafe { self.counted.assume_init_ref() };
        // SAFETY: as in `finish_with_any`.
        let local = unsafe { &*counted.local };
        if !record::write_mini_quick(local, counted.site, self.state, outcome, counted.start) {
            // SAFETY: a call that is only counted has no values.
            unsafe { self.finish_slow(outcome, ptr::null_mut(), 0) };
        }
    }

    /// Ends a root that went well.
    ///
    /// # Safety
    /// The call is recorded; `values` points to `N` values.
    #[inline(always)]
    unsafe fn finish_root<const N: usize>(&mut self, values: *mut Value) {
        // SAFETY: a call that is recorded has a span.
        let (counted, entered) = unsafe { self.parts() };
        // SAFETY: as in `finish_with_any`.
        let local = unsafe { &*counted.local };
        let trace: (*const u64, *const u64) = (local.trace_hi.as_ptr(), local.trace_lo.as_ptr());
        // SAFETY: the caller's promise.
        if unsafe { Self::write_quick(local, counted, entered, trace, (values, N)) } {
            local.restore(&entered.saved);
        } else {
            // SAFETY: as above.
            unsafe { self.finish_slow(Outcome::Ok, values, N) };
        }
    }

    /// Ends a call that did not go well.
    ///
    /// # Safety
    /// The promises are those of [`finish_slow`](Self::finish_slow).
    #[inline(never)]
    pub(super) unsafe fn finish_other(&mut self, outcome: Outcome, values: *mut Value, len: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            if is_just(self.state, mode::COUNT | mode::QUICK) {
                self.finish_counted(outcome);
            } else {
                self.finish_slow(outcome, values, len);
            }
        }
    }
}
