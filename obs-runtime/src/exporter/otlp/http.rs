//! OTLP/HTTP with protobuf bodies (OTLP specification, "OTLP/HTTP").

mod direct;
mod response;

use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ureq::http::StatusCode;

use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::{Compression, Target};
use crate::exporter::otlp::policy;
use crate::exporter::otlp::protobuf::{Field, Reader};
use crate::exporter::otlp::transport::{
    Answer, Failure, PartialSuccess, Retry, Transport, partial_success, printable, remedy,
};
use crate::self_obs::DropReason;
use direct::Direct;
use response::{Response, Unread};

/// More of an answer is not read.
const MAX_ANSWER: u64 = 64 << 10;
/// Connections that are kept open: as many as may be used at once.
const MAX_IDLE: usize = 16;
const GZIP: &str = "gzip";
const PROTOBUF: &str = "application/x-protobuf";
pub(super) const USER_AGENT: &str = concat!("obs-runtime/", env!("CARGO_PKG_VERSION"));

/// A client that keeps its connections open between requests.
#[derive(Clone)]
pub(super) struct Http {
    way: Way,
    compression: Compression,
}

#[derive(Clone)]
enum Way {
    Direct(Direct),
    /// With TLS, or through a proxy.
    Agent(Agent),
}

#[derive(Clone)]
struct Agent {
    client: ureq::Agent,
    url: String,
    headers: Vec<(String, String)>,
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
        let config = config.build();
        let url = &target.endpoint.url;
        let is_proxied = config.proxy().is_some_and(|proxy| {
            let uri = url.parse::<ureq::http::Uri>();
            !uri.is_ok_and(|uri| proxy.is_no_proxy(&uri))
        });
        let encoding = (target.compression == Compression::Gzip).then_some(GZIP);
        let direct = if is_proxied {
            None
        } else {
            Direct::new(target, encoding)
        };
        let way = match direct {
            Some(direct) => Way::Direct(direct),
            None => Way::Agent(Agent {
                client: config.new_agent(),
                url: url.clone(),
                headers: target.headers.clone(),
            }),
        };
        Self {
            way,
            compression: target.compression,
        }
    }
}

impl Agent {
    fn post(
        &self,
        body: &[u8],
        encoding: Option<&str>,
        timeout: Duration,
    ) -> Result<Response, ureq::Error> {
        let mut request = self
            .client
            .post(&self.url)
            .config()
            .timeout_global(Some(timeout))
            .build()
            .header("content-type", PROTOBUF);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let (head, body) = request.send(body)?.into_parts();
        let header = |name| {
            let value = head.headers.get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let body = body.into_with_config().limit(MAX_ANSWER).read_to_vec();
        Ok(Response {
            status: head.status.as_u16(),
            content_type: header("content-type"),
            retry_after: header("retry-after"),
            body: body.map_err(|e| e.to_string()),
            keeps_alive: true,
        })
    }
}

impl Transport for Http {
    fn send(&mut self, batch: &Arc<Batch>, timeout: Duration) -> Answer {
        let compressed;
        let (body, encoding) = match self.compression {
            Compression::None => (batch.body(), None),
            Compression::Gzip => match gzip(batch.body()) {
                Ok(bytes) => {
                    compressed = bytes;
                    (&compressed[..], Some(GZIP))
                }
                Err(e) => return no_answer(&Unread::Io(e), timeout),
            },
        };
        let answered = match &self.way {
            Way::Direct(direct) => direct
                .post(body, Instant::now() + timeout)
                .map_err(|e| no_answer(&e, timeout)),
            Way::Agent(agent) => agent
                .post(body, encoding, timeout)
                .map_err(|e| unanswered(&e, timeout)),
        };
        answered.map_or_else(|failed| failed, answer)
    }

    fn another(&self) -> Option<Box<dyn Transport>> {
        // They share the connections that are open.
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

/// What an answer means; its status decides, also if its body breaks off.
fn answer(response: Response) -> Answer {
    let status = response.status;
    let is_protobuf = response
        .content_type
        .is_some_and(|t| t.starts_with(PROTOBUF));
    if (200..300).contains(&status) {
        // The status is the acknowledgement; a body that is no OTLP says that the endpoint may
        // be something else.
        return Answer::Accepted(match response.body {
            Ok(body) if is_protobuf || body.is_empty() => {
                partial_success(&body).unwrap_or_else(|| strange("it is no OTLP message"))
            }
            Ok(_) => PartialSuccess::default(),
            Err(e) => strange(&e),
        });
    }
    let text = match response.body {
        Ok(body) if is_protobuf => status_message(&body),
        Ok(body) => printable(&body),
        Err(_) => String::new(),
    };
    let cause = format!(
        "answered {}{}{text}",
        StatusCode::from_u16(status).map_or_else(|_| status.to_string(), |s| s.to_string()),
        if text.is_empty() { "" } else { ": " }
    );
    let asked = response
        .retry_after
        .and_then(|v| policy::retry_after(&v, since_epoch()));
    let (reason, retry, remedy) = match status {
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
fn no_answer(error: &Unread, timeout: Duration) -> Answer {
    match error {
        Unread::Io(e) if e.kind() == io::ErrorKind::TimedOut => too_late(timeout),
        Unread::Io(e) => unreachable(&e.to_string(), remedy::LISTENING),
        Unread::Strange(what) => unreachable(what, remedy::PROTOCOL),
    }
}

/// The same of the client for TLS and proxies.
fn unanswered(error: &ureq::Error, timeout: Duration) -> Answer {
    let cause = error.to_string();
    match error {
        ureq::Error::Timeout(_) => too_late(timeout),
        ureq::Error::Io(e) if e.kind() == io::ErrorKind::TimedOut => too_late(timeout),
        // As rustls says that it does not trust the other side.
        ureq::Error::Io(e) if e.kind() == io::ErrorKind::InvalidData => {
            unreachable(&e.to_string(), remedy::TLS)
        }
        ureq::Error::Io(e) => unreachable(&e.to_string(), remedy::LISTENING),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => unreachable(&cause, remedy::TLS),
        ureq::Error::Protocol(_) => unreachable(&cause, remedy::PROTOCOL),
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
            Failure::answer(DropReason::Rejected, Retry::Never, &cause, "")
        }
        _ => unreachable(&cause, remedy::LISTENING),
    }
}

fn too_late(timeout: Duration) -> Answer {
    let cause = format!("no answer within {timeout:.1?}");
    Failure::answer(DropReason::Timeout, Retry::Backoff, &cause, remedy::TIMEOUT)
}

fn unreachable(cause: &str, remedy: &'static str) -> Answer {
    Failure::answer(DropReason::Unreachable, Retry::Backoff, cause, remedy)
}

fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
