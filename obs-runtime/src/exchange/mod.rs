//! A request and its response, on either side: a span that is the context while somebody works on it, and its
//! duration among the metrics.

mod duration;
pub(crate) mod http;

use core::mem;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use crate::callsite::Callsite;
use crate::propagation::{AttachedBaggage, Baggage};
use crate::semconv::{MetricDef, attribute};
use crate::trace::local::local;
use crate::trace::{
    Attached, AttributeValue, Entered, Outcome, Span, SpanContext, SpanError, Value,
};

/// An exchange that has not ended; one that is dropped was cancelled.
#[derive(Debug)]
pub(crate) struct Exchange {
    span: Span,
    /// The context where the span has none: it is above the level.
    around: Option<SpanContext>,
    baggage: Option<Arc<Baggage>>,
    scope: u16,
    started: Instant,
    metric: &'static MetricDef,
    labels: Vec<(&'static str, Cow<'static, str>)>,
    ended: bool,
}

/// What is the context while somebody works on an exchange.
struct Inside<'a> {
    _span: Option<Entered<'a>>,
    _around: Option<Attached>,
    _baggage: Option<AttachedBaggage>,
}

impl Exchange {
    /// Begins one under a caller, or without one under the thread's context.
    pub(crate) fn begin(
        site: &'static Callsite,
        metric: &'static MetricDef,
        caller: Option<SpanContext>,
        values: impl FnOnce() -> Vec<Value>,
    ) -> Self {
        let started = Instant::now();
        let attached = caller.as_ref().map(SpanContext::attach);
        let span = Span::begin(site, values);
        let scope = local().scope();
        drop(attached);
        Self {
            around: if span.context().is_none() {
                caller
            } else {
                None
            },
            span,
            baggage: None,
            scope,
            started,
            metric,
            labels: Vec::with_capacity(8),
            ended: false,
        }
    }

    /// Baggage for those who work on it.
    #[cfg(feature = "tower")]
    pub(crate) fn carry(&mut self, baggage: Arc<Baggage>) {
        self.baggage = Some(baggage);
    }

    pub(crate) fn name(&self, name: impl Into<Cow<'static, str>>) {
        self.span.set_name(name);
    }

    pub(crate) fn set(&self, key: &'static str, value: impl Into<AttributeValue>) {
        self.span.set_attribute(key, value);
    }

    /// A label of the metric.
    pub(crate) fn label(&mut self, key: &'static str, value: impl Into<Cow<'static, str>>) {
        let value = value.into();
        match self.labels.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None => self.labels.push((key, value)),
        }
    }

    /// It failed, by what the other side said; the first failure stays.
    pub(crate) fn fail(&mut self, kind: impl Into<Cow<'static, str>>) {
        self.failed(SpanError {
            exception: false,
            ..SpanError::new(kind, None)
        });
    }

    /// It failed here, with an error.
    pub(crate) fn fail_with(&mut self, kind: impl Into<Cow<'static, str>>, message: Option<&str>) {
        let message = message.map(|m| crate::trace::local::redact(m).into_owned());
        self.failed(SpanError::new(kind, message));
    }

    fn failed(&mut self, error: SpanError) {
        if self.labels.iter().all(|(k, _)| *k != attribute::ERROR_TYPE) {
            self.label(attribute::ERROR_TYPE, error.kind.clone());
        }
        self.span.change(|extra| {
            extra.error.get_or_insert(error);
        });
    }

    /// Works on it: the span is the context, and a panic ends it.
    pub(crate) fn run<R>(&mut self, work: impl FnOnce() -> R) -> R {
        struct Unwinding<'a>(&'a mut Exchange);

        impl Drop for Unwinding<'_> {
            #[cold]
            fn drop(&mut self) {
                self.0.label(attribute::ERROR_TYPE, "panic");
                self.0.end(Outcome::Panicked);
            }
        }

        let this = Unwinding(self);
        let inside = this.0.enter();
        let value = work();
        drop(inside);
        mem::forget(this);
        value
    }

    fn enter(&self) -> Inside<'_> {
        Inside {
            _span: self.span.context().map(|_| self.span.enter()),
            _around: self.around.as_ref().map(SpanContext::attach),
            _baggage: self.baggage.clone().map(AttachedBaggage::new),
        }
    }

    /// Ends it; later calls change nothing.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        if mem::replace(&mut self.ended, true) {
            return;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let (metric, scope) = (self.metric, self.scope);
        let mut labels = mem::take(&mut self.labels);
        labels.sort_unstable_by_key(|(key, _)| *key);
        {
            // The span is the example of the value.
            let _inside = self.enter();
            duration::observe(scope, metric, seconds, &labels);
        }
        mem::replace(&mut self.span, Span::none()).end(outcome);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}
