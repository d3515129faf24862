//! OpenTelemetry's contexts as values of `parent = …` and `links = …` in the macros.

use ::opentelemetry::Context;
use ::opentelemetry::trace::{SpanContext as Theirs, TraceContextExt as _};

use crate::trace::SpanContext;
use crate::trace::bridge::context;
use crate::trace::propagation::IntoParent;
use crate::trace::propagation::links::Links;

impl IntoParent for Theirs {
    fn parent(&self) -> Option<SpanContext> {
        SpanContext::from_opentelemetry(self)
    }
}

/// The parent is the span of the context; a context without one begins a trace.
impl IntoParent for Context {
    fn parent(&self) -> Option<SpanContext> {
        context::parent_of(self)
    }
}

impl Links for Theirs {
    fn each(&self, add: &mut dyn FnMut(SpanContext)) {
        SpanContext::from_opentelemetry(self).each(add);
    }
}

impl Links for Context {
    fn each(&self, add: &mut dyn FnMut(SpanContext)) {
        self.span().span_context().each(add);
    }
}
