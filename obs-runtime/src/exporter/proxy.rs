//! Which proxy leads to a URL, by the rules of curl: `http_proxy` for `http://` alone, `https_proxy` for `https://`,
//! `all_proxy` for both, and none to what `no_proxy` names.
//!
//! Of each variable the name in small letters comes first. `HTTP_PROXY` is left out where it may be a header that a
//! stranger sent (CGI), which `REQUEST_METHOD` says.

use core::net::IpAddr;

use ureq::http::Uri;

use crate::exporter::http_client::{address, is_loopback};

/// A proxy, and the variable that names it.
#[derive(Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) variable: &'static str,
    pub(crate) url: String,
}

/// Returns the proxy that the environment names for a URL.
pub(crate) fn of_process(url: &str) -> Option<Found> {
    find(url, |name| std::env::var(name).ok())
}

pub(super) fn find(url: &str, env: impl Fn(&str) -> Option<String>) -> Option<Found> {
    // An empty variable is one that is not set.
    let get = |name: &str| {
        env(name)
            .map(|v| v.trim().to_owned())
            .filter(|v| !v.is_empty())
    };
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?;
    let is_https = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    let excluded = get("no_proxy")
        .or_else(|| get("NO_PROXY"))
        .unwrap_or_default();
    let mut entries = excluded.split([',', ' ']).filter(|entry| !entry.is_empty());
    if is_loopback(host) || entries.any(|entry| excludes(entry, host, port)) {
        return None;
    }
    let names = if is_https {
        ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
    };
    let is_header = |name: &str| name == "HTTP_PROXY" && get("REQUEST_METHOD").is_some();
    names
        .into_iter()
        .filter(|name| !is_header(name))
        .find_map(|variable| {
            let url = get(variable)?;
            Some(Found { variable, url })
        })
}

/// Returns whether an entry of `no_proxy` names the host: `*`, an address, a network such as `10.0.0.0/8`, or a name, which
/// stands for all names that end with it. A port behind it limits it to that port.
fn excludes(entry: &str, host: &str, port: u16) -> bool {
    let (entry, only) = split_port(entry);
    if only.is_some_and(|only| only != port) {
        return false;
    }
    if entry == "*" {
        return true;
    }
    if let Some(host) = address(host) {
        return match entry.split_once('/') {
            Some((network, bits)) => bits
                .parse()
                .is_ok_and(|bits| is_within(host, network, bits)),
            None => address(entry) == Some(host),
        };
    }
    let name = |text: &str| text.trim_matches('.').to_ascii_lowercase();
    let (entry, host) = (name(entry.trim_start_matches('*')), name(host));
    let Some(before) = host.strip_suffix(&*entry) else {
        return false;
    };
    !entry.is_empty() && (before.is_empty() || before.ends_with('.'))
}

/// Splits `host:port`; an address of IPv6 has its port behind brackets.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    let Some((host, port)) = entry.rsplit_once(':') else {
        return (entry, None);
    };
    match port.parse() {
        Ok(port) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (entry, None),
    }
}

fn is_within(host: IpAddr, network: &str, bits: u32) -> bool {
    let (host, network, width) = match (host, address(network)) {
        (IpAddr::V4(host), Some(IpAddr::V4(network))) => (
            u128::from(host.to_bits()),
            u128::from(network.to_bits()),
            32,
        ),
        (IpAddr::V6(host), Some(IpAddr::V6(network))) => (host.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let Some(rest) = u32::checked_sub(width, bits) else {
        return false;
    };
    // A network of no bits is everything.
    let kept = |address: u128| address.checked_shr(rest).unwrap_or(0);
    kept(host) == kept(network)
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
