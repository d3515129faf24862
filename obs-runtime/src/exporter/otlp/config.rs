//! Where OTLP data goes and how: the builder's settings over those of the environment.
//!
//! Names, defaults and endpoint forms: OpenTelemetry specification, "OpenTelemetry Protocol
//! Exporter", section "Configuration Options".

use core::fmt;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Error;
use crate::exporter::delta::Temporality;
use crate::exporter::otlp::endpoint::Endpoint;
use crate::exporter::otlp::headers::{check_header, set_header};
use crate::exporter::otlp::log_limits::LogLimits;
use crate::exporter::otlp::spool::Spool;
use crate::exporter::otlp::tls::{GivenFile, Tls, TlsFiles};

/// How OTLP data travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Protocol {
    /// Protobuf over HTTP/1.1, by convention to port 4318 (the default).
    #[default]
    HttpProtobuf,
    /// gRPC, by convention to port 4317; needs feature `otlp-grpc`.
    Grpc,
}

impl Protocol {
    /// The value of `OTEL_EXPORTER_OTLP_PROTOCOL`.
    ///
    /// ```
    /// assert_eq!(obs_runtime::Protocol::HttpProtobuf.as_str(), "http/protobuf");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::Grpc => "grpc",
        }
    }
}

/// Whether request bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Compression {
    #[default]
    None,
    Gzip,
}

/// What OTLP sends separately, to addresses of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    pub(crate) const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// Where the signal's settings are kept.
    const fn index(self) -> usize {
        match self {
            Self::Traces => 0,
            Self::Metrics => 1,
            Self::Logs => 2,
        }
    }

    /// What is appended to a base URL (OTLP specification, "OTLP/HTTP Request").
    pub(crate) const fn http_path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
            Self::Logs => "/v1/logs",
        }
    }

    /// The method of the signal's gRPC service.
    #[cfg(feature = "otlp-grpc")]
    pub(crate) const fn grpc_path(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }

    /// What an export loses if it fails, in the plural.
    pub(crate) const fn items(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "metric points",
            Self::Logs => "log records",
        }
    }
}

/// A URL as it was given, and by whom: messages name it.
#[derive(Clone, PartialEq)]
pub(super) struct GivenUrl {
    pub(super) url: String,
    pub(super) origin: &'static str,
}

impl GivenUrl {
    /// With the scheme that gRPC's endpoints may leave out (specification, "Configuration Options", "Insecure").
    fn with_scheme(&self, protocol: Protocol, insecure: bool) -> Self {
        let scheme = match (protocol, insecure) {
            (Protocol::Grpc, _) if self.url.contains("://") => "",
            (Protocol::Grpc, true) => "http://",
            (Protocol::Grpc, false) => "https://",
            (Protocol::HttpProtobuf, _) => "",
        };
        Self {
            url: format!("{scheme}{}", self.url.trim()),
            origin: self.origin,
        }
    }
}

/// Settings for one signal, or for all of them.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Settings {
    pub(super) endpoint: Option<GivenUrl>,
    /// Whether an endpoint without a scheme is plain text; for gRPC.
    pub(super) insecure: Option<bool>,
    pub(super) protocol: Option<Protocol>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) timeout: Option<Duration>,
    pub(super) compression: Option<Compression>,
    pub(super) tls: TlsFiles,
}

/// Bounds of what waits in memory and of how long it is tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Spans of one request.
    pub(crate) batch_spans: u64,
    /// Encoded bytes of one request.
    pub(crate) batch_bytes: usize,
    /// Encoded bytes that wait or are being sent.
    pub(crate) queue_bytes: usize,
    /// Spans that wait or are being sent.
    pub(crate) queue_spans: u64,
    /// Requests of one signal that may be under way at once.
    pub(crate) requests: usize,
    /// The longest message over gRPC, whose servers refuse longer ones.
    pub(crate) grpc_message_bytes: usize,
    /// A request of spans that is not full goes out so long after the one before it.
    pub(crate) delay: Duration,
    /// How long one batch is tried, the first attempt included.
    pub(crate) retry_for: Duration,
    /// The pause before the first retry; it doubles from then on.
    pub(crate) backoff: Duration,
    /// The longest pause.
    pub(crate) max_backoff: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_spans: 4096,
            batch_bytes: 1 << 20,
            queue_bytes: 16 << 20,
            queue_spans: u64::MAX,
            requests: 4,
            // A little below 4 MiB, the servers' default; HTTP receivers take more.
            grpc_message_bytes: (4 << 20) - 1024,
            delay: Duration::ZERO,
            retry_for: Duration::from_secs(60),
            backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// With what is said of spans only.
    pub(crate) fn of_spans(mut self, spans: &BatchLimits) -> Self {
        if let Some(queue) = spans.queue_items {
            self.queue_spans = queue as u64;
        }
        // A request that the queue never holds would never be sent.
        let batch = spans.batch_items.unwrap_or(self.batch_spans);
        self.batch_spans = batch.min(self.queue_spans);
        self.delay = spans.delay.unwrap_or_default();
        self
    }
}

/// The builder's OTLP settings, or those of the environment.
#[derive(Clone, Default)]
pub(crate) struct OtlpConfig {
    pub(super) general: Settings,
    /// By [`Signal::index`].
    signals: [Settings; 3],
    /// `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER`: whether the list names `otlp`.
    pub(super) selected: [Option<bool>; 3],
    pub(super) metric_interval: Option<Duration>,
    /// The longest that one export of metrics may take.
    pub(super) metric_timeout: Option<Duration>,
    pub(super) temporality: Option<Temporality>,
    /// Whether histograms without buckets of their own are exponential.
    pub(crate) exponential_histograms: Option<bool>,
    pub(crate) limits: Limits,
    pub(crate) spans: BatchLimits,
    pub(crate) logs: BatchLimits,
    pub(crate) log_limits: LogLimits,
    /// Where to keep what cannot be sent, and how much of it.
    pub(super) spool_directory: Option<PathBuf>,
    pub(super) spool_max_bytes: Option<u64>,
    /// That directory, once it is open.
    pub(super) spool: Option<Arc<Spool>>,
}

/// What is said of one signal only: `OTEL_BSP_*` of spans, `OTEL_BLRP_*` of logs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct BatchLimits {
    /// Log records that wait for the drain; spans that wait to be sent or are sent.
    pub(crate) queue_items: Option<usize>,
    /// Items of one request.
    pub(crate) batch_items: Option<u64>,
    /// Between two requests that are not full.
    pub(crate) delay: Option<Duration>,
    /// The longest that one export may take.
    pub(crate) export_timeout: Option<Duration>,
}

/// One signal's settings, resolved and checked.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) signal: Signal,
    pub(crate) endpoint: Endpoint,
    pub(crate) protocol: Protocol,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) tls: Tls,
    pub(crate) spool: Option<Arc<Spool>>,
}

/// OpenTelemetry's default for one export.
const TIMEOUT: Duration = Duration::from_secs(10);
/// OpenTelemetry's default of `OTEL_METRIC_EXPORT_INTERVAL`.
const METRIC_INTERVAL: Duration = Duration::from_secs(60);

impl OtlpConfig {
    /// Sends every signal to a base URL.
    #[cfg(test)]
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self::default().with_endpoint(url)
    }

    pub(crate) fn with_endpoint(mut self, url: impl Into<String>) -> Self {
        self.general.endpoint = Some(GivenUrl {
            url: url.into(),
            origin: "otlp endpoint",
        });
        self
    }

    pub(crate) fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.general.protocol = Some(protocol);
        self
    }

    /// Adds a header to every request; the last value of a name wins.
    pub(crate) fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        set_header(&mut self.general.headers, name.into(), value.into());
        self
    }

    pub(crate) fn with_certificate(mut self, path: impl Into<String>) -> Self {
        self.general.tls.certificate = Some(GivenFile::new(path, "otlp_certificate"));
        self
    }

    pub(crate) fn with_client_certificate(
        mut self,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        let origin = "otlp_client_certificate";
        self.general.tls.client_certificate = Some(GivenFile::new(certificate, origin));
        self.general.tls.client_key = Some(GivenFile::new(key, origin));
        self
    }

    pub(crate) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.general.timeout = Some(timeout);
        self
    }

    #[cfg(test)]
    pub(crate) fn with_compression(mut self, compression: Compression) -> Self {
        self.general.compression = Some(compression);
        self
    }

    pub(crate) fn with_metric_interval(mut self, interval: Duration) -> Self {
        self.metric_interval = Some(interval);
        self
    }

    pub(crate) fn with_temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = Some(temporality);
        self
    }

    pub(super) fn signal_mut(&mut self, signal: Signal) -> &mut Settings {
        &mut self.signals[signal.index()]
    }

    /// Fills what is not set from `env`. A builder's general setting also beats the
    /// environment's setting for one signal.
    pub(crate) fn or(mut self, env: Self) -> Self {
        for (own, other) in self.signals.iter_mut().zip(env.signals) {
            own.fill(other, Some(&self.general));
        }
        if self.general.endpoint.is_none() {
            self.selected = env.selected;
        }
        self.general.fill(env.general, None);
        self.metric_interval = self.metric_interval.or(env.metric_interval);
        self.metric_timeout = self.metric_timeout.or(env.metric_timeout);
        self.spans = env.spans;
        self.logs = env.logs;
        self.log_limits = env.log_limits;
        self.spool_directory = self.spool_directory.or(env.spool_directory);
        self.spool_max_bytes = self.spool_max_bytes.or(env.spool_max_bytes);
        self.temporality = self.temporality.or(env.temporality);
        self.exponential_histograms = self.exponential_histograms.or(env.exponential_histograms);
        self
    }

    /// Whether anything says that the signal is to be sent.
    pub(crate) fn sends(&self, signal: Signal) -> bool {
        let given =
            self.general.endpoint.is_some() || self.signals[signal.index()].endpoint.is_some();
        self.selected[signal.index()].unwrap_or(given)
    }

    pub(crate) fn metric_interval(&self) -> Duration {
        // A pause of nothing would be a busy loop.
        let interval = self.metric_interval.unwrap_or(METRIC_INTERVAL);
        interval.max(Duration::from_millis(1))
    }

    /// Resolves and checks one signal's settings; `None` if it is not to be sent.
    ///
    /// # Errors
    /// When an endpoint or a header is not usable, or the protocol's feature is off.
    pub(crate) fn target(&self, signal: Signal) -> Result<Option<Target>, Error> {
        if !self.sends(signal) {
            return Ok(None);
        }
        let (general, own) = (&self.general, &self.signals[signal.index()]);
        let protocol = own.protocol.or(general.protocol).unwrap_or_default();
        let insecure = own.insecure.or(general.insecure).unwrap_or(false);
        let complete = |given: &GivenUrl| given.with_scheme(protocol, insecure);
        let endpoint = match (&own.endpoint, &general.endpoint) {
            (Some(given), _) => Endpoint::as_given(&complete(given), protocol)?,
            (None, Some(given)) => Endpoint::from_base(&complete(given), protocol, signal)?,
            (None, None) => Endpoint::from_base(&default_endpoint(protocol), protocol, signal)?,
        };
        let mut headers = general.headers.clone();
        for (name, value) in &own.headers {
            set_header(&mut headers, name.clone(), value.clone());
        }
        headers.iter().try_for_each(check_header)?;
        let timeout = own.timeout.or(general.timeout).unwrap_or(TIMEOUT);
        if timeout.is_zero() {
            return Err(Error::config(
                "the OTLP timeout is 0: give how long one export may take, such as 10 s",
            ));
        }
        if protocol == Protocol::Grpc && !cfg!(feature = "otlp-grpc") {
            return Err(Error::config(
                "OTLP over gRPC is not built in: enable feature `otlp-grpc` of obs-runtime, or \
                 use protocol http/protobuf (by convention port 4318)",
            ));
        }
        let tls = if endpoint.is_https {
            own.tls.clone().or(general.tls.clone()).load()?
        } else {
            Tls::default()
        };
        Ok(Some(Target {
            signal,
            endpoint,
            protocol,
            headers,
            timeout,
            compression: own.compression.or(general.compression).unwrap_or_default(),
            tls,
            spool: self.spool.clone(),
        }))
    }
}

impl Settings {
    /// Takes from `other` what neither `self` nor `over` sets; header by header.
    fn fill(&mut self, other: Self, over: Option<&Self>) {
        let none = Self::default();
        let over = over.unwrap_or(&none);
        if self.endpoint.is_none() && over.endpoint.is_none() {
            self.endpoint = other.endpoint;
        }
        self.insecure = self.insecure.or(other.insecure);
        if self.protocol.is_none() && over.protocol.is_none() {
            self.protocol = other.protocol;
        }
        if self.timeout.is_none() && over.timeout.is_none() {
            self.timeout = other.timeout;
        }
        if self.compression.is_none() && over.compression.is_none() {
            self.compression = other.compression;
        }
        self.tls = core::mem::take(&mut self.tls).or(other.tls.unless_in(&over.tls));
        for (name, value) in other.headers {
            let has = |headers: &[(String, String)]| {
                headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(&name))
            };
            if !has(&self.headers) && !has(&over.headers) {
                self.headers.push((name, value));
            }
        }
    }
}

fn default_endpoint(protocol: Protocol) -> GivenUrl {
    let url = match protocol {
        Protocol::HttpProtobuf => "http://localhost:4318",
        Protocol::Grpc => "http://localhost:4317",
    };
    GivenUrl {
        url: url.to_owned(),
        origin: "default OTLP endpoint",
    }
}

/// Values of headers are often secrets: only their names are shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(n, _)| n.as_str()).collect();
        f.debug_struct("Settings")
            .field(
                "endpoint",
                &self
                    .endpoint
                    .as_ref()
                    .and_then(|e| e.url.rsplit('@').next()),
            )
            .field("insecure", &self.insecure)
            .field("protocol", &self.protocol)
            .field("headers", &names)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .field("tls", &self.tls)
            .finish()
    }
}

impl fmt::Debug for OtlpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpConfig")
            .field("general", &self.general)
            .field("signals", &self.signals)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
