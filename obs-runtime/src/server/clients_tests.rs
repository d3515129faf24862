//! Clients that are many, slow, or up to no good.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::*;
use crate::metrics::MetricsCollector;

/// Nothing here takes so long.
const LONG: Duration = Duration::from_secs(60);

fn start(config: HttpConfig) -> HttpServer {
    let collector = MetricsCollector::new();
    collector.counter("rows").build().expect("valid").add(3);
    let local = ([127, 0, 0, 1], 0).into();
    HttpServer::start(local, config, Arc::new(collector), Arc::new(Vec::new)).expect("a free port")
}

fn connect(server: &HttpServer) -> TcpStream {
    let stream = TcpStream::connect(server.local_addr()).expect("a server");
    stream.set_read_timeout(Some(LONG)).expect("a timeout");
    stream
}

const REQUEST: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// What the server answers; nothing if it closes without a word.
fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A server that closes before it has read everything resets the connection.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_served(server: &HttpServer) {
    let mut stream = connect(server);
    stream.write_all(REQUEST.as_bytes()).expect("sent");
    let answer = answer(stream);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn two_hundred_clients_at_once_are_all_served() {
    // More than there may be connections: the others wait for their turn.
    let server = start(HttpConfig::new().max_connections(8));
    let ask = |_| {
        let mut stream = connect(&server);
        stream.write_all(REQUEST.as_bytes()).expect("sent");
        stream
    };
    let streams: Vec<_> = (0..200).map(ask).collect();
    // The last ones are read first: nobody waits for somebody to read.
    for stream in streams.into_iter().rev() {
        let answer = answer(stream);
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("rows_total 3\n"),
            "{answer}"
        );
    }
}

#[test]
fn a_client_that_sends_byte_by_byte_has_no_more_time_than_others() {
    let patience = Duration::from_millis(100);
    let server = start(
        HttpConfig::new()
            .client_timeout(patience)
            .max_connections(1),
    );
    let mut slow = connect(&server);
    // "Slow loris": it is never silent for long, and never done.
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")
        .expect("sent");
    let mut sent = 0_u32;
    while slow
        .write_all(format!("X-{sent}: y\r\n").as_bytes())
        .is_ok()
    {
        sent += 1;
        std::thread::park_timeout(Duration::from_millis(5));
        // It would be refused for its length before that.
        assert!(sent < 10_000, "still connected");
    }
    is_served(&server);
}

#[test]
fn a_connection_that_is_kept_and_not_used_gives_way() {
    let config = HttpConfig::new().max_connections(1);
    let server = start(config.client_timeout(Duration::from_millis(100)));
    let mut kept = connect(&server);
    kept.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("sent");
    // The server answers, and closes when no other request comes.
    let text = answer(kept);
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    is_served(&server);
}

#[test]
fn a_body_is_not_waited_for() {
    let server = start(HttpConfig::new());
    let mut stream = connect(&server);
    // The answer comes although nothing of the body ever does.
    let head = "POST /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Content-Length: 1000000000000\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    let answer = answer(stream);
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    is_served(&server);
}

#[test]
fn a_head_of_any_length_takes_bounded_memory() {
    let server = start(HttpConfig::new());
    let mut stream = connect(&server);
    let endless = [b'x'; 4096];
    let mut sent = 0;
    let begun = stream.write_all(b"GET /");
    while begun.is_ok() && stream.write_all(&endless).is_ok() {
        sent += endless.len();
        // Buffers of sockets take some of it.
        assert!(sent < 64 << 20, "still reading");
    }
    let text = answer(stream);
    assert!(!text.starts_with("HTTP/1.1 200 "), "{text}");
    is_served(&server);
}

#[test]
fn nonsense_is_refused_and_harms_nobody() {
    let server = start(HttpConfig::new());
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let mut stream = connect(&server);
        stream.write_all(nonsense).expect("sent");
        stream.shutdown(std::net::Shutdown::Write).expect("open");
        let text = answer(stream);
        assert!(!text.contains("rows_total"), "{text}");
    }
    is_served(&server);
}

#[test]
fn a_shutdown_does_not_wait_for_clients_that_say_nothing() {
    let server = start(HttpConfig::new().client_timeout(LONG));
    let silent: Vec<_> = (0..20).map(|_| connect(&server)).collect();
    is_served(&server);
    // Connections without a request under way are closed at once, long before their time is over.
    let begin = Instant::now();
    server.shutdown(begin + LONG).expect("within the deadline");
    assert!(begin.elapsed() < LONG / 2, "it waited for the deadline");
    for stream in silent {
        assert_eq!(answer(stream), "");
    }
    assert!(TcpStream::connect(server.local_addr()).is_err());
}

// bug: the longest of all timeouts, which no moment is away, ended the connection's task with a panic.
#[test]
fn the_longest_of_all_timeouts_is_a_timeout() {
    let config = HttpConfig::new()
        .client_timeout(Duration::MAX)
        .collect_timeout(Duration::MAX);
    is_served(&start(config));
}
