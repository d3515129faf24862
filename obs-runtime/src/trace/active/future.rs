//! The call of an asynchronous function, kept as a state inside its future.
//!
//! The first poll begins the call, each poll enters its span, and the call ends when the body is
//! ready or the future is dropped. The future may move between threads from one poll to the next.
//!
//! Functions are inlined in optimized builds only: otherwise every annotated function would be
//! compiled with its own copy of all of them.

use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr;

#[cfg(feature = "tracing")]
use super::recorded;
use super::{OWN, SyncSpan, box_extra, context_flags, is_just, mode, settle};
use crate::callsite::Callsite;
use crate::clock;
use crate::trace::attribute::{SpanError, SpanExtra};
#[cfg(feature = "opentelemetry")]
use crate::trace::bridge::context as bridge;
use crate::trace::gate;
#[cfg(feature = "tracing")]
use crate::trace::line_fields;
use crate::trace::local::{Local, Saved, flag, local};
use crate::trace::record::{self, Call, Rest};
use crate::trace::value::Value;
use crate::trace::view::Outcome;

/// The state of an asynchronous call, kept inside its future. The first poll begins the call.
#[derive(Debug)]
pub struct FutureSpan<const N: usize> {
    pub(super) core: FutureCore,
    values: MaybeUninit<[Value; N]>,
}

/// The part of the state that does not depend on the number of fields.
#[derive(Debug)]
pub(crate) struct FutureCore {
    pub(super) site: &'static Callsite,
    pub(in crate::trace) state: u64,
    pub(super) trace_hi: u64,
    pub(super) trace_lo: u64,
    pub(in crate::trace) span: u64,
    pub(in crate::trace) parent: u64,
    pub(super) start: u64,
    /// Late data. While the future is polled the thread's context holds it instead.
    pub(super) extra: *mut SpanExtra,
}

// SAFETY: the extra part is owned through the pointer and is `Send` and `Sync` itself; the rest is
// plain data.
unsafe impl<const N: usize> Send for FutureSpan<N> {}
// SAFETY: as above; nothing can be changed through a shared reference.
unsafe impl<const N: usize> Sync for FutureSpan<N> {}

impl<const N: usize> FutureSpan<N> {
    /// Creates the state of a call that has not begun.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub const fn new(site: &'static Callsite) -> Self {
        Self {
            core: Self::idle(site),
            values: MaybeUninit::uninit(),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) const fn idle(site: &'static Callsite) -> FutureCore {
        FutureCore {
            site,
            state: mode::UNSTARTED,
            trace_hi: 0,
            trace_lo: 0,
            span: 0,
            parent: 0,
            start: 0,
            extra: ptr::null_mut(),
        }
    }

    /// Continues the call of a function that returned a future, and leaves the function's span.
    pub fn adopt(site: &'static Callsite, call: SyncSpan<N>) -> Self {
        let call = ManuallyDrop::new(call);
        let mut this = Self::new(site);
        let state = call.core.state & !(mode::UNWINDING | mode::ROOT);
        if state == mode::OFF {
            // Nothing is recorded here; the thread that polls the future may record.
            return this;
        }
        this.core.state = state & !mode::FIELDS;
        // SAFETY: set whenever the state is not `OFF`.
        this.core.start = unsafe { call.core.counted.assume_init_ref() }.start;
        if state & mode::MASK == mode::COUNT {
            return this;
        }
        // SAFETY: set whenever the call has a span.
        let running = unsafe { call.core.entered.assume_init_ref() };
        let local = local();
        #[cfg(feature = "opentelemetry")]
        if state & mode::BOUNDARY != 0 {
            bridge::leave_sync(local, running.span);
        }
        this.core.trace_hi = local.trace_hi.get();
        this.core.trace_lo = local.trace_lo.get();
        this.core.span = running.span;
        this.core.parent = running.parent;
        this.core.extra = local.extra.get();
        if state & mode::FIELDS != 0 {
            // SAFETY: the values were written; `call` is not dropped, so they have one owner.
            this.values = unsafe { ptr::read(&raw const call.values) };
            this.core.state |= mode::FIELDS;
        }
        local.restore(&running.saved);
        this
    }

    /// Takes the call out, to continue it elsewhere. What stays behind has not begun.
    #[must_use]
    pub fn take(&mut self) -> Self {
        core::mem::replace(self, Self::new(self.core.site))
    }

    /// Returns whether the call has begun and not ended.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn is_live(&self) -> bool {
        self.core.state & (mode::SPAN | mode::COUNT) != 0
    }

    /// Returns whether the call is recorded.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn is_recording(&self) -> bool {
        self.core.state & mode::MASK == mode::RECORD
    }

    /// Runs one poll inside the call's span.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn poll<R>(&mut self, poll: impl FnOnce() -> R) -> R {
        match self.enter() {
            Some((_inside, _told)) => poll(),
            None => poll(),
        }
    }

    /// Enters the call's span for one poll, if there is a span.
    ///
    /// The caller drops the second guard first. It should poll in each arm of a `match` on the
    /// result: one poll behind the `match` would cost the optimized program another branch on the
    /// way out.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn enter(&mut self) -> Option<(PollGuard<'static>, BridgedPoll)> {
        let this: *mut Self = self;
        // One pointer for all who change the call's state during the poll: a second one would be
        // invalid as soon as the first is used.
        // SAFETY: this is `self`, which is not used here but through this pointer.
        let at = unsafe { &raw mut (*this).core };
        // SAFETY: as above.
        if unsafe { (*this).has_span(at) } {
            let inside = PollGuard::enter(local(), at, N > 0);
            let told = BridgedPoll::enter(&inside);
            Some((inside, told))
        } else {
            None
        }
    }

    /// Returns whether there is a span to enter, and begins the call at the first poll. `at` is the
    /// call, for whoever is asked about it later.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn has_span(&mut self, at: *mut FutureCore) -> bool {
        if self.core.state & mode::SPAN != 0 {
            return true;
        }
        if !is_just(self.core.state, mode::UNSTARTED) {
            return false;
        }
        let gate = gate::gate();
        if gate == 0 {
            self.core.state = mode::OFF;
            return false;
        }
        let local = local();
        self.core.start(local, gate);
        if N > 0 && self.core.state & mode::WANTS_FIELDS != 0 {
            // SAFETY: an array of `MaybeUninit` needs no initialisation.
            let values =
                unsafe { &mut *self.values.as_mut_ptr().cast::<[MaybeUninit<Value>; N]>() };
            for value in values {
                value.write(Value::NONE);
            }
            self.core.state |= mode::FIELDS;
            local.slot.set(self.values.as_mut_ptr().cast());
            local.slot_len.set(N);
            if self.core.state & mode::ASKS != 0 {
                ask_fields(local, at);
            }
        }
        self.core.state & mode::SPAN != 0
    }

    /// Enters the call's span until `self` is dropped. Values that are dropped before then belong
    /// to the span.
    pub fn enter_to_drop(&mut self) {
        if matches!(self.core.state & mode::MASK, mode::RECORD | mode::UNSAMPLED) {
            self.core.change_places(local());
        }
    }

    /// Ends the call. A second end has no effect.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn end(&mut self, outcome: Outcome) {
        let values = self.values.as_mut_ptr().cast();
        if self.is_live() {
            // SAFETY: the state says whether the values were written, and is set to `OFF`.
            unsafe {
                if outcome != Outcome::Ok {
                    self.core.finish_slow(outcome, values, N);
                } else if N == 0 {
                    self.core.finish(local());
                } else {
                    self.core.finish_with::<N>(local(), values);
                }
            }
            self.core.state = mode::OFF;
        }
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
            self.core.decide(0, &[]);
        }
        if self.is_recording() {
            let core = &mut self.core;
            core.extra = box_extra(
                core.extra,
                error(core.span, core.parent),
                core.span,
                core.parent,
            );
        }
        self.end(outcome);
    }
}

impl FutureCore {
    /// Decides about a call whose sampler asked for its fields. `parent` holds the flags it began
    /// in.
    pub(super) fn decide(&mut self, parent: u64, values: &[Value]) {
        self.state = settle(self.site, self.state, self.trace_lo, parent, values);
    }

    /// Ends any call.
    ///
    /// # Safety
    /// The state is not `OFF`; `values` points to `len` values if the state has `FIELDS`.
    #[inline(never)]
    pub(super) unsafe fn finish_slow(&mut self, outcome: Outcome, values: *mut Value, len: usize) {
        let end = clock::ticks();
        let local = local();
        let state = self.state;
        #[cfg(feature = "opentelemetry")]
        if state & mode::BOUNDARY != 0 {
            self.extra = bridge::end(self.extra);
        }
        self.state = mode::OFF;
        if state & mode::MASK == mode::RECORD {
            let extra = core::mem::replace(&mut self.extra, ptr::null_mut());
            let call = Call {
                trace_hi: self.trace_hi,
                trace_lo: self.trace_lo,
                span: self.span,
                parent: self.parent,
                start: self.start,
                end,
            };
            let len = if len > 0 && state & mode::FIELDS != 0 {
                len
            } else {
                0
            };
            let rest = Rest { values, len, extra };
            // SAFETY: the caller gives the values away, and the extra part was this span's.
            unsafe {
                record::write_full(local, self.site, call, state & !mode::ALL, outcome, rest);
            };
            return;
        }
        #[cfg(feature = "tracing")]
        if state & mode::MASK != mode::COUNT {
            if let Some(state) = recorded(state) {
                self.state = state;
                // SAFETY: the state has no values.
                return unsafe { self.finish_slow(outcome, ptr::null_mut(), 0) };
            }
            // SAFETY: the late data is this call's own.
            unsafe {
                line_fields::free(core::mem::replace(&mut self.extra, ptr::null_mut()));
            }
        }
        if self.site.metrics() {
            let scope = (state >> flag::SCOPE_SHIFT) as u16;
            let ticks = end.saturating_sub(self.start);
            record::write_mini(local, self.site, scope, outcome, ticks);
        }
    }
}

impl<const N: usize> Drop for FutureSpan<N> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        if self.is_live() {
            self.abandon();
        }
    }
}

/// A guard: the span is the thread's context until the guard is dropped, also by unwinding.
pub(crate) struct PollGuard<'a> {
    local: &'a Local,
    saved: Saved,
    /// The call; no reference, because [`future_fields`] may settle the call's state meanwhile.
    core: *mut FutureCore,
    /// Whether the future has fields, a constant for each.
    has_slot: bool,
}

impl<'a> PollGuard<'a> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn enter(local: &'a Local, at: *mut FutureCore, has_slot: bool) -> Self {
        // SAFETY: the caller has exclusive access to the call and keeps it in place until this is
        // dropped.
        let core = unsafe { &mut *at };
        let saved = local.save();
        local.trace_hi.set(core.trace_hi);
        local.trace_lo.set(core.trace_lo);
        local.span.set(core.span);
        local.flags.set(context_flags(core.state));
        local.extra.set(core.extra);
        Self {
            local,
            saved,
            core: at,
            has_slot,
        }
    }
}

impl Drop for PollGuard<'_> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        // SAFETY: as in `enter`; nobody else uses the call here.
        let core = unsafe { &mut *self.core };
        core.extra = self.local.extra.get();
        self.local.restore(&self.saved);
        // A body that never reached its fields must not leave its storage to another future.
        if self.has_slot {
            self.local.slot.set(ptr::null_mut());
        }
    }
}

/// A guard that tells OpenTelemetry of the entered span and takes this back when dropped.
///
/// It is not a part of [`PollGuard`], which would then be kept in memory instead of registers.
pub(crate) struct BridgedPoll {
    /// The span's id; 0 if there is nothing to undo.
    #[cfg(feature = "opentelemetry")]
    span: u64,
}

impl BridgedPoll {
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[cfg_attr(not(feature = "opentelemetry"), allow(unused_variables))]
    fn enter(inside: &PollGuard<'_>) -> Self {
        Self {
            // SAFETY: as in `PollGuard::enter`; nobody else uses the call here.
            #[cfg(feature = "opentelemetry")]
            span: bridge::enter_poll(
                inside.local,
                unsafe { &mut *inside.core },
                inside.saved.span,
            ),
        }
    }
}

#[cfg(feature = "opentelemetry")]
impl Drop for BridgedPoll {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        if self.span != 0 {
            bridge::leave(self.span);
        }
    }
}

/// A bit in the length of the slot: the sampler asks for the values.
const ASKING: usize = 1 << (usize::BITS - 1);

/// Notes where the answer goes, before the first poll of a call whose sampler asks for its fields.
#[cold]
fn ask_fields(local: &Local, core: *mut FutureCore) {
    local.slot_len.set(local.slot_len.get() | ASKING);
    local.asking.set((core, local.flags.get()));
}

/// Decides whether the call that asked is recorded.
#[cold]
#[inline(never)]
fn answer_fields(local: &Local, (core, parent): (*mut FutureCore, u64), values: &[Value]) -> bool {
    // SAFETY: the slot was set, so this is the first poll of the call that asked: its `PollGuard`
    // keeps the pointer valid and holds no reference meanwhile.
    let core = unsafe { &mut *core };
    #[cfg(feature = "tracing")]
    // SAFETY: the late data is this call's own.
    unsafe {
        line_fields::say(local.extra.get(), values);
    }
    #[cfg(feature = "opentelemetry")]
    let was_decided = core.state & mode::DECIDED != 0;
    core.decide(parent, values);
    local.flags.set(core.state & !mode::ALL & OWN);
    #[cfg(feature = "opentelemetry")]
    if core.state & mode::BOUNDARY != 0 && !was_decided {
        bridge::renew(local);
    }
    core.state & mode::MASK == mode::RECORD
}

/// Evaluates the fields of a future into its wrapper's storage, during the future's first poll.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn future_fields<const N: usize>(values: impl FnOnce() -> [Value; N]) {
    let local = local();
    let slot = local.slot.replace(ptr::null_mut());
    if slot.is_null() {
        return;
    }
    let len = local.slot_len.get();
    let values = if len == N {
        values()
    } else if len == N | ASKING {
        match asked_fields(local, values) {
            Some(values) => values,
            None => return,
        }
    } else {
        return;
    };
    // SAFETY: `FutureSpan::poll` set the slot to its `N` values for the poll that runs now, and takes
    // it back before it returns.
    unsafe { slot.cast::<[Value; N]>().write(values) };
}

/// Evaluates the fields of a call that asks for them. Returns nothing if it is not recorded.
#[cold]
#[inline(never)]
fn asked_fields<const N: usize>(
    local: &Local,
    values: impl FnOnce() -> [Value; N],
) -> Option<[Value; N]> {
    // The expressions may poll another future, which asks as well.
    let asking = local.asking.replace((ptr::null_mut(), 0));
    let values = values();
    answer_fields(local, asking, &values).then_some(values)
}
