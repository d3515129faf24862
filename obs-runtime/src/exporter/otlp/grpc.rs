//! OTLP/gRPC over tonic's channel; the encoded request goes out as it is (OTLP specification,
//! "OTLP/gRPC").

use core::error::Error as _;
use core::time::Duration;
use std::sync::Arc;

use bytes::{Buf as _, BufMut as _};
use http::uri::PathAndQuery;
use tokio::runtime::Runtime;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::Error;
use crate::error::ErrorKind;
use crate::exporter::http_client::USER_AGENT;
use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::Compression;
use crate::exporter::otlp::protobuf::{Field, Reader};
use crate::exporter::otlp::target::Target;
use crate::exporter::otlp::transport::{
    Answer, Failure, Retry, Transport, partial_success, remedy,
};
use crate::exporter::proxy;
use crate::self_obs::DropReason;

/// A channel with a runtime of its own, which runs only while a request is sent.
pub(super) struct Grpc {
    client: tonic::client::Grpc<Channel>,
    path: PathAndQuery,
    metadata: MetadataMap,
    target: Target,
    /// A proxy leads to the receiver, for those who take one.
    passes_proxy: bool,
    // Last: the client's tasks end with it.
    runtime: Runtime,
}

impl Grpc {
    pub(super) fn new(target: &Target) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| {
                let text = format!("the runtime for OTLP over gRPC cannot start: {e}");
                Error::new(ErrorKind::State, text)
            })?;
        let url = &target.endpoint.url;
        let unusable = |e: tonic::transport::Error| {
            let shown = target.endpoint.shown();
            Error::config(format!("OTLP endpoint {shown} cannot be used: {e}"))
        };
        #[cfg_attr(
            not(feature = "tls"),
            expect(unused_mut, reason = "certificates are set on it")
        )]
        let mut endpoint = Endpoint::from_shared(url.clone())
            .and_then(|e| e.user_agent(USER_AGENT))
            .map_err(unusable)?
            .connect_timeout(target.timeout);
        #[cfg(feature = "tls")]
        if target.endpoint.is_https {
            endpoint = endpoint
                .tls_config(target.tls.for_tonic())
                .map_err(unusable)?;
        }
        let channel = {
            let _entered = runtime.enter();
            endpoint.connect_lazy()
        };
        let mut client = tonic::client::Grpc::new(channel);
        if target.compression == Compression::Gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        Ok(Self {
            client,
            path: PathAndQuery::from_static(target.signal.grpc_path()),
            metadata: metadata(&target.headers)?,
            target: target.clone(),
            passes_proxy: proxy::of_process(url).is_some(),
            runtime,
        })
    }
}

impl Grpc {
    /// Returns what to do where nobody answers; that may be because only a proxy could reach the receiver.
    const fn or_proxy(&self, remedy: &'static str) -> &'static str {
        if self.passes_proxy {
            remedy::PAST_PROXY
        } else {
            remedy
        }
    }
}

fn metadata(headers: &[(String, String)]) -> Result<MetadataMap, Error> {
    let mut metadata = MetadataMap::with_capacity(headers.len());
    for (name, value) in headers {
        let unusable = || {
            Error::config(format!(
                "OTLP header `{name}` cannot be gRPC metadata: expected a name that does not end \
                 in `-bin` and a value of visible ASCII"
            ))
        };
        let key = name.to_ascii_lowercase();
        let key = MetadataKey::<Ascii>::from_bytes(key.as_bytes()).map_err(|_| unusable())?;
        let value = MetadataValue::try_from(value.as_str()).map_err(|_| unusable())?;
        metadata.insert(key, value);
    }
    Ok(metadata)
}

impl Transport for Grpc {
    fn send(&mut self, batch: &Arc<Batch>, timeout: Duration) -> Answer {
        let mut request = Request::new(Arc::clone(batch));
        *request.metadata_mut() = self.metadata.clone();
        let (client, path) = (&mut self.client, self.path.clone());
        let export = async {
            client
                .ready()
                .await
                .map_err(|e| Status::from_error(Box::new(e)))?;
            client.unary(request, path, RawCodec).await
        };
        match self
            .runtime
            .block_on(async { tokio::time::timeout(timeout, export).await })
        {
            Err(_) => Failure::answer(
                DropReason::Timeout,
                Retry::Backoff,
                &format!("no answer within {timeout:.1?}"),
                self.or_proxy(remedy::TIMEOUT),
            ),
            Ok(Ok(response)) => match partial_success(response.get_ref()) {
                Some(partial) => Answer::Accepted(partial),
                None => Failure::answer(
                    DropReason::Rejected,
                    Retry::Never,
                    "answered with what is no OTLP answer",
                    remedy::NOT_OTLP,
                ),
            },
            Ok(Err(status)) => refused(&status, self.or_proxy(remedy::LISTENING)),
        }
    }

    fn another(&self) -> Option<Box<dyn Transport>> {
        // A runtime that runs only while it is used cannot be shared.
        Some(Box::new(Self::new(&self.target).ok()?))
    }
}

/// Returns what a status means (OTLP specification, "Failures", the table of gRPC codes).
///
/// `unreachable` is what to do where nobody answers.
fn refused(status: &Status, unreachable: &'static str) -> Answer {
    // A status that tonic made of a broken connection has a source; one of the receiver has none.
    let source = status.source();
    let asked = retry_delay(status.details());
    let backoff = asked.map_or(Retry::Backoff, Retry::After);
    let (reason, retry) = match status.code() {
        Code::Unavailable if source.is_some() => (DropReason::Unreachable, backoff),
        Code::DeadlineExceeded => (DropReason::Timeout, backoff),
        // As tonic's servers say it of a message that is too long; otherwise it may succeed later.
        Code::OutOfRange if is_about_size(status.message()) => (DropReason::TooLarge, Retry::Never),
        Code::Cancelled | Code::Aborted | Code::OutOfRange | Code::Unavailable | Code::DataLoss => {
            (DropReason::Rejected, backoff)
        }
        // Only if the receiver says that it will recover.
        Code::ResourceExhausted => match asked {
            Some(delay) => (DropReason::Rejected, Retry::After(delay)),
            None if is_about_load(status.message()) => (DropReason::Rejected, Retry::Never),
            None => (DropReason::TooLarge, Retry::Never),
        },
        // The connection broke in the middle of the request or of the answer.
        _ if source.is_some() => (DropReason::Unreachable, backoff),
        _ => (DropReason::Rejected, Retry::Never),
    };
    let cause = source.map(|s| format!(": {}", innermost(s)));
    let text = format!("{}{}", status.message(), cause.unwrap_or_default());
    let remedy = match (reason, status.code()) {
        (DropReason::Unreachable, _) => unreachable,
        (_, Code::Unauthenticated | Code::PermissionDenied) => remedy::KEY,
        (_, Code::Unimplemented) => remedy::PROTOCOL,
        (DropReason::TooLarge, _) => remedy::SIZE,
        _ => "",
    };
    let cause = format!("{:?}: {text}", status.code());
    let of_connection = source.and_then(|s| innermost(s).downcast_ref());
    Failure::answer(reason, retry, &cause, remedy).of(of_connection)
}

/// Returns whether a status is about the length of a message, which no code is for. Servers of every language say it
/// with one of these words.
fn is_about_size(message: &str) -> bool {
    let words = [
        "too large",
        "too long",
        "larger than",
        "exceeds",
        "length",
        "size",
    ];
    has_any(message, &words)
}

/// Returns whether something else than the length of a message was exhausted.
fn is_about_load(message: &str) -> bool {
    let words = [
        "quota",
        "rate limit",
        "throttl",
        "too many",
        "concurren",
        "memory",
    ];
    !is_about_size(message) && has_any(message, &words)
}

fn has_any(message: &str, words: &[&str]) -> bool {
    let message = message.to_ascii_lowercase();
    words.iter().any(|word| message.contains(word))
}

/// Returns the error below all wrappers, such as "connection refused".
fn innermost<'a>(
    mut error: &'a (dyn core::error::Error + 'static),
) -> &'a (dyn core::error::Error + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

/// Returns the delay of a `google.rpc.RetryInfo` among the details of a `google.rpc.Status`.
fn retry_delay(details: &[u8]) -> Option<Duration> {
    const RETRY_INFO: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";
    let info = Reader::new(details)
        .flatten()
        .find_map(|field| match field {
            (3, Field::Bytes(any)) if Reader::new(any).bytes(1) == Some(RETRY_INFO) => Some(any),
            _ => None,
        })?;
    let info = Reader::new(info).bytes(2);
    let delay = info
        .and_then(|info| Reader::new(info).bytes(1))
        .unwrap_or(&[]);
    let number = |number| {
        let mut fields = Reader::new(delay).flatten();
        match fields.find(|(n, _)| *n == number) {
            Some((_, Field::Varint(value))) => value,
            _ => 0,
        }
    };
    let seconds = u64::try_from(number(1) as i64).unwrap_or(0);
    let nanos = (number(2) as u32).min(999_999_999);
    Some(Duration::new(seconds, nanos))
}

/// Requests are encoded already; answers are decoded by the caller.
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Arc<Batch>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Arc<Batch>;
    type Error = Status;

    fn encode(&mut self, batch: Arc<Batch>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let body = batch.body();
        out.reserve(body.len());
        out.put_slice(body);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, input: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut message = vec![0; input.remaining()];
        input.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}

#[cfg(test)]
#[path = "grpc_tests.rs"]
mod tests;
