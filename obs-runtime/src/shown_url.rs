//! A URL as messages show it: who was to be reached, and nothing that could be a secret.
//!
//! Addresses of receivers carry tokens in every place but the host: as the user, in the path, as a
//! parameter. A text that was meant as a URL and is none may have them anywhere.

use std::borrow::Cow;

/// Returns the scheme, the host and the port of a URL, with `…` for the rest.
///
/// Of a text whose host cannot be told for certain nothing is shown but its scheme.
pub(crate) fn shown_url(text: &str) -> String {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (format!("{scheme}://"), rest),
        Some(_) => return "…".to_owned(),
        None => (String::new(), text),
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // A slash in a password ends the authority too early.
    let is_whole = !path.contains('@');
    let server = authority.rsplit('@').next().unwrap_or_default();
    let is_known = if scheme.is_empty() {
        names_server(server)
    } else {
        is_server(server)
    };
    if !is_whole || !is_known {
        return format!("{scheme}…");
    }
    let more = if path.is_empty() || path == "/" {
        path
    } else {
        "/…"
    };
    format!("{scheme}{server}{more}")
}

/// Returns a value that is none of those which were expected, as [`shown_url`] does if it looks like a URL.
pub(crate) fn shown_value(text: &str) -> Cow<'_, str> {
    if text.contains("://") || text.contains('@') {
        shown_url(text).into()
    } else {
        text.into()
    }
}

fn is_scheme(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    (1..=16).contains(&text.len()) && text.bytes().all(letter)
}

/// Returns the host, and whether a port follows it.
fn host_and_port(server: &str) -> Option<(&str, bool)> {
    let (host, port) = match server.rfind(':') {
        Some(colon) if !server.ends_with(']') => (&server[..colon], Some(&server[colon + 1..])),
        _ => (server, None),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    is_port.then_some((host, port.is_some()))
}

/// Returns whether a text has the form of a host, with a port or without.
fn is_server(server: &str) -> bool {
    let Some((host, _)) = host_and_port(server) else {
        return false;
    };
    if let Some(v6) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return v6.parse::<core::net::Ipv6Addr>().is_ok();
    }
    !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

/// Returns whether a text without a scheme is a host for certain: a word could be a token as well.
fn names_server(server: &str) -> bool {
    let Some((host, has_port)) = host_and_port(server).filter(|_| is_server(server)) else {
        return false;
    };
    let is_short = host.split('.').all(|label| label.len() <= 20);
    let last = host.rsplit_once('.').map(|(_, last)| last);
    let is_domain = last.is_some_and(|last| {
        (2..=12).contains(&last.len()) && last.bytes().all(|b| b.is_ascii_alphabetic())
    });
    let is_address = host.starts_with('[') || host.parse::<core::net::Ipv4Addr>().is_ok();
    is_address || is_short && (has_port || is_domain || host == "localhost")
}

#[cfg(test)]
#[path = "shown_url_tests.rs"]
mod tests;
