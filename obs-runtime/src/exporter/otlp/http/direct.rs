//! HTTP/1.1 straight to a receiver: no TLS, no proxy. A request is one write from where it was encoded, and a
//! name is looked up when a connection is made, not for each request; a client for everything costs as much
//! again as recording the spans (docs/performance.md, "Delivery over OTLP").

use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Instant;

use crate::exporter::otlp::config::Target;
use crate::exporter::otlp::http::response::{self, Response, Unread};
use crate::exporter::otlp::http::{MAX_IDLE, PROTOBUF, USER_AGENT};

/// A connection that was not used for so long is not used again: somebody on the way may have forgotten it.
const MAX_AGE: Duration = Duration::from_secs(15);

/// Headers that change how messages are framed or encoded.
const NOT_HERE: [&str; 5] = [
    "accept-encoding",
    "connection",
    "expect",
    "transfer-encoding",
    "upgrade",
];

/// A way to one receiver. Its clones share the connections that nobody uses.
#[derive(Clone)]
pub(super) struct Direct {
    host: Arc<str>,
    port: u16,
    /// The request up to the length of its body.
    head: Arc<[u8]>,
    idle: Arc<Mutex<Vec<Idle>>>,
}

struct Idle {
    stream: TcpStream,
    since: Instant,
}

impl Direct {
    /// Nothing if the target needs more than this.
    pub(super) fn new(target: &Target, encoding: Option<&str>) -> Option<Self> {
        let rest = target.endpoint.url.strip_prefix("http://")?;
        let needs_more = |(name, _): &(String, String)| {
            NOT_HERE
                .iter()
                .any(|other| name.eq_ignore_ascii_case(other))
        };
        if target.headers.iter().any(needs_more) {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // The part behind `#` is for who reads the URL.
        let path = path.split('#').next().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut head = format!(
            "POST {slash}{path} HTTP/1.1\r\nhost: {authority}\r\naccept: */*\r\ncontent-type: {PROTOBUF}\r\n"
        );
        let mut add = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                head.push_str(part);
            }
        };
        let is_agent = |(name, _): &(String, String)| name.eq_ignore_ascii_case("user-agent");
        if !target.headers.iter().any(is_agent) {
            add("user-agent", USER_AGENT);
        }
        for (name, value) in &target.headers {
            add(name, value);
        }
        if let Some(encoding) = encoding {
            add("content-encoding", encoding);
        }
        head.push_str("content-length: ");
        let (host, port) = match authority.rsplit_once(':') {
            // Not the last part of an address in brackets.
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (authority, 80),
        };
        Some(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').into(),
            port,
            head: head.into_bytes().into(),
            idle: Arc::default(),
        })
    }

    /// Sends one request and reads the answer.
    ///
    /// # Errors
    /// When there is no whole head of an answer by `deadline`.
    pub(super) fn post(&self, body: &[u8], deadline: Instant) -> Result<Response, Unread> {
        let stream = match self.idle() {
            Some(stream) => stream,
            None => self.connect(deadline)?,
        };
        let mut connection = Timed {
            stream: &stream,
            deadline,
        };
        let length = format!("{}\r\n\r\n", body.len());
        let head = [&self.head[..], length.as_bytes()].concat();
        match connection.write_both(&head, body) {
            Ok(()) => {
                let response = response::read(&mut connection)?;
                if response.keeps_alive {
                    self.keep(stream);
                }
                Ok(response)
            }
            // Who refuses a request may say so before it has read all of it.
            Err(e) if is_cut(&e) => response::read(&mut connection).map_err(|_| e.into()),
            Err(e) => Err(e.into()),
        }
    }

    /// A connection that is open still.
    fn idle(&self) -> Option<TcpStream> {
        loop {
            let mut all = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let last = all.pop()?;
            if last.since.elapsed() >= MAX_AGE {
                // The others are older.
                all.clear();
                return None;
            }
            drop(all);
            if is_open(&last.stream).unwrap_or(false) {
                return Some(last.stream);
            }
        }
    }

    fn keep(&self, stream: TcpStream) {
        let mut all = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MAX_IDLE {
            let since = Instant::now();
            all.push(Idle { stream, since });
        }
    }

    fn connect(&self, deadline: Instant) -> io::Result<TcpStream> {
        let addresses = self.addresses(deadline)?;
        let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for (tried, address) in addresses.iter().enumerate() {
            // One that does not answer leaves time for the others.
            let others = (addresses.len() - tried) as u32;
            match TcpStream::connect_timeout(address, left(deadline)? / others) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(e) => error = e,
            }
        }
        Err(error)
    }

    fn addresses(&self, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = self.host.parse() {
            return Ok(vec![SocketAddr::new(ip, self.port)]);
        }
        // The system's look-up has no deadline: it gets a thread that nobody waits for longer.
        let (found, answer) = mpsc::sync_channel(1);
        let (host, port) = (Arc::clone(&self.host), self.port);
        std::thread::Builder::new()
            .name("obs-resolve".into())
            .spawn(move || {
                let all = (&*host, port).to_socket_addrs();
                // Nobody may be waiting any more.
                let _ = found.send(all.map(Vec::from_iter));
            })?;
        answer
            .recv_timeout(left(deadline)?)
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

fn is_cut(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    kinds.contains(&error.kind())
}

/// Nothing came that nobody asked for, such as the end of the connection.
fn is_open(mut stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let came = stream.read(&mut [0]);
    stream.set_nonblocking(false)?;
    Ok(came.is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock))
}

/// The time until the deadline, which is not over.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

/// A connection with a deadline for everything.
struct Timed<'a> {
    stream: &'a TcpStream,
    deadline: Instant,
}

impl Timed<'_> {
    fn write_both(&mut self, head: &[u8], body: &[u8]) -> io::Result<()> {
        let mut parts = [IoSlice::new(head), IoSlice::new(body)];
        let mut parts = &mut parts[..];
        while !parts.is_empty() {
            self.stream.set_write_timeout(Some(left(self.deadline)?))?;
            match self.stream.write_vectored(parts) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => IoSlice::advance_slices(&mut parts, n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(timed_out(e)),
            }
        }
        Ok(())
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(room).map_err(timed_out)
    }
}

/// Unix says of a time that is over that the call would block.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

#[cfg(test)]
#[path = "direct_tests.rs"]
mod tests;
