//! The running call: a guard on the stack of a synchronous function, or a state inside a future.
//!
//! Generated code calls [`SyncSpan`] and [`FutureSpan`]; [`Manual`] is the base of the spans that
//! are held by hand (`Span`, those of `tracing` and of OpenTelemetry's API). All three begin in the
//! same way: a child of a span that is entered here in the quick way, which is first in
//! `sync_quick.rs` and `future_quick.rs`, everything else by [`begin_other`].
//!
//! A call keeps one `state` word: its [`mode`] in the upper bits, the flags of its context
//! ([`flag`]) below. These functions run inside every annotated function, so each added branch or
//! store shows in `benches/instructions.sh`.

mod abandon;
pub(crate) mod exception;
mod future;
mod future_quick;
mod manual;
mod sync;
mod sync_quick;

use crate::callsite::{Callsite, threshold};
use crate::trace::attribute::{SpanError, SpanExtra};
#[cfg(feature = "opentelemetry")]
use crate::trace::bridge::context as bridge;
use crate::trace::gate;
#[cfg(feature = "tracing")]
use crate::trace::line_fields;
use crate::trace::local::{Local, flag};
use crate::trace::sampler::{self, Decision};
use crate::trace::value::Value;

#[cfg(feature = "pipeline")]
pub(crate) use abandon::drop_failed;
pub(crate) use future::FutureCore;
pub use future::{FutureSpan, future_fields};
pub(crate) use manual::Manual;
pub use sync::SyncSpan;

/// What a call does when it ends. These bits lie above the context's flags in the state word.
pub(crate) mod mode {
    /// Nothing is recorded or counted.
    pub(crate) const OFF: u64 = 0;
    /// The call is counted; the thread's context was left as it was.
    pub(super) const COUNT: u64 = 1 << 60;
    /// The bit of the modes in which the call has a span.
    pub(crate) const SPAN: u64 = 2 << 60;
    /// The bit of the modes in which the values of the fields are wanted, of a call that has begun.
    pub(super) const WANTS_FIELDS: u64 = 4 << 60;
    /// The call is recorded, and its span is the thread's context.
    pub(crate) const RECORD: u64 = SPAN | WANTS_FIELDS;
    /// The call is the root of a trace that is not sampled. It is the thread's context, so that the
    /// calls inside it do not begin traces of their own.
    pub(crate) const UNSAMPLED: u64 = SPAN | COUNT;
    /// The future was not polled yet.
    pub(super) const UNSTARTED: u64 = 4 << 60;
    pub(crate) const MASK: u64 = 15 << 60;
    /// The values of the fields are waited for (set together with `RECORD`): they decide whether the
    /// call is recorded, unless that is `DECIDED`. Until then the call is the thread's context, with a
    /// trace that is not sampled.
    pub(super) const ASKS: u64 = 8 << 60;
    pub(crate) const PENDING: u64 = RECORD | ASKS;
    /// The values of the fields were written.
    pub(super) const FIELDS: u64 = 1 << 59;
    /// The thread was already unwinding when the call began.
    pub(super) const UNWINDING: u64 = 1 << 58;
    /// The future is entered until its drop: its context words hold what the drop will put back.
    pub(super) const ENTERED: u64 = 1 << 57;
    /// The parent of the entered future is remote.
    pub(super) const REMOTE: u64 = 1 << 56;
    /// The parent is not one of our spans that is entered here, so OpenTelemetry is told of this
    /// span (see `bridge`).
    pub(crate) const BOUNDARY: u64 = 1 << 55;
    /// OpenTelemetry was told of the entered future, and is told again when the future is left.
    pub(super) const BRIDGED: u64 = 1 << 54;
    /// Of a pending call: whether it is recorded is known, and the context's flag says it. Log lines ask
    /// for the values.
    pub(crate) const DECIDED: u64 = 1 << 53;
    /// The call is recorded and may end in the quick way, which reads the counter of the processor.
    pub(super) const QUICK: u64 = 1 << 52;
    /// The synchronous call has replaced the whole context of the thread (set together with `QUICK`).
    pub(super) const ROOT: u64 = 1 << 51;
    pub(crate) const ALL: u64 =
        MASK | FIELDS | UNWINDING | ENTERED | REMOTE | BOUNDARY | BRIDGED | DECIDED | QUICK | ROOT;
}

/// How a call begins: its mode, and the identity that becomes the thread's context.
#[derive(Clone, Copy)]
pub(crate) struct Begun {
    /// The mode and the flags of the context; for a recorded call also whether its parent is
    /// remote.
    pub(crate) state: u64,
    pub(crate) trace_hi: u64,
    pub(crate) trace_lo: u64,
    pub(crate) span: u64,
    /// The parent's id; zero for a root.
    pub(crate) parent: u64,
}

/// The flags of a sampled parent in this process, which nearly every call has.
pub(crate) const CHILD: u64 = flag::VALID | flag::SAMPLED;
pub(crate) const CHILD_MASK: u64 = CHILD | flag::REMOTE;
/// Masks off the flags that a span does not inherit from the context that it begins in.
const OWN: u64 = !(flag::REMOTE | flag::ATTACHED | flag::DEFERRED);

/// Begins every call except the child of a sampled local span. Each kind of call begins that one
/// itself, which saves the copy of a [`Begun`].
#[inline(never)]
pub(crate) fn begin_other(local: &Local, site: &'static Callsite, gate: u8, flags: u64) -> Begun {
    #[cfg(feature = "opentelemetry")]
    if gate == gate::ASK {
        return bridge::begin(local, site);
    }
    let gate = if gate == gate::LONG {
        gate::level()
    } else {
        gate
    };
    if flags & flag::SUPPRESSED != 0 {
        return Begun {
            state: mode::OFF,
            trace_hi: 0,
            trace_lo: 0,
            span: 0,
            parent: 0,
        };
    }
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
        gate::close();
        return Begun {
            state: mode::OFF,
            ..nothing(mode::OFF)
        };
    }
    if threshold(site.level()) > gate {
        return nothing(mode::COUNT);
    }
    let parent = flags & flag::VALID != 0 && !site.is_root();
    let (trace_hi, trace_lo) = if parent {
        (local.trace_hi.get(), local.trace_lo.get())
    } else {
        (local.next_id(), local.next_id())
    };
    let decided = parent && flags & flag::DEFERRED == 0;
    let inherited = decided.then_some((flags & flag::SAMPLED != 0, flags & flag::REMOTE != 0));
    let decision = sampler::decide(scope, site, trace_lo, inherited);
    let stays = parent && decision == Decision::Skip && flags & flag::REMOTE == 0;
    #[cfg(feature = "tracing")]
    let stays = stays && !(gate::keeps_fields() && line_fields::has_fields(site));
    if stays {
        return nothing(mode::COUNT);
    }
    let random = if parent {
        flags & flag::RANDOM
    } else {
        flag::RANDOM
    };
    let own = flags & flag::SCOPE_MASK | flag::VALID | random;
    let remote = if parent { flags & flag::REMOTE } else { 0 };
    Begun {
        state: match decision {
            Decision::Record => mode::RECORD | own | flag::SAMPLED | remote,
            Decision::Skip => mode::UNSAMPLED | own,
            Decision::AskFields => mode::PENDING | own | remote,
        },
        trace_hi,
        trace_lo,
        span: local.next_id(),
        parent: if parent { local.span.get() } else { 0 },
    }
}

/// Decides about a call for whose fields the sampler asked, or the formatter of log lines, and returns
/// its new state.
///
/// `parent` holds the flags of the context that the call began in.
#[cold]
fn settle(
    site: &'static Callsite,
    state: u64,
    trace_lo: u64,
    parent: u64,
    values: &[Value],
) -> u64 {
    if state & mode::DECIDED != 0 {
        let mode = if state & flag::SAMPLED == 0 {
            mode::UNSAMPLED
        } else {
            mode::RECORD
        };
        return state & !(mode::MASK | mode::DECIDED) | mode;
    }
    let scope = (state >> flag::SCOPE_SHIFT) as u16;
    let decided = state & flag::REMOTE != 0 && parent & flag::DEFERRED == 0;
    let remote = decided.then_some(parent & flag::SAMPLED != 0);
    if sampler::decide_by_fields(scope, site, trace_lo, remote, values) {
        state & !mode::MASK | mode::RECORD | flag::SAMPLED
    } else {
        state & !mode::MASK | mode::UNSAMPLED
    }
}

/// Returns the new state of a recorded call that ends before its fields were seen: a function that returns
/// a future evaluates them where nothing records.
#[cfg(feature = "tracing")]
#[cold]
fn recorded(state: u64) -> Option<u64> {
    let is_recorded = state & mode::DECIDED != 0 && state & flag::SAMPLED != 0;
    // OpenTelemetry has been told already that it ends.
    let gone = mode::MASK | mode::DECIDED | mode::FIELDS | mode::BOUNDARY;
    is_recorded.then_some(state & !gone | mode::RECORD)
}

/// Of these flags a call that begins in the quick way finds two at most: `VALID`, and `SAMPLED` if it is
/// recorded. Its context is that of a span of this process that is entered here.
const PLACE_MASK: u64 = CHILD_MASK | flag::ATTACHED | flag::DEFERRED | flag::SUPPRESSED;

/// Returns whether a call has exactly this mode, which may have no other bits of [`mode::ALL`]. It is
/// a comparison with a word of 32 bits in memory.
#[inline(always)]
fn is_just(state: u64, mode: u64) -> bool {
    (state >> 32) as u32 == (mode >> 32) as u32
}

/// Returns whether the context is that of a span of this process whose trace is not sampled.
#[inline(always)]
fn is_unsampled(flags: u64) -> bool {
    // Of these, `VALID` alone.
    flags & PLACE_MASK & !flag::ATTACHED == flag::VALID
}

/// Returns whether a call whose threshold is above the gate is counted inside a trace that is not
/// sampled. It is not if it begins a trace of its own, and where OpenTelemetry or the clock is asked.
#[inline(always)]
fn is_unsampled_above(site: &'static Callsite, gate: u8, flags: u64) -> bool {
    is_unsampled(flags) && !gate::is_long_way(gate) && !site.is_root()
}

/// Begins a trace about which the threshold of the installed default decides alone. Returns nothing if
/// the call has a parent, or more is asked about it.
#[inline(always)]
fn begin_root(local: &Local, flags: u64) -> Option<Begun> {
    if flags & (flag::VALID | flag::SUPPRESSED | flag::SCOPE_MASK) != 0 {
        return None;
    }
    let [span, trace_hi, trace_lo] = local.later_ids()?;
    let own = flag::VALID | flag::RANDOM;
    let state = if sampler::decide_by_id(trace_lo)? {
        mode::RECORD | mode::QUICK | own | flag::SAMPLED
    } else {
        mode::UNSAMPLED | own
    };
    Some(Begun {
        state,
        trace_hi,
        trace_lo,
        span,
        parent: 0,
    })
}

/// The flags of the context that a state has.
#[inline(always)]
fn context_flags(state: u64) -> u64 {
    // The flags are its lower half: 32 bits are masked with one instruction.
    state & OWN & 0xffff_ffff
}

#[inline(always)]
fn enter(local: &Local, begun: &Begun) {
    local.trace_hi.set(begun.trace_hi);
    local.trace_lo.set(begun.trace_lo);
    local.span.set(begun.span);
    local.flags.set(context_flags(begun.state));
}

/// Returns the bit for the state if the thread is already unwinding.
#[inline(always)]
fn unwinding() -> u64 {
    if std::thread::panicking() {
        mode::UNWINDING
    } else {
        0
    }
}

/// Takes the late data of the entered span, if there is any, and adds the error to it.
fn box_extra(extra: *mut SpanExtra, error: SpanError, span: u64, parent: u64) -> *mut SpanExtra {
    let error = exception::decide(error, span, parent);
    let mut boxed = if extra.is_null() {
        Box::default()
    } else {
        // SAFETY: a context's extra part comes from `Box::into_raw`, and this span owns it.
        unsafe { Box::from_raw(extra) }
    };
    boxed.error.get_or_insert(error);
    Box::into_raw(boxed)
}

#[cfg(test)]
#[path = "active_tests.rs"]
mod tests;
