//! What the server demands of its clients.

use core::fmt;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use crate::{AttributeValue, Error};

/// The configuration of an [`HttpServer`](super::HttpServer).
#[derive(Clone)]
#[must_use = "a configuration does nothing until a server starts with it"]
pub struct HttpConfig {
    pub(super) bearer_token: Option<String>,
    /// In lower case, without port.
    pub(super) hosts: Vec<String>,
    pub(super) resource: Vec<(Cow<'static, str>, AttributeValue)>,
    pub(super) page: crate::prometheus::Options,
    pub(super) max_connections: usize,
    pub(super) client_timeout: Duration,
    pub(super) collect_timeout: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            bearer_token: None,
            hosts: Vec::new(),
            resource: Vec::new(),
            page: crate::prometheus::Options::new(),
            max_connections: 64,
            client_timeout: Duration::from_secs(10),
            collect_timeout: Duration::from_secs(10),
        }
    }
}

impl HttpConfig {
    /// No token, no further host names, 64 connections, 10 s for slow clients and collections.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every request must have the header `Authorization: Bearer <token>`. An address off
    /// loopback needs it.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.bearer_token = Some(token.into());
        self
    }

    /// A further name that requests may have in `Host`, without port. The loopback names and the
    /// address that the server listens at are always allowed, and any IP address if it listens
    /// at all of them (`0.0.0.0`).
    pub fn allow_host(mut self, name: impl AsRef<str>) -> Self {
        self.hosts
            .push(name.as_ref().trim_end_matches('.').to_ascii_lowercase());
        self
    }

    /// Attributes of the resource, shown as the metric `target_info`.
    pub fn resource(mut self, attributes: Vec<(Cow<'static, str>, AttributeValue)>) -> Self {
        self.resource = attributes;
        self
    }

    /// How `/metrics` is written, such as a prefix of all names; each request chooses the format.
    pub fn page(mut self, options: crate::prometheus::Options) -> Self {
        self.page = options;
        self
    }

    /// Connections at one time; further ones wait. At least 1.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// How long a client may take to send its request, and to read on when it stopped reading.
    pub fn client_timeout(mut self, timeout: Duration) -> Self {
        self.client_timeout = timeout;
        self
    }

    /// How long a request waits for the metrics before the answer is 503.
    pub fn collect_timeout(mut self, timeout: Duration) -> Self {
        self.collect_timeout = timeout;
        self
    }

    pub(super) fn check(&self, addr: SocketAddr) -> Result<(), Error> {
        match &self.bearer_token {
            Some(token) if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) => {
                Err(Error::config(
                    "the bearer token of the HTTP server is empty or has characters that a header \
                     cannot carry: use visible ASCII characters without spaces",
                ))
            }
            None if !addr.ip().to_canonical().is_loopback() => Err(Error::config(format!(
                "the HTTP server would show metrics to the network at {addr}: set a bearer token, \
                 or use a loopback address such as 127.0.0.1"
            ))),
            _ => Ok(()),
        }
    }
}

// The token stays out of logs.
impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig")
            .field("bearer_token", &self.bearer_token.as_ref().map(|_| "…"))
            .field("hosts", &self.hosts)
            .field("max_connections", &self.max_connections)
            .field("client_timeout", &self.client_timeout)
            .field("collect_timeout", &self.collect_timeout)
            .finish_non_exhaustive()
    }
}
