//! The thread's context: which span is entered, and where its next record goes.
//!
//! Plain words in a `const` thread local without a destructor: reading it is one address, and it
//! stays valid in the destructors of other thread locals.

use core::cell::Cell;
use core::ptr;
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::redact;
use crate::trace::active::FutureCore;
use crate::trace::attribute::SpanExtra;
use crate::trace::buffer::{Cursor, Queue};
use crate::trace::value::Value;
use crate::trace::{SpanContext, SpanId, TraceFlags, TraceId};

/// Low byte: the W3C flags. Then what only this process knows.
pub(crate) mod flag {
    pub(crate) const SAMPLED: u64 = 1;
    pub(crate) const RANDOM: u64 = 2;
    /// There is a trace: ids are set.
    pub(crate) const VALID: u64 = 1 << 8;
    /// The span belongs to another process.
    pub(crate) const REMOTE: u64 = 1 << 9;
    /// The context was attached: the span lives elsewhere and takes no late data here.
    pub(crate) const ATTACHED: u64 = 1 << 10;
    /// The span of another process, which leaves the decision to this one.
    pub(crate) const DEFERRED: u64 = 1 << 11;
    pub(crate) const SCOPE_SHIFT: u32 = 16;
    pub(crate) const SCOPE_MASK: u64 = 0xffff << SCOPE_SHIFT;
}

/// The words of a thread.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) trace_hi: Cell<u64>,
    pub(crate) trace_lo: Cell<u64>,
    pub(crate) span: Cell<u64>,
    pub(crate) flags: Cell<u64>,
    /// Late data of the entered span; made by the first that comes.
    pub(crate) extra: Cell<*mut SpanExtra>,
    id_state: Cell<u64>,
    /// Where the next record goes.
    pub(crate) cursor: Cursor,
    pub(crate) queue: Cell<*const Queue>,
    /// The storage of a future's fields during its first poll.
    pub(crate) slot: Cell<*mut Value>,
    pub(crate) slot_len: Cell<usize>,
    /// The call whose sampler asks for those fields, and the flags of the context that it began in.
    pub(crate) asking: Cell<(*mut FutureCore, u64)>,
    /// The thread's destructor has run.
    pub(crate) exited: Cell<bool>,
}

thread_local! {
    static LOCAL: Local = const {
        Local {
            trace_hi: Cell::new(0),
            trace_lo: Cell::new(0),
            span: Cell::new(0),
            flags: Cell::new(0),
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

/// The words of this thread. The reference must not leave the thread; it is used within one call.
#[inline(always)]
pub(crate) fn local<'a>() -> &'a Local {
    // A large closure would not be inlined here: take the address and go on outside.
    let here = LOCAL.with(ptr::from_ref);
    // SAFETY: the thread local is `const` and has no destructor: its storage lives as long as the
    // thread does, and `Local` is not `Sync`, so the reference stays on this thread.
    unsafe { &*here }
}

impl Local {
    /// A span id that is not zero: wyrand, seeded per thread by the operating system.
    #[inline(always)]
    pub(crate) fn next_id(&self) -> u64 {
        let state = match self.id_state.get() {
            0 => seed(),
            state => state,
        }
        .wrapping_add(0xa076_1d64_78bd_642f);
        self.id_state.set(state);
        let wide = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
        let id = (wide >> 64) as u64 ^ wide as u64;
        if id == 0 { 1 } else { id }
    }

    #[inline(always)]
    pub(crate) fn scope(&self) -> u16 {
        (self.flags.get() >> flag::SCOPE_SHIFT) as u16
    }

    /// Who records what begins here; outside of any span.
    pub(crate) fn set_scope(&self, scope: u16) {
        let attached = self.flags.get() & flag::ATTACHED;
        self.flags
            .set(u64::from(scope) << flag::SCOPE_SHIFT | attached);
    }

    /// The entered span.
    pub(crate) fn context(&self) -> Option<SpanContext> {
        let flags = self.flags.get();
        (flags & flag::VALID != 0).then(|| SpanContext {
            trace_id: trace_id(self.trace_hi.get(), self.trace_lo.get()),
            span_id: SpanId(self.span.get()),
            flags: TraceFlags(flags as u8),
            is_remote: flags & flag::REMOTE != 0,
            deferred: flags & flag::DEFERRED != 0,
            scope: (flags >> flag::SCOPE_SHIFT) as u16,
        })
    }

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

    /// Enters a span of which only the context is here.
    pub(crate) fn attach(&self, context: Option<&SpanContext>) {
        if let Some(c) = context {
            self.trace_hi.set((c.trace_id.0 >> 64) as u64);
            self.trace_lo.set(c.trace_id.0 as u64);
            self.span.set(c.span_id.0);
            let remote = if c.is_remote { flag::REMOTE } else { 0 };
            let deferred = if c.deferred { flag::DEFERRED } else { 0 };
            // Another process says nothing of who records here; a thread that belongs to no scope, to which
            // the context was sent, goes by where it was read.
            let scope = match self.scope() {
                here if c.is_remote && here != 0 => here,
                _ => c.scope,
            };
            self.flags.set(
                u64::from(c.flags.0)
                    | flag::VALID
                    | flag::ATTACHED
                    | remote
                    | deferred
                    | u64::from(scope) << flag::SCOPE_SHIFT,
            );
        } else {
            self.trace_hi.set(0);
            self.trace_lo.set(0);
            self.span.set(0);
            // Attached without a span: outside of every trace because somebody said so.
            self.flags
                .set(self.flags.get() & flag::SCOPE_MASK | flag::ATTACHED);
        }
        self.extra.set(ptr::null_mut());
    }

    /// In a forked child, which must not repeat its parent's ids nor write to its buffers.
    pub(crate) fn leave_to_parent(&self) {
        self.id_state.set(0);
        self.cursor.clear();
        self.queue.set(ptr::null());
    }
}

/// A context that was left for another.
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

/// `RandomState` draws its keys from the operating system once and then counts: two threads, and
/// two calls, never get the same.
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

/// Masks secrets in a text, as the scope says that this thread's calls belong to.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    redact::redact(|| local().scope(), text)
}

/// The span that is entered on this thread, whoever entered it.
pub(crate) fn current() -> Option<SpanContext> {
    #[cfg(feature = "opentelemetry")]
    if crate::trace::gate::gate() == crate::trace::gate::ASK {
        return crate::trace::bridge::context::current(local());
    }
    local().context()
}
