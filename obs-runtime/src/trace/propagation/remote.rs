//! The caller of this process, as an incoming request names it.

use super::formats::Formats;
use super::remembered::{self, Wish};
use super::{BAGGAGE, Baggage, Extractor, TRACEPARENT, TRACESTATE, TraceState};
use crate::trace::{Attached, SpanContext};

/// The caller of this process, as [`extract`] found it in a carrier: the parent of what happens
/// here.
///
/// A function takes it as `#[traced(parent = caller)]`. [`attach`](Self::attach) is for a part of a
/// function, and `future.in_span_context(caller.context())` for a future.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteContext {
    context: Option<SpanContext>,
    trace_state: TraceState,
    baggage: Baggage,
}

impl RemoteContext {
    /// Returns the caller's span; none if the carrier names none, or one that is not valid.
    pub const fn context(&self) -> Option<SpanContext> {
        self.context
    }

    /// Returns the `tracestate` that came with the span; empty if there is none.
    pub const fn trace_state(&self) -> &TraceState {
        &self.trace_state
    }

    /// Returns the caller's baggage.
    ///
    /// It stays here: spans do not get it, and nothing is sent on without [`Baggage::inject`].
    pub const fn baggage(&self) -> &Baggage {
        &self.baggage
    }

    /// Makes the caller's span the parent of what begins on this thread until the guard is dropped.
    ///
    /// Returns none, and leaves the thread's context as it is, if there is no such span.
    pub fn attach(&self) -> Option<Attached> {
        self.context.as_ref().map(SpanContext::attach)
    }
}

/// Reads the caller from an incoming request, a message or the environment.
///
/// Nothing fails: a `traceparent` (or B3 header) that is not valid, or is there twice, counts as
/// absent, and its `tracestate` is ignored too. The `tracestate` of a trace is kept aside, for the
/// latest 1,024 traces that came with one: whatever [`inject_current`](super::inject_current)
/// writes for the trace, on any thread, carries it on unchanged. Where one trace calls this process
/// several times at once with different ones, the latest is used.
pub fn extract<C: Extractor + ?Sized>(carrier: &C) -> RemoteContext {
    let formats = Formats::chosen();
    let found = if formats.has(Formats::B3_LAST) {
        b3(formats, carrier).or_else(|| trace_context(formats, carrier))
    } else {
        trace_context(formats, carrier).or_else(|| b3(formats, carrier))
    };
    let (context, trace_state) = match found {
        Some((context, trace_state, wish)) => {
            remembered::keep(&context, &trace_state, wish);
            (Some(context), trace_state)
        }
        None => (None, TraceState::default()),
    };
    RemoteContext {
        context,
        trace_state,
        baggage: if formats.has(Formats::BAGGAGE) {
            Baggage::join(&carrier.get_all(BAGGAGE))
        } else {
            Baggage::new()
        },
    }
}

type Found = (SpanContext, TraceState, Wish);

fn trace_context<C: Extractor + ?Sized>(formats: Formats, carrier: &C) -> Option<Found> {
    let context = match carrier.get_all(TRACEPARENT)[..] {
        [one] if formats.has(Formats::TRACE_CONTEXT) => SpanContext::from_traceparent(one).ok()?,
        _ => return None,
    };
    let state = TraceState::join(&carrier.get_all(TRACESTATE));
    Some((context, state, Wish::None))
}

fn b3<C: Extractor + ?Sized>(formats: Formats, carrier: &C) -> Option<Found> {
    if !formats.has(Formats::ANY_B3) {
        return None;
    }
    let (context, wish) = super::b3::read(carrier)?;
    Some((context, TraceState::default(), wish))
}
