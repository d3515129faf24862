//! `parent = …` and `links = …` of the macros.

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

/// The span of the context; none begins a trace.
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
