//! The propagator of B3 for OpenTelemetry's API, for the case that `OTEL_PROPAGATORS` names B3.
//!
//! It reads and writes with [`crate::trace::propagation::b3`], so that both APIs follow the same
//! rules.

use ::opentelemetry::Context;
use ::opentelemetry::propagation::text_map_propagator::FieldIter;
use ::opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use ::opentelemetry::trace::TraceContextExt as _;

use crate::trace::bridge::convert;
use crate::trace::local::local;
use crate::trace::propagation;
use crate::trace::propagation::formats::Formats;
use crate::trace::propagation::{TraceState, b3, remembered};

/// A propagator that reads both forms of B3, and writes those that were chosen.
#[derive(Debug)]
pub(super) struct B3Propagator {
    formats: Formats,
    /// The names of the headers that are written.
    fields: Vec<String>,
}

impl B3Propagator {
    pub(super) fn new(formats: Formats) -> Self {
        let single = formats.has(Formats::B3).then_some(b3::SINGLE);
        let multi = b3::MULTI
            .into_iter()
            .filter(|_| formats.has(Formats::B3_MULTI));
        let fields = single.into_iter().chain(multi).map(str::to_owned);
        Self {
            formats,
            fields: fields.collect(),
        }
    }
}

/// A carrier of OpenTelemetry's, as one of ours.
struct Theirs<T>(T);

impl propagation::Extractor for Theirs<&dyn Extractor> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)
    }
}

impl propagation::Injector for Theirs<&mut dyn Injector> {
    fn set(&mut self, key: &str, value: String) {
        self.0.set(key, value);
    }
}

impl TextMapPropagator for B3Propagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let Some(ours) = convert::context(cx.span().span_context(), local().scope()) else {
            return;
        };
        let mut carrier = Theirs(injector);
        if self.formats.has(Formats::B3) {
            b3::write_single(&ours, &mut carrier);
        }
        if self.formats.has(Formats::B3_MULTI) {
            b3::write_multi(&ours, &mut carrier);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        match b3::read(&Theirs(extractor)) {
            Some((caller, wish)) => {
                // The caller's wish has no place in OpenTelemetry's context.
                remembered::keep(&caller, &TraceState::default(), wish);
                cx.with_remote_span_context(caller.to_opentelemetry())
            }
            None => cx.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}
