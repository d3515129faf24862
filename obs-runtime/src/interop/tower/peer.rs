//! Who sent a request: the other end of the connection, and the client behind trusted proxies.
//!
//! Addresses are personal data in many countries, so nothing is recorded unless the program asks
//! for it ([`Peers`]). Headers that name the client can be forged: only what the stated number of
//! trusted proxies appended is believed, and text that cannot be parsed is no address.

use core::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderName, header};

use crate::Capture as _;
use crate::trace::Value;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

type PeerHook = Arc<dyn Fn(&Parts) -> Option<SocketAddr> + Send + Sync>;

/// What is recorded of the sender: nothing, unless the program says so.
#[derive(Clone, Default)]
pub(super) struct Peers {
    pub(super) peer: Option<PeerHook>,
    /// How many proxies are trusted to name the client that they forward for, and where they do.
    pub(super) behind: Option<(Header, usize)>,
}

/// The header in which proxies name the client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Header {
    /// The header `Forwarded` of RFC 7239.
    Forwarded,
    XForwardedFor,
}

/// The values of `client.address`, `client.port`, `network.peer.address` and `network.peer.port`.
pub(super) type Addresses = [Value; 4];

impl Peers {
    pub(super) fn addresses(&self, request: &Parts) -> Addresses {
        let peer = self.peer.as_ref().and_then(|peer| peer(request));
        let peer = peer.map(|peer| (peer.ip().to_canonical(), Some(peer.port())));
        let behind = self
            .behind
            .and_then(|(header, proxies)| header.client(proxies, &request.headers));
        let [client, peer] = [behind.or(peer), peer].map(values);
        let ([client, client_port], [peer, peer_port]) = (client, peer);
        [client, client_port, peer, peer_port]
    }
}

fn values(end: Option<(IpAddr, Option<u16>)>) -> [Value; 2] {
    let (ip, port) = end.unzip();
    let ip = ip.map(|ip| ip.to_string());
    [ip.capture(), port.flatten().capture()]
}

impl Header {
    /// Returns the address that the outermost trusted proxy appended.
    ///
    /// Everything before it may have been written by the client.
    fn client(self, proxies: usize, headers: &HeaderMap) -> Option<(IpAddr, Option<u16>)> {
        let before = proxies.checked_sub(1)?;
        let name = match self {
            Self::Forwarded => header::FORWARDED,
            Self::XForwardedFor => X_FORWARDED_FOR,
        };
        let mut elements = Vec::new();
        for value in headers.get_all(name) {
            match self {
                // The list is plain: no quote that a client writes may hide what proxies append.
                Self::XForwardedFor => {
                    let parts = value.as_bytes().split(|b| *b == b',');
                    let parts = parts.map(|part| str::from_utf8(part).unwrap_or_default());
                    elements.extend(parts.map(str::trim));
                }
                Self::Forwarded => elements.extend(split(value.to_str().ok()?, ',')?),
            }
        }
        let element = elements.iter().rev().nth(before)?;
        match self {
            Self::XForwardedFor => node(element),
            Self::Forwarded => {
                let pairs = split(element, ';')?;
                let mut pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
                let (_, node_of) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
                node(node_of.trim_matches('"'))
            }
        }
    }
}

/// Splits a text at the separators outside of quotes (RFC 9110, section 5.6.4).
///
/// Returns `None` if a quote stays open: otherwise a client that opens one would hide what the
/// trusted proxies append in a part of its own.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|c| {
        let is_end = c == separator && !quoted;
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && quoted && !escaped;
        is_end
    });
    let parts = parts.map(str::trim).collect();
    (!quoted).then_some(parts)
}

/// Parses an address with or without a port (RFC 7239, section 6).
///
/// Returns `None` for one that is hidden or unknown.
fn node(text: &str) -> Option<(IpAddr, Option<u16>)> {
    let whole = |text: &str| text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
    if let Some(ip) = whole(text) {
        return Some((ip, None));
    }
    let (ip, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => text.split_at(text.rfind(':')?),
    };
    let port = port.strip_prefix(':').map(str::parse).and_then(Result::ok);
    Some((whole(ip)?, port))
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peers")
            .field("peer", &self.peer.is_some())
            .field("behind", &self.behind)
            .finish()
    }
}

#[cfg(test)]
#[path = "peer_tests.rs"]
mod tests;
