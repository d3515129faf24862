//! What is said of one signal, or of all of them: by the program, or by the environment.

use core::fmt;
use core::time::Duration;

use crate::exporter::otlp::config::{Compression, Protocol};
use crate::exporter::otlp::tls::TlsFiles;

/// A URL as it was given, and by whom: messages name it.
#[derive(Clone, PartialEq)]
pub(super) struct GivenUrl {
    pub(super) url: String,
    pub(super) origin: &'static str,
}

impl GivenUrl {
    /// With the scheme that gRPC's endpoints may leave out (specification, "Configuration Options", "Insecure").
    pub(super) fn with_scheme(&self, protocol: Protocol, insecure: bool) -> Self {
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

impl Settings {
    /// Takes from `other` what neither `self` nor `over` sets; header by header.
    pub(super) fn fill(&mut self, other: Self, over: Option<&Self>) {
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
