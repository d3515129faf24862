//! Conversions between OpenTelemetry's identities of spans and ours.

use ::opentelemetry::trace as otel;

use crate::trace::context::Origin;
use crate::trace::local::local;
use crate::trace::propagation::TraceState;
use crate::trace::propagation::remembered::{self, Wish};
use crate::trace::{SpanContext, SpanId, TraceFlags, TraceId};

/// Converts an identity of OpenTelemetry's. Returns none if an id is zero.
pub(crate) fn context(theirs: &otel::SpanContext, scope: u16) -> Option<SpanContext> {
    let trace_id = TraceId::from_bytes(theirs.trace_id().to_bytes());
    // The flags of OpenTelemetry cannot say that the caller defers the decision.
    let deferred = || remembered::wish(trace_id, scope) == Wish::Decide;
    theirs.is_valid().then(|| SpanContext {
        trace_id,
        span_id: SpanId::from_bytes(theirs.span_id().to_bytes()),
        flags: TraceFlags::from_bits(theirs.trace_flags().to_u8()),
        origin: match theirs.is_remote() {
            false => Origin::Here,
            true if !theirs.is_sampled() && deferred() => Origin::Deferring,
            true => Origin::Remote,
        },
        scope,
        frame: local().frame.get(),
    })
}

/// Takes an identity over as ours, with the `tracestate` that it came with from another process.
pub(crate) fn take_over(theirs: &otel::SpanContext, scope: u16) -> Option<SpanContext> {
    let ours = context(theirs, scope)?;
    if ours.is_remote() {
        remembered::keep_state(&ours, &trace_state(theirs.trace_state()));
    }
    Some(ours)
}

/// Converts a `tracestate`. It is empty if it is not one that W3C allows.
fn trace_state(theirs: &otel::TraceState) -> TraceState {
    if theirs == &otel::TraceState::NONE {
        return TraceState::default();
    }
    theirs.header().parse().unwrap_or_default()
}

impl SpanContext {
    /// Converts the identity of a span of OpenTelemetry's API; returns none if an id is zero.
    ///
    /// ```
    /// use opentelemetry::trace::{SpanContext as Theirs, SpanId, TraceFlags, TraceId, TraceState};
    /// use obs_runtime::SpanContext;
    ///
    /// let theirs = Theirs::new(
    ///     TraceId::from(7_u128),
    ///     SpanId::from(8_u64),
    ///     TraceFlags::SAMPLED,
    ///     true,
    ///     TraceState::default(),
    /// );
    /// let ours = SpanContext::from_opentelemetry(&theirs).unwrap();
    /// assert_eq!(ours.to_opentelemetry(), theirs);
    /// assert!(SpanContext::from_opentelemetry(&Theirs::NONE).is_none());
    /// ```
    pub fn from_opentelemetry(context: &otel::SpanContext) -> Option<Self> {
        take_over(context, local().scope())
    }

    /// Converts the identity for OpenTelemetry's API, with the `tracestate` that the trace came
    /// with.
    pub fn to_opentelemetry(self) -> otel::SpanContext {
        let state = remembered::find(&self).and_then(|state| state.as_str().parse().ok());
        otel::SpanContext::new(
            otel::TraceId::from_bytes(self.trace_id.to_bytes()),
            otel::SpanId::from_bytes(self.span_id.to_bytes()),
            otel::TraceFlags::new(self.flags.bits()),
            self.is_remote(),
            state.unwrap_or_default(),
        )
    }
}
