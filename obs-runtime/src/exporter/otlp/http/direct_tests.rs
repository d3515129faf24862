use std::net::TcpListener;
use std::time::Duration;

use super::*;
use crate::exporter::otlp::config::{OtlpConfig, Signal};
use crate::exporter::otlp::receiver::{LONG, Receiver, Reply};

fn target(config: &OtlpConfig) -> Target {
    config.target(Signal::Traces).unwrap().unwrap()
}

fn direct(url: &str) -> Direct {
    Direct::new(&target(&OtlpConfig::new(url)), None).unwrap()
}

fn soon() -> Instant {
    Instant::now() + LONG
}

fn kind(result: Result<Response, Unread>) -> io::ErrorKind {
    match result {
        Err(Unread::Io(e)) => e.kind(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_says_where_it_goes_and_what_it_is() {
    let receiver = Receiver::start([]);
    let address = receiver.url.trim_start_matches("http://");
    let config = OtlpConfig::new(format!("{}/a/b", receiver.url))
        .with_header("X-Scope", "one")
        .with_header("User-Agent", "mine/1");
    let direct = Direct::new(&target(&config), Some("gzip")).unwrap();
    assert_eq!(direct.post(b"spans", soon()).unwrap().status, 200);
    let request = receiver.next();
    assert_eq!(request.body, b"spans");
    assert_eq!(
        request.head,
        format!(
            "post /a/b/v1/traces http/1.1\r\nhost: {address}\r\naccept: */*\r\n\
             content-type: application/x-protobuf\r\nx-scope: one\r\nuser-agent: mine/1\r\n\
             content-encoding: gzip\r\ncontent-length: 5\r\n\r\n"
        )
    );
}

#[test]
fn the_path_is_the_one_of_the_url() {
    for (path, asked) in [
        ("", "/"),
        ("/", "/"),
        ("/in?key=1", "/in?key=1"),
        ("?key=1", "/?key=1"),
        ("/in#top", "/in"),
    ] {
        let receiver = Receiver::start([]);
        let mut target = target(&OtlpConfig::new(&receiver.url));
        target.endpoint.url = format!("{}{path}", receiver.url);
        let direct = Direct::new(&target, None).unwrap();
        direct.post(b"", soon()).unwrap();
        let head = receiver.next().head;
        assert!(
            head.starts_with(&format!("post {asked} http/1.1\r\n")),
            "{head}"
        );
    }
}

#[test]
fn names_and_addresses_are_found() {
    let receiver = Receiver::start([]);
    let port = receiver.url.rsplit(':').next().unwrap();
    let named = direct(&format!("http://localhost:{port}"));
    assert_eq!(named.post(b"x", soon()).unwrap().status, 200);
    for (url, host, port) in [
        ("http://[::1]:4000", "::1", 4000),
        ("http://[::1]", "::1", 80),
        ("http://collector", "collector", 80),
    ] {
        let direct = direct(url);
        assert_eq!((&*direct.host, direct.port), (host, port));
    }
    let nowhere = direct("http://nowhere.invalid:4318");
    assert!(nowhere.post(b"x", soon()).is_err());
}

#[test]
fn what_changes_the_framing_is_left_to_the_client_for_everything() {
    let with = |name: &str| {
        let config = OtlpConfig::new("http://localhost:4318").with_header(name, "x");
        Direct::new(&target(&config), None).is_some()
    };
    assert!(with("x-api-key"));
    for name in [
        "Expect",
        "Transfer-Encoding",
        "Connection",
        "Accept-Encoding",
        "upgrade",
    ] {
        assert!(!with(name), "{name}");
    }
    assert!(Direct::new(&target(&OtlpConfig::new("https://localhost:4318")), None).is_none());
}

#[test]
fn a_connection_is_used_again_as_long_as_it_is_open() {
    let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec();
    let closes = Reply::Status(200, "connection: close\r\n", Vec::new());
    let well = || Reply::Status(200, "", Vec::new());
    let receiver = Receiver::start([well(), well(), closes, Reply::Raw(whole), well()]);
    let direct = direct(&receiver.url);
    for connections in [1, 1, 1, 2] {
        assert_eq!(direct.clone().post(b"x", soon()).unwrap().status, 200);
        assert_eq!(receiver.connections(), connections);
    }
    // The receiver has ended it meanwhile, as it may: nothing is sent there.
    let stream = direct.idle.lock().unwrap()[0].stream.try_clone().unwrap();
    stream.set_read_timeout(None).unwrap();
    assert_eq!(stream.peek(&mut [0]).unwrap(), 0);
    assert_eq!(direct.post(b"x", soon()).unwrap().status, 200);
    assert_eq!(receiver.connections(), 3);
}

#[test]
fn an_old_connection_is_given_up() {
    let receiver = Receiver::start([]);
    let direct = direct(&receiver.url);
    direct.post(b"x", soon()).unwrap();
    let long_ago = Instant::now().checked_sub(MAX_AGE).unwrap();
    direct.idle.lock().unwrap()[0].since = long_ago;
    direct.post(b"x", soon()).unwrap();
    assert_eq!(receiver.connections(), 2);
}

/// Longer than what fits the buffers of a connection.
const LONG_BODY: usize = 64 << 20;

#[test]
fn a_receiver_that_reads_nothing_is_waited_for_until_the_deadline() {
    // The system accepts for it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let direct = direct(&format!("http://{}", listener.local_addr().unwrap()));
    let deadline = Instant::now() + Duration::from_millis(100);
    let result = direct.post(&vec![0; LONG_BODY], deadline);
    assert_eq!(kind(result), io::ErrorKind::TimedOut);
    assert!(Instant::now() >= deadline);
    assert_eq!(kind(direct.post(b"x", deadline)), io::ErrorKind::TimedOut);
}

/// Elsewhere a reset may take the answer away.
#[cfg(target_os = "linux")]
#[test]
fn a_refusal_is_heard_before_all_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let direct = direct(&format!("http://{}", listener.local_addr().unwrap()));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 100]).unwrap();
        let refusal = b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(refusal).unwrap();
    });
    assert_eq!(
        direct.post(&vec![0; LONG_BODY], soon()).unwrap().status,
        413
    );
    server.join().unwrap();
}
