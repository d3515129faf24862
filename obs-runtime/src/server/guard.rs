//! The two checks that every request must pass: the host that it names, and its bearer token.
//!
//! [`host_allowed`] guards against DNS rebinding, [`token_allowed`] against strangers. Both run
//! before anything else is looked at (`route.rs`), and what they cannot understand they refuse.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Request, Version};

/// Returns whether the request names this server.
///
/// A page that was loaded from elsewhere has its own name in `Host`, even when that name resolves
/// to this machine.
pub(super) fn host_allowed<B>(request: &Request<B>, bound: SocketAddr, allowed: &[String]) -> bool {
    let mut named = request.headers().get_all(HOST).iter();
    let header = match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().ok(),
        // HTTP/1.0 has no `Host`, and browsers do not speak it.
        (None, None) if request.version() == Version::HTTP_10 => Some("localhost"),
        _ => None,
    };
    // A request to a proxy also names a host in its target.
    let target = request.uri().authority().map(Authority::as_str);
    header.is_some_and(|host| name_allowed(host, bound, allowed))
        && target.is_none_or(|host| name_allowed(host, bound, allowed))
}

fn name_allowed(host: &str, bound: SocketAddr, allowed: &[String]) -> bool {
    let Some(name) = without_port(host) else {
        return false;
    };
    let literal = name
        .strip_prefix('[')
        .and_then(|n| n.strip_suffix(']'))
        .unwrap_or(name);
    if let Ok(ip) = literal.parse::<IpAddr>() {
        let (ip, bound) = (ip.to_canonical(), bound.ip().to_canonical());
        return ip.is_loopback()
            || ip == bound
            || bound.is_unspecified()
            || listed(literal, allowed);
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || listed(&name, allowed)
}

fn listed(name: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|a| a == name)
}

/// Returns the name of `name`, `name:port`, `[v6]` or `[v6]:port`; none if the text is malformed.
fn without_port(host: &str) -> Option<&str> {
    let end = match host.strip_prefix('[') {
        Some(v6) => v6.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(end);
    let valid = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|p| p.parse::<u16>().is_ok());
    (valid && !name.is_empty()).then_some(name)
}

/// Returns whether the request has the token (RFC 6750, section 2.1), or none is demanded.
pub(super) fn token_allowed<B>(request: &Request<B>, token: Option<&str>) -> bool {
    let Some(token) = token else {
        return true;
    };
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .map(HeaderValue::as_bytes);
    let given = header.and_then(|h| {
        let (scheme, rest) = h.split_at_checked(7)?;
        scheme
            .eq_ignore_ascii_case(b"bearer ")
            .then_some(rest.trim_ascii())
    });
    given.is_some_and(|given| same(given, token.as_bytes()))
}

/// Compares in constant time, so that timing does not tell how much of a token was right.
fn same(given: &[u8], token: &[u8]) -> bool {
    let mut different = u8::from(given.len() != token.len());
    for (index, byte) in given.iter().enumerate() {
        different |= byte ^ token[index % token.len()];
    }
    std::hint::black_box(different) == 0
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
