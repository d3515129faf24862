//! OpenTelemetry's propagators, sending spans of ours.

use ::opentelemetry::Context;
use ::opentelemetry::propagation::text_map_propagator::FieldIter;
use ::opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use ::opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use super::b3::B3Propagator;
use crate::propagation::formats::Formats;
use crate::trace::bridge::context;
use crate::trace::gate;
use crate::trace::local::local;

/// A propagator that sends the span of ours that is entered, where the context to send does not know of it.
///
/// [`Builder::opentelemetry`](crate::Builder::opentelemetry) makes one for the formats that `OTEL_PROPAGATORS` names
/// the global one. Another format, by hand:
///
/// ```
/// use obs_runtime::opentelemetry::Propagator;
/// # use opentelemetry_sdk::propagation::TraceContextPropagator as XrayPropagator;
///
/// opentelemetry::global::set_text_map_propagator(Propagator::wrap(XrayPropagator::new()));
/// ```
#[derive(Debug)]
pub struct Propagator<P = TextMapCompositePropagator> {
    inner: P,
}

impl Propagator {
    /// What `OTEL_PROPAGATORS` says.
    pub(crate) fn of_environment() -> Self {
        let formats = Formats::chosen();
        let mut inner: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
        // Of several callers the last counts.
        if formats.trace_context() {
            inner.push(Box::new(TraceContextPropagator::new()));
        }
        if formats.b3() || formats.b3_multi() {
            let at = if formats.b3_last() { inner.len() } else { 0 };
            inner.insert(at, Box::new(B3Propagator::new(formats)));
        }
        if formats.baggage() {
            inner.push(Box::new(BaggagePropagator::new()));
        }
        Self::wrap(TextMapCompositePropagator::new(inner))
    }

    /// W3C Trace Context and W3C Baggage, OpenTelemetry's default.
    ///
    /// From now on the calls of this process look at OpenTelemetry's context.
    #[allow(clippy::new_without_default, reason = "it changes the process")]
    pub fn new() -> Self {
        Self::wrap(TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]))
    }
}

impl<P: TextMapPropagator> Propagator<P> {
    /// Any format.
    ///
    /// From now on the calls of this process look at OpenTelemetry's context.
    pub fn wrap(inner: P) -> Self {
        gate::ask();
        Self { inner }
    }
}

impl<P: TextMapPropagator> TextMapPropagator for Propagator<P> {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let id = context::id(cx);
        // What is active around the span of ours is what `tracing_opentelemetry` takes for the current one.
        let ours = if id == 0 || id == context::seen() || id == context::under() {
            local().context()
        } else {
            None
        };
        match ours {
            Some(ours) if ours.span_id.to_bytes() != id.to_be_bytes() => {
                let cx = cx.with_remote_span_context(ours.to_opentelemetry());
                self.inner.inject_context(&cx, injector);
            }
            _ => self.inner.inject_context(cx, injector),
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        self.inner.extract_with_context(cx, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.inner.fields()
    }
}
