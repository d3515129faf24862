//! Who is asked: the host and the port of an endpoint, read from what programs have of it.

use std::borrow::Cow;
use std::net::SocketAddr;

/// A host and, if it is known, a port.
pub(crate) type Server = (Cow<'static, str>, Option<u16>);

/// Reads a URL, `host:port`, a host, or the path of a socket. User, path and query of a URL are left out: they may hold
/// secrets.
fn read(text: &str) -> Option<(String, Option<u16>)> {
    let text = text.trim();
    let path = text.strip_prefix("unix://");
    let path = path.or_else(|| text.strip_prefix("unix:")).unwrap_or(text);
    if path.starts_with('/') {
        return Some((path.to_owned(), None));
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let server = authority.rsplit_once('@').map_or(authority, |(_, s)| s);
    let (host, port) = split(server)?;
    let default = match scheme.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(443),
        "http" | "ws" => Some(80),
        _ => None,
    };
    Some((host.to_ascii_lowercase(), port.or(default)))
}

/// A host and its port; nothing if what stands behind the colon is no port.
fn split(server: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = server.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        (address, port.strip_prefix(':').unwrap_or(port))
    } else if server.matches(':').count() > 1 {
        // An address of IPv6 without brackets has no port.
        (server, "")
    } else {
        server.split_once(':').unwrap_or((server, ""))
    };
    let is_host = |c: char| !c.is_whitespace() && !c.is_control();
    if host.is_empty() || !host.chars().all(is_host) {
        return None;
    }
    match port {
        "" => Some((host, None)),
        port => Some((host, Some(port.parse().ok()?))),
    }
}

/// What says who is asked: a URL, `host:port`, a host, the path of a socket, a pair of host and port, a `SocketAddr`, or
/// an `Option` of one of these.
///
/// What is none of them is left out: a program is not disturbed by the address of its telemetry.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a server",
    label = "expected a URL, a host, `(host, port)`, or an `Option` of one of them",
    note = "for example `server = \"https://api.openai.com/v1\"` or `server = client.base_url()`"
)]
pub trait IntoServer {
    /// Returns host and port, as far as they can be read.
    fn into_server(self) -> Option<(String, Option<u16>)>;
}

impl IntoServer for &str {
    fn into_server(self) -> Option<(String, Option<u16>)> {
        read(self)
    }
}

impl IntoServer for &String {
    fn into_server(self) -> Option<(String, Option<u16>)> {
        read(self)
    }
}

impl IntoServer for String {
    fn into_server(self) -> Option<(String, Option<u16>)> {
        read(&self)
    }
}

impl IntoServer for &Cow<'_, str> {
    fn into_server(self) -> Option<(String, Option<u16>)> {
        read(self)
    }
}

impl IntoServer for SocketAddr {
    fn into_server(self) -> Option<(String, Option<u16>)> {
        Some((self.ip().to_string(), Some(self.port())))
    }
}

impl<H: AsRef<str>> IntoServer for (H, u16) {
    fn into_server(self) -> Option<(String, Option<u16>)> {
        (&self).into_server()
    }
}

impl<H: AsRef<str>> IntoServer for &(H, u16) {
    fn into_server(self) -> Option<(String, Option<u16>)> {
        let host = self.0.as_ref();
        (!host.is_empty()).then(|| (host.to_owned(), Some(self.1)))
    }
}

impl IntoServer for &SocketAddr {
    fn into_server(self) -> Option<(String, Option<u16>)> {
        (*self).into_server()
    }
}

impl<T: IntoServer> IntoServer for Option<T> {
    fn into_server(self) -> Option<(String, Option<u16>)> {
        self?.into_server()
    }
}

impl<'a, T> IntoServer for &'a Option<T>
where
    &'a T: IntoServer,
{
    fn into_server(self) -> Option<(String, Option<u16>)> {
        self.as_ref()?.into_server()
    }
}

impl<'a, T: ?Sized> IntoServer for &&'a T
where
    &'a T: IntoServer,
{
    fn into_server(self) -> Option<(String, Option<u16>)> {
        (*self).into_server()
    }
}
