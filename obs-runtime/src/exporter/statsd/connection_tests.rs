//! Servers that are not there, come back, move or fall behind.

use super::*;

const LONG: Duration = Duration::from_secs(60);

fn soon() -> Instant {
    Instant::now() + LONG
}

fn udp(server: &UdpSocket) -> Connection {
    let addr = server.local_addr().expect("bound").to_string();
    Connection::new(Server::parse(&addr).expect("an address"))
}

fn listen(addr: SocketAddr) -> UdpSocket {
    let server = UdpSocket::bind(addr).expect("a free port");
    // Nothing here takes so long; a lost datagram must not hang the test.
    server.set_read_timeout(Some(LONG)).expect("a timeout");
    server
}

fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn receive(server: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 64];
    let len = server.recv(&mut buffer).expect("a datagram");
    buffer[..len].to_vec()
}

/// No resolver is asked for a name with so long a part.
fn nowhere() -> Server {
    Server::Udp(format!("{}.invalid:8125", "x".repeat(64)))
}

#[test]
fn addresses() {
    for addr in ["localhost:8125", "127.0.0.1:1", "[::1]:8125", "a.b-c:65535"] {
        assert_eq!(Server::parse(addr), Some(Server::Udp(addr.to_owned())));
        let url = format!("udp://{addr}");
        assert_eq!(Server::parse(&url), Some(Server::Udp(addr.to_owned())));
    }
    let bad = [
        "",
        "localhost",
        "127.0.0.1:99999",
        "127.0.0.1:0",
        ":8125",
        "::1",
        "http://x:1",
        "unix://",
        "unix://a/b",
        "host:8125/path",
    ];
    for addr in bad {
        assert_eq!(Server::parse(addr), None, "{addr}");
    }
}

#[test]
fn a_server_that_comes_back_loses_nothing_more() {
    let server = listen(anywhere());
    let addr = server.local_addr().expect("bound");
    let mut wire = udp(&server);
    wire.begin(soon());
    wire.send(b"a").expect("sent");
    assert_eq!(receive(&server), b"a");
    drop(server);
    // The system may need a moment to say that nobody listens.
    let error = loop {
        wire.begin(soon());
        if let Err(error) = wire.send(b"b") {
            break error;
        }
    };
    assert_eq!(reason(&error), DropReason::Unreachable);
    let server = listen(addr);
    wire.begin(soon());
    wire.send(b"c").expect("sent");
    assert_eq!(receive(&server), b"c");
}

#[test]
fn a_name_that_is_not_found_is_looked_for_in_each_export() {
    let mut wire = Connection::new(nowhere());
    for _ in 0..2 {
        wire.begin(soon());
        let error = wire.send(b"a").expect_err("no address");
        assert_eq!(reason(&error), DropReason::Unreachable);
        assert!(wire.looked.take().is_some());
        // But not for each datagram: a resolver may take its time to say so.
        let error = wire.send(b"a").expect_err("no address");
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        assert!(wire.looked.is_none());
    }
    // The addresses of a name are tried in turn.
    let server = listen(anywhere());
    let port = server.local_addr().expect("bound").port();
    wire.server = Server::Udp(format!("localhost:{port}"));
    loop {
        wire.begin(soon());
        if wire.send(b"b").is_ok() && wire.peer == server.local_addr().ok() {
            break;
        }
    }
    assert_eq!(receive(&server), b"b");
}

#[test]
fn an_address_without_a_way_is_passed_over() {
    let server = listen(anywhere());
    let good = server.local_addr().expect("bound");
    let mut wire = udp(&server);
    // A socket has no leave to send to everybody.
    let bad = SocketAddr::from(([255, 255, 255, 255], 1));
    let socket = wire.connect_to_any(&[bad, good]).expect("the second");
    socket.send(b"a").expect("sent");
    assert_eq!(receive(&server), b"a");
    assert_eq!(wire.peer, Some(good));
    assert!(wire.connect_to_any(&[bad]).is_err() && wire.connect_to_any(&[]).is_err());
}

#[test]
fn a_name_that_went_elsewhere_is_followed() {
    let (old, new) = (listen(anywhere()), listen(anywhere()));
    let mut wire = udp(&old);
    wire.begin(soon());
    wire.send(b"a").expect("sent");
    assert_eq!(receive(&old), b"a");
    let port = new.local_addr().expect("bound").port();
    wire.server = Server::Udp(format!("localhost:{port}"));
    // Not before the minute is over.
    wire.follow();
    assert!(wire.socket.is_some());
    wire.looked = Instant::now().checked_sub(LOOK_AGAIN);
    assert!(wire.looked.is_some(), "the machine runs for a minute");
    wire.follow();
    assert!(wire.socket.is_none());
    wire.looked = Instant::now().checked_sub(LOOK_AGAIN);
    wire.server = nowhere();
    wire.socket = Some(Socket::udp(old.local_addr().expect("bound")).expect("a socket"));
    wire.follow();
    assert!(
        wire.socket.is_some(),
        "a name that is not found says nothing"
    );
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let server = listen(anywhere());
    let mut wire = udp(&server);
    wire.begin(Instant::now());
    let error = wire.send(b"a").expect_err("too late");
    assert_eq!(reason(&error), DropReason::Timeout);
    assert!(wire.socket.is_none());
}

#[test]
fn a_datagram_that_the_system_does_not_take_is_too_large() {
    let server = listen(anywhere());
    let mut wire = udp(&server);
    wire.begin(soon());
    let error = wire.send(&vec![b'a'; 70_000]).expect_err("64 KiB at most");
    assert_eq!(reason(&error), DropReason::TooLarge);
}

#[test]
fn signals_do_not_make_a_wait_endless() {
    let interrupted = || Err(io::ErrorKind::Interrupted.into());
    let mut calls = 0;
    let sent = patiently(|| {
        calls += 1;
        if calls < 3 { interrupted() } else { Ok(1) }
    });
    assert_eq!((sent.map_err(|e| e.kind()), calls), (Ok(()), 3));
    let error = patiently(interrupted).expect_err("a signal each time");
    assert_eq!(reason(&error), DropReason::QueueFull);
    let error = patiently(|| Err(io::ErrorKind::TimedOut.into())).expect_err("as Windows says it");
    assert_eq!(reason(&error), DropReason::QueueFull);
}

#[cfg(target_os = "linux")]
#[test]
fn an_agent_that_comes_and_goes_leaves_no_descriptor_open() {
    // The system gives the lowest number that is free: one that leaks is never seen again.
    let folder = std::env::temp_dir().join(format!("obs-{}-come-go", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("dsd.socket");
    let mut wire = Connection::new(Server::Unix(path.clone()));
    let mut seen = std::collections::HashSet::new();
    for _ in 0..200 {
        let server = UnixDatagram::bind(&path).expect("a socket");
        wire.begin(soon());
        wire.send(b"a").expect("sent");
        let Some(Socket::Unix(socket)) = &wire.socket else {
            panic!("a Unix socket");
        };
        seen.insert(std::os::fd::AsRawFd::as_raw_fd(socket));
        drop(server);
        std::fs::remove_file(&path).expect("the socket is gone");
    }
    std::fs::remove_dir_all(&folder).expect("the folder is gone");
    assert!(seen.len() < 100, "{} descriptors", seen.len());
}

#[cfg(unix)]
mod unix {
    use super::*;

    #[test]
    fn a_path_that_no_socket_can_have_is_refused_before_the_first_export() {
        for path in [format!("/{}", "x".repeat(200)), "/tmp/a\0b".to_owned()] {
            let config = crate::exporter::statsd::StatsdConfig::new(format!("unix://{path}"));
            let error = config.server().expect_err("no such socket");
            assert!(
                error.is_config() && error.to_string().contains("socket"),
                "{error}"
            );
        }
    }

    /// A folder that is gone after the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("obs-{}-{test}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("a folder");
            Self(folder)
        }

        fn wire(&self) -> (PathBuf, Connection) {
            let path = self.0.join("dsd.socket");
            let server = Server::parse(&format!("unix://{}", path.display()));
            (path, Connection::new(server.expect("an address")))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn receive(server: &UnixDatagram) -> Vec<u8> {
        server.set_read_timeout(Some(LONG)).expect("a timeout");
        let mut buffer = [0; 64];
        let len = server.recv(&mut buffer).expect("a datagram");
        buffer[..len].to_vec()
    }

    #[test]
    fn an_agent_that_is_started_anew_is_found_again() {
        let folder = Folder::new("anew");
        let (path, mut wire) = folder.wire();
        wire.begin(soon());
        let error = wire.send(b"a").expect_err("nobody is there");
        assert_eq!(reason(&error), DropReason::Unreachable);
        for _ in 0..2 {
            let server = UnixDatagram::bind(&path).expect("a socket");
            wire.begin(soon());
            wire.send(b"b").expect("sent");
            assert_eq!(receive(&server), b"b");
            drop(server);
            std::fs::remove_file(&path).expect("the socket is gone");
        }
        wire.begin(soon());
        let error = wire.send(b"c").expect_err("it is gone");
        assert_eq!(reason(&error), DropReason::Unreachable);
        // The rest of the export does not go on looking for it.
        let more = [b"d", b"e"].map(|d| wire.send(d).expect_err("it is gone").kind());
        assert_eq!(more, [io::ErrorKind::NotFound, io::ErrorKind::NotConnected]);
    }

    #[test]
    fn an_agent_that_does_not_read_is_waited_for_once() {
        let folder = Folder::new("behind");
        let (path, mut wire) = folder.wire();
        let server = UnixDatagram::bind(&path).expect("a socket");
        wire.begin(soon());
        let error = loop {
            if let Err(error) = wire.send(&[b'a'; 4096]) {
                break error;
            }
        };
        assert_eq!(reason(&error), DropReason::QueueFull);
        // Its queue has room again, but the rest of the export does not ask for it.
        let mut buffer = [0; 4096];
        server.recv(&mut buffer).expect("a datagram");
        assert!(wire.is_behind && wire.send(b"b").is_err());
        wire.begin(soon());
        wire.send(b"c").expect("sent");
    }
}
