//! A request and its response, on either side: a span that is the context while somebody works on it, and its
//! duration among the metrics.

pub(crate) mod http;
#[cfg(feature = "reqwest")]
pub(crate) mod watch;

use std::borrow::Cow;
use std::sync::Arc;

use crate::callsite::Callsite;
use crate::scope;
use crate::semconv::{MetricDef, attribute};
use crate::trace::measured::{End, Ended, Measure, Measured};
use crate::trace::propagation::{AttachedBaggage, Baggage};
use crate::trace::{Attached, AttributeValue, SpanContext, SpanError, Value};

/// An exchange that has not ended; one that is dropped was cancelled.
#[derive(Debug)]
pub(crate) struct Exchange {
    call: Measured<Timing>,
    /// The context where the span has none: it is above the level.
    around: Option<SpanContext>,
    baggage: Option<Arc<Baggage>>,
}

/// The duration of an exchange, by labels that become known on the way.
#[derive(Debug)]
struct Timing {
    metric: &'static MetricDef,
    labels: Vec<(&'static str, Cow<'static, str>)>,
}

impl Timing {
    fn has(&self, key: &str) -> bool {
        self.labels.iter().any(|(k, _)| *k == key)
    }

    fn label(&mut self, key: &'static str, value: Cow<'static, str>) {
        match self.labels.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None => self.labels.push((key, value)),
        }
    }
}

impl Measure for Timing {
    type Said = ();

    fn end(mut self, ended: Ended) {
        if ended.end == End::Panicked {
            self.label(
                attribute::ERROR_TYPE,
                ended.end.error_type().to_owned().into(),
            );
        }
        self.labels.sort_unstable_by_key(|(key, _)| *key);
        let seconds = ended.duration.as_secs_f64();
        // Where nobody collects, nothing is counted.
        if let Some(scope) = scope::by_id(ended.here.scope) {
            let labels = self.labels.iter().map(|(key, value)| (*key, &**value));
            let labels: Vec<_> = labels.collect();
            scope.metrics.observe(self.metric, &labels, seconds);
        }
    }
}

impl Exchange {
    /// Begins one under a caller, or without one under the thread's context.
    pub(crate) fn begin(
        site: &'static Callsite,
        metric: &'static MetricDef,
        caller: Option<SpanContext>,
        values: impl FnOnce() -> Vec<Value>,
    ) -> Self {
        let attached = caller.as_ref().map(SpanContext::attach);
        let labels = Vec::with_capacity(8);
        let call = Measured::begin(site, values, Timing { metric, labels });
        drop(attached);
        Self {
            around: match call.span().context() {
                None => caller,
                Some(_) => None,
            },
            call,
            baggage: None,
        }
    }

    /// Carries baggage for those who work on it.
    #[cfg(feature = "tower")]
    pub(crate) fn carry(&mut self, baggage: Arc<Baggage>) {
        self.baggage = Some(baggage);
    }

    pub(crate) fn name(&self, name: impl Into<Cow<'static, str>>) {
        self.call.span().set_name(name);
    }

    pub(crate) fn set(&self, key: &'static str, value: impl Into<AttributeValue>) {
        self.call.span().set_attribute(key, value);
    }

    /// Sets a label of the metric.
    pub(crate) fn label(&mut self, key: &'static str, value: impl Into<Cow<'static, str>>) {
        self.call.change(|timing| timing.label(key, value.into()));
    }

    /// Notes that it failed, by what the other side said; the first failure stays.
    pub(crate) fn fail(&mut self, kind: impl Into<Cow<'static, str>>) {
        self.failed(SpanError {
            exception: false,
            ..SpanError::new(kind, None)
        });
    }

    /// Notes that it failed here, with an error.
    pub(crate) fn fail_with(&mut self, kind: impl Into<Cow<'static, str>>, message: Option<&str>) {
        let message = message.map(|m| crate::trace::local::redact(m).into_owned());
        self.failed(SpanError::new(kind, message));
    }

    fn failed(&mut self, error: SpanError) {
        self.call.change(|timing| {
            if !timing.has(attribute::ERROR_TYPE) {
                timing.label(attribute::ERROR_TYPE, error.kind.clone());
            }
        });
        self.call.span().change(|extra| {
            extra.error.get_or_insert(error);
        });
    }

    /// Runs work on it: the span is the context, and a panic ends it.
    pub(crate) fn run<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let _inside = self.enter();
        self.call.run(|_| work())
    }

    /// Attaches what is the context of the exchange besides its span.
    fn enter(&self) -> (Option<Attached>, Option<AttachedBaggage>) {
        let around = self.around.as_ref().map(SpanContext::attach);
        (around, self.baggage.clone().map(AttachedBaggage::new))
    }

    /// Ends it: everything was said; later calls change nothing.
    pub(crate) fn end(&mut self) {
        self.finish(End::Ok);
    }

    fn finish(&mut self, end: End) {
        let _inside = self.enter();
        self.call.end(end);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish(End::Cancelled);
    }
}
