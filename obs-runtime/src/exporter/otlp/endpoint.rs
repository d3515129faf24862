//! The URL of a receiver: checked once, so that a typing mistake is an error at start and not
//! a line in a log later.

use std::net::Ipv6Addr;

use crate::Error;
use crate::exporter::http_client::is_loopback;
use crate::exporter::otlp::config::{Protocol, Signal};
use crate::exporter::otlp::settings::GivenUrl;

/// A checked URL.
#[derive(Clone, Debug, PartialEq)]
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
}

impl Endpoint {
    /// Returns what messages show of the URL. A path of the user's own may hold a key.
    pub(super) fn shown(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let is_usual = |path: &str| Signal::ALL.iter().any(|s| s.http_path() == path);
        let path = match path {
            "" | "/" => "",
            path if is_usual(path) => path,
            _ => "/…",
        };
        format!("{scheme}://{authority}{path}")
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
        given.origin, given.url
    ))
}
