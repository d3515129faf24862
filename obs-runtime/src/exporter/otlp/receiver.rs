//! A receiver for tests: answers HTTP requests by a script, well or badly.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// What the receiver does with one request.
#[derive(Clone)]
pub(super) enum Reply {
    /// Status, further header lines, body.
    Status(u16, &'static str, Vec<u8>),
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// The end of the connection, in the middle of the request.
    HangUp,
    /// Nothing, until the receiver is dropped.
    Silence,
}

pub(super) fn ok() -> Reply {
    Reply::Status(200, "content-type: application/x-protobuf\r\n", Vec::new())
}

/// A request that was read to its end.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) at: Instant,
    /// The request line and the headers, in lower case.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

pub(super) struct Receiver {
    pub(super) url: String,
    requests: mpsc::Receiver<Received>,
    shared: Arc<Shared>,
    /// Dropped with the receiver: ends every silence.
    _silence: mpsc::Sender<()>,
}

struct Shared {
    script: Mutex<VecDeque<Reply>>,
    /// Bytes of the longest body that is taken.
    most: usize,
    connections: AtomicUsize,
    stop: AtomicBool,
    requests: mpsc::Sender<Received>,
    silence: Mutex<mpsc::Receiver<()>>,
}

/// Longer than any test takes: a wait for what never comes fails the test.
pub(super) const LONG: Duration = Duration::from_secs(60);

impl Receiver {
    /// Answers by the script, and well after its end.
    pub(super) fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(script, usize::MAX)
    }

    /// Answers 413 to what has more bytes.
    pub(super) fn start_limited(most: usize) -> Self {
        Self::start_with([], most)
    }

    fn start_with(script: impl IntoIterator<Item = Reply>, most: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel();
        let (silence, waits) = mpsc::channel();
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into_iter().collect()),
            most,
            connections: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            requests: sender,
            silence: Mutex::new(waits),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stop.load(Ordering::SeqCst) {
                    return;
                }
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || shared.serve(stream.unwrap()));
            }
        });
        Self {
            url,
            requests,
            shared,
            _silence: silence,
        }
    }

    /// The next request.
    pub(super) fn next(&self) -> Received {
        self.requests.recv_timeout(LONG).expect("a request")
    }

    /// The requests that have come since.
    pub(super) fn all(&self) -> impl Iterator<Item = Received> {
        self.requests.try_iter()
    }

    /// How many requests came that were not asked for with [`Receiver::next`].
    pub(super) fn further(&self) -> usize {
        self.requests.try_iter().count()
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let address = self.url.trim_start_matches("http://");
        drop(TcpStream::connect(address));
    }
}

impl Shared {
    /// Serves one connection until either side ends it.
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some((head, length)) = read_head(&mut reader) {
            let mut reply = self.script.lock().unwrap().pop_front().unwrap_or_else(ok);
            if length > self.most {
                reply = Reply::Status(413, "", Vec::new());
            }
            if matches!(reply, Reply::HangUp) {
                return;
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                return;
            }
            let at = Instant::now();
            if self.requests.send(Received { at, head, body }).is_err() {
                return;
            }
            let done = match reply {
                Reply::Status(status, headers, body) => {
                    let length = body.len();
                    let head =
                        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n");
                    let answer = [head.as_bytes(), &body].concat();
                    stream.write_all(&answer).is_err()
                }
                Reply::Raw(bytes) => {
                    let _ = stream.write_all(&bytes);
                    true
                }
                Reply::Silence => {
                    // Ends with an error once the receiver is dropped.
                    let _ = self.silence.lock().unwrap().recv();
                    true
                }
                Reply::HangUp => true,
            };
            if done {
                return;
            }
        }
    }
}

fn read_head(reader: &mut BufReader<TcpStream>) -> Option<(String, usize)> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if head[before..].trim().is_empty() {
            break;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|l| l.strip_prefix("content-length:"))?
        .trim()
        .parse()
        .ok()?;
    Some((head, length))
}
