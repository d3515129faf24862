//! What both sides of HTTP say of a request (OpenTelemetry semantic conventions, "HTTP spans").

use std::borrow::Cow;

use ::http::{Method, Version};

use crate::redact::{MASK, is_secret_key};
use crate::semconv::OTHER;
use crate::trace::local::redact;

/// Parameters of signed URLs ("HTTP spans", `url.query`) that their names do not give away.
const SIGNATURES: &[&str] = &[
    "awsaccesskeyid",
    "sig",
    "signature",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-goog-credential",
    "x-goog-signature",
];

/// Returns the method if it is a known one: clients must not choose the values of labels.
pub(crate) fn method(method: &Method) -> &'static str {
    const KNOWN: &[&str] = &[
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE",
    ];
    let known = KNOWN.iter().find(|known| **known == method.as_str());
    known.copied().unwrap_or(OTHER)
}

/// Returns the method in a span's name ("HTTP spans", "Name").
pub(crate) fn in_name(method: &'static str) -> &'static str {
    if method == OTHER { "HTTP" } else { method }
}

/// Returns the value of `network.protocol.version`.
pub(crate) fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// Returns a query without the values of secrets.
pub(crate) fn query(query: &str) -> Cow<'_, str> {
    if query.split('&').all(|pair| secret(pair).is_none()) {
        return redact(query);
    }
    let mut out = String::with_capacity(query.len());
    for (i, pair) in query.split('&').enumerate() {
        if i > 0 {
            out.push('&');
        }
        match secret(pair) {
            Some(key) => {
                out.push_str(key);
                out.push('=');
                out.push_str(MASK);
            }
            None => out.push_str(&redact(pair)),
        }
    }
    Cow::Owned(out)
}

/// Returns the name of a parameter whose value is not to be seen.
fn secret(pair: &str) -> Option<&str> {
    let (key, value) = pair.split_once('=')?;
    let signature = || SIGNATURES.iter().any(|s| key.eq_ignore_ascii_case(s));
    (!value.is_empty() && (signature() || is_secret_key(key))).then_some(key)
}

/// Returns a path without what looks like a secret.
pub(crate) fn path(path: &str) -> Cow<'_, str> {
    redact(path)
}

/// Returns a URL as it may be seen: without secrets, and without a fragment, which is never sent.
#[cfg(feature = "reqwest")]
pub(crate) fn full(url: &::reqwest::Url) -> String {
    let mut out = String::with_capacity(url.as_str().len());
    out.push_str(url.scheme());
    out.push_str("://");
    if !url.username().is_empty() || url.password().is_some() {
        out.push_str(MASK);
        out.push(':');
        out.push_str(MASK);
        out.push('@');
    }
    out.push_str(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        out.push(':');
        out.push_str(&port.to_string());
    }
    out.push_str(&path(url.path()));
    if let Some(text) = url.query() {
        out.push('?');
        out.push_str(&query(text));
    }
    out
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
