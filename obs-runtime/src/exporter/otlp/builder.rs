//! OTLP as a part of an `Observability`.

use std::sync::Arc;

use super::config::{OtlpConfig, Signal};
use super::lane::Accepts;
use super::log_sink::OtlpLogSink;
use super::metric_destination;
use super::sink::OtlpSpanSink;
use super::spool::{MAX_BYTES, Spool};
use super::transport::connect_to;
use crate::Error;
use crate::init::Builder;
use crate::init::component::{Component, Environment, Startup, Unconfigured};
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

    fn unconfigured(&mut self, _: &mut Startup) -> Unconfigured {
        Unconfigured::Hint(
            "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 sends it to a receiver there",
        )
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
        accepts: &mut Option<Accepts>,
        startup: &mut Startup,
    ) -> Result<(), Error> {
        let scope = Arc::clone(&startup.scope);
        let (config, resource) = (&self.config, &scope.resource);
        match signal {
            Signal::Logs => {
                let (target, transport) = connect_to(config, signal)?;
                let sink = OtlpLogSink::start(&target, transport, config, resource)?;
                *accepts = Some(sink.accepts());
                startup.log_sinks.push(Box::new(sink));
            }
            Signal::Traces => {
                let (target, transport) = connect_to(config, signal)?;
                let limits = config.limits.of_spans(&config.spans);
                let sink =
                    OtlpSpanSink::start(&target, transport, limits, resource, accepts.take())?;
                startup.span_sinks.push(Box::new(sink));
            }
            Signal::Metrics => {
                let pusher = metric_destination::start(config, resource, startup.metrics())?;
                let account = pusher.stats();
                startup.add_reader(pusher, account);
            }
        }
        Ok(())
    }
}

impl Builder {
    /// Sends traces, metrics and logs to an OTLP receiver: `http://localhost:4318`, or port 4317 with
    /// [`Protocol::Grpc`](crate::exporter::otlp::Protocol::Grpc). Default: `OTEL_EXPORTER_OTLP_ENDPOINT`, else nothing is
    /// sent.
    ///
    /// What [`Builder::otlp_with`] has said before stays, but for the endpoint.
    pub fn otlp(mut self, endpoint: impl Into<String>) -> Self {
        self.component::<Otlp>().given.set_endpoint(endpoint);
        self
    }

    /// Does the same as [`Builder::otlp`], with a protocol, headers, a spool and more of your own.
    pub fn otlp_with(mut self, config: OtlpConfig) -> Self {
        self.component::<Otlp>().given = config;
        self
    }
}
