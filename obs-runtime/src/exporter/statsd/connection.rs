//! The socket: a server that is not there, moves or falls behind costs its thread little.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::self_obs::DropReason;

/// A datagram of this size fits into one Ethernet frame beside all headers (Datadog's and StatsD's
/// advice for networks).
pub(super) const MOST_BYTES: usize = 1432;
/// The Datadog agent's `dogstatsd_buffer_size`.
const MOST_BYTES_UNIX: usize = 8192;

/// How long a server that falls behind is waited for, once in an export.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an address of a name is good.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What datagrams are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// `host:port`.
    Udp(String),
    Unix(PathBuf),
}

impl Server {
    /// Reads `host:port`, `udp://host:port` or `unix:///path`.
    pub(super) fn parse(addr: &str) -> Option<Self> {
        if let Some(path) = addr.strip_prefix("unix://") {
            let path = PathBuf::from(path);
            return (cfg!(unix) && path.is_absolute()).then_some(Self::Unix(path));
        }
        let name = addr.strip_prefix("udp://").unwrap_or(addr);
        let (host, port) = name.rsplit_once(':')?;
        let is_v6 = host.starts_with('[') && host.ends_with(']');
        let is_host =
            !host.is_empty() && !host.contains(['/', '@']) && (is_v6 || !host.contains(':'));
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        (is_host && is_port).then(|| Self::Udp(name.to_owned()))
    }

    /// Returns why the system can have no such address.
    pub(super) fn check(&self) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Unix(path) => std::os::unix::net::SocketAddr::from_pathname(path).map(drop),
            _ => Ok(()),
        }
    }
}

/// What sends datagrams.
pub(super) trait Wire: Send {
    /// Returns the size of a datagram, in bytes.
    fn most_bytes(&self) -> usize;

    /// Begins an export, which is to be over at `deadline`.
    fn begin(&mut self, deadline: Instant);

    fn send(&mut self, datagram: &[u8]) -> io::Result<()>;

    /// Ends the export: everything was sent that can be.
    fn end(&mut self);
}

/// Returns why the points of a datagram are lost that could not be sent.
pub(super) fn reason(error: &io::Error) -> DropReason {
    #[cfg(unix)]
    match error.raw_os_error() {
        Some(libc::EMSGSIZE) => return DropReason::TooLarge,
        Some(libc::ENOBUFS) => return DropReason::QueueFull,
        _ => {}
    }
    // Winsock: WSAEMSGSIZE, WSAENOBUFS.
    #[cfg(windows)]
    match error.raw_os_error() {
        Some(10040) => return DropReason::TooLarge,
        Some(10055) => return DropReason::QueueFull,
        _ => {}
    }
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => DropReason::QueueFull,
        io::ErrorKind::TimedOut => DropReason::Timeout,
        _ => DropReason::Unreachable,
    }
}

/// Returns what the user can look at, for the end of a message.
pub(super) fn advice(reason: DropReason) -> &'static str {
    match reason {
        DropReason::QueueFull => "; the server does not keep up with what it gets",
        DropReason::Timeout => "; the time was over before all was sent",
        DropReason::TooLarge => "; the system takes no datagram of this size",
        _ => "; is the server running at this address?",
    }
}

/// Sends again after a signal, which the wait for a server that falls behind begins anew with: a profiler's would
/// make it last for ever.
fn patiently(mut send: impl FnMut() -> io::Result<usize>) -> io::Result<()> {
    let begin = Instant::now();
    loop {
        return match send() {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted && begin.elapsed() < PATIENCE => {
                continue;
            }
            // What Windows says at the end of the wait; the export's own time is over elsewhere.
            Err(e) if e.kind() == io::ErrorKind::TimedOut => Err(io::ErrorKind::WouldBlock.into()),
            Err(e) => Err(e),
        };
    }
}

enum Socket {
    Udp(UdpSocket),
    #[cfg(unix)]
    Unix(UnixDatagram),
}

impl Socket {
    fn udp(peer: SocketAddr) -> io::Result<Self> {
        let any: IpAddr = match peer {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(peer)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::Udp(socket))
    }

    #[cfg(unix)]
    fn unix(path: &std::path::Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(path)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::Unix(socket))
    }

    #[cfg(not(unix))]
    fn unix(_: &std::path::Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn send(&self, datagram: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => {
                patiently(|| socket.send(datagram))?;
                // On this machine the system knows at once that nobody listens.
                socket.take_error()?.map_or(Ok(()), Err)
            }
            #[cfg(unix)]
            Self::Unix(socket) => patiently(|| socket.send(datagram)),
        }
    }
}

/// A socket that is made when it is needed, and made anew when it fails.
pub(super) struct Connection {
    server: Server,
    socket: Option<Socket>,
    /// Which address of the name is used, and when the name was looked up.
    peer: Option<SocketAddr>,
    looked: Option<Instant>,
    /// Counts the failures: a name may have several addresses.
    turn: usize,
    deadline: Instant,
    /// How often the export may still connect.
    attempts: u8,
    /// The server fell behind: the rest of the export does not wait for it.
    is_behind: bool,
}

impl Connection {
    pub(super) fn new(server: Server) -> Self {
        Self {
            server,
            socket: None,
            peer: None,
            looked: None,
            turn: 0,
            deadline: Instant::now(),
            attempts: 0,
            is_behind: false,
        }
    }

    /// Looks up the addresses that a name has now.
    fn look_up(&mut self, name: &str) -> io::Result<Vec<SocketAddr>> {
        self.looked = Some(Instant::now());
        let found = name.to_socket_addrs().map(Iterator::collect);
        // It may have taken the resolver half a minute to say so.
        self.attempts *= u8::from(found.is_ok());
        found
    }

    fn connect(&mut self) -> io::Result<Socket> {
        match self.server.clone() {
            Server::Unix(path) => Socket::unix(&path),
            Server::Udp(name) => {
                let mut all = self.look_up(&name)?;
                let first = self.turn % all.len().max(1);
                all.rotate_left(first);
                self.connect_to_any(&all)
            }
        }
    }

    /// Connects to the first address that the machine has a way to: there may be no IPv6, for example.
    fn connect_to_any(&mut self, all: &[SocketAddr]) -> io::Result<Socket> {
        let mut error = io::Error::other("the name has no address");
        for peer in all {
            match Socket::udp(*peer) {
                Ok(socket) => {
                    self.peer = Some(*peer);
                    return Ok(socket);
                }
                Err(e) => error = e,
            }
        }
        Err(error)
    }

    /// Lets go of a server whose name has gone elsewhere, once a minute. A name that is not found at the
    /// moment says nothing of it.
    fn follow(&mut self) {
        let is_old = self.looked.is_some_and(|at| at.elapsed() >= LOOK_AGAIN)
            && Instant::now() < self.deadline;
        if let (true, Some(peer), Server::Udp(name)) = (is_old, self.peer, self.server.clone())
            && name.parse::<SocketAddr>().is_err()
            && let Ok(all) = self.look_up(&name)
            && !all.contains(&peer)
        {
            self.socket = None;
        }
    }

    fn attempt(&mut self, datagram: &[u8]) -> io::Result<()> {
        if self.socket.is_none() {
            if self.attempts == 0 {
                return Err(io::ErrorKind::NotConnected.into());
            }
            self.attempts -= 1;
            self.socket = Some(self.connect()?);
        }
        let socket = self.socket.as_ref();
        socket.map_or(Ok(()), |socket| socket.send(datagram))
    }
}

impl Wire for Connection {
    fn most_bytes(&self) -> usize {
        match self.server {
            Server::Udp(_) => MOST_BYTES,
            Server::Unix(_) => MOST_BYTES_UNIX,
        }
    }

    fn begin(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.attempts = 2;
        self.is_behind = false;
    }

    fn end(&mut self) {
        self.follow();
    }

    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        if self.is_behind {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if Instant::now() >= self.deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut result = self.attempt(datagram);
        // The error may be that of an earlier datagram, or of a server that was started anew.
        if let Err(error) = &result
            && reason(error) == DropReason::Unreachable
            && self.socket.is_some()
            && self.attempts > 0
        {
            self.socket = None;
            self.turn = self.turn.wrapping_add(1);
            result = self.attempt(datagram);
        }
        self.is_behind = matches!(&result, Err(e) if reason(e) == DropReason::QueueFull);
        result
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
