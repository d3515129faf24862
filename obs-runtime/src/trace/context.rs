//! The identity of a span, as it travels between threads, tasks and processes.

use core::hash::{Hash, Hasher};

use crate::trace::frame::FrameId;
use crate::trace::{SpanId, TraceId};

/// The flags of a trace (W3C Trace Context Level 2, section 3.2.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TraceFlags(pub(crate) u8);

impl TraceFlags {
    /// The flag of a trace that is recorded.
    pub const SAMPLED: Self = Self(1);
    /// The flag of a trace whose id has random lower 7 bytes.
    pub const RANDOM: Self = Self(2);

    /// Creates flags from their byte.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Returns the byte that `traceparent` carries.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns whether the trace is recorded.
    pub const fn is_sampled(self) -> bool {
        self.0 & 1 != 0
    }
}

/// The identity of a span: plain data that is free to copy, send and keep.
///
/// It is the parent to give to work that runs elsewhere: see [`attach`](Self::attach) for a thread,
/// [`Instrument`](crate::Instrument) for a task, and [`propagation`](crate::trace::propagation) for a
/// process.
///
/// ```
/// use obs_runtime::SpanContext;
/// // No span is entered here.
/// assert!(SpanContext::current().is_none());
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SpanContext {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    #[cfg_attr(feature = "serde", serde(rename = "trace_flags"))]
    pub(crate) flags: TraceFlags,
    #[cfg_attr(
        feature = "serde",
        serde(rename = "is_remote", serialize_with = "Origin::is_remote_for")
    )]
    pub(crate) origin: Origin,
    /// The `Observability` that records the span; 0 is the installed default.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) scope: u16,
    /// The frame of what is done here; it is no part of the identity.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) frame: FrameId,
}

/// Where a span lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// In this process.
    Here,
    /// In another process, which has decided whether the trace is recorded.
    Remote,
    /// In another process, which leaves that decision to this one (only B3 can say so).
    Deferring,
}

impl Origin {
    pub(crate) const fn is_remote(self) -> bool {
        !matches!(self, Self::Here)
    }

    #[cfg(feature = "serde")]
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_remote_for<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(self.is_remote())
    }
}

// A context is copied along with each task and thread.
const _: () = assert!(size_of::<SpanContext>() == 32);

impl PartialEq for SpanContext {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for SpanContext {}

impl Hash for SpanContext {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl SpanContext {
    /// Everything that tells one span from another.
    fn identity(&self) -> (TraceId, SpanId, TraceFlags, Origin, u16) {
        (
            self.trace_id,
            self.span_id,
            self.flags,
            self.origin,
            self.scope,
        )
    }

    /// Creates the identity of a span of another process, as an incoming `traceparent` names it.
    ///
    /// Returns `None` if an id is zero.
    pub fn remote(trace_id: TraceId, span_id: SpanId, flags: TraceFlags) -> Option<Self> {
        (trace_id.is_valid() && span_id.is_valid()).then_some(Self {
            trace_id,
            span_id,
            flags,
            origin: Origin::Remote,
            // A caller knows no scopes: its spans belong to the scope where they arrive.
            scope: crate::trace::local::local().scope(),
            frame: FrameId::NONE,
        })
    }

    /// Returns the span that is entered on this thread, if any.
    pub fn current() -> Option<Self> {
        crate::trace::local::current()
    }

    /// Returns the trace's id.
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Returns the span's id.
    pub const fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Returns the trace's flags.
    pub const fn trace_flags(&self) -> TraceFlags {
        self.flags
    }

    /// Returns whether the trace is recorded.
    pub const fn is_sampled(&self) -> bool {
        self.flags.is_sampled()
    }

    /// Returns whether the span belongs to another process.
    pub const fn is_remote(&self) -> bool {
        self.origin.is_remote()
    }
}
