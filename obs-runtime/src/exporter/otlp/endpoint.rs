//! The URL of a receiver: checked once, so that a typing mistake is an error at start and not
//! a line in a log later.

use core::fmt;
use std::net::Ipv6Addr;

use crate::Error;
use crate::exporter::http_client::is_loopback;
use crate::exporter::otlp::config::{Protocol, Signal};
use crate::exporter::otlp::settings::GivenUrl;
use crate::shown_url::shown_url;

/// A checked URL.
#[derive(Clone, PartialEq)]
pub(crate) struct Endpoint {
    /// What requests go to: for HTTP with the signal's path.
    pub(crate) url: String,
    pub(crate) is_https: bool,
    /// The receiver is on this machine: no proxy stands in between.
    pub(crate) is_loopback: bool,
}

impl Endpoint {
    /// Checks a URL, and appends the signal's path if it is a base (specification, "Endpoint URLs for OTLP/HTTP").
    pub(super) fn new(given: &GivenUrl, protocol: Protocol, signal: Signal) -> Result<Self, Error> {
        let parts = Parts::parse(given)?;
        if protocol == Protocol::Grpc {
            return match parts.path {
                "" | "/" => Ok(parts.endpoint("")),
                _ => Err(bad(
                    given,
                    "no path for protocol grpc, as in http://host:4317",
                )),
            };
        }
        if !given.is_base {
            let path = Some(parts.path).filter(|path| !path.is_empty());
            return Ok(parts.endpoint(path.unwrap_or("/")));
        }
        if parts.path.contains(['?', '#']) {
            return Err(bad(given, "a base URL without `?` and `#`"));
        }
        let base = parts.path.trim_end_matches('/');
        if Signal::ALL.iter().any(|s| base.ends_with(s.http_path())) {
            return Err(bad(
                given,
                "the base URL without the path of a signal, which is appended",
            ));
        }
        Ok(parts.endpoint(&format!("{base}{}", signal.http_path())))
    }

    /// Returns the URL as messages show it. A path that the specification gives is no secret.
    pub(super) fn shown(&self) -> String {
        let of_signal = Signal::ALL.iter().find_map(|signal| {
            let base = self.url.strip_suffix(signal.http_path())?;
            let shown = shown_url(base);
            Some(if shown == base {
                self.url.clone()
            } else {
                shown
            })
        });
        of_signal.unwrap_or_else(|| shown_url(&self.url))
    }
}

/// The path may be a secret.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.shown()).finish()
    }
}

/// A URL taken apart.
struct Parts<'a> {
    is_https: bool,
    authority: &'a str,
    host: &'a str,
    /// From the first `/`, `?` or `#` on; may be empty.
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn parse(given: &'a GivenUrl) -> Result<Self, Error> {
        let url = given.url.trim();
        let (is_https, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            _ => return Err(bad(given, "a URL that begins with http:// or https://")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            // The URL is not repeated: it holds a password.
            return Err(Error::config(format!(
                "{} holds a user name or password: expected http://host:port; give credentials \
                 as a header",
                given.origin
            )));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => match v6.split_once(']') {
                Some((host, rest)) if host.parse::<Ipv6Addr>().is_ok() => {
                    (host, rest.strip_prefix(':'))
                }
                _ => return Err(bad(given, "an IPv6 address in brackets")),
            },
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let host_byte = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
        if host.is_empty() || !host.bytes().all(host_byte) {
            return Err(bad(
                given,
                "a host name or address, as in http://localhost:4318",
            ));
        }
        if port.is_some_and(|p| p.parse::<u16>().map_or(true, |p| p == 0)) {
            return Err(bad(given, "a port from 1 to 65535"));
        }
        if !path.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(bad(given, "a path of visible ASCII characters"));
        }
        Ok(Self {
            is_https,
            authority,
            host,
            path,
        })
    }

    fn endpoint(&self, path: &str) -> Endpoint {
        let scheme = if self.is_https { "https" } else { "http" };
        Endpoint {
            url: format!("{scheme}://{}{path}", self.authority),
            is_https: self.is_https,
            is_loopback: is_loopback(self.host),
        }
    }
}

fn bad(given: &GivenUrl, expected: &str) -> Error {
    Error::config(format!(
        "{} is {:?}: expected {expected}",
        given.origin,
        shown_url(&given.url)
    ))
}
