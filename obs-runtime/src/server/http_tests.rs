//! The server over real connections.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::sync::{Condvar, Mutex};

use super::*;
use crate::metrics::{MetricFamily, MetricsCollector};

const LOCAL: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

fn well() -> HealthCheck {
    Arc::new(Vec::new)
}

fn start(config: HttpConfig, source: impl MetricSource + 'static) -> HttpServer {
    HttpServer::start(LOCAL.into(), config, Arc::new(source), well()).expect("a free port")
}

/// Sends `head` and reads until the server closes.
fn exchange(server: &HttpServer, request: &str) -> String {
    let mut stream = TcpStream::connect(server.local_addr()).expect("a server");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn request(server: &HttpServer, line: &str, headers: &str) -> String {
    exchange(
        server,
        &format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"),
    )
}

/// Asks until there is an answer: a server with a short patience may lose it with this client too.
fn insist(server: &HttpServer, path: &str) -> String {
    loop {
        let mut stream = TcpStream::connect(server.local_addr()).expect("a server");
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        let sent = stream.write_all(head.as_bytes());
        if sent
            .and_then(|()| stream.read_to_string(&mut answer))
            .is_ok()
            && !answer.is_empty()
        {
            return answer;
        }
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

// bug: I11 (other paths got an empty answer, the type no version).
#[test]
fn metrics_and_health_are_served_and_nothing_else() {
    let collector = MetricsCollector::new();
    collector.counter("rows").build().expect("valid").add(3);
    let server = start(HttpConfig::new(), collector);
    assert_ne!(server.local_addr().port(), 0);

    let metrics = request(&server, "GET /metrics?name=x", "");
    let (head, body) = metrics.split_once("\r\n\r\n").expect("a body");
    assert_eq!(status(head), "200");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"),
        "{head}"
    );
    assert!(!head.to_ascii_lowercase().contains("access-control"));
    assert!(body.ends_with("rows_total 3\n"));

    let health = request(&server, "GET /health", "");
    assert!(
        health.ends_with("{\"status\": \"ok\", \"problems\": []}\n"),
        "{health}"
    );
    assert_eq!(status(&request(&server, "GET /", "")), "404");
    assert_eq!(status(&request(&server, "GET /metrics/x", "")), "404");
    let refused = request(&server, "POST /metrics", "Content-Length: 0\r\n");
    assert!(
        status(&refused) == "405" && refused.contains("allow: GET, HEAD\r\n"),
        "{refused}"
    );
    let head = request(&server, "HEAD /metrics", "");
    assert!(status(&head) == "200" && head.ends_with("\r\n\r\n"));
}

#[test]
fn the_client_chooses_the_format() {
    let collector = MetricsCollector::new();
    collector.counter("rows").build().expect("valid").add(3);
    let server = start(HttpConfig::new(), collector);
    // Two lines of one header.
    let headers =
        "Accept: text/plain;q=0.5\r\nAccept: application/openmetrics-text;version=1.0.0\r\n";
    let answer = request(&server, "GET /metrics", headers);
    assert!(
        answer.contains(
            "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores\r\n"
        ),
        "{answer}"
    );
    assert!(
        answer.contains("vary: Accept, Accept-Encoding\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("# TYPE rows counter\nrows_total 3\n# EOF\n"));
}

#[test]
fn the_page_has_the_options_of_the_server_in_the_format_of_the_client() {
    let collector = MetricsCollector::new();
    collector.counter("rows").build().expect("valid").add(3);
    let options = crate::exporter::prometheus::Options::new()
        .prefix("etl")
        .created(true);
    let server = start(HttpConfig::new().page(options), collector);
    assert!(request(&server, "GET /metrics", "").ends_with("counter\netl_rows_total 3\n"));
    let headers = "Accept: application/openmetrics-text;version=1.0.0\r\n";
    let answer = request(&server, "GET /metrics", headers);
    assert!(
        answer.contains("\netl_rows_total 3\netl_rows_created 1") && answer.ends_with("# EOF\n"),
        "{answer}"
    );
}

#[test]
fn a_long_text_is_compressed_for_those_who_can_read_it() {
    use std::io::BufRead as _;

    let collector = MetricsCollector::new();
    for i in 0..100 {
        collector
            .counter(format!("rows{i}"))
            .build()
            .expect("valid");
    }
    let server = start(HttpConfig::new(), collector);
    let plain = request(&server, "GET /metrics", "Accept-Encoding: gzip;q=0, *\r\n");
    let (head, text) = plain.split_once("\r\n\r\n").expect("a body");
    assert!(!head.contains("content-encoding"), "{head}");

    let mut stream = TcpStream::connect(server.local_addr()).expect("a server");
    let head = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    write!(stream, "{head}Accept-Encoding: br, GZIP;q=0.5\r\n\r\n").expect("sent");
    let mut answer = std::io::BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(answer.read_line(&mut head).expect("a line"), 0, "{head}");
    }
    assert!(head.contains("content-encoding: gzip\r\n"), "{head}");
    let mut body = Vec::new();
    answer.read_to_end(&mut body).expect("a body");
    assert!(body.len() * 4 < text.len(), "{} {}", body.len(), text.len());
    let mut read = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&body[..]);
    decoder.read_to_string(&mut read).expect("gzip");
    assert_eq!(read, text);

    // What fits into a packet stays as it is.
    let small = start(HttpConfig::new(), MetricsCollector::new());
    let answer = request(&small, "GET /metrics", "Accept-Encoding: gzip\r\n");
    assert!(!answer.contains("content-encoding"), "{answer}");
}

#[test]
fn health_names_the_problems() {
    let health: HealthCheck = Arc::new(|| vec!["OTLP: \"refused\"".to_owned(), "disk".to_owned()]);
    let server = HttpServer::start(
        LOCAL.into(),
        HttpConfig::new(),
        Arc::new(MetricsCollector::new()),
        health,
    )
    .expect("a free port");
    let answer = request(&server, "GET /health", "");
    let json: serde_json::Value =
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).expect("a body")).expect("valid JSON");
    assert_eq!(json["status"], "degraded");
    assert_eq!(
        json["problems"],
        serde_json::json!(["OTLP: \"refused\"", "disk"])
    );
}

#[test]
fn foreign_hosts_are_refused() {
    let server = start(
        HttpConfig::new().allow_host("Metrics.Example"),
        MetricsCollector::new(),
    );
    let ask = |host: &str| {
        let answer = exchange(
            &server,
            &format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        );
        status(&answer).to_owned()
    };
    assert_eq!(ask(&server.local_addr().to_string()), "200");
    assert_eq!(ask("metrics.example:80"), "200");
    assert_eq!(ask("evil.example"), "403");
}

#[test]
fn off_loopback_a_token_is_demanded_at_the_start() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let start = |config| {
        HttpServer::start(
            everywhere,
            config,
            Arc::new(MetricsCollector::new()),
            well(),
        )
    };
    let error = start(HttpConfig::new()).expect_err("no token").to_string();
    assert!(
        error.contains("bearer token") && error.contains("0.0.0.0"),
        "{error}"
    );
    assert!(start(HttpConfig::new().bearer_token("")).is_err());
    assert!(start(HttpConfig::new().bearer_token("two words")).is_err());
}

#[test]
fn a_token_guards_every_path() {
    let config = HttpConfig::new().bearer_token("s3cret");
    assert!(!format!("{config:?}").contains("s3cret"));
    let server = start(config, MetricsCollector::new());
    for path in ["/metrics", "/health", "/other"] {
        let refused = request(
            &server,
            &format!("GET {path}"),
            "Authorization: Bearer wrong\r\n",
        );
        assert!(
            status(&refused) == "401" && refused.contains("www-authenticate: Bearer\r\n"),
            "{refused}"
        );
    }
    assert_eq!(
        status(&request(
            &server,
            "GET /metrics",
            "Authorization: Bearer s3cret\r\n"
        )),
        "200"
    );
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let server = start(HttpConfig::new(), MetricsCollector::new());
    let addr = server.local_addr();
    let again = || {
        HttpServer::start(
            addr,
            HttpConfig::new(),
            Arc::new(MetricsCollector::new()),
            well(),
        )
    };
    let error = again().expect_err("taken");
    assert!(
        error.is_config() && error.to_string().contains(&addr.to_string()),
        "{error}"
    );
    // A server that ended has freed its port.
    drop(server);
    again().expect("free again");
}

#[test]
fn requests_that_are_too_large_are_refused() {
    let server = start(HttpConfig::new(), MetricsCollector::new());
    let many = "X: y\r\n".repeat(100);
    assert_eq!(status(&request(&server, "GET /metrics", &many)), "431");
    let long = format!("X: {}\r\n", "y".repeat(60_000));
    // The server answers and closes without reading the rest, which may reset the connection.
    let mut stream = TcpStream::connect(server.local_addr()).expect("a server");
    let _ = stream
        .write_all(format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{long}\r\n").as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(
        !answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert_eq!(status(&request(&server, "GET /metrics", "")), "200");
}

#[test]
fn a_client_that_does_not_send_is_cut_off() {
    let config = HttpConfig::new()
        .client_timeout(Duration::from_millis(50))
        .max_connections(1);
    let server = start(config, MetricsCollector::new());
    let mut slow = TcpStream::connect(server.local_addr()).expect("a server");
    slow.write_all(b"GET /metrics HT").expect("sent");
    // It holds the only connection, and loses it without a word from this side.
    assert_eq!(status(&insist(&server, "/metrics")), "200");
    let mut rest = Vec::new();
    let closed = slow.read_to_end(&mut rest);
    assert!(closed.is_ok() || closed.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset));
}

/// A metric whose text is larger than the socket buffers.
struct Huge;

impl MetricSource for Huge {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        let collector = MetricsCollector::new();
        let gauge = collector
            .gauge("huge")
            .labels(["x"])
            .build()
            .expect("valid");
        for i in 0..64 {
            let value = format!("{i}{}", "x".repeat(1 << 18));
            gauge.with([value]).expect("valid").set(1);
        }
        collector.collect(out);
    }
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let config = HttpConfig::new()
        .client_timeout(Duration::from_millis(50))
        .max_connections(1);
    let server = start(config, Huge);
    let mut slow = TcpStream::connect(server.local_addr()).expect("a server");
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("sent");
    // The next one is served only after the server gave up on the first.
    assert_eq!(status(&insist(&server, "/health")), "200");
    drop(slow);
}

/// Collects when it is told to.
#[derive(Default)]
struct Gate {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    fn wait_for_entry(&self) {
        let mut state = self.state.lock().expect("not poisoned");
        while state.0 == 0 {
            state = self.changed.wait(state).expect("not poisoned");
        }
    }

    fn open(&self) {
        self.state.lock().expect("not poisoned").1 = true;
        self.changed.notify_all();
    }
}

struct Slow(Arc<Gate>);

impl MetricSource for Slow {
    fn collect(&self, _: &mut Vec<MetricFamily>) {
        let mut state = self.0.state.lock().expect("not poisoned");
        state.0 += 1;
        self.0.changed.notify_all();
        while !state.1 {
            state = self.0.changed.wait(state).expect("not poisoned");
        }
    }
}

#[test]
fn a_slow_collection_does_not_stall_others_and_is_finished_at_shutdown() {
    let gate = Arc::new(Gate::default());
    let server = start(HttpConfig::new(), Slow(Arc::clone(&gate)));
    std::thread::scope(|scope| {
        let scrape = scope.spawn(|| request(&server, "GET /metrics", ""));
        gate.wait_for_entry();
        assert_eq!(status(&request(&server, "GET /health", "")), "200");
        let (shut, done) = mpsc::channel();
        scope.spawn(|| {
            let shutdown = server.shutdown(Instant::now() + Duration::from_secs(60));
            let _ = shut.send(shutdown);
            drop(shut);
        });
        // The listener is gone before the scrape is answered.
        while TcpStream::connect(server.local_addr()).is_ok() {
            std::thread::yield_now();
        }
        gate.open();
        assert_eq!(status(&scrape.join().expect("the scrape")), "200");
        done.recv()
            .expect("the shutdown")
            .expect("within the deadline");
    });
    assert_eq!(gate.state.lock().expect("not poisoned").0, 1);
}

#[test]
fn a_collection_that_hangs_is_answered_and_does_not_hold_the_shutdown() {
    let gate = Arc::new(Gate::default());
    let config = HttpConfig::new().collect_timeout(Duration::from_millis(20));
    let server = start(config, Slow(Arc::clone(&gate)));
    for _ in 0..6 {
        assert_eq!(status(&request(&server, "GET /metrics", "")), "503");
    }
    assert_eq!(
        gate.state.lock().expect("not poisoned").0,
        1,
        "collections piled up"
    );
    server.shutdown(Instant::now()).expect("ended without it");
    gate.open();
}

struct Panics;

impl MetricSource for Panics {
    fn collect(&self, _: &mut Vec<MetricFamily>) {
        panic!("a source of a test");
    }
}

#[test]
fn a_source_that_panics_does_not_end_the_server() {
    let server = start(HttpConfig::new(), Panics);
    for _ in 0..2 {
        assert_eq!(status(&request(&server, "GET /metrics", "")), "500");
    }
}

#[test]
fn scrapes_during_writes_never_go_down() {
    let collector = MetricsCollector::new();
    let calls = collector.counter("calls").build().expect("valid");
    let server = start(HttpConfig::new(), collector);
    let value = || -> u64 {
        let answer = request(&server, "GET /metrics", "");
        let (_, value) = answer.rsplit_once("calls_total ").expect("the counter");
        value.trim().parse().expect("a number")
    };
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..200_000).for_each(|_| calls.inc()));
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                for _ in 0..20 {
                    let now = value();
                    assert!(now >= last);
                    last = now;
                }
            });
        }
        writer.join().expect("the writer");
    });
    assert_eq!(value(), 200_000);
}
