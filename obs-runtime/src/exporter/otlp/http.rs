//! OTLP/HTTP with protobuf bodies (OTLP specification, "OTLP/HTTP").

use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ureq::http::{HeaderMap, StatusCode};

use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::{Compression, Target};
use crate::exporter::otlp::policy;
use crate::exporter::otlp::protobuf::{Field, Reader};
use crate::exporter::otlp::transport::{
    Answer, Failure, PartialSuccess, Retry, Transport, partial_success, printable, remedy,
};
use crate::self_obs::DropReason;

/// More of an answer is not read.
const MAX_ANSWER: u64 = 64 << 10;
/// Connections that are kept open: as many as may be used at once.
const MAX_IDLE: usize = 16;
const PROTOBUF: &str = "application/x-protobuf";
pub(super) const USER_AGENT: &str = concat!("obs-runtime/", env!("CARGO_PKG_VERSION"));

/// A client that keeps its connections open between requests.
#[derive(Clone)]
pub(super) struct Http {
    agent: ureq::Agent,
    url: String,
    headers: Vec<(String, String)>,
    compression: Compression,
    /// No name server is asked for the host.
    is_address: bool,
}

impl Http {
    pub(super) fn new(target: &Target) -> Self {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(USER_AGENT)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .no_delay(true)
            .max_idle_connections_per_host(MAX_IDLE)
            .tls_config(target.tls.for_ureq());
        if target.endpoint.is_loopback {
            config = config.proxy(None);
        }
        Self {
            agent: config.build().new_agent(),
            url: target.endpoint.url.clone(),
            headers: target.headers.clone(),
            compression: target.compression,
            is_address: target.endpoint.is_loopback || is_address(&target.endpoint.url),
        }
    }

    fn post(&self, body: &[u8], timeout: Duration) -> Result<Answer, ureq::Error> {
        let config = self.agent.post(&self.url).config();
        let limit = Some(timeout);
        let config = if self.is_address {
            // A limit for the whole covers looking the host up, for which ureq starts a thread with each request:
            // a fifth of what a delivery costs.
            config
                .timeout_connect(limit)
                .timeout_send_request(limit)
                .timeout_send_body(limit)
                .timeout_recv_response(limit)
                .timeout_recv_body(limit)
        } else {
            config.timeout_global(limit)
        };
        let mut request = config.build().header("content-type", PROTOBUF);
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
        // They share the agent's pool of connections.
        Some(Box::new(self.clone()))
    }
}

fn is_address(url: &str) -> bool {
    let uri = url.parse::<ureq::http::Uri>();
    let host = uri.as_ref().ok().and_then(|uri| uri.host());
    let host = host.map(|host| host.trim_start_matches('[').trim_end_matches(']'));
    host.is_some_and(|host| host.parse::<IpAddr>().is_ok())
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::Write as _;
    let out = Vec::with_capacity(body.len() / 4);
    let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// What an answer means; its status decides, also if its body breaks off.
fn answer(status: StatusCode, headers: &HeaderMap, body: Result<Vec<u8>, ureq::Error>) -> Answer {
    let is_protobuf = headers
        .get("content-type")
        .is_some_and(|t| t.as_bytes().starts_with(PROTOBUF.as_bytes()));
    if status.is_success() {
        // The status is the acknowledgement; a body that is no OTLP says that the endpoint may
        // be something else.
        return Answer::Accepted(match body {
            Ok(body) if is_protobuf || body.is_empty() => {
                partial_success(&body).unwrap_or_else(|| strange("it is no OTLP message"))
            }
            Ok(_) => PartialSuccess::default(),
            Err(e) => strange(&e.to_string()),
        });
    }
    let text = match body {
        Ok(body) if is_protobuf => status_message(&body),
        Ok(body) => printable(&body),
        Err(_) => String::new(),
    };
    let cause = format!(
        "answered {status}{}{text}",
        if text.is_empty() { "" } else { ": " }
    );
    let asked = headers
        .get("retry-after")
        .and_then(|v| v.to_str().ok())
        .and_then(|v| policy::retry_after(v, since_epoch()));
    let (reason, retry, remedy) = match status.as_u16() {
        // OTLP specification, "Retryable Response Codes".
        429 | 502..=504 => {
            let retry = asked.map_or(Retry::Backoff, Retry::After);
            (DropReason::Rejected, retry, "")
        }
        413 => (DropReason::TooLarge, Retry::Never, ""),
        401 | 403 => (DropReason::Rejected, Retry::Never, remedy::KEY),
        404 | 405 => (DropReason::Rejected, Retry::Never, remedy::PATH),
        _ => (DropReason::Rejected, Retry::Never, ""),
    };
    Failure::answer(reason, retry, &cause, remedy)
}

fn strange(what: &str) -> PartialSuccess {
    PartialSuccess {
        rejected: 0,
        message: format!("the answer's body cannot be read: {what}"),
    }
}

/// The message of a `google.rpc.Status`.
fn status_message(body: &[u8]) -> String {
    Reader::new(body)
        .flatten()
        .find_map(|field| match field {
            (2, Field::Bytes(text)) => Some(printable(text)),
            _ => None,
        })
        .unwrap_or_default()
}

/// A request without an answer: it may have been received, and is sent again nevertheless.
fn unanswered(error: &ureq::Error, timeout: Duration) -> Answer {
    let (reason, retry) = match error {
        ureq::Error::Timeout(_) => (DropReason::Timeout, Retry::Backoff),
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::TimedOut => {
            (DropReason::Timeout, Retry::Backoff)
        }
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => (DropReason::Rejected, Retry::Never),
        _ => (DropReason::Unreachable, Retry::Backoff),
    };
    let cause = match error {
        _ if reason == DropReason::Timeout => format!("no answer within {timeout:.1?}"),
        ureq::Error::Io(e) => e.to_string(),
        other => other.to_string(),
    };
    let remedy = match error {
        _ if reason == DropReason::Timeout => remedy::TIMEOUT,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => remedy::TLS,
        // As rustls says that it does not trust the other side.
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => remedy::TLS,
        ureq::Error::Protocol(_) => remedy::PROTOCOL,
        _ if reason == DropReason::Unreachable => remedy::LISTENING,
        _ => "",
    };
    Failure::answer(reason, retry, &cause, remedy)
}

fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
