//! What a forked child sends to: exporters of its own, made of what its parent was told, when it first records.

use std::sync::Arc;

#[cfg(feature = "console")]
use crate::exporter::console;
#[cfg(feature = "otlp")]
use crate::exporter::otlp::{self, OtlpConfig, Signal};
#[cfg(feature = "console")]
use crate::exporter::periodic::PeriodicPusher;
use crate::init::account;
use crate::init::builder::Builder;
use crate::init::env::{Environment, Printed};
use crate::init::resource::{self, Resource};
#[cfg(feature = "otlp")]
use crate::init::scope::Pusher;
use crate::init::scope::ScopeShared;
use crate::metrics::{MetricFamily, MetricSource, MetricsCollector};
use crate::processor::TailSampling;
use crate::processor::drain;
use crate::processor::drain::fork::{self, Child};
use crate::processor::logs::Logs;
use crate::processor::redact::span::SpanRedaction;
use crate::processor::tail::TailSampler;

/// What it was told; the rest stays the parent's.
pub(super) struct Inherited {
    #[cfg(feature = "otlp")]
    pub(super) otlp: Option<OtlpConfig>,
    pub(super) printed: Printed,
    tail: Option<TailSampling>,
    redact_attributes: Option<bool>,
    process_metrics: bool,
}

impl Inherited {
    pub(super) fn of(builder: &Builder, env: &Environment) -> Self {
        let printed = env.printed.clone();
        #[cfg(feature = "console")]
        let printed = Printed {
            traces: builder.console.unwrap_or(printed.traces),
            ..printed
        };
        Self {
            #[cfg(feature = "otlp")]
            otlp: None,
            printed,
            tail: builder.tail_sampling.clone(),
            redact_attributes: builder.redact_attributes,
            process_metrics: builder.sources.process(),
        }
    }

    /// A child does so from now on; with nothing to send to it records nothing.
    pub(super) fn register(self, resource: &Resource) {
        let parent = resource.clone();
        let sends = self.sends();
        fork::remake_with(sends.then(|| {
            let remake = move || self.remake(&resource::of_child(&parent));
            Box::new(remake) as fork::Remake
        }));
    }

    fn sends(&self) -> bool {
        let Printed {
            traces,
            logs,
            metrics,
        } = &self.printed;
        #[cfg(feature = "otlp")]
        let sent = self.otlp.is_some();
        #[cfg(not(feature = "otlp"))]
        let sent = false;
        sent || *traces || *logs || metrics.is_some()
    }

    fn remake(&self, resource: &Resource) -> Child {
        let scope = ScopeShared::new(0, resource.clone(), MetricsCollector::new());
        let scope = Arc::new(scope);
        let mut child = Child {
            spans: Vec::new(),
            logs: None,
            // It was checked in the parent.
            tail: self.tail.clone().and_then(|t| TailSampler::start(t).ok()),
            redaction: SpanRedaction::start(0, self.redact_attributes),
            pushers: Vec::new(),
            scope: Arc::clone(&scope),
        };
        #[allow(unused_variables, reason = "nothing is sent without the features")]
        let source: Arc<dyn MetricSource> = Arc::new(ChildMetrics {
            scope,
            process: self.process_metrics,
        });
        #[allow(unused_mut, reason = "nothing is sent without the features")]
        let mut logs = Vec::new();
        #[allow(unused_mut, reason = "only OTLP says so")]
        let mut queue = None;
        #[cfg(feature = "console")]
        self.print(&mut child, &mut logs, resource, &source);
        #[cfg(feature = "otlp")]
        if let Some(config) = &self.otlp {
            queue = config.logs.queue_items;
            send(&config.of_child(), &mut child, &mut logs, &source);
        }
        child.logs = Logs::start(0, queue, logs);
        child
    }

    #[cfg(feature = "console")]
    fn print(
        &self,
        child: &mut Child,
        logs: &mut Vec<Box<dyn crate::exporter::LogSink>>,
        resource: &Resource,
        source: &Arc<dyn MetricSource>,
    ) {
        if self.printed.traces {
            child.spans.push(console::sink());
        }
        if self.printed.logs {
            logs.push(console::log_sink());
        }
        let schedule = self.printed.metrics.map(super::start::printed_every);
        let pusher = schedule.and_then(|schedule| {
            let (exporter, source) = (console::metric_exporter(), Arc::clone(source));
            PeriodicPusher::start(exporter, schedule, resource.clone(), source).ok()
        });
        if let Some(pusher) = pusher {
            child.scope.add_metric_exporter(pusher.stats());
            child.pushers.push(Box::new(pusher));
        }
    }
}

/// What cannot be started is not sent: the parent has said why.
#[cfg(feature = "otlp")]
fn send(
    config: &OtlpConfig,
    child: &mut Child,
    logs: &mut Vec<Box<dyn crate::exporter::LogSink>>,
    source: &Arc<dyn MetricSource>,
) {
    let resource = &child.scope.resource;
    let mut accepts = None;
    if config.sends(Signal::Logs)
        && let Ok(sink) = otlp::log_sink(config, resource)
    {
        accepts = Some(sink.accepts());
        logs.push(Box::new(sink));
    }
    if config.sends(Signal::Traces) {
        child
            .spans
            .extend(otlp::span_sink(config, resource, accepts));
    }
    if config.sends(Signal::Metrics)
        && let Ok(pusher) = otlp::metric_pusher(config, resource, Arc::clone(source))
    {
        child.scope.add_metric_exporter(pusher.stats());
        child.pushers.push(Box::new(pusher) as Box<dyn Pusher>);
    }
}

/// The metrics that a child has: of its own calls, and of obs. The cells of instruments are under a lock that another
/// thread of the parent may have held, and what they counted is the parent's.
struct ChildMetrics {
    scope: Arc<ScopeShared>,
    #[cfg_attr(not(feature = "process-metrics"), allow(dead_code))]
    process: bool,
}

impl MetricSource for ChildMetrics {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        let account = drain::after_pass(0, |scope| {
            let functions = scope.function_metrics();
            functions.collect(out);
            (scope.stats(), functions.start_unix_nanos())
        });
        #[cfg(feature = "process-metrics")]
        if self.process {
            crate::metrics::ProcessMetrics::new().collect(out);
        }
        if let Some((spans, start)) = account {
            account::collect(&self.scope.stats(spans), start, out);
        }
    }
}
