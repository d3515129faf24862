//! What is said of one signal, or of all of them: by the program, or by the environment.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

use crate::exporter::otlp::config::{Compression, Protocol};
use crate::exporter::otlp::tls::TlsFiles;
use crate::shown_url::shown_url;

/// A URL as it was given, and by whom: messages name it.
#[derive(Clone, PartialEq)]
pub(super) struct GivenUrl {
    pub(super) url: String,
    pub(super) origin: Cow<'static, str>,
    /// Whether it is for all signals, each of which appends its path. One for a single signal is used as it is.
    pub(super) is_base: bool,
}

impl GivenUrl {
    /// Adds the scheme that gRPC's endpoints may leave out (specification, "Configuration Options", "Insecure").
    pub(super) fn with_scheme(self, protocol: Protocol, insecure: bool) -> Self {
        let scheme = match protocol {
            Protocol::Grpc if self.url.contains("://") => "",
            Protocol::Grpc if insecure => "http://",
            Protocol::Grpc => "https://",
            Protocol::HttpProtobuf => "",
        };
        Self {
            url: format!("{scheme}{}", self.url.trim()),
            ..self
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
    /// Takes from `other` what is not set here; header by header.
    pub(super) fn or(mut self, other: Self) -> Self {
        for (name, value) in other.headers {
            let has = |(n, _): &(String, String)| n.eq_ignore_ascii_case(&name);
            if !self.headers.iter().any(has) {
                self.headers.push((name, value));
            }
        }
        Self {
            endpoint: self.endpoint.or(other.endpoint),
            insecure: self.insecure.or(other.insecure),
            protocol: self.protocol.or(other.protocol),
            headers: self.headers,
            timeout: self.timeout.or(other.timeout),
            compression: self.compression.or(other.compression),
            tls: self.tls.or(other.tls),
        }
    }
}

/// Values of headers are often secrets: only their names are shown, and of a URL its host.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(n, _)| n.as_str()).collect();
        let endpoint = self.endpoint.as_ref();
        f.debug_struct("Settings")
            .field("endpoint", &endpoint.map(|e| shown_url(&e.url)))
            .field("insecure", &self.insecure)
            .field("protocol", &self.protocol)
            .field("headers", &names)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .field("tls", &self.tls)
            .finish()
    }
}
