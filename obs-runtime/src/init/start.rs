//! From a configuration to a running `Observability`.

use std::sync::Arc;

use crate::clock;
use crate::error::Error;
use crate::exporter::custom;
use crate::exporter::periodic::PeriodicPusher;
use crate::init::builder::Builder;
use crate::init::env::Environment;
use crate::init::observability::Observability;
use crate::init::resource;
use crate::metrics::MetricsCollector;
use crate::processor::drain::{self, Consumer};
use crate::processor::logs::Logs;
use crate::processor::redaction::SpanRedaction;
use crate::processor::sink::{LogSink, MetricReader, SpanSink};
use crate::processor::tail::TailSampler;
use crate::redact::custom as custom_redaction;
use crate::scope::Scope;
use crate::self_log;
use crate::trace::{buffer, gate, sampler};

/// Collects what does not work: an error where the user wants none of it, else a line of `health`.
pub(super) struct Problems {
    strict: bool,
    found: Vec<String>,
}

impl Problems {
    /// What was found becomes the scope's health.
    fn publish(self, scope: &Scope) {
        scope.add_problems(self.found);
    }

    pub(super) fn add(&mut self, problem: String) -> Result<(), Error> {
        if self.strict {
            return Err(Error::config(problem));
        }
        // What several signals run into is said once.
        if self.found.contains(&problem) {
            return Ok(());
        }
        self_log::once(problem.clone());
        self.found.push(problem);
        Ok(())
    }

    fn add_all(&mut self, problems: Vec<String>) -> Result<(), Error> {
        problems.into_iter().try_for_each(|p| self.add(p))
    }

    #[cfg(any(feature = "otlp", feature = "http", feature = "statsd"))]
    fn note<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(e) => self.add(e.to_string()).map(|()| None),
        }
    }
}

/// A program that asks for what was compiled out is told so.
fn can_record() -> Result<(), Error> {
    if cfg!(not(any(feature = "record", test))) {
        return Err(Error::config(
            "recording is compiled out: nothing of obs-runtime's features brought `record` with it. A program \
             takes the default features, or `features = [\"record\"]`; a library goes without",
        ));
    }
    if !clock::EXISTS {
        return Err(Error::config(
            "this target has no clock and no threads (wasm32-unknown-unknown): nothing is recorded. Annotated \
             functions run as they are; leave `install` out where `target_os = \"unknown\"`",
        ));
    }
    Ok(())
}

pub(super) fn start(
    mut builder: Builder,
    id: u16,
    env: Environment,
    mut sinks: Vec<Box<dyn SpanSink>>,
    #[cfg_attr(not(any(feature = "console", feature = "otlp")), allow(unused_mut))] mut logs: Vec<
        Box<dyn LogSink>,
    >,
) -> Result<Observability, Error> {
    can_record()?;
    let mut problems = Problems {
        strict: builder.strict,
        found: Vec::new(),
    };
    let sampler = builder.sampler.take().or(env.sampler.clone());
    let sampler = sampler.unwrap_or_default();
    sampler.check()?;
    let added = std::mem::take(&mut builder.redaction).check()?;
    let tail = builder.tail_sampling.take().map(TailSampler::start);
    let tail = tail.transpose()?;
    set_process(&builder, &env, id);
    let detects = id == 0 && builder.detect_resource.unwrap_or(true);
    let resource = resource::resolve(&builder, &env, detects);
    let scope = Arc::new(Scope::new(id, resource, MetricsCollector::new()));
    if env.disabled {
        return Ok(Observability::running(scope, Vec::new()));
    }
    std::mem::take(&mut builder.sources).start(&scope, &mut problems)?;
    for mut exporter in std::mem::take(&mut builder.record_exporters) {
        exporter.begin(&scope.resource);
        sinks.push(custom::sink("record", exporter)?);
    }
    #[cfg(feature = "opentelemetry")]
    for mut exporter in std::mem::take(&mut builder.span_exporters) {
        exporter.begin(&scope.resource);
        sinks.push(custom::sink("opentelemetry", exporter)?);
    }
    #[cfg(feature = "console")]
    printed(&env, &mut builder, &mut logs);
    #[cfg_attr(
        not(any(feature = "otlp", feature = "statsd")),
        allow(unused_mut, reason = "only OTLP and StatsD add to them")
    )]
    let mut pushers = metric_exporters(&mut builder, &scope)?;
    #[cfg(feature = "console")]
    if builder.console.unwrap_or(env.printed.traces) {
        sinks.push(crate::exporter::console::sink());
    }
    #[cfg(feature = "otlp")]
    let log_queue = otlp(
        &builder,
        id,
        &env,
        &scope,
        &mut problems,
        (&mut sinks, &mut logs, &mut pushers),
    )?;
    #[cfg(not(feature = "otlp"))]
    let log_queue = None;
    #[cfg(feature = "statsd")]
    pushers.extend(statsd(&mut builder, &scope, &mut problems)?);
    #[cfg(feature = "http")]
    let prometheus = prometheus(&mut builder, &env, &scope, &mut problems)?;
    problems.add_all(env.problems)?;
    problems.publish(&scope);
    #[cfg(any(feature = "alert", feature = "llm"))]
    set_extensions(&mut builder, &scope);
    let logs = Logs::start(id, log_queue, logs);
    let redaction = SpanRedaction::start(id, builder.redact_attributes);
    drain::add(id, Consumer::new(sinks, logs, tail, redaction));
    drain::start_thread()?;
    scope.register();
    custom_redaction::set(id, Some(added));
    sampler::set(id, Some(sampler));
    gate::set(
        id,
        Some(builder.max_level.or(env.level).unwrap_or_default()),
    );
    #[allow(unused_mut, reason = "only some features change it")]
    let mut obs = Observability::running(scope, pushers);
    #[cfg(feature = "opentelemetry")]
    if builder.opentelemetry {
        obs.register_opentelemetry();
    }
    #[cfg(feature = "http")]
    if let Some(server) = prometheus {
        obs.serve(server);
    }
    Ok(obs)
}

/// Logs and metrics that the environment wants on standard error.
#[cfg(feature = "console")]
fn printed(env: &Environment, builder: &mut Builder, logs: &mut Vec<Box<dyn LogSink>>) {
    use crate::exporter::console;

    if env.printed.logs {
        logs.push(console::log_sink());
    }
    if let Some(interval) = env.printed.metrics {
        let exporter = console::metric_exporter();
        builder
            .metric_exporters
            .push((exporter, printed_every(interval)));
    }
}

#[cfg(feature = "console")]
fn printed_every(interval: core::time::Duration) -> crate::ExportSchedule {
    crate::ExportSchedule::new().interval(interval).jitter(0.0)
}

#[cfg(feature = "statsd")]
fn statsd(
    builder: &mut Builder,
    scope: &Arc<Scope>,
    problems: &mut Problems,
) -> Result<Option<Box<dyn MetricReader>>, Error> {
    let Some(config) = builder.statsd.take() else {
        return Ok(None);
    };
    let source = Arc::clone(scope) as Arc<dyn crate::metrics::MetricSource>;
    let pusher = problems.note(crate::exporter::statsd::start(
        &config,
        &scope.resource,
        source,
    ))?;
    Ok(pusher.map(|pusher| {
        scope.add_metric_exporter(pusher.stats());
        Box::new(pusher) as Box<dyn MetricReader>
    }))
}

fn metric_exporters(
    builder: &mut Builder,
    scope: &Arc<Scope>,
) -> Result<Vec<Box<dyn MetricReader>>, Error> {
    let mut pushers: Vec<Box<dyn MetricReader>> = Vec::new();
    for (exporter, schedule) in std::mem::take(&mut builder.metric_exporters) {
        let source = Arc::clone(scope) as Arc<dyn crate::metrics::MetricSource>;
        let resource = scope.resource.clone();
        let pusher = PeriodicPusher::start(exporter, schedule, resource, source)?;
        scope.add_metric_exporter(pusher.stats());
        pushers.push(Box::new(pusher));
    }
    Ok(pushers)
}

/// What holds for the whole process.
fn set_process(builder: &Builder, env: &Environment, id: u16) {
    if let Some(bytes) = builder.buffer_bytes {
        buffer::set_budget(bytes);
    }
    if id == 0 {
        crate::metrics::exemplar::enable(env.exemplars);
        env.formats.choose();
        let limits = builder.span_limits.unwrap_or(env.span_limits);
        limits.make_current();
    }
}

#[cfg(any(feature = "alert", feature = "llm"))]
fn set_extensions(builder: &mut Builder, scope: &Arc<Scope>) {
    #[cfg(feature = "alert")]
    if let Some(alerts) = builder.alerts.take() {
        crate::alert::set(scope, alerts);
    }
    #[cfg(feature = "llm")]
    scope
        .extension::<crate::llm::LlmState>()
        .configure(std::mem::take(&mut builder.prices));
}

#[cfg(feature = "http")]
fn prometheus(
    builder: &mut Builder,
    env: &Environment,
    scope: &Arc<Scope>,
    problems: &mut Problems,
) -> Result<Option<crate::http::HttpServer>, Error> {
    use crate::init::prometheus;

    let asked = match (builder.prometheus.take(), &env.prometheus) {
        (Some(asked), _) => Ok(asked),
        (None, Some((host, port))) => {
            prometheus::resolve(host, *port).map(|addr| (addr, crate::http::HttpConfig::new()))
        }
        (None, None) => return Ok(None),
    };
    let server = asked.and_then(|(addr, config)| prometheus::start(scope, addr, config));
    problems.note(server)
}

/// Where the parts of OTLP go: to the drain's sinks of spans and logs, and beside them.
#[cfg(feature = "otlp")]
type Parts<'a> = (
    &'a mut Vec<Box<dyn SpanSink>>,
    &'a mut Vec<Box<dyn LogSink>>,
    &'a mut Vec<Box<dyn MetricReader>>,
);

/// Returns how many log records may wait for the drain, if something says so.
#[cfg(feature = "otlp")]
fn otlp(
    builder: &Builder,
    id: u16,
    env: &Environment,
    scope: &Arc<Scope>,
    problems: &mut Problems,
    (sinks, logs, pushers): Parts<'_>,
) -> Result<Option<usize>, Error> {
    use crate::exporter::otlp::{self, OtlpConfig, Signal};

    let asked = builder.otlp.sends(Signal::Traces);
    let mut config = builder.otlp.clone();
    // A scope beside the installed default is a test's: the environment is not meant for it.
    if asked {
        // What the program itself asks for is an error of the program; what the environment adds is not.
        config.target(Signal::Traces)?;
    }
    if id == 0 {
        let (env, left_out) = OtlpConfig::from_env();
        config = config.or(env);
        problems.add_all(left_out)?;
    }
    config.log_limits = env.log_limits;
    let spool = builder.spool.as_deref();
    let spool = spool.or(env.spool.as_deref().map(std::path::Path::new));
    if let Some(directory) = spool
        && [Signal::Traces, Signal::Metrics, Signal::Logs]
            .into_iter()
            .any(|signal| config.sends(signal))
    {
        let max_bytes = builder.spool_max_bytes.or(env.spool_max_bytes);
        let max_bytes = max_bytes.unwrap_or(otlp::SPOOL_MAX_BYTES);
        config.spool = problems.note(otlp::Spool::open(directory, max_bytes))?;
    }
    if let Some(delay) = config.spans.delay {
        drain::look_every(delay);
    }
    let mut keep = |result: Result<(), Error>| match result {
        Err(e) if asked && !e.is_config() => Err(e),
        other => {
            let other = other.map_err(|e| Error::config(format!("{e}; nothing is sent there")));
            problems.note(other).map(drop)
        }
    };
    let mut accepts = None;
    if config.sends(Signal::Logs) {
        keep(otlp::log_sink(&config, &scope.resource).map(|sink| {
            accepts = Some(sink.accepts());
            logs.push(Box::new(sink));
        }))?;
    }
    if config.sends(Signal::Traces) {
        keep(otlp::span_sink(&config, &scope.resource, accepts).map(|sink| sinks.push(sink)))?;
    }
    if let Some(exponential) = config.exponential_histograms {
        scope.metrics.exponential_by_default(exponential);
    }
    if config.sends(Signal::Metrics) {
        let source = Arc::clone(scope) as Arc<dyn crate::metrics::MetricSource>;
        let pusher = otlp::metric_pusher(&config, &scope.resource, source);
        keep(pusher.map(|pusher| {
            scope.add_metric_exporter(pusher.stats());
            pushers.push(Box::new(pusher));
        }))?;
    }
    Ok(config.logs.queue_items)
}

impl MetricReader for PeriodicPusher {
    fn flush(&self) -> crate::processor::sink::PendingFlush {
        Self::flush(self)
    }

    fn shutdown(&mut self, deadline: std::time::Instant) -> Result<(), Error> {
        Self::shutdown(self, deadline)
    }
}
