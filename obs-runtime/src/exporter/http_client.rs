//! The HTTP client of exporters and notifiers: how it is set up, why a request was not answered, and how long a
//! receiver asks to wait.
//!
//! The client blocks: it is called from the threads that deliver.

use core::net::IpAddr;
use core::time::Duration;

use ureq::http::{HeaderMap, Uri};
use ureq::typestate::WithBody;
use ureq::{Proxy, ProxyProtocol, RequestBuilder};

use crate::exporter::proxy::{self, Found};
use crate::retry_after::retry_after;
use crate::self_log;
use crate::self_obs::DropReason;

/// The certificates of connections; nothing where TLS is not built in.
#[cfg(feature = "tls")]
pub(crate) use ureq::tls::TlsConfig as Certificates;
#[cfg(not(feature = "tls"))]
#[derive(Default)]
pub(crate) struct Certificates;

pub(crate) const USER_AGENT: &str = concat!("obs-runtime/", env!("CARGO_PKG_VERSION"));
/// Connections that are kept open: as many as may be used at once.
const MAX_IDLE: usize = 16;

/// Posts to one URL, and keeps its connections open between requests; those of a clone are the same.
#[derive(Clone)]
pub(crate) struct HttpClient {
    agent: ureq::Agent,
    url: String,
    /// No name server is asked for the host.
    is_address: bool,
}

impl HttpClient {
    /// Makes a client that follows no redirects: they would lead what is sent to a place that nobody configured.
    /// Nothing is connected yet.
    pub(crate) fn new(url: &str, is_loopback: bool, certificates: Certificates) -> Self {
        Self::with_proxy(
            url,
            is_loopback,
            certificates,
            proxy::of_process(url).as_ref(),
        )
    }

    fn with_proxy(
        url: &str,
        is_loopback: bool,
        certificates: Certificates,
        found: Option<&Found>,
    ) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(USER_AGENT)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .no_delay(true)
            .max_idle_connections_per_host(MAX_IDLE)
            // Without this ureq has rules of its own.
            .proxy(found.and_then(usable));
        #[cfg(feature = "tls")]
        let config = config.tls_config(certificates);
        #[cfg(not(feature = "tls"))]
        let Certificates = certificates;
        Self {
            agent: config.build().new_agent(),
            url: url.to_owned(),
            is_address: is_loopback || names_address(url),
        }
    }

    /// Begins a request that takes no longer than `timeout`.
    pub(crate) fn post(&self, timeout: Duration) -> RequestBuilder<WithBody> {
        let config = self.agent.post(&self.url).config();
        let limit = Some(timeout);
        let config = if self.is_address {
            // A limit for the whole covers looking the host up, for which ureq starts a thread with each request:
            // a fifth of what a delivery costs.
            config
                .timeout_connect(limit)
                .timeout_send_request(limit)
                .timeout_send_body(limit)
                .timeout_recv_response(limit)
                .timeout_recv_body(limit)
        } else {
            config.timeout_global(limit)
        };
        config.build()
    }
}

/// Returns whether a host is this machine, to which no proxy leads.
pub(crate) fn is_loopback(host: &str) -> bool {
    let is_local = |ip: IpAddr| ip.is_loopback();
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(is_local)
}

/// Returns the proxy if there is a way to speak to it. What it is called is not shown: it may hold a password.
fn usable(found: &Found) -> Option<Proxy> {
    let proxy = Proxy::new(&found.url).ok();
    let is_known = |p: &Proxy| {
        let protocol = p.protocol();
        protocol == ProxyProtocol::Http
            || (protocol == ProxyProtocol::Https && cfg!(feature = "tls"))
    };
    let usable = proxy.filter(is_known);
    if usable.is_none() {
        let name = found.variable;
        let text =
            format_args!("{name}: expected a proxy such as http://host:3128; requests go without");
        self_log::warn("http", "proxy", text);
    }
    usable
}

fn names_address(url: &str) -> bool {
    let uri = url.parse::<Uri>();
    let host = uri.as_ref().ok().and_then(Uri::host);
    host.is_some_and(|host| address(host).is_some())
}

/// Reads a host that is an address, one of IPv6 in brackets or without.
pub(super) fn address(host: &str) -> Option<IpAddr> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse().ok()
}

/// Why a request has no answer. It may have been received nevertheless.
pub(crate) struct Unanswered {
    pub(crate) reason: DropReason,
    pub(crate) cause: String,
    /// Whether the same request may succeed later.
    pub(crate) is_temporary: bool,
}

impl Unanswered {
    /// Explains the error of a request that `timeout` was given for.
    pub(crate) fn new(error: &ureq::Error, timeout: Duration) -> Self {
        let (reason, is_temporary) = match error {
            ureq::Error::Timeout(_) => (DropReason::Timeout, true),
            ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::TimedOut => {
                (DropReason::Timeout, true)
            }
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => (DropReason::Rejected, false),
            _ => (DropReason::Unreachable, true),
        };
        let cause = match error {
            _ if reason == DropReason::Timeout => format!("no answer within {timeout:.1?}"),
            ureq::Error::Io(e) => e.to_string(),
            // Its text is the URL, with the secrets in it.
            ureq::Error::BadUri(_) => "the URL cannot be used".to_owned(),
            other => other.to_string(),
        };
        Self {
            reason,
            cause,
            is_temporary,
        }
    }
}

/// Returns the pause that an answer asks for.
pub(crate) fn asked_pause(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    retry_after(text("retry-after")?, text("date"))
}

#[cfg(test)]
#[path = "http_client_tests.rs"]
mod tests;
