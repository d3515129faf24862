//! The configuration of `Observability`: builder, then environment, then defaults.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use crate::callsite::Level;
use crate::error::{Error, ErrorKind};
use crate::exporter::{ExportSchedule, MetricExporter, RecordExporter};
use crate::fork::PerProcess;
use crate::init::env::Environment;
use crate::init::exit;
use crate::init::observability::Observability;
use crate::init::start;
use crate::processor::TailSampling;
#[cfg(any(test, feature = "testing"))]
use crate::processor::drain;
#[cfg(any(test, feature = "testing"))]
use crate::processor::sink::{LogSink, SpanSink};
use crate::redact::custom::{Custom, Hook, Pattern};
use crate::trace::attribute::AttributeValue;
use crate::trace::{Sampler, sampler};

/// What a program adds to the redaction; checked when it is installed.
#[derive(Default)]
pub(crate) struct AddedRedaction {
    /// Names and patterns.
    pub(crate) patterns: Vec<(String, String)>,
    pub(crate) hooks: Vec<Hook>,
}

impl AddedRedaction {
    pub(crate) fn check(self) -> Result<Custom, Error> {
        let patterns = self.patterns.iter();
        let patterns = patterns.map(|(name, pattern)| Pattern::new(name, pattern));
        Ok(Custom {
            patterns: patterns.collect::<Result<_, _>>()?,
            hooks: self.hooks,
        })
    }
}

/// What an [`Observability`] is to do. Nothing listens and nothing is sent unless it, or an `OTEL_*`
/// variable, says so.
#[derive(Default)]
#[must_use = "a builder does nothing until `install` is called"]
pub struct Builder {
    pub(crate) service_name: Option<String>,
    pub(crate) service_version: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) resource: Vec<(Cow<'static, str>, AttributeValue)>,
    pub(crate) detect_resource: Option<bool>,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) tail_sampling: Option<TailSampling>,
    pub(crate) redaction: AddedRedaction,
    pub(crate) redact_attributes: Option<bool>,
    pub(crate) max_level: Option<Level>,
    pub(crate) buffer_bytes: Option<usize>,
    pub(crate) span_limits: Option<crate::trace::SpanLimits>,
    pub(crate) strict: bool,
    pub(crate) flush_on_panic: Option<bool>,
    pub(crate) record_exporters: Vec<Box<dyn RecordExporter>>,
    pub(crate) metric_exporters: Vec<(Box<dyn MetricExporter>, ExportSchedule)>,
    pub(crate) sources: crate::init::sources::Wanted,
    #[cfg(feature = "alert")]
    pub(crate) alerts: Option<crate::alert::AlertManager>,
    #[cfg(feature = "llm")]
    pub(crate) prices: crate::llm::Prices,
    #[cfg(feature = "console")]
    pub(crate) console: Option<bool>,
    #[cfg(feature = "http")]
    pub(crate) prometheus: Option<(std::net::SocketAddr, crate::http::HttpConfig)>,
    #[cfg(feature = "opentelemetry")]
    pub(crate) opentelemetry: bool,
    #[cfg(feature = "opentelemetry")]
    pub(crate) span_exporters: Vec<Box<dyn RecordExporter>>,
    #[cfg(feature = "statsd")]
    pub(crate) statsd: Option<crate::statsd::StatsdConfig>,
    #[cfg(feature = "otlp")]
    pub(crate) spool: Option<std::path::PathBuf>,
    #[cfg(feature = "otlp")]
    pub(crate) spool_max_bytes: Option<u64>,
    #[cfg(feature = "otlp")]
    pub(crate) otlp: crate::exporter::otlp::OtlpConfig,
}

impl Builder {
    /// The service's name (`service.name`). Default: `OTEL_SERVICE_NAME`, else `unknown_service:<exe>`.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// The service's version (`service.version`).
    pub fn service_version(mut self, version: impl Into<String>) -> Self {
        self.service_version = Some(version.into());
        self
    }

    /// Where it runs: `production`, `staging` … (`deployment.environment.name`).
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// Adds an attribute of the resource: it describes the process in every export.
    pub fn resource_attribute(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<AttributeValue>,
    ) -> Self {
        self.resource.push((key.into(), value.into()));
        self
    }

    /// Whether the resource says what can be detected of process, host, operating system, container and
    /// Kubernetes pod, from files and variables of this machine. Default: yes.
    pub fn detect_resource(mut self, detect: bool) -> Self {
        self.detect_resource = Some(detect);
        self
    }

    /// Which traces are recorded. Default: `OTEL_TRACES_SAMPLER`, else every trace.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = Some(sampler);
        self
    }

    /// Keeps only the traces that turn out to be worth it. Default: every trace that the sampler took.
    pub fn tail_sampling(mut self, tail: TailSampling) -> Self {
        self.tail_sampling = Some(tail);
        self
    }

    /// Masks texts of a shape that only you know, besides what is masked anyway: in errors, attributes of
    /// spans, logs and alerts. In the pattern `#` is a digit, `?` a letter or digit, `*` a run of letters, digits,
    /// `_` and `-`; everything else stands for itself. It fits whole words.
    ///
    /// ```
    /// # use obs_runtime::Observability;
    /// let builder = Observability::builder()
    ///     .redact_pattern("employee number", "EMP-######")
    ///     .redact_pattern("session key", "acme_*");
    /// # let _ = builder;
    /// ```
    ///
    /// A pattern that fits every word, or none, is refused by [`Builder::install`].
    pub fn redact_pattern(mut self, name: impl Into<String>, pattern: impl Into<String>) -> Self {
        self.redaction.patterns.push((name.into(), pattern.into()));
        self
    }

    /// Masks by a function of your own, after everything else: it returns the text without its secrets, or
    /// `None` if there is none. It runs in the failing call and in a thread of obs, so it should be quick; if it
    /// panics, the text is not shown at all.
    ///
    /// ```
    /// # use obs_runtime::Observability;
    /// let builder = Observability::builder()
    ///     .redact_with(|text| text.contains("@corp.example").then(|| "<a colleague>".to_owned()));
    /// # let _ = builder;
    /// ```
    pub fn redact_with(
        mut self,
        redact: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.redaction.hooks.push(std::sync::Arc::new(redact));
        self
    }

    /// Whether the attributes of spans pass the redaction before they are exported; the texts of errors do so
    /// anyway. Default: yes.
    pub fn redact_attributes(mut self, redact: bool) -> Self {
        self.redact_attributes = Some(redact);
        self
    }

    /// Spans above this level are not built; their calls are counted. Default: `OBS_LEVEL`, else info.
    pub fn max_level(mut self, level: Level) -> Self {
        self.max_level = Some(level);
        self
    }

    /// Bytes that all span buffers together may take. Default: 64 MiB.
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.buffer_bytes = Some(bytes);
        self
    }

    /// How many attributes, events and links one span may hold, and how long texts may be; for the whole
    /// process. Default: `OTEL_SPAN_*` and `OTEL_ATTRIBUTE_*` variables, else OpenTelemetry's numbers
    /// ([`SpanLimits`](crate::SpanLimits)).
    pub fn span_limits(mut self, limits: crate::trace::SpanLimits) -> Self {
        self.span_limits = Some(limits);
        self
    }

    /// Whether a panic sends what was recorded, five seconds at most, before it goes on to the panic hook that
    /// was there. Default: only in a program built with `panic = "abort"`, which ends there. Say so if your
    /// own hook ends the process; where panics are caught it would only make them slow.
    pub fn flush_on_panic(mut self, flush: bool) -> Self {
        self.flush_on_panic = Some(flush);
        self
    }

    /// Makes anything that cannot start (a taken port, a bad endpoint) an error of `install` instead of
    /// a line in [`Observability::health`](crate::Handle::health).
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Hands finished spans to your own code, in batches, from a thread of obs.
    pub fn record_exporter(mut self, exporter: impl RecordExporter) -> Self {
        self.record_exporters.push(Box::new(exporter));
        self
    }

    /// Hands metrics to your own code every minute, from a thread of obs.
    pub fn metric_exporter(self, exporter: impl MetricExporter) -> Self {
        self.metric_exporter_with(exporter, ExportSchedule::new())
    }

    /// Like [`Builder::metric_exporter`], with an interval, a jitter, a deadline and a temporality of your own.
    pub fn metric_exporter_with(
        mut self,
        exporter: impl MetricExporter,
        schedule: ExportSchedule,
    ) -> Self {
        self.metric_exporters.push((Box::new(exporter), schedule));
        self
    }

    /// Prints each finished trace as a tree on standard error. Default: whether `OTEL_TRACES_EXPORTER` names
    /// `console`.
    ///
    /// `OTEL_LOGS_EXPORTER=console` prints log records as lines, `OTEL_METRICS_EXPORTER=console` metrics as tables every
    /// minute (`OTEL_METRIC_EXPORT_INTERVAL`) and at the end.
    #[cfg(feature = "console")]
    pub fn console(mut self, console: bool) -> Self {
        self.console = Some(console);
        self
    }

    /// Sends traces, metrics and logs to an OTLP receiver: `http://localhost:4318`, or port 4317 with
    /// [`Protocol::Grpc`](crate::Protocol::Grpc). Default: `OTEL_EXPORTER_OTLP_ENDPOINT`, else nothing is sent.
    #[cfg(feature = "otlp")]
    pub fn otlp(mut self, endpoint: impl Into<String>) -> Self {
        self.otlp = self.otlp.with_endpoint(endpoint);
        self
    }

    /// How OTLP travels. Default: `OTEL_EXPORTER_OTLP_PROTOCOL`, else HTTP.
    #[cfg(feature = "otlp")]
    pub fn protocol(mut self, protocol: crate::Protocol) -> Self {
        self.otlp = self.otlp.with_protocol(protocol);
        self
    }

    /// Adds a header to every OTLP request, such as the key of a back end.
    #[cfg(feature = "otlp")]
    pub fn otlp_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.otlp = self.otlp.with_header(name, value);
        self
    }

    /// The longest that one OTLP request may take. Default: `OTEL_EXPORTER_OTLP_TIMEOUT`, else 10 s.
    #[cfg(feature = "otlp")]
    pub fn otlp_timeout(mut self, timeout: core::time::Duration) -> Self {
        self.otlp = self.otlp.with_timeout(timeout);
        self
    }

    /// The PEM file of the authorities whose receivers are trusted, instead of the public ones. Default:
    /// `OTEL_EXPORTER_OTLP_CERTIFICATE`. A file that cannot be used is an error of [`Builder::install`].
    #[cfg(feature = "otlp")]
    pub fn otlp_certificate(mut self, file: impl Into<String>) -> Self {
        self.otlp = self.otlp.with_certificate(file);
        self
    }

    /// The PEM files of a certificate and its key, for receivers that ask who sends. Default:
    /// `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and `OTEL_EXPORTER_OTLP_CLIENT_KEY`.
    #[cfg(feature = "otlp")]
    pub fn otlp_client_certificate(
        mut self,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.otlp = self.otlp.with_client_certificate(certificate, key);
        self
    }

    /// How often metrics are sent over OTLP. Default: `OTEL_METRIC_EXPORT_INTERVAL`, else 60 s.
    #[cfg(feature = "otlp")]
    pub fn metric_interval(mut self, interval: core::time::Duration) -> Self {
        self.otlp = self.otlp.with_metric_interval(interval);
        self
    }

    /// Keeps OTLP requests that cannot be sent in files below this directory, until the receiver takes
    /// them: in this process, or in the next one that uses the directory. Default: `OBS_SPOOL`, else what
    /// cannot be sent is lost and counted.
    ///
    /// ```
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// use obs_runtime::Observability;
    ///
    /// # let directory = std::env::temp_dir().join(format!("obs-spool-{}", std::process::id()));
    /// let obs = Observability::builder()
    ///     .otlp("http://localhost:4318")
    ///     .spool(&directory)
    ///     .install()?;
    /// # drop(obs);
    /// # let _ = std::fs::remove_dir_all(directory);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A request goes to disk after its first attempt fails, at once while the receiver is down, and when
    /// the deadline of a flush passes; it is removed after the receiver has taken it. So what a flush
    /// reported as safe survives `kill -9`, and arrives once, apart from a request whose acknowledgement
    /// the process did not live to read. Several processes may share a directory if they send to the same
    /// receiver: each has a locked folder of its own, and takes over those of processes that have gone.
    /// Files are not synced: a loss of power may lose them. A directory that cannot be written is
    /// reported in [`Observability::health`](crate::Handle::health).
    #[cfg(feature = "otlp")]
    pub fn spool(mut self, directory: impl Into<std::path::PathBuf>) -> Self {
        self.spool = Some(directory.into());
        self
    }

    /// Bytes that this process may keep in the spool; when they are used up the oldest requests are
    /// dropped and counted ([`DropReason::SpoolFull`](crate::DropReason::SpoolFull)). Default:
    /// `OBS_SPOOL_MAX_BYTES`, else 256 MiB.
    #[cfg(feature = "otlp")]
    pub fn spool_max_bytes(mut self, bytes: u64) -> Self {
        self.spool_max_bytes = Some(bytes);
        self
    }

    /// Whether metrics go over OTLP as totals or as what was added. Default:
    /// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`, else totals.
    #[cfg(feature = "otlp")]
    pub fn metric_temporality(mut self, temporality: crate::Temporality) -> Self {
        self.otlp = self.otlp.with_temporality(temporality);
        self
    }

    /// Serves `/metrics` for Prometheus, and `/health`, at an address of this machine; port 0 lets the
    /// system choose ([`Observability::prometheus_addr`](crate::Handle::prometheus_addr)). Off loopback a bearer token is needed:
    /// [`Builder::prometheus_with`].
    ///
    /// A port that is taken is reported in [`Observability::health`](crate::Handle::health), and the program runs without.
    #[cfg(feature = "http")]
    pub fn prometheus(self, addr: impl Into<std::net::SocketAddr>) -> Self {
        self.prometheus_with(addr, crate::http::HttpConfig::new())
    }

    /// Like [`Builder::prometheus`], with a token, host names and limits of your own.
    #[cfg(feature = "http")]
    pub fn prometheus_with(
        mut self,
        addr: impl Into<std::net::SocketAddr>,
        config: crate::http::HttpConfig,
    ) -> Self {
        self.prometheus = Some((addr.into(), config));
        self
    }

    /// Sends metrics to a StatsD server that reads tags, such as the Datadog agent, at `host:port` or
    /// `unix:///path`, every ten seconds: see [`statsd`](crate::statsd).
    ///
    /// A server that is not there is reported in [`Observability::health`](crate::Handle::health) after the
    /// first export, and looked for again at the next.
    #[cfg(feature = "statsd")]
    pub fn statsd(self, addr: impl Into<String>) -> Self {
        self.statsd_with(crate::statsd::StatsdConfig::new(addr))
    }

    /// Like [`Builder::statsd`], with a dialect, a prefix, a form of histograms and an interval of your own.
    #[cfg(feature = "statsd")]
    pub fn statsd_with(mut self, config: crate::statsd::StatsdConfig) -> Self {
        self.statsd = Some(config);
        self
    }

    /// Hands finished spans to an exporter of OpenTelemetry's SDK, with the resource, in batches, from a thread of
    /// obs. A batch may take ten seconds; what fails is counted ([`Observability::stats`](crate::Handle::stats)) and not tried again.
    ///
    /// An exporter that needs a runtime, such as that of `opentelemetry-otlp` over gRPC, is to be made inside of
    /// one, as for the SDK. For OTLP obs has its own: [`Builder::otlp`].
    ///
    /// ```
    /// use obs_runtime::Observability;
    /// # fn exporter() -> impl opentelemetry_sdk::trace::SpanExporter + 'static {
    /// #     #[derive(Debug)]
    /// #     struct Null;
    /// #     impl opentelemetry_sdk::trace::SpanExporter for Null {
    /// #         async fn export(
    /// #             &self,
    /// #             _: Vec<opentelemetry_sdk::trace::SpanData>,
    /// #         ) -> opentelemetry_sdk::error::OTelSdkResult {
    /// #             Ok(())
    /// #         }
    /// #     }
    /// #     Null
    /// # }
    ///
    /// let obs = Observability::builder().span_exporter(exporter()).install()?;
    /// # Ok::<(), obs_runtime::Error>(())
    /// ```
    #[cfg(feature = "opentelemetry")]
    pub fn span_exporter(
        mut self,
        exporter: impl opentelemetry_sdk::trace::SpanExporter + 'static,
    ) -> Self {
        let exporter = crate::opentelemetry::exporter::adapt(exporter);
        self.span_exporters.push(exporter);
        self
    }

    /// Makes obs the global tracer provider, meter provider and propagator of OpenTelemetry, so that what libraries
    /// do through its API is in the traces and among the metrics of obs, and requests that they send name the spans
    /// of obs.
    ///
    /// What a program sets later replaces them; [`Observability::health`](crate::Handle::health) tells. Without this, see
    /// [`opentelemetry`](crate::opentelemetry).
    #[cfg(feature = "opentelemetry")]
    pub fn opentelemetry(mut self, global: bool) -> Self {
        self.opentelemetry = global;
        self
    }

    /// Where alerts of handlers and rules go, and whose account is among the metrics.
    #[cfg(feature = "alert")]
    pub fn alerts(mut self, alerts: crate::alert::AlertManager) -> Self {
        self.alerts = Some(alerts);
        self
    }

    /// Your own prices of models, before those of the price list.
    #[cfg(feature = "llm")]
    pub fn prices(mut self, prices: crate::llm::Prices) -> Self {
        self.prices = prices;
        self
    }

    /// Switches obs on for the whole process.
    ///
    /// # Errors
    /// When another `Observability` is installed, or an argument is not usable. What the environment asks
    /// for in vain is in [`Observability::health`](crate::Handle::health), unless [`Builder::strict`].
    pub fn install(self) -> Result<Observability, Error> {
        // Two threads that install at once: one of them is told.
        static ONE: PerProcess<Mutex<()>> = PerProcess::new(Mutex::default);
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        if sampler::scope_records(0) {
            return Err(Error::new(
                ErrorKind::State,
                "an Observability is installed already: keep one guard for the process, \
                 or use `obs_runtime::testing::capture` in tests",
            ));
        }
        if self.flush_on_panic.unwrap_or(cfg!(panic = "abort")) {
            exit::flush_on_panic();
        }
        start::start(self, 0, Environment::read(), Vec::new(), Vec::new())
    }

    /// Starts a scope beside the installed default, with sinks of its own.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn start_scoped(
        self,
        sinks: Vec<Box<dyn SpanSink>>,
        logs: Vec<Box<dyn LogSink>>,
    ) -> Result<Observability, Error> {
        let id = drain::free_id().ok_or_else(|| {
            Error::new(ErrorKind::State, "65,535 Observability values run already")
        })?;
        start::start(self, id, Environment::default(), sinks, logs)
    }
}

impl core::fmt::Debug for Builder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Builder")
            .field("service_name", &self.service_name)
            .finish_non_exhaustive()
    }
}
