//! An OTLP receiver that counts spans and does nothing else: HTTP/protobuf and gRPC on one port.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;

/// What came.
#[derive(Debug, Default)]
struct Counts {
    spans: AtomicU64,
    unreadable: AtomicU64,
}

/// A running receiver; ends when dropped.
pub struct Receiver {
    runtime: tokio::runtime::Runtime,
    port: u16,
    counts: Arc<Counts>,
}

impl Receiver {
    /// Listens on a free loopback port.
    pub fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        let counts = Arc::new(Counts::default());
        let shared = counts.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counts = shared.clone();
                let service = hyper::service::service_fn(move |r| answer(r, counts.clone()));
                tokio::spawn(async move {
                    // A client that goes away ends the connection as it likes.
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(Self {
            runtime,
            port,
            counts,
        })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Spans received; ends the receiver. The clients have been answered by now.
    pub fn finish(self) -> Result<u64, String> {
        self.runtime.shutdown_background();
        match self.counts.unreadable.load(Ordering::Relaxed) {
            0 => Ok(self.counts.spans.load(Ordering::Relaxed)),
            n => Err(format!("{n} requests could not be read")),
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    counts: Arc<Counts>,
) -> Result<Response<Frames>, Infallible> {
    let grpc = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|t| t.as_bytes().starts_with(b"application/grpc"));
    let compressed = request.headers().contains_key(CONTENT_ENCODING);
    let path = request.uri().path().to_owned();
    let Ok(body) = request.into_body().collect().await else {
        return Ok(respond(StatusCode::BAD_REQUEST, Vec::new()));
    };
    // A message of gRPC has 5 bytes before it: a compression flag and its length.
    let mut bytes = body.to_bytes();
    let flagged = grpc && (bytes.len() < 5 || bytes[0] != 0);
    if grpc && !flagged {
        bytes.advance(5);
    }
    if path.contains("trace") {
        let readable = !compressed && !flagged;
        match readable.then(|| spans(&bytes)).flatten() {
            Some(n) => counts.spans.fetch_add(n, Ordering::Relaxed),
            None => counts.unreadable.fetch_add(1, Ordering::Relaxed),
        };
    }
    if !grpc {
        return Ok(respond(StatusCode::OK, Vec::new()));
    }
    let trailers = HeaderMap::from_iter([(
        hyper::header::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let frames = vec![
        Frame::data(Bytes::from_static(&[0; 5])),
        Frame::trailers(trailers),
    ];
    let mut response = respond(StatusCode::OK, frames);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(response)
}

fn respond(status: StatusCode, frames: Vec<Frame<Bytes>>) -> Response<Frames> {
    let mut response = Response::new(Frames(frames.into_iter()));
    *response.status_mut() = status;
    response
}

/// A body of frames that are all there already.
struct Frames(std::vec::IntoIter<Frame<Bytes>>);

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.0.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(
            self.0
                .as_slice()
                .iter()
                .filter_map(|f| f.data_ref())
                .map(|d| d.len() as u64)
                .sum(),
        )
    }
}

/// Spans of an `ExportTraceServiceRequest`: field 1 `ResourceSpans`, in it 2 `ScopeSpans`, in it 2
/// `Span`. `None` if the bytes are no such message.
fn spans(request: &[u8]) -> Option<u64> {
    let mut count = 0;
    each(request, 1, &mut |resource| {
        each(resource, 2, &mut |scope| {
            each(scope, 2, &mut |_| {
                count += 1;
                Some(())
            })
        })
    })?;
    Some(count)
}

/// Calls `found` for each length-delimited field of that number.
fn each(mut message: &[u8], number: u64, found: &mut dyn FnMut(&[u8]) -> Option<()>) -> Option<()> {
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        match tag & 7 {
            0 => {
                varint(&mut message)?;
            }
            1 => message = message.get(8..)?,
            2 => {
                let len = usize::try_from(varint(&mut message)?).ok()?;
                let (content, rest) = message.split_at_checked(len)?;
                message = rest;
                if tag >> 3 == number {
                    found(content)?;
                }
            }
            5 => message = message.get(4..)?,
            _ => return None,
        }
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_spans_of_every_resource_and_scope() {
        // Two resources; the first has two scopes with 2 and 1 spans, the second a scope with none.
        let span = [0x12, 3, 0x2a, 1, b'n'];
        let scope = |spans: usize| {
            let body = span.repeat(spans);
            [vec![0x12, body.len() as u8], body].concat()
        };
        let first = [scope(2), scope(1)].concat();
        let second = scope(0);
        let request = [
            vec![0x0a, first.len() as u8],
            first,
            vec![0x0a, second.len() as u8],
            second,
        ]
        .concat();
        assert_eq!(spans(&request), Some(3));
        assert_eq!(spans(&request[..request.len() - 1]), None);
        assert_eq!(spans(&[]), Some(0));
    }
}
