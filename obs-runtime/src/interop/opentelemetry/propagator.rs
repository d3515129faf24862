//! OpenTelemetry's propagators, wrapped so that they send the spans of obs.
//!
//! Libraries inject OpenTelemetry's current context, which does not know of a span of obs that was
//! entered inside of it. [`Propagator`] puts that span in first. Extraction is left as it is.

use ::opentelemetry::Context;
use ::opentelemetry::propagation::text_map_propagator::FieldIter;
use ::opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use ::opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use super::b3::B3Propagator;
use crate::trace::bridge::context;
use crate::trace::gate;
use crate::trace::local::local;
use crate::trace::propagation::formats::Formats;

/// A propagator that sends the entered span of obs where OpenTelemetry's context lacks it.
///
/// [`Builder::opentelemetry`](crate::Builder::opentelemetry) makes one for the formats that
/// `OTEL_PROPAGATORS` names, and sets it globally. A program sets another format by itself:
///
/// ```
/// use obs_runtime::interop::opentelemetry::Propagator;
/// # use opentelemetry_sdk::propagation::TraceContextPropagator as XrayPropagator;
///
/// opentelemetry::global::set_text_map_propagator(Propagator::wrap(XrayPropagator::new()));
/// ```
#[derive(Debug)]
pub struct Propagator<P = TextMapCompositePropagator> {
    inner: P,
}

impl Propagator {
    /// Creates the propagator of the formats that `OTEL_PROPAGATORS` names.
    pub(crate) fn of_environment() -> Self {
        let formats = Formats::chosen();
        let mut inner: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
        // If several formats name a caller, the last one counts.
        if formats.has(Formats::TRACE_CONTEXT) {
            inner.push(Box::new(TraceContextPropagator::new()));
        }
        if formats.has(Formats::ANY_B3) {
            let at = if formats.has(Formats::B3_LAST) {
                inner.len()
            } else {
                0
            };
            inner.insert(at, Box::new(B3Propagator::new(formats)));
        }
        if formats.has(Formats::BAGGAGE) {
            inner.push(Box::new(BaggagePropagator::new()));
        }
        Self::wrap(TextMapCompositePropagator::new(inner))
    }

    /// Creates a propagator of W3C Trace Context and W3C Baggage, OpenTelemetry's default.
    ///
    /// From now on the calls of this process look at OpenTelemetry's context too, which makes them
    /// slightly slower.
    #[allow(clippy::new_without_default, reason = "it changes the process")]
    pub fn new() -> Self {
        Self::wrap(TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]))
    }
}

impl<P: TextMapPropagator> Propagator<P> {
    /// Wraps a propagator of any format.
    ///
    /// From now on the calls of this process look at OpenTelemetry's context too, which makes them
    /// slightly slower.
    pub fn wrap(inner: P) -> Self {
        gate::ask();
        Self { inner }
    }
}

impl<P: TextMapPropagator> TextMapPropagator for Propagator<P> {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let id = context::id(cx);
        // `tracing_opentelemetry` takes the context around the span of ours for the current one.
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
