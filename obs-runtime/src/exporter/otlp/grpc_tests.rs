use std::collections::VecDeque;
use std::sync::{Mutex, mpsc};
use std::time::Instant;

use http::{HeaderMap, Response};

use super::*;
use crate::exporter::otlp::batch::Envelope;
use crate::exporter::otlp::config::{OtlpConfig, Protocol, Signal};
use crate::exporter::otlp::fixtures::{Fixture, resource, spans};
use crate::exporter::otlp::receiver::LONG;
use crate::exporter::otlp::sink::OtlpSpanSink;
use crate::exporter::otlp::transport::PartialSuccess;
use crate::processor::sink::SpanSink as _;

/// What the receiver does with one request.
#[derive(Clone)]
enum Reply {
    /// Status 0 and this message.
    Message(Vec<u8>),
    /// A status with its message and its `google.rpc.Status`.
    Status(i32, &'static str, Vec<u8>),
    /// A reset of the stream.
    Reset,
    /// The end of the connection.
    HangUp,
    /// Nothing.
    Silence,
}

struct Received {
    path: String,
    headers: HeaderMap,
    /// The message without its five bytes of framing.
    body: Vec<u8>,
    is_compressed: bool,
}

/// A gRPC server of its own thread and runtime, which answers by a script, and well afterwards.
struct Receiver {
    url: String,
    requests: mpsc::Receiver<Received>,
    stop: tokio::sync::mpsc::Sender<()>,
}

impl Receiver {
    fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel();
        let (stop, mut stopped) = tokio::sync::mpsc::channel(1);
        let script = Arc::new(Mutex::new(script.into_iter().collect::<VecDeque<_>>()));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    tokio::select! {
                        _ = stopped.recv() => return,
                        stream = listener.accept() => {
                            let stream = stream.unwrap().0;
                            stream.set_nodelay(true).unwrap();
                            tokio::spawn(serve(stream, Arc::clone(&script), sender.clone()));
                        }
                    }
                }
            });
        });
        Self {
            url,
            requests,
            stop,
        }
    }

    fn next(&self) -> Received {
        self.requests.recv_timeout(LONG).expect("a request")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.stop.try_send(());
    }
}

type Script = Arc<Mutex<VecDeque<Reply>>>;

async fn serve(stream: tokio::net::TcpStream, script: Script, requests: mpsc::Sender<Received>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    // Streams that are never answered: dropping one would reset it.
    let mut silent = Vec::new();
    let mut reading = tokio::task::JoinSet::new();
    loop {
        // The connection must be polled while a request's body is read.
        let (request, mut respond) = tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    reading.spawn(async move { (read(request).await, respond) });
                    continue;
                }
                _ => return,
            },
            Some(done) = reading.join_next() => done.unwrap(),
        };
        if requests.send(request).is_err() {
            return;
        }
        let reply = script.lock().unwrap().pop_front();
        match reply.unwrap_or(Reply::Message(Vec::new())) {
            Reply::Message(body) => {
                let head = Response::builder().header("content-type", "application/grpc");
                let mut send = respond
                    .send_response(head.body(()).unwrap(), false)
                    .unwrap();
                let length = (body.len() as u32).to_be_bytes();
                let frame = [&[0], &length[..], &body].concat();
                send.send_data(frame.into(), false).unwrap();
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", "0".parse().unwrap());
                send.send_trailers(trailers).unwrap();
            }
            Reply::Status(code, message, details) => {
                use tonic::metadata::BinaryMetadataValue;
                let details = BinaryMetadataValue::from_bytes(&details);
                let head = Response::builder()
                    .header("content-type", "application/grpc")
                    .header("grpc-status", code)
                    .header("grpc-message", message)
                    .header("grpc-status-details-bin", details.as_encoded_bytes());
                respond.send_response(head.body(()).unwrap(), true).unwrap();
            }
            Reply::Reset => respond.send_reset(h2::Reason::INTERNAL_ERROR),
            Reply::HangUp => return,
            Reply::Silence => silent.push(respond),
        }
    }
}

async fn read(request: http::Request<h2::RecvStream>) -> Received {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(data)) = stream.data().await {
        stream.flow_control().release_capacity(data.len()).unwrap();
        body.extend_from_slice(&data);
    }
    assert_eq!(
        u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize,
        body.len() - 5
    );
    Received {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        is_compressed: body[0] == 1,
        body: body.split_off(5),
    }
}

fn config(url: &str) -> OtlpConfig {
    let mut config = OtlpConfig::new(url).protocol(Protocol::Grpc).timeout(LONG);
    config.limits.backoff = Duration::from_millis(1);
    config.limits.retry_for = LONG;
    config
}

fn transport(config: &OtlpConfig) -> Grpc {
    Grpc::new(&config.target(Signal::Traces).unwrap().unwrap()).unwrap()
}

/// Sends a request of one span and says what became of it.
fn send(transport: &mut Grpc, timeout: Duration) -> Answer {
    let envelope = Envelope::new(&resource());
    let mut open = envelope.begin(Vec::new());
    open.items = 1;
    transport.send(&Arc::new(envelope.finish(open)), timeout)
}

fn sink(config: &OtlpConfig) -> OtlpSpanSink {
    let target = config.target(Signal::Traces).unwrap().unwrap();
    let transport = Box::new(Grpc::new(&target).unwrap());
    OtlpSpanSink::start(&target, transport, config.limits, &resource(), None).unwrap()
}

fn long() -> Instant {
    Instant::now() + LONG
}

#[test]
fn batches_arrive_as_they_were_encoded() {
    let receiver = Receiver::start([]);
    let mut sink = sink(&config(&receiver.url).header("Api-Key", "secret"));
    for count in [3, 20_000] {
        for _ in 0..count {
            sink.span(&Fixture::bare().view());
        }
        sink.flush()(long()).unwrap();
        let mut found = 0;
        while found < count {
            let request = receiver.next();
            let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
            assert_eq!(request.path, path);
            assert_eq!(request.headers["api-key"], "secret");
            assert_eq!(request.headers["te"], "trailers");
            let agent = request.headers["user-agent"].to_str().unwrap();
            assert!(agent.starts_with(USER_AGENT), "{agent}");
            assert!(!request.is_compressed);
            found += spans(&request.body).len();
        }
        assert_eq!(found, count);
    }
    sink.shutdown(long()).unwrap();
    let stats = sink.stats().snapshot();
    assert_eq!((stats.taken, stats.exported), (20_003, 20_003));
}

#[test]
fn bodies_can_be_compressed() {
    let receiver = Receiver::start([]);
    let config = config(&receiver.url).compression(Compression::Gzip);
    let answer = send(&mut transport(&config), LONG);
    assert_eq!(answer, Answer::Accepted(PartialSuccess::default()));
    let request = receiver.next();
    assert!(request.is_compressed);
    assert_eq!(request.headers["grpc-encoding"], "gzip");
}

#[test]
fn partial_success_is_read() {
    let receiver = Receiver::start([Reply::Message(b"\x0a\x0b\x08\x02\x12\x07no name".to_vec())]);
    let answer = send(&mut transport(&config(&receiver.url)), LONG);
    let Answer::Accepted(partial) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!((partial.rejected, &*partial.message), (2, "no name"));
}

#[test]
fn statuses_mean_what_the_specification_says() {
    // google.rpc.Status { details: [RetryInfo { retry_delay: 3.5 s }] }
    let retry_info = {
        use crate::exporter::otlp::protobuf::{bytes, message, uint};
        let mut status = Vec::new();
        message(&mut status, 3, |out| {
            bytes(out, 1, b"type.googleapis.com/google.rpc.Help");
        });
        message(&mut status, 3, |out| {
            bytes(out, 1, b"type.googleapis.com/google.rpc.RetryInfo");
            message(out, 2, |out| {
                message(out, 1, |out| {
                    uint(out, 1, 3);
                    uint(out, 2, 500_000_000);
                });
            });
        });
        status
    };
    let after = Retry::After(Duration::from_millis(3500));
    let rows = [
        (1, Vec::new(), DropReason::Rejected, Retry::Backoff),
        (2, Vec::new(), DropReason::Rejected, Retry::Never),
        (3, Vec::new(), DropReason::Rejected, Retry::Never),
        (4, Vec::new(), DropReason::Timeout, Retry::Backoff),
        (5, Vec::new(), DropReason::Rejected, Retry::Never),
        (7, Vec::new(), DropReason::Rejected, Retry::Never),
        (8, Vec::new(), DropReason::TooLarge, Retry::Never),
        (8, retry_info.clone(), DropReason::Rejected, after),
        (9, Vec::new(), DropReason::Rejected, Retry::Never),
        (10, Vec::new(), DropReason::Rejected, Retry::Backoff),
        (11, Vec::new(), DropReason::Rejected, Retry::Backoff),
        (12, Vec::new(), DropReason::Rejected, Retry::Never),
        (13, Vec::new(), DropReason::Rejected, Retry::Never),
        (14, Vec::new(), DropReason::Rejected, Retry::Backoff),
        (14, retry_info, DropReason::Rejected, after),
        (15, Vec::new(), DropReason::Rejected, Retry::Backoff),
        (16, Vec::new(), DropReason::Rejected, Retry::Never),
    ];
    let script = rows
        .clone()
        .map(|(code, details, ..)| Reply::Status(code, "the%20cause", details));
    let receiver = Receiver::start(script);
    let mut transport = transport(&config(&receiver.url));
    for (code, _, reason, retry) in rows {
        let answer = send(&mut transport, LONG);
        let Answer::Failed(failure) = answer else {
            panic!("{code}: {answer:?}");
        };
        assert_eq!((failure.reason, failure.retry), (reason, retry), "{code}");
        assert!(failure.cause.contains("the cause"), "{}", failure.cause);
    }
}

// bug: what a receiver found too large was lost as a whole, or sent again as it was.
#[test]
fn what_a_receiver_finds_too_large_is_halved() {
    let too_large = |code, message| Reply::Status(code, message, Vec::new());
    let receiver = Receiver::start([
        // As the servers of Go and Rust say it.
        too_large(8, "grpc: received message larger than max (5000 vs. 4000)"),
        too_large(11, "Error, decoded message length too large: found 5 bytes"),
        too_large(8, "Received message larger than max"),
        // What is alone is not divided further.
    ]);
    let mut sink = sink(&config(&receiver.url));
    for _ in 0..4 {
        sink.span(&Fixture::bare().view());
    }
    let error = sink.flush()(long()).unwrap_err().to_string();
    assert!(error.contains("1 spans"), "{error}");
    let counts = [4, 2, 1, 1, 2].map(|_| spans(&receiver.next().body).len());
    assert_eq!(counts, [4, 2, 1, 1, 2]);
    let stats = sink.stats().snapshot();
    assert_eq!(stats.exported, 3);
    assert_eq!(stats.dropped, [(DropReason::TooLarge, 1)]);
}

#[test]
fn what_is_exhausted_but_not_for_its_size_is_not_halved() {
    let receiver = Receiver::start([Reply::Status(8, "quota exceeded", Vec::new())]);
    let Answer::Failed(failure) = send(&mut transport(&config(&receiver.url)), LONG) else {
        panic!("it was refused");
    };
    assert_eq!(
        (failure.reason, failure.retry),
        (DropReason::Rejected, Retry::Never)
    );
}

#[test]
fn connections_that_break_are_tried_again() {
    let receiver = Receiver::start([
        Reply::HangUp,
        Reply::Reset,
        Reply::Status(14, "", Vec::new()),
    ]);
    let mut sink = sink(&config(&receiver.url));
    sink.span(&Fixture::bare().view());
    sink.flush()(long()).unwrap();
    let stats = sink.stats().snapshot();
    assert_eq!((stats.taken, stats.exported), (1, 1));
    for _ in 0..4 {
        assert_eq!(spans(&receiver.next().body).len(), 1);
    }
}

// bug: any message with status 0 counted as exported.
#[test]
fn an_answer_that_is_no_otlp_message_is_a_refusal() {
    let receiver = Receiver::start([Reply::Message(b"\xff\xff".to_vec())]);
    let mut sink = sink(&config(&receiver.url));
    sink.span(&Fixture::bare().view());
    let error = sink.flush()(long()).unwrap_err().to_string();
    assert!(error.contains("no OTLP answer"), "{error}");
    let stats = sink.stats().snapshot();
    assert_eq!(stats.dropped, [(DropReason::Rejected, 1)]);
}

#[test]
fn nobody_listens() {
    let receiver = Receiver::start([]);
    let url = receiver.url.clone();
    // The port is free once the server's thread has let go of it.
    let address = url.trim_start_matches("http://").to_owned();
    drop(receiver);
    while std::net::TcpStream::connect(&address).is_ok() {
        std::thread::yield_now();
    }
    let answer = send(&mut transport(&config(&url)), LONG);
    let Answer::Failed(failure) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(failure.reason, DropReason::Unreachable);
    assert_eq!(failure.retry, Retry::Backoff);
    assert!(
        failure.cause.to_lowercase().contains("refused"),
        "{}",
        failure.cause
    );
}

#[test]
fn something_else_answers() {
    // An HTTP/1.1 server, as on port 4318.
    let receiver = crate::exporter::otlp::receiver::Receiver::start([]);
    let answer = send(
        &mut transport(&config(&receiver.url)),
        Duration::from_secs(2),
    );
    let Answer::Failed(failure) = answer else {
        panic!("{answer:?}");
    };
    let expected = [DropReason::Unreachable, DropReason::Timeout];
    assert!(expected.contains(&failure.reason), "{failure:?}");
}

#[test]
fn an_answer_that_never_comes_is_bounded_by_the_timeout() {
    let receiver = Receiver::start([Reply::Silence]);
    let mut transport = transport(&config(&receiver.url));
    let answer = send(&mut transport, Duration::from_millis(50));
    let Answer::Failed(failure) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(
        (failure.reason, failure.retry),
        (DropReason::Timeout, Retry::Backoff)
    );
    // The connection is still good.
    assert!(matches!(send(&mut transport, LONG), Answer::Accepted(_)));
}

#[test]
fn headers_that_metadata_cannot_carry_are_refused() {
    let config = config("http://localhost:4317").header("trace-bin", "x");
    let target = config.target(Signal::Traces).unwrap().unwrap();
    let error = Grpc::new(&target).err().unwrap();
    assert!(error.is_config());
    assert!(error.to_string().contains("`trace-bin`"), "{error}");
}
