//! From a configuration to what is connected: one signal's settings, checked.

use core::time::Duration;
use std::sync::Arc;

use crate::Error;
use crate::clock::LONGEST_WAIT;
use crate::exporter::otlp::config::{Compression, OtlpConfig, Protocol, Signal};
use crate::exporter::otlp::endpoint::Endpoint;
use crate::exporter::otlp::headers::check_header;
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
    /// Returns whether anything says that the signal is to be sent.
    pub(crate) fn sends(&self, signal: Signal) -> bool {
        let own = &self.signals[signal as usize];
        let given = self.general.endpoint.is_some() || own.endpoint.is_some();
        self.selected[signal as usize].unwrap_or(given)
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
        let own = self.signals[signal as usize].clone();
        let settings = own.or(self.general.clone());
        let protocol = settings.protocol.unwrap_or_default();
        let given = settings.endpoint.unwrap_or_else(|| by_default(protocol));
        let given = given.with_scheme(protocol, settings.insecure.unwrap_or(false));
        let endpoint = Endpoint::new(&given, protocol, signal)?;
        settings.headers.iter().try_for_each(check_header)?;
        let timeout = settings.timeout.unwrap_or(TIMEOUT).min(LONGEST_WAIT);
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
        if endpoint.is_https && !cfg!(feature = "tls") {
            let shown = endpoint.shown();
            return Err(Error::config(format!(
                "OTLP endpoint {shown}: https is not built in: enable feature `tls` of obs-runtime, \
                 or use http"
            )));
        }
        let tls = if endpoint.is_https {
            settings.tls.load()?
        } else {
            Tls::default()
        };
        Ok(Some(Target {
            signal,
            endpoint,
            protocol,
            headers: settings.headers,
            timeout,
            compression: settings.compression.unwrap_or_default(),
            tls,
            spool: self.spool.clone(),
        }))
    }
}

fn by_default(protocol: Protocol) -> GivenUrl {
    let url = match protocol {
        Protocol::HttpProtobuf => "http://localhost:4318",
        Protocol::Grpc => "http://localhost:4317",
    };
    GivenUrl {
        url: url.to_owned(),
        origin: "default OTLP endpoint".into(),
        is_base: true,
    }
}
