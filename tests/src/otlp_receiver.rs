//! An OTLP receiver over HTTP that keeps the spans it took, and answers as a test wants it to.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Takes it.
    Accept,
    /// Takes all but one span.
    Partial,
    /// Answers 503.
    Unavailable,
    /// Answers 429 and asks to come back at once.
    Busy,
    /// Answers 400: never again.
    Refuse,
    /// Answers with what is no HTTP.
    Garbage,
    /// Reads it and ends the connection.
    HangUp,
    /// Does not answer before another mode is set, and ends the connection then.
    Hang,
    /// Answers with bytes that are no TLS: new connections at once, open ones after a request.
    BrokenTls,
}

/// A span as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Its name.
    pub name: String,
    /// Name and version of its instrumentation scope.
    pub scope: (String, String),
    /// Its id.
    pub span_id: Vec<u8>,
    /// The attribute `n`; none if there is none.
    pub n: Option<u64>,
    /// `process.pid` of its resource.
    pub pid: Option<u64>,
}

/// A running receiver; its threads end with the process.
#[derive(Debug)]
pub struct OtlpReceiver {
    port: u16,
    /// Its certificate as PEM text, if it wants TLS.
    certificate: Option<String>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mode: Mutex<Mode>,
    mode_changed: Condvar,
    /// Requests for traces since the mode was set.
    asked: Mutex<usize>,
    asked_changed: Condvar,
    /// Connections that are not done with.
    open: Mutex<usize>,
    closed: Condvar,
    spans: Mutex<Vec<Arrived>>,
    changed: Condvar,
    /// Requests for metrics and logs that were taken, with their paths.
    others: Mutex<Vec<(String, Vec<u8>)>>,
}

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

impl OtlpReceiver {
    /// Starts one at a free port of the loopback interface.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn start(mode: Mode) -> Self {
        Self::start_with(mode, None)
    }

    /// Starts one that wants TLS; [`OtlpReceiver::certificate`] vouches for it.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn start_tls(mode: Mode) -> Self {
        let names = ["127.0.0.1".to_owned()];
        let own = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key.expect("a key"))
            .expect("they fit");
        Self::start_with(mode, Some((own.cert.pem(), Arc::new(config))))
    }

    fn start_with(mode: Mode, tls: Option<(String, Arc<ServerConfig>)>) -> Self {
        let (certificate, tls) = tls.unzip();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let shared = Arc::new(Shared {
            mode: Mutex::new(mode),
            mode_changed: Condvar::new(),
            asked: Mutex::new(0),
            asked_changed: Condvar::new(),
            open: Mutex::new(0),
            closed: Condvar::new(),
            spans: Mutex::default(),
            changed: Condvar::new(),
            others: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                let tls = tls.clone();
                *lock(&shared.open) += 1;
                std::thread::spawn(move || {
                    shared.serve_connection(&stream, tls);
                    drop(stream);
                    *lock(&shared.open) -= 1;
                    shared.closed.notify_all();
                });
            }
        });
        Self {
            port,
            certificate,
            shared,
        }
    }

    /// The endpoint without a path.
    pub fn url(&self) -> String {
        let scheme = self.certificate.as_ref().map_or("http", |_| "https");
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The certificate of a receiver with TLS as PEM text; empty for another.
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().unwrap_or_default()
    }

    /// Changes what happens to further requests.
    pub fn set(&self, mode: Mode) {
        *lock(&self.shared.asked) = 0;
        *lock(&self.shared.mode) = mode;
        self.shared.mode_changed.notify_all();
    }

    /// Waits for a request for traces since the mode was set.
    ///
    /// # Panics
    /// When none comes.
    pub fn wait_until_asked(&self) {
        let asked = lock(&self.shared.asked);
        let waited = self
            .shared
            .asked_changed
            .wait_timeout_while(asked, LONG, |asked| *asked == 0);
        let (asked, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "{asked} requests");
    }

    /// Waits until no connection is left: what programs that have ended sent last has been read.
    ///
    /// # Panics
    /// When a program keeps its connection.
    pub fn wait_until_left(&self) {
        // Accepted after every connection that was made before it.
        let mut last = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        last.shutdown(Shutdown::Write).expect("it is connected");
        let _ = last.read(&mut [0]);
        let open = lock(&self.shared.open);
        let waited = self
            .shared
            .closed
            .wait_timeout_while(open, LONG, |open| *open > 0);
        let (open, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "{open} connections");
    }

    /// All spans that were taken, in the order of their arrival.
    pub fn spans(&self) -> Vec<Arrived> {
        lock(&self.shared.spans).clone()
    }

    /// How many requests to the path, for metrics or logs, have the text in them.
    pub fn requests_with(&self, path: &str, text: &str) -> usize {
        let others = lock(&self.shared.others);
        let has = |body: &[u8]| body.windows(text.len()).any(|part| part == text.as_bytes());
        others
            .iter()
            .filter(|(p, body)| p == path && has(body))
            .count()
    }

    /// The names of all spans, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.spans().into_iter().map(|s| s.name).collect();
        names.sort();
        names
    }

    /// Waits until so many spans have arrived.
    ///
    /// # Panics
    /// When they do not come.
    pub fn wait_for(&self, spans: usize) {
        let all = lock(&self.shared.spans);
        let waited = self
            .shared
            .changed
            .wait_timeout_while(all, LONG, |all| all.len() < spans);
        let (all, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "{} of {spans} spans", all.len());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn serve_connection(&self, stream: &TcpStream, tls: Option<Arc<ServerConfig>>) {
        let Some(config) = tls else {
            return self.serve(stream, stream);
        };
        if *lock(&self.mode) == Mode::BrokenTls {
            self.note();
            return not_tls(stream);
        }
        if let Ok(connection) = ServerConnection::new(config) {
            self.serve(StreamOwned::new(connection, stream), stream);
        }
    }

    /// Somebody asks for something.
    fn note(&self) {
        *lock(&self.asked) += 1;
        self.asked_changed.notify_all();
    }

    /// Answers the requests of a stream; `below` is what TLS lies on.
    fn serve(&self, stream: impl Read + Write, below: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some((path, body)) = request(&mut reader) {
            if path == "/v1/traces" {
                self.note();
            }
            let mut mode = lock(&self.mode);
            while *mode == Mode::Hang {
                let waited = self.mode_changed.wait(mode);
                mode = waited.unwrap_or_else(PoisonError::into_inner);
                if *mode != Mode::Hang {
                    return;
                }
            }
            let mode = *mode;
            let (head, answer): (&str, &[u8]) = match mode {
                Mode::Accept => ("200 OK", b""),
                // An `ExportPartialSuccess` of which one span was rejected.
                Mode::Partial => ("200 OK", b"\x0a\x02\x08\x01"),
                Mode::Unavailable => ("503 Service Unavailable", b""),
                Mode::Busy => ("429 Too Many Requests\r\nretry-after: 0", b""),
                Mode::Refuse => ("400 Bad Request", b""),
                Mode::Garbage => ("banana", b""),
                Mode::HangUp | Mode::Hang => return,
                Mode::BrokenTls => return not_tls(below),
            };
            if path == "/v1/traces" {
                let mut arrived = match mode {
                    Mode::Accept | Mode::Partial => spans_of(&body),
                    _ => Vec::new(),
                };
                if mode == Mode::Partial {
                    arrived.pop();
                }
                lock(&self.spans).append(&mut arrived);
                self.changed.notify_all();
            } else if mode == Mode::Accept {
                lock(&self.others).push((path, body));
            }
            let head = format!(
                "HTTP/1.1 {head}\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            let all = [head.as_bytes(), answer].concat();
            let writer = reader.get_mut();
            if writer
                .write_all(&all)
                .and_then(|()| writer.flush())
                .is_err()
            {
                return;
            }
        }
    }
}

/// A record of application data that nobody encrypted.
fn not_tls(mut stream: &TcpStream) {
    let mut record = [0xbd; 37];
    record[..5].copy_from_slice(&[0x17, 0x03, 0x03, 0, 32]);
    // Who is gone hears nothing.
    let _ = stream.write_all(&record);
}

/// Path and body of the next request; none at the end of the connection.
fn request(reader: &mut impl std::io::BufRead) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, body))
}

/// The spans of an `ExportTraceServiceRequest`.
fn spans_of(request: &[u8]) -> Vec<Arrived> {
    let mut spans = Vec::new();
    for resource_spans in messages(request, 1) {
        let resource = messages(resource_spans, 1).next().unwrap_or_default();
        let pid = number(resource, 1, "process.pid");
        let of_scopes = messages(resource_spans, 2).flat_map(|all| {
            let scope = messages(all, 1).next().unwrap_or_default();
            messages(all, 2).map(move |span| (scope, span))
        });
        spans.extend(of_scopes.map(|(scope, span)| Arrived {
            name: text(span, 5),
            scope: (text(scope, 1), text(scope, 2)),
            span_id: messages(span, 2).next().unwrap_or_default().to_vec(),
            n: number(span, 9, "n"),
            pid,
        }));
    }
    spans
}

/// The value of a whole number among the attributes in field `field`.
fn number(message: &[u8], field: u64, key: &str) -> Option<u64> {
    let pair = messages(message, field).find(|pair| text(pair, 1) == key)?;
    let value = messages(pair, 2).next()?;
    fields(value).find_map(|(n, f)| (n == 3).then_some(f?.ok()?))
}

fn text(message: &[u8], field: u64) -> String {
    let bytes = messages(message, field).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

fn messages(message: &[u8], field: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).filter_map(move |(n, f)| (n == field).then_some(f?.err()?))
}

/// The fields of a protobuf message: a number, or bytes as `Err`; none for one of fixed length.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, Option<Result<u64, &[u8]>>)> {
    std::iter::from_fn(move || {
        let tag = varint(&mut rest)?;
        let field = match tag & 7 {
            0 => Some(Ok(varint(&mut rest)?)),
            2 => {
                let len = usize::try_from(varint(&mut rest)?).ok()?;
                let (bytes, after) = rest.split_at_checked(len)?;
                rest = after;
                Some(Err(bytes))
            }
            kind => {
                rest = rest.get(if kind == 1 { 8 } else { 4 }..)?;
                None
            }
        };
        Some((tag >> 3, field))
    })
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
