//! The thread's context: which span is entered, and where the thread's next record goes.
//!
//! It consists of plain words in a `const` thread local without a destructor: reading it needs one
//! address computation, and it stays valid in the destructors of other thread locals. Only its own
//! thread reads and writes it. Nothing here may be given a destructor; `buffer::AtExit` does the
//! work at the end of the thread.

use core::cell::Cell;
use core::ptr;
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::redact;
use crate::trace::active::FutureCore;
use crate::trace::attribute::SpanExtra;
use crate::trace::buffer::{Cursor, Queue};
use crate::trace::context::Origin;
use crate::trace::frame::FrameId;
use crate::trace::value::Value;
use crate::trace::{SpanContext, SpanId, TraceFlags, TraceId};

/// The bits of the flags word. The low byte holds the W3C flags; the others never leave the
/// process.
pub(crate) mod flag {
    pub(crate) const SAMPLED: u64 = 1;
    pub(crate) const RANDOM: u64 = 2;
    /// There is a trace: the ids are set.
    pub(crate) const VALID: u64 = 1 << 8;
    /// The span belongs to another process.
    pub(crate) const REMOTE: u64 = 1 << 9;
    /// The context was attached: the span lives elsewhere and takes no late data here.
    pub(crate) const ATTACHED: u64 = 1 << 10;
    /// The span belongs to another process, which leaves the sampling decision to this one.
    pub(crate) const DEFERRED: u64 = 1 << 11;
    /// Nothing is recorded here, and no span is entered (`trace/suppress.rs`).
    pub(crate) const SUPPRESSED: u64 = 1 << 12;
    pub(crate) const SCOPE_SHIFT: u32 = 16;
    pub(crate) const SCOPE_MASK: u64 = 0xffff << SCOPE_SHIFT;
}

/// The context words of one thread.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) trace_hi: Cell<u64>,
    pub(crate) trace_lo: Cell<u64>,
    pub(crate) span: Cell<u64>,
    pub(crate) flags: Cell<u64>,
    /// The frame of what is done here. It is beside the span's words: only what opens a frame, and what
    /// carries a context to another task or thread, touches it.
    pub(crate) frame: Cell<FrameId>,
    /// Late data of the entered span. The first late call allocates it.
    pub(crate) extra: Cell<*mut SpanExtra>,
    id_state: Cell<u64>,
    /// The place of the next record.
    pub(crate) cursor: Cursor,
    pub(crate) queue: Cell<*const Queue>,
    /// The storage of a future's fields, set during the future's first poll.
    pub(crate) slot: Cell<*mut Value>,
    pub(crate) slot_len: Cell<usize>,
    /// The call whose sampler asks for those fields, and the flags of the context that it began in.
    pub(crate) asking: Cell<(*mut FutureCore, u64)>,
    /// Whether the thread's destructor has run.
    pub(crate) exited: Cell<bool>,
}

thread_local! {
    static LOCAL: Local = const {
        Local {
            trace_hi: Cell::new(0),
            trace_lo: Cell::new(0),
            span: Cell::new(0),
            flags: Cell::new(0),
            frame: Cell::new(FrameId::NONE),
            extra: Cell::new(ptr::null_mut()),
            id_state: Cell::new(0),
            cursor: Cursor::new(),
            queue: Cell::new(ptr::null()),
            slot: Cell::new(ptr::null_mut()),
            slot_len: Cell::new(0),
            asking: Cell::new((ptr::null_mut(), 0)),
            exited: Cell::new(false),
        }
    };
}

/// Returns the words of this thread. The reference must not leave the thread, nor outlive one call.
#[inline(always)]
pub(crate) fn local<'a>() -> &'a Local {
    // A large closure would not be inlined here: take the address and go on outside.
    let here = LOCAL.with(ptr::from_ref);
    // SAFETY: the thread local is `const` and has no destructor: its storage lives as long as the
    // thread does, and `Local` is not `Sync`, so the reference stays on this thread.
    unsafe { &*here }
}

impl Local {
    /// Returns a new span id, never zero. The generator is wyrand, seeded per thread by the system.
    #[inline(always)]
    pub(crate) fn next_id(&self) -> u64 {
        if self.id_state.get() == 0 {
            self.id_state.set(seed());
        }
        self.advance_id()
    }

    /// Returns ids as [`next_id`](Self::next_id) does, once the thread has had its first.
    #[inline(always)]
    pub(crate) fn later_ids<const N: usize>(&self) -> Option<[u64; N]> {
        (self.id_state.get() != 0).then(|| core::array::from_fn(|_| self.advance_id()))
    }

    #[inline(always)]
    fn advance_id(&self) -> u64 {
        let state = self.id_state.get().wrapping_add(0xa076_1d64_78bd_642f);
        self.id_state.set(state);
        let wide = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
        let id = (wide >> 64) as u64 ^ wide as u64;
        if id == 0 { 1 } else { id }
    }

    #[inline(always)]
    /// Returns the `Observability` that records the calls of this thread; 0 is the installed
    /// default.
    pub(crate) fn scope(&self) -> u16 {
        (self.flags.get() >> flag::SCOPE_SHIFT) as u16
    }

    /// Sets the `Observability` that records what begins on this thread. No span may be entered.
    pub(crate) fn set_scope(&self, scope: u16) {
        let kept = self.flags.get() & (flag::ATTACHED | flag::SUPPRESSED);
        self.flags.set(u64::from(scope) << flag::SCOPE_SHIFT | kept);
    }

    /// Leaves every span, and records nothing from now on. The caller has saved the context.
    pub(crate) fn suppress(&self) {
        self.attach(None);
        self.flags.set(self.flags.get() | flag::SUPPRESSED);
    }

    /// Returns the entered span.
    pub(crate) fn context(&self) -> Option<SpanContext> {
        let flags = self.flags.get();
        (flags & flag::VALID != 0).then(|| SpanContext {
            trace_id: trace_id(self.trace_hi.get(), self.trace_lo.get()),
            span_id: SpanId(self.span.get()),
            flags: TraceFlags(flags as u8),
            origin: match flags & (flag::REMOTE | flag::DEFERRED) {
                0 => Origin::Here,
                flag::REMOTE => Origin::Remote,
                _ => Origin::Deferring,
            },
            scope: (flags >> flag::SCOPE_SHIFT) as u16,
            frame: self.frame.get(),
        })
    }

    #[inline(always)]
    pub(crate) fn save(&self) -> Saved {
        Saved {
            trace_hi: self.trace_hi.get(),
            trace_lo: self.trace_lo.get(),
            span: self.span.get(),
            flags: self.flags.get(),
            extra: self.extra.get(),
        }
    }

    #[inline(always)]
    pub(crate) fn restore(&self, saved: &Saved) {
        self.trace_hi.set(saved.trace_hi);
        self.trace_lo.set(saved.trace_lo);
        self.span.set(saved.span);
        self.flags.set(saved.flags);
        self.extra.set(saved.extra);
    }

    /// Enters a span whose context alone is here; the span itself lives elsewhere. Where nothing is recorded no span
    /// is entered.
    pub(crate) fn attach(&self, context: Option<&SpanContext>) {
        if self.flags.get() & flag::SUPPRESSED != 0 {
            return;
        }
        if let Some(c) = context {
            self.carry(c.frame);
            self.trace_hi.set((c.trace_id.0 >> 64) as u64);
            self.trace_lo.set(c.trace_id.0 as u64);
            self.span.set(c.span_id.0);
            let origin = match c.origin {
                Origin::Here => 0,
                Origin::Remote => flag::REMOTE,
                Origin::Deferring => flag::REMOTE | flag::DEFERRED,
            };
            // Another process does not know who records here. A thread of no scope, to which the
            // context was sent, takes the scope in which the context was read.
            let scope = match self.scope() {
                here if c.is_remote() && here != 0 => here,
                _ => c.scope,
            };
            self.flags.set(
                u64::from(c.flags.0)
                    | flag::VALID
                    | flag::ATTACHED
                    | origin
                    | u64::from(scope) << flag::SCOPE_SHIFT,
            );
        } else {
            self.trace_hi.set(0);
            self.trace_lo.set(0);
            self.span.set(0);
            // Somebody attached "no span" on purpose: the thread is outside of every trace.
            self.flags
                .set(self.flags.get() & flag::SCOPE_MASK | flag::ATTACHED);
        }
        self.extra.set(ptr::null_mut());
    }

    /// Opens the frame that a context or a span has brought, where none is open.
    ///
    /// A thread on which one is open works inside of that agent, whatever span it enters.
    #[inline]
    pub(crate) fn carry(&self, frame: FrameId) {
        if self.frame.get() == FrameId::NONE {
            self.frame.set(frame);
        }
    }

    /// Returns the late data of the entered span. The first late call makes it.
    #[cold]
    #[allow(
        clippy::mut_from_ref,
        reason = "what the cell points to is the span's own"
    )]
    pub(crate) fn late(&self) -> &mut SpanExtra {
        let mut here = self.extra.get();
        if here.is_null() {
            here = Box::into_raw(Box::default());
            self.extra.set(here);
        }
        // SAFETY: the pointer is from `Box::into_raw`, belongs to the entered span, and is used by
        // this thread alone; no reference to it is kept between calls.
        unsafe { &mut *here }
    }

    /// Lets go of the parent's ids and buffers in a forked child, which must not use them again.
    pub(crate) fn leave_to_parent(&self) {
        self.id_state.set(0);
        self.cursor.clear();
        self.queue.set(ptr::null());
    }
}

/// A context that was replaced, and is put back later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saved {
    pub(crate) trace_hi: u64,
    pub(crate) trace_lo: u64,
    pub(crate) span: u64,
    pub(crate) flags: u64,
    pub(crate) extra: *mut SpanExtra,
}

#[inline(always)]
pub(crate) fn trace_id(hi: u64, lo: u64) -> TraceId {
    TraceId(u128::from(hi) << 64 | u128::from(lo))
}

/// Returns a seed for the ids of a thread.
///
/// `RandomState` draws its keys from the operating system once and then counts, so that two
/// threads, or two calls, never get the same seed.
#[cold]
#[inline(never)]
fn seed() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    match hasher.finish() {
        0 => 1,
        seed => seed,
    }
}

/// Masks secrets in a text with the redaction of this thread's `Observability`.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    redact::redact(|| local().scope(), text)
}

/// Masks secrets in a text that is to be kept.
pub(crate) fn redact_kept(text: Cow<'static, str>) -> Cow<'static, str> {
    match redact(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => Cow::Owned(masked),
    }
}

/// Returns the span that is entered on this thread, whether by obs or by OpenTelemetry.
pub(crate) fn current() -> Option<SpanContext> {
    #[cfg(feature = "opentelemetry")]
    if crate::trace::gate::gate() == crate::trace::gate::ASK {
        return crate::trace::bridge::context::current(local());
    }
    local().context()
}
