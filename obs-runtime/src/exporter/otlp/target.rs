//! From a configuration to what is connected: one signal's settings, checked.

use core::time::Duration;
use std::sync::Arc;

use crate::Error;
use crate::exporter::otlp::config::{Compression, OtlpConfig, Protocol, Signal};
use crate::exporter::otlp::endpoint::Endpoint;
use crate::exporter::otlp::headers::{check_header, set_header};
use crate::exporter::otlp::settings::GivenUrl;
use crate::exporter::otlp::spool::Spool;
use crate::exporter::otlp::tls::Tls;

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
    /// Whether anything says that the signal is to be sent.
    pub(crate) fn sends(&self, signal: Signal) -> bool {
        let given =
            self.general.endpoint.is_some() || self.signals[signal.index()].endpoint.is_some();
        self.selected[signal.index()].unwrap_or(given)
    }

    pub(super) fn metrics_every(&self) -> Duration {
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
