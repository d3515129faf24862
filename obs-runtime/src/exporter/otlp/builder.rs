//! OTLP as a part of an `Observability`.

use std::sync::Arc;

use super::config::{OtlpConfig, Signal};
use super::spool::{MAX_BYTES, Spool};
use crate::Error;
use crate::init::Builder;
use crate::init::component::{Component, Environment, Startup};
use crate::processor::drain;

/// What the program says, and what comes of it with what the environment says.
#[derive(Default)]
pub(crate) struct Otlp {
    given: OtlpConfig,
    config: OtlpConfig,
}

impl Component for Otlp {
    fn resolve(&mut self, env: &mut Environment<'_>) {
        self.config = self.given.clone().or(OtlpConfig::from_env(env));
    }

    fn start(&mut self, startup: &mut Startup) -> Result<(), Error> {
        let is_asked = self.given.sends(Signal::Traces);
        if is_asked {
            // What the program itself asks for is an error of the program; what the environment adds is not.
            self.given.target(Signal::Traces)?;
        }
        self.open_spool(startup)?;
        if let Some(delay) = self.config.spans.delay {
            drain::look_every(delay);
        }
        if let Some(exponential) = self.config.exponential_histograms {
            startup.scope.metrics.exponential_by_default(exponential);
        }
        startup.log_queue = self.config.logs.queue_items;
        let mut accepts = None;
        for signal in [Signal::Logs, Signal::Traces, Signal::Metrics] {
            if !self.config.sends(signal) {
                continue;
            }
            match self.start_signal(signal, &mut accepts, startup) {
                Ok(()) => {}
                Err(e) if is_asked && !e.is_config() => return Err(e),
                Err(e) => startup.problem(format!("{e}; nothing is sent there"))?,
            }
        }
        Ok(())
    }
}

impl Otlp {
    fn change(&mut self, change: impl FnOnce(OtlpConfig) -> OtlpConfig) {
        self.given = change(std::mem::take(&mut self.given));
    }

    fn open_spool(&mut self, startup: &mut Startup) -> Result<(), Error> {
        let config = &mut self.config;
        let Some(directory) = &config.spool_directory else {
            return Ok(());
        };
        if !Signal::ALL.into_iter().any(|signal| config.sends(signal)) {
            return Ok(());
        }
        match Spool::open(directory, config.spool_max_bytes.unwrap_or(MAX_BYTES)) {
            Ok(spool) => config.spool = Some(spool),
            Err(e) => startup.problem(e.to_string())?,
        }
        Ok(())
    }

    /// Starts what sends one signal. Traces come after logs, which may take the errors of spans.
    fn start_signal(
        &self,
        signal: Signal,
        accepts: &mut Option<super::Accepts>,
        startup: &mut Startup,
    ) -> Result<(), Error> {
        let scope = Arc::clone(&startup.scope);
        let (config, resource) = (&self.config, &scope.resource);
        match signal {
            Signal::Logs => {
                let sink = super::log_sink(config, resource)?;
                *accepts = Some(sink.accepts());
                startup.log_sinks.push(Box::new(sink));
            }
            Signal::Traces => {
                let sink = super::span_sink(config, resource, accepts.take())?;
                startup.span_sinks.push(sink);
            }
            Signal::Metrics => {
                let pusher = super::metric_pusher(config, resource, startup.metrics())?;
                let account = pusher.stats();
                startup.add_reader(pusher, account);
            }
        }
        Ok(())
    }
}

impl Builder {
    /// Sends traces, metrics and logs to an OTLP receiver: `http://localhost:4318`, or port 4317 with
    /// [`Protocol::Grpc`](crate::Protocol::Grpc). Default: `OTEL_EXPORTER_OTLP_ENDPOINT`, else nothing is sent.
    pub fn otlp(mut self, endpoint: impl Into<String>) -> Self {
        self.component::<Otlp>()
            .change(|otlp| otlp.with_endpoint(endpoint));
        self
    }

    /// How OTLP travels. Default: `OTEL_EXPORTER_OTLP_PROTOCOL`, else HTTP.
    pub fn protocol(mut self, protocol: crate::Protocol) -> Self {
        self.component::<Otlp>()
            .change(|otlp| otlp.with_protocol(protocol));
        self
    }

    /// Adds a header to every OTLP request, such as the key of a back end.
    pub fn otlp_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.component::<Otlp>()
            .change(|otlp| otlp.with_header(name, value));
        self
    }

    /// The longest that one OTLP request may take. Default: `OTEL_EXPORTER_OTLP_TIMEOUT`, else 10 s.
    pub fn otlp_timeout(mut self, timeout: core::time::Duration) -> Self {
        self.component::<Otlp>()
            .change(|otlp| otlp.with_timeout(timeout));
        self
    }

    /// The PEM file of the authorities whose receivers are trusted, instead of the public ones. Default:
    /// `OTEL_EXPORTER_OTLP_CERTIFICATE`. A file that cannot be used is an error of [`Builder::install`].
    pub fn otlp_certificate(mut self, file: impl Into<String>) -> Self {
        self.component::<Otlp>()
            .change(|otlp| otlp.with_certificate(file));
        self
    }

    /// The PEM files of a certificate and its key, for receivers that ask who sends. Default:
    /// `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and `OTEL_EXPORTER_OTLP_CLIENT_KEY`.
    pub fn otlp_client_certificate(
        mut self,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.component::<Otlp>()
            .change(|otlp| otlp.with_client_certificate(certificate, key));
        self
    }

    /// How often metrics are sent over OTLP. Default: `OTEL_METRIC_EXPORT_INTERVAL`, else 60 s.
    pub fn metric_interval(mut self, interval: core::time::Duration) -> Self {
        self.component::<Otlp>()
            .change(|otlp| otlp.with_metric_interval(interval));
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
    pub fn spool(mut self, directory: impl Into<std::path::PathBuf>) -> Self {
        self.component::<Otlp>().given.spool_directory = Some(directory.into());
        self
    }

    /// Bytes that this process may keep in the spool; when they are used up the oldest requests are
    /// dropped and counted ([`DropReason::SpoolFull`](crate::DropReason::SpoolFull)). Default:
    /// `OBS_SPOOL_MAX_BYTES`, else 256 MiB.
    pub fn spool_max_bytes(mut self, bytes: u64) -> Self {
        self.component::<Otlp>().given.spool_max_bytes = Some(bytes);
        self
    }

    /// Whether metrics go over OTLP as totals or as what was added. Default:
    /// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`, else totals.
    pub fn metric_temporality(mut self, temporality: crate::Temporality) -> Self {
        self.component::<Otlp>()
            .change(|otlp| otlp.with_temporality(temporality));
        self
    }
}
