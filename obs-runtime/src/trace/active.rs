//! A call while it runs: on the stack of a synchronous function, or inside a future.

use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr;

use crate::callsite::Callsite;
use crate::trace::attribute::{SpanError, SpanExtra};
use crate::trace::clock;
use crate::trace::gate;
use crate::trace::local::{self, Local, Saved, flag, local};
use crate::trace::record::{self, Head, Rest};
use crate::trace::sampler;
use crate::trace::value::Value;
use crate::trace::view::Outcome;
use crate::trace::{SpanContext, SpanId, TraceFlags};

/// What a call does when it ends, above the flags of its context.
mod mode {
    /// Nothing.
    pub(super) const OFF: u64 = 0;
    /// It is counted; the context was left as it was.
    pub(super) const COUNT: u64 = 1 << 60;
    /// It is recorded, and its span is the context.
    pub(super) const RECORD: u64 = 2 << 60;
    /// The root of a trace that is not sampled: it is the context, so that what it calls does not
    /// begin a trace.
    pub(super) const UNSAMPLED: u64 = 3 << 60;
    /// A future that was not polled yet.
    pub(super) const UNSTARTED: u64 = 4 << 60;
    pub(super) const MASK: u64 = 15 << 60;
    /// Values were written.
    pub(super) const FIELDS: u64 = 1 << 59;
    /// The thread was unwinding already when the call began.
    pub(super) const UNWINDING: u64 = 1 << 58;
    /// A future's context words hold what it will put back: it is entered until its drop.
    pub(super) const ENTERED: u64 = 1 << 57;
    /// The parent of an entered future is remote.
    pub(super) const REMOTE: u64 = 1 << 56;
    pub(super) const ALL: u64 = MASK | FIELDS | UNWINDING | ENTERED | REMOTE;
}

/// Beginning a call: which mode, and what becomes the context.
#[derive(Clone, Copy)]
struct Begun {
    state: u64,
    trace_hi: u64,
    trace_lo: u64,
    span: u64,
    /// Zero for a root.
    parent: u64,
}

/// A child of a sampled span of this process: the way nearly every call goes.
const CHILD: u64 = flag::VALID | flag::SAMPLED;
const CHILD_MASK: u64 = CHILD | flag::REMOTE;
/// What a span does not take over from the context that it begins in.
const OWN: u64 = !(flag::REMOTE | flag::ATTACHED);

#[inline(always)]
fn begin(local: &Local, site: &'static Callsite, gate: u8) -> Begun {
    let flags = local.flags.get();
    if site.threshold() <= gate && flags & CHILD_MASK == CHILD {
        return Begun {
            state: mode::RECORD | flags & OWN,
            trace_hi: local.trace_hi.get(),
            trace_lo: local.trace_lo.get(),
            span: local.next_id(),
            parent: local.span.get(),
        };
    }
    begin_other(local, site, gate, flags)
}

#[inline(never)]
fn begin_other(local: &Local, site: &'static Callsite, gate: u8, flags: u64) -> Begun {
    let nothing = |mode: u64| Begun {
        state: if site.metrics() {
            mode | flags & flag::SCOPE_MASK
        } else {
            mode::OFF
        },
        trace_hi: 0,
        trace_lo: 0,
        span: 0,
        parent: 0,
    };
    let scope = local.scope();
    if !sampler::scope_records(scope) {
        return Begun {
            state: mode::OFF,
            ..nothing(mode::OFF)
        };
    }
    if site.level() as u8 > gate {
        return nothing(mode::COUNT);
    }
    let parent = flags & flag::VALID != 0 && !site.is_root();
    let (trace_hi, trace_lo) = if parent {
        (local.trace_hi.get(), local.trace_lo.get())
    } else {
        (local.next_id(), local.next_id())
    };
    let inherited = parent.then_some((flags & flag::SAMPLED != 0, flags & flag::REMOTE != 0));
    let sampled = sampler::decide(scope, trace_lo, inherited);
    if parent && !sampled && flags & flag::REMOTE == 0 {
        return nothing(mode::COUNT);
    }
    let random = if parent {
        flags & flag::RANDOM
    } else {
        flag::RANDOM
    };
    let own = flags & flag::SCOPE_MASK | flag::VALID | random;
    Begun {
        state: if sampled {
            mode::RECORD | own | flag::SAMPLED
        } else {
            mode::UNSAMPLED | own
        },
        trace_hi,
        trace_lo,
        span: local.next_id(),
        parent: if parent { local.span.get() } else { 0 },
    }
}

#[inline(always)]
fn enter(local: &Local, begun: &Begun) {
    local.trace_hi.set(begun.trace_hi);
    local.trace_lo.set(begun.trace_lo);
    local.span.set(begun.span);
    local.flags.set(begun.state & !mode::ALL);
}

/// Takes the late data of the entered span, if any came.
fn box_extra(extra: *mut SpanExtra, error: SpanError) -> *mut SpanExtra {
    let mut boxed = if extra.is_null() {
        Box::default()
    } else {
        // SAFETY: a context's extra part comes from `Box::into_raw`, and this span owns it.
        unsafe { Box::from_raw(extra) }
    };
    boxed.error.get_or_insert(error);
    Box::into_raw(boxed)
}

/// The guard of a synchronous call; made, kept and ended by generated code.
pub struct SyncSpan<const N: usize> {
    core: SyncCore,
    values: MaybeUninit<[Value; N]>,
}

struct SyncCore {
    state: u64,
    /// The rest is set unless the state is `OFF`.
    running: MaybeUninit<Running>,
}

struct Running {
    site: &'static Callsite,
    span: u64,
    parent: u64,
    start: u64,
    saved: Saved,
}

impl<const N: usize> SyncSpan<N> {
    /// Begins a call.
    #[inline(always)]
    pub fn enter(site: &'static Callsite) -> Self {
        let mut this = Self {
            core: SyncCore {
                state: mode::OFF,
                running: MaybeUninit::uninit(),
            },
            values: MaybeUninit::uninit(),
        };
        let gate = gate::gate();
        if gate != 0 {
            this.core.enter(site, gate);
        }
        this
    }

    /// Whether values are worth computing.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        self.core.state & mode::MASK == mode::RECORD
    }

    /// Evaluates and keeps the fields, if the call is recorded.
    #[inline(always)]
    pub fn fields(&mut self, values: impl FnOnce() -> [Value; N]) {
        if self.is_recording() {
            self.values.write(values());
            self.core.state |= mode::FIELDS;
        }
    }

    /// Ends the call.
    #[inline(always)]
    pub fn end(self, outcome: Outcome) {
        ManuallyDrop::new(self).finish(outcome);
    }

    /// Ends the call with an error.
    #[cold]
    #[inline(never)]
    pub fn fail(self, error: SpanError) {
        if self.is_recording() {
            let local = local();
            local.extra.set(box_extra(local.extra.get(), error));
        }
        self.end(Outcome::Error);
    }

    #[inline(always)]
    fn finish(&mut self, outcome: Outcome) {
        if self.core.state != mode::OFF {
            let values = self.values.as_mut_ptr().cast();
            // SAFETY: the state says whether the values were written; `self` is not used again.
            unsafe { self.core.finish(outcome, values, N) };
        }
    }
}

impl SyncCore {
    #[inline(always)]
    fn enter(&mut self, site: &'static Callsite, gate: u8) {
        let local = local();
        let begun = begin(local, site, gate);
        if begun.state == mode::OFF {
            return;
        }
        let saved = local.save();
        let unwinding = if std::thread::panicking() {
            mode::UNWINDING
        } else {
            0
        };
        self.state = begun.state | unwinding;
        if begun.state & mode::MASK != mode::COUNT {
            enter(local, &begun);
            local.extra.set(ptr::null_mut());
        }
        self.running.write(Running {
            site,
            span: begun.span,
            parent: begun.parent,
            start: clock::ticks(),
            saved,
        });
    }

    /// # Safety
    /// The state is not `OFF`; `values` points to `len` values if the state has `FIELDS`.
    #[inline(never)]
    unsafe fn finish(&mut self, outcome: Outcome, values: *mut Value, len: usize) {
        let end = clock::ticks();
        let local = local();
        // SAFETY: set whenever the state is not `OFF`.
        let running = unsafe { self.running.assume_init_ref() };
        let ticks = end.saturating_sub(running.start);
        match self.state & mode::MASK {
            mode::RECORD => {
                let extra = local.extra.get();
                let head = Head {
                    site: 0,
                    meta: 0,
                    trace_hi: local.trace_hi.get(),
                    trace_lo: local.trace_lo.get(),
                    span: running.span,
                    parent: running.parent,
                    start: running.start,
                    end,
                };
                local.restore(&running.saved);
                let remote = running.saved.flags & flag::REMOTE;
                let flags = self.state & !mode::ALL | remote;
                let len = if self.state & mode::FIELDS != 0 {
                    len
                } else {
                    0
                };
                let rest = Rest { values, len, extra };
                // SAFETY: the caller gives the values away, and the extra part was this span's.
                unsafe { record::write_full(local, running.site, &head, flags, outcome, rest) };
            }
            mode::UNSAMPLED => {
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

impl<const N: usize> Drop for SyncSpan<N> {
    /// The call's value was not seen: it ended well unless it unwound.
    #[inline(always)]
    fn drop(&mut self) {
        if self.core.state != mode::OFF {
            let unwound = std::thread::panicking() && self.core.state & mode::UNWINDING == 0;
            self.finish(if unwound {
                Outcome::Panicked
            } else {
                Outcome::Ok
            });
        }
    }
}

/// The state of an asynchronous call, kept inside its future: the first poll begins it.
pub struct FutureSpan<const N: usize> {
    core: FutureCore,
    values: MaybeUninit<[Value; N]>,
}

struct FutureCore {
    site: &'static Callsite,
    state: u64,
    trace_hi: u64,
    trace_lo: u64,
    span: u64,
    parent: u64,
    start: u64,
    /// Late data; in the thread's context while the future is polled.
    extra: *mut SpanExtra,
}

// SAFETY: the extra part is owned through the pointer and is `Send` and `Sync` itself; the rest is
// plain data.
unsafe impl<const N: usize> Send for FutureSpan<N> {}
// SAFETY: as above; nothing can be changed through a shared reference.
unsafe impl<const N: usize> Sync for FutureSpan<N> {}

impl<const N: usize> FutureSpan<N> {
    /// A call that has not begun.
    #[inline(always)]
    pub const fn new(site: &'static Callsite) -> Self {
        Self {
            core: Self::idle(site),
            values: MaybeUninit::uninit(),
        }
    }

    #[inline(always)]
    const fn idle(site: &'static Callsite) -> FutureCore {
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

    /// Goes on with the call of a function that returned a future, and leaves its span.
    pub fn adopt(site: &'static Callsite, call: SyncSpan<N>) -> Self {
        let call = ManuallyDrop::new(call);
        let mut this = Self::new(site);
        let state = call.core.state & !mode::UNWINDING;
        if state == mode::OFF {
            // Nothing recorded there; where the future is polled something may.
            return this;
        }
        this.core.state = state & !mode::FIELDS;
        // SAFETY: set whenever the state is not `OFF`.
        let running = unsafe { call.core.running.assume_init_ref() };
        this.core.start = running.start;
        if state & mode::MASK == mode::COUNT {
            return this;
        }
        let local = local();
        this.core.trace_hi = local.trace_hi.get();
        this.core.trace_lo = local.trace_lo.get();
        this.core.span = running.span;
        this.core.parent = running.parent;
        this.core.extra = local.extra.get();
        if state & mode::MASK == mode::RECORD {
            this.core.state |= running.saved.flags & flag::REMOTE;
        }
        if state & mode::FIELDS != 0 {
            // SAFETY: the values were written; `call` is not dropped, so they have one owner.
            this.values = unsafe { ptr::read(&raw const call.values) };
            this.core.state |= mode::FIELDS;
        }
        local.restore(&running.saved);
        this
    }

    /// Whether the call has begun and not ended.
    #[inline(always)]
    pub fn is_live(&self) -> bool {
        !matches!(self.core.state & mode::MASK, mode::OFF | mode::UNSTARTED)
    }

    /// Whether the call is recorded.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        self.core.state & mode::MASK == mode::RECORD
    }

    /// Runs one poll inside the call's span.
    #[inline(always)]
    pub fn poll<R>(&mut self, poll: impl FnOnce() -> R) -> R {
        let mode = self.core.state & mode::MASK;
        if mode == mode::OFF || mode == mode::COUNT {
            return poll();
        }
        let local = local();
        if mode == mode::UNSTARTED {
            let gate = gate::gate();
            if gate == 0 {
                self.core.state = mode::OFF;
                return poll();
            }
            self.core.start(local, gate);
            if N > 0 && self.is_recording() {
                // SAFETY: an array of `MaybeUninit` needs no initialisation.
                let values =
                    unsafe { &mut *self.values.as_mut_ptr().cast::<[MaybeUninit<Value>; N]>() };
                for value in values {
                    value.write(Value::NONE);
                }
                self.core.state |= mode::FIELDS;
                local.slot.set(self.values.as_mut_ptr().cast());
                local.slot_len.set(N);
            }
            if matches!(self.core.state & mode::MASK, mode::OFF | mode::COUNT) {
                return poll();
            }
        }
        let _inside = Inside::enter(local, &mut self.core);
        poll()
    }

    /// Enters the call's span until `self` is dropped: what is dropped in between belongs to it.
    pub fn enter_to_drop(&mut self) {
        if matches!(self.core.state & mode::MASK, mode::RECORD | mode::UNSAMPLED) {
            self.core.change_places(local());
        }
    }

    /// Ends the call. Later calls change nothing.
    #[inline(always)]
    pub fn end(&mut self, outcome: Outcome) {
        let values = self.values.as_mut_ptr().cast();
        if self.is_live() {
            // SAFETY: the state says whether the values were written, and is set to `OFF`.
            unsafe { self.core.finish(outcome, values, N) };
        }
    }

    /// Ends the call with an error.
    #[cold]
    #[inline(never)]
    pub fn fail(&mut self, error: SpanError) {
        if self.is_recording() {
            self.core.extra = box_extra(self.core.extra, error);
        }
        self.end(Outcome::Error);
    }
}

impl FutureCore {
    #[inline(always)]
    fn start(&mut self, local: &Local, gate: u8) {
        let begun = begin(local, self.site, gate);
        let remote = local.flags.get() & flag::REMOTE;
        self.state = begun.state;
        self.trace_hi = begun.trace_hi;
        self.trace_lo = begun.trace_lo;
        self.span = begun.span;
        self.parent = begun.parent;
        if begun.state & mode::MASK == mode::RECORD {
            self.state |= remote;
        }
        if begun.state != mode::OFF {
            self.start = clock::ticks();
        }
    }

    /// # Safety
    /// As `SyncCore::finish`.
    #[inline(never)]
    unsafe fn finish(&mut self, outcome: Outcome, values: *mut Value, len: usize) {
        let end = clock::ticks();
        let local = local();
        let state = self.state;
        self.state = mode::OFF;
        if state & mode::MASK == mode::RECORD {
            let extra = core::mem::replace(&mut self.extra, ptr::null_mut());
            let head = Head {
                site: 0,
                meta: 0,
                trace_hi: self.trace_hi,
                trace_lo: self.trace_lo,
                span: self.span,
                parent: self.parent,
                start: self.start,
                end,
            };
            let len = if state & mode::FIELDS != 0 { len } else { 0 };
            let rest = Rest { values, len, extra };
            // SAFETY: the caller gives the values away, and the extra part was this span's.
            unsafe {
                record::write_full(local, self.site, &head, state & !mode::ALL, outcome, rest);
            };
        } else if self.site.metrics() {
            let scope = (state >> flag::SCOPE_SHIFT) as u16;
            let ticks = end.saturating_sub(self.start);
            record::write_mini(local, self.site, scope, outcome, ticks);
        }
    }
}

impl<const N: usize> FutureSpan<N> {
    #[cold]
    fn abandon(&mut self) {
        if self.core.state & mode::ENTERED != 0 {
            self.core.change_places(local());
        }
        self.end(Outcome::Cancelled);
    }
}

impl FutureCore {
    /// Exchanges the call's context with the thread's, without more room than the call has: entered, and
    /// left by the second call, on the same thread.
    fn change_places(&mut self, local: &Local) {
        let thread = local.save();
        let leaves = self.state & mode::ENTERED != 0;
        let remote = if leaves { mode::REMOTE } else { flag::REMOTE };
        let remote = self.state & remote != 0;
        local.restore(&Saved {
            trace_hi: self.trace_hi,
            trace_lo: self.trace_lo,
            span: self.span,
            flags: self.state & !mode::ALL & if leaves { u64::MAX } else { OWN },
            extra: self.extra,
        });
        self.trace_hi = thread.trace_hi;
        self.trace_lo = thread.trace_lo;
        self.span = thread.span;
        self.extra = thread.extra;
        let kept = self.state & (mode::MASK | mode::FIELDS);
        self.state = kept | thread.flags;
        if !leaves {
            self.state |= mode::ENTERED | if remote { mode::REMOTE } else { 0 };
        } else if remote {
            self.state |= flag::REMOTE;
        }
    }
}

impl<const N: usize> Drop for FutureSpan<N> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_live() {
            self.abandon();
        }
    }
}

/// The span is the thread's context until this is dropped, also by unwinding.
struct Inside<'a> {
    local: &'a Local,
    saved: Saved,
    core: &'a mut FutureCore,
}

impl<'a> Inside<'a> {
    #[inline(always)]
    fn enter(local: &'a Local, core: &'a mut FutureCore) -> Self {
        let saved = local.save();
        local.trace_hi.set(core.trace_hi);
        local.trace_lo.set(core.trace_lo);
        local.span.set(core.span);
        local.flags.set(core.state & !mode::ALL & OWN);
        local.extra.set(core.extra);
        Self { local, saved, core }
    }
}

impl Drop for Inside<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.core.extra = self.local.extra.get();
        self.local.restore(&self.saved);
        // A body that never came to its fields must not leave its storage to another.
        self.local.slot.set(ptr::null_mut());
    }
}

/// A span that is kept by hand: it may end on another thread than it began.
pub(crate) struct Manual {
    core: FutureCore,
}

// SAFETY: the extra pointer of a manual span stays null; the rest is plain data.
unsafe impl Send for Manual {}
// SAFETY: as above; nothing can be changed through a shared reference.
unsafe impl Sync for Manual {}

impl Manual {
    /// Begins a span under the thread's context; none while obs is off.
    pub(crate) fn begin(site: &'static Callsite) -> Option<Self> {
        let gate = gate::gate();
        if gate == 0 {
            return None;
        }
        let mut core = FutureSpan::<0>::idle(site);
        core.start(local(), gate);
        if std::thread::panicking() {
            core.state |= mode::UNWINDING;
        }
        (core.state & mode::MASK != mode::OFF).then_some(Self { core })
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.core.state & mode::MASK == mode::RECORD
    }

    /// Whether unwinding began after the span did.
    pub(crate) fn unwinds(&self) -> bool {
        std::thread::panicking() && self.core.state & mode::UNWINDING == 0
    }

    /// Whether the span has an identity: it has none if its call is only counted.
    pub(crate) fn has_context(&self) -> bool {
        self.core.span != 0
    }

    pub(crate) fn context(&self) -> Option<SpanContext> {
        let core = &self.core;
        self.has_context().then(|| SpanContext {
            trace_id: local::trace_id(core.trace_hi, core.trace_lo),
            span_id: SpanId(core.span),
            flags: TraceFlags(core.state as u8),
            is_remote: false,
            scope: (core.state >> flag::SCOPE_SHIFT) as u16,
        })
    }

    /// Makes the span the thread's context; the caller has saved the old one.
    pub(crate) fn enter(&self, local: &Local) {
        local.trace_hi.set(self.core.trace_hi);
        local.trace_lo.set(self.core.trace_lo);
        local.span.set(self.core.span);
        local.flags.set(self.core.state & !mode::ALL & OWN);
        local.extra.set(ptr::null_mut());
    }

    pub(crate) fn end(mut self, outcome: Outcome, values: Vec<Value>, extra: SpanExtra) {
        if self.is_recording() {
            if !extra.is_empty() {
                self.core.extra = Box::into_raw(Box::new(extra));
            }
            self.core.state |= mode::FIELDS;
        }
        let mut values = ManuallyDrop::new(values);
        let len = values.len();
        // SAFETY: `len` initialised values, given away; their allocation is freed below without them.
        unsafe {
            self.core.finish(outcome, values.as_mut_ptr(), len);
            values.set_len(0);
        }
        drop(ManuallyDrop::into_inner(values));
    }
}

/// Inside the first poll of a future: evaluates its fields into the wrapper's storage.
#[inline(always)]
pub fn future_fields<const N: usize>(values: impl FnOnce() -> [Value; N]) {
    let local = local();
    let slot = local.slot.replace(ptr::null_mut());
    if !slot.is_null() && local.slot_len.get() == N {
        let values = values();
        // SAFETY: `FutureSpan::poll` set the slot to its `N` values for the poll that runs now, and
        // takes it back before it returns.
        unsafe { slot.cast::<[Value; N]>().write(values) };
    }
}

impl<const N: usize> core::fmt::Debug for SyncSpan<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SyncSpan").finish_non_exhaustive()
    }
}

impl<const N: usize> core::fmt::Debug for FutureSpan<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FutureSpan").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "active_tests.rs"]
mod tests;
