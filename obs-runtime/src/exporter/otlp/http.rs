//! OTLP/HTTP with protobuf bodies (OTLP specification, "OTLP/HTTP").

use core::time::Duration;
use std::sync::Arc;

use ureq::http::{HeaderMap, StatusCode};

use crate::exporter::http_client::{HttpClient, Unanswered, asked_pause};
use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::Compression;
use crate::exporter::otlp::protobuf::Reader;
use crate::exporter::otlp::target::Target;
use crate::exporter::otlp::transport::{
    Answer, Failure, PartialSuccess, Retry, Transport, partial_success, partial_success_of_json,
    printable, remedy,
};
use crate::self_obs::DropReason;

/// More of an answer is not read.
const MAX_ANSWER: u64 = 64 << 10;
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Posts requests to a receiver, from the sender threads.
#[derive(Clone)]
pub(super) struct Http {
    client: HttpClient,
    headers: Vec<(String, String)>,
    compression: Compression,
}

impl Http {
    pub(super) fn new(target: &Target) -> Self {
        let endpoint = &target.endpoint;
        let certificates = target.tls.for_ureq();
        Self {
            client: HttpClient::new(&endpoint.url, endpoint.is_loopback, certificates),
            headers: target.headers.clone(),
            compression: target.compression,
        }
    }

    fn post(&self, body: &[u8], timeout: Duration) -> Result<Answer, ureq::Error> {
        let mut request = self.client.post(timeout).header("content-type", PROTOBUF);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = match self.compression {
            Compression::None => request.send(body)?,
            Compression::Gzip => request
                .header("content-encoding", "gzip")
                .send(&gzip(body)?[..])?,
        };
        let (head, body) = response.into_parts();
        let body = body.into_with_config().limit(MAX_ANSWER).read_to_vec();
        Ok(answer(head.status, &head.headers, body))
    }
}

impl Transport for Http {
    fn send(&mut self, batch: &Arc<Batch>, timeout: Duration) -> Answer {
        self.post(batch.body(), timeout)
            .unwrap_or_else(|e| unanswered(&e, timeout))
    }

    fn another(&self) -> Option<Box<dyn Transport>> {
        // They share the pool of connections.
        Some(Box::new(self.clone()))
    }
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::Write as _;
    let out = Vec::with_capacity(body.len() / 4);
    let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// Returns what an answer means; its status decides, unless the body says that no OTLP receiver answered.
fn answer(status: StatusCode, headers: &HeaderMap, body: Result<Vec<u8>, ureq::Error>) -> Answer {
    let content_type = headers
        .get("content-type")
        .map_or("", |t| t.to_str().unwrap_or("?"));
    let is_protobuf = content_type.starts_with(PROTOBUF);
    if status.is_success() {
        return taken(status, content_type, body);
    }
    let text = match body {
        // The message of a `google.rpc.Status`.
        Ok(body) if is_protobuf => Reader::new(&body)
            .bytes(2)
            .map_or_else(String::new, printable),
        Ok(body) => printable(&body),
        Err(_) => String::new(),
    };
    let cause = format!(
        "answered {status}{}{text}",
        if text.is_empty() { "" } else { ": " }
    );
    let asked = asked_pause(headers);
    let (reason, retry, remedy) = match status.as_u16() {
        // OTLP specification, "Retryable Response Codes".
        429 | 502..=504 => {
            let retry = asked.map_or(Retry::Backoff, Retry::After);
            (DropReason::Rejected, retry, "")
        }
        413 => (DropReason::TooLarge, Retry::Never, remedy::SIZE),
        401 | 403 => (DropReason::Rejected, Retry::Never, remedy::KEY),
        404 | 405 => (DropReason::Rejected, Retry::Never, remedy::PATH),
        _ => (DropReason::Rejected, Retry::Never, ""),
    };
    Failure::answer(reason, retry, &cause, remedy)
}

/// Returns what an answer of success means. A login page, or any other service, answers so as well and has taken
/// nothing.
fn taken(status: StatusCode, content_type: &str, body: Result<Vec<u8>, ureq::Error>) -> Answer {
    let may_be_protobuf = content_type.is_empty() || content_type.starts_with(PROTOBUF);
    let partial = match &body {
        Ok(body) if body.is_empty() => Some(PartialSuccess::default()),
        Ok(body) if may_be_protobuf => partial_success(body),
        Ok(body) if content_type.starts_with(JSON) => partial_success_of_json(body),
        // The connection broke after the acknowledgement.
        Err(error) if may_be_protobuf && !matches!(error, ureq::Error::BodyExceedsLimit(_)) => {
            Some(PartialSuccess {
                rejected: 0,
                message: format!("the answer's body cannot be read: {error}"),
            })
        }
        _ => None,
    };
    let Some(partial) = partial else {
        let text = body.map_or_else(|error| error.to_string(), |body| printable(&body));
        let cause =
            format!("answered {status} with what is no OTLP answer ({content_type}): {text}");
        return Failure::answer(DropReason::Rejected, Retry::Never, &cause, remedy::NOT_OTLP);
    };
    Answer::Accepted(partial)
}

/// Explains a request without an answer: it may have been received, and is sent again nevertheless.
fn unanswered(error: &ureq::Error, timeout: Duration) -> Answer {
    let Unanswered {
        reason,
        cause,
        is_temporary,
    } = Unanswered::new(error, timeout);
    let retry = if is_temporary {
        Retry::Backoff
    } else {
        Retry::Never
    };
    let remedy = match error {
        _ if reason == DropReason::Timeout => remedy::TIMEOUT,
        ureq::Error::Tls(_) => remedy::TLS,
        #[cfg(feature = "tls")]
        ureq::Error::Rustls(_) => remedy::TLS,
        // As rustls says that it does not trust the other side.
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => remedy::TLS,
        ureq::Error::Protocol(_) => remedy::PROTOCOL,
        _ if reason == DropReason::Unreachable => remedy::LISTENING,
        _ => "",
    };
    let of_connection = match error {
        ureq::Error::Io(error) => Some(error),
        _ => None,
    };
    Failure::answer(reason, retry, &cause, remedy).of(of_connection)
}
