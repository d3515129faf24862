//! The configuration of the HTTP server: who may ask, and how much of its time clients get.
//!
//! [`HttpConfig`] is plain data. The server checks it once, in [`HttpConfig::check`], before it
//! opens a port; `Routes` and the loop that accepts connections read it afterwards.

use core::fmt;
use core::sync::atomic::AtomicU64;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::LONGEST_WAIT;
use crate::{AttributeValue, Error};

/// The configuration of an [`HttpServer`](super::HttpServer).
///
/// ```
/// use std::time::Duration;
/// use obs_runtime::server::HttpConfig;
///
/// let config = HttpConfig::new()
///     .bearer_token("a-long-random-text")
///     .allow_host("metrics.shop.internal")
///     .collect_timeout(Duration::from_secs(5));
/// ```
#[derive(Clone)]
#[must_use = "a configuration does nothing until a server starts with it"]
pub struct HttpConfig {
    pub(super) bearer_token: Option<String>,
    /// Host names in lower case, without port.
    pub(super) hosts: Vec<String>,
    pub(super) resource: Vec<(Cow<'static, str>, AttributeValue)>,
    pub(super) page: crate::exporter::prometheus::Options,
    pub(super) max_connections: usize,
    pub(super) client_timeout: Duration,
    pub(super) collect_timeout: Duration,
    /// What pages had to leave out so far.
    pub(super) left_out: Arc<AtomicU64>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            bearer_token: None,
            hosts: Vec::new(),
            resource: Vec::new(),
            page: crate::exporter::prometheus::Options::new(),
            max_connections: 64,
            client_timeout: Duration::from_secs(10),
            collect_timeout: Duration::from_secs(10),
            left_out: Arc::default(),
        }
    }
}

impl HttpConfig {
    /// Creates a configuration without a token or further host names.
    ///
    /// The limits are 64 connections, and 10 s each for slow clients and for collecting metrics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Demands the header `Authorization: Bearer <token>` of every request.
    ///
    /// A server at an address that is not loopback does not start without a token.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.bearer_token = Some(token.into());
        self
    }

    /// Allows requests to name this host in `Host`; `name` has no port.
    ///
    /// The loopback names and the address that the server listens at are always allowed, and any IP
    /// address if it listens at all of them (`0.0.0.0`).
    pub fn allow_host(mut self, name: impl AsRef<str>) -> Self {
        self.hosts
            .push(name.as_ref().trim_end_matches('.').to_ascii_lowercase());
        self
    }

    /// Sets the attributes of the resource, which `/metrics` shows as the metric `target_info`.
    pub fn resource(mut self, attributes: Vec<(Cow<'static, str>, AttributeValue)>) -> Self {
        self.resource = attributes;
        self
    }

    /// Sets how `/metrics` is written, such as a prefix of all names.
    ///
    /// The format is not among the options: each request chooses it by its header `Accept`.
    pub fn page(mut self, options: crate::exporter::prometheus::Options) -> Self {
        self.page = options;
        self
    }

    /// Sets how many connections are served at a time; further ones wait. The least is 1.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// Sets how long the server waits for a client that sends its request or has stopped reading.
    pub fn client_timeout(mut self, timeout: Duration) -> Self {
        self.client_timeout = timeout.min(LONGEST_WAIT);
        self
    }

    /// Sets how long a request waits for the metrics before it is answered with status 503.
    pub fn collect_timeout(mut self, timeout: Duration) -> Self {
        self.collect_timeout = timeout.min(LONGEST_WAIT);
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

// Written by hand so that the token stays out of logs.
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
