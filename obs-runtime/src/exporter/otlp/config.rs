//! Where OTLP data goes and how: what the program says, over what the environment says.
//!
//! Names, defaults and endpoint forms: OpenTelemetry specification, "OpenTelemetry Protocol
//! Exporter", section "Configuration Options".

use core::fmt;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use crate::exporter::delta::Temporality;
use crate::exporter::otlp::headers::set_header;
use crate::exporter::otlp::settings::{GivenUrl, Settings};
use crate::exporter::otlp::spool::Spool;
use crate::exporter::otlp::tls::GivenFile;
use crate::trace::SpanLimits;

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
    /// Returns the value of `OTEL_EXPORTER_OTLP_PROTOCOL`.
    ///
    /// ```
    /// assert_eq!(obs_runtime::exporter::otlp::Protocol::HttpProtobuf.as_str(), "http/protobuf");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::Grpc => "grpc",
        }
    }
}

/// Whether request bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Compression {
    /// They are sent as they are (the default).
    #[default]
    None,
    /// They are compressed with gzip.
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

    /// Returns what is appended to a base URL (OTLP specification, "OTLP/HTTP Request").
    pub(crate) const fn http_path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
            Self::Logs => "/v1/logs",
        }
    }

    /// Returns the method of the signal's gRPC service.
    #[cfg(feature = "otlp-grpc")]
    pub(crate) const fn grpc_path(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }

    /// Returns what an export loses if it fails, in the plural.
    pub(crate) const fn items(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "metric points",
            Self::Logs => "log records",
        }
    }
}

/// Bounds of what waits in memory and of how long it is tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Items of one request.
    pub(crate) batch_items: u64,
    /// Encoded bytes of one request.
    pub(crate) batch_bytes: usize,
    /// Encoded bytes that wait or are being sent.
    pub(crate) queue_bytes: usize,
    /// Items that wait or are being sent.
    pub(crate) queue_items: u64,
    /// Requests of one signal that may be under way at once.
    pub(crate) requests: usize,
    /// The longest message over gRPC, whose servers refuse longer ones.
    pub(crate) grpc_message_bytes: usize,
    /// A request that is not full goes out so long after the one before it.
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
            batch_items: 4096,
            batch_bytes: 1 << 20,
            queue_bytes: 16 << 20,
            queue_items: u64::MAX,
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
    /// Adds what is said of spans only.
    pub(crate) fn of_spans(mut self, spans: &BatchLimits) -> Self {
        if let Some(queue) = spans.queue_items {
            self.queue_items = queue as u64;
        }
        // A request that the queue never holds would never be sent.
        let batch = spans.batch_items.unwrap_or(self.batch_items);
        self.batch_items = batch.min(self.queue_items);
        self.delay = spans.delay.unwrap_or_default();
        self
    }
}

/// The configuration of the OTLP exporter, see [`Builder::otlp_with`](crate::Builder::otlp_with).
///
/// What it leaves open the environment says (`OTEL_EXPORTER_OTLP_*`); the default configuration leaves
/// everything open, the endpoint too.
///
/// ```
/// use core::time::Duration;
/// use obs_runtime::Observability;
/// use obs_runtime::exporter::otlp::{Compression, OtlpConfig};
///
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let config = OtlpConfig::new("http://localhost:4318")
///     .header("api-key", "s3cret")
///     .compression(Compression::Gzip)
///     .timeout(Duration::from_secs(5))
///     .metric_interval(Duration::from_secs(15));
/// let obs = Observability::builder().otlp_with(config).install()?;
/// # drop(obs);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "a configuration does nothing until an `Observability` has it"]
pub struct OtlpConfig {
    pub(super) general: Settings,
    /// What is said of one signal alone, in the order of [`Signal`]; it comes before the general settings.
    pub(super) signals: [Settings; 3],
    /// Whether `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` and `OTEL_LOGS_EXPORTER` name `otlp`.
    pub(super) selected: [Option<bool>; 3],
    pub(super) metric_interval: Option<Duration>,
    /// The longest that one export of metrics may take.
    pub(super) metric_timeout: Option<Duration>,
    pub(super) temporality: Option<Temporality>,
    /// Whether histograms without buckets of their own are exponential.
    pub(super) exponential_histograms: Option<bool>,
    pub(super) limits: Limits,
    pub(super) spans: BatchLimits,
    pub(super) logs: BatchLimits,
    /// Those of one log record, which has no events and no links.
    pub(super) log_limits: SpanLimits,
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

impl OtlpConfig {
    /// Sends traces, metrics and logs to an OTLP receiver: `http://localhost:4318`, or port 4317 with
    /// [`Protocol::Grpc`].
    ///
    /// HTTP goes through the proxy that the environment names, by the rules of curl: `http_proxy` is for `http://`,
    /// `https_proxy` for `https://`, `all_proxy` for both, in small or capital letters; none is used for this machine
    /// and for what `no_proxy` names, such as `cluster.local`, `collector:4318` or `10.0.0.0/8`. gRPC takes no proxy.
    pub fn new(endpoint: impl Into<String>) -> Self {
        let mut config = Self::default();
        config.set_endpoint(endpoint);
        config
    }

    pub(super) fn set_endpoint(&mut self, endpoint: impl Into<String>) {
        self.general.endpoint = Some(GivenUrl {
            url: endpoint.into(),
            origin: "otlp endpoint".into(),
            is_base: true,
        });
    }

    /// Sets how requests travel. Default: `OTEL_EXPORTER_OTLP_PROTOCOL`, else HTTP.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.general.protocol = Some(protocol);
        self
    }

    /// Adds a header to every request, such as the key of a back end; the last value of a name wins.
    /// Default: `OTEL_EXPORTER_OTLP_HEADERS`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        set_header(&mut self.general.headers, name.into(), value.into());
        self
    }

    /// Limits how long one request may take. Default: `OTEL_EXPORTER_OTLP_TIMEOUT`, else 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.general.timeout = Some(timeout);
        self
    }

    /// Sets whether requests are compressed. Default: `OTEL_EXPORTER_OTLP_COMPRESSION`, else not.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.general.compression = Some(compression);
        self
    }

    /// Names the PEM file of the authorities whose receivers are trusted, instead of the public ones.
    /// Default: `OTEL_EXPORTER_OTLP_CERTIFICATE`.
    ///
    /// A file that cannot be used is an error of [`Builder::install`](crate::Builder::install).
    pub fn certificate(mut self, file: impl Into<String>) -> Self {
        self.general.tls.certificate = Some(GivenFile::new(file, "OtlpConfig::certificate"));
        self
    }

    /// Names the PEM files of a certificate and its key, for receivers that ask who sends. Default:
    /// `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and `OTEL_EXPORTER_OTLP_CLIENT_KEY`.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        let origin = "OtlpConfig::client_certificate";
        self.general.tls.client_certificate = Some(GivenFile::new(certificate, origin));
        self.general.tls.client_key = Some(GivenFile::new(key, origin));
        self
    }

    /// Sets how often metrics are sent. Default: `OTEL_METRIC_EXPORT_INTERVAL`, else 60 s.
    pub fn metric_interval(mut self, interval: Duration) -> Self {
        self.metric_interval = Some(interval);
        self
    }

    /// Sets whether sums are sent as totals or as what was added. Default:
    /// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`, else totals.
    pub fn temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = Some(temporality);
        self
    }

    /// Keeps requests that cannot be sent in files below this directory, until the receiver takes
    /// them: in this process, or in the next one that uses the directory. Default: `OBS_SPOOL`, else what
    /// cannot be sent is lost and counted.
    ///
    /// ```
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// use obs_runtime::Observability;
    /// use obs_runtime::exporter::otlp::OtlpConfig;
    ///
    /// # let directory = std::env::temp_dir().join(format!("obs-spool-{}", std::process::id()));
    /// let config = OtlpConfig::new("http://localhost:4318").spool(&directory);
    /// let obs = Observability::builder().otlp_with(config).install()?;
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
    pub fn spool(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool_directory = Some(directory.into());
        self
    }

    /// Limits the room on the disk, in bytes, that the files of this process may take in the spool; when it is used up the
    /// oldest requests are dropped and counted ([`DropReason::SpoolFull`](crate::stats::DropReason::SpoolFull)).
    /// Default: `OBS_SPOOL_MAX_BYTES`, else 256 MiB.
    pub fn spool_max_bytes(mut self, bytes: u64) -> Self {
        self.spool_max_bytes = Some(bytes);
        self
    }

    /// Fills what is not set from `env`. A builder's general setting also beats the
    /// environment's setting for one signal.
    pub(super) fn or(mut self, env: Self) -> Self {
        self.signals = env.signals.map(|env| self.general.clone().or(env));
        if self.general.endpoint.is_none() {
            self.selected = env.selected;
        }
        self.general = self.general.or(env.general);
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
