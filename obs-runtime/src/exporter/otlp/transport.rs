//! How an encoded request reaches the receiver, and what its answer means.

use core::time::Duration;
use std::io;
use std::sync::Arc;

use crate::Error;
use crate::exporter::otlp::batch::Batch;
use crate::exporter::otlp::config::{OtlpConfig, Protocol, Signal};
use crate::exporter::otlp::http::Http;
use crate::exporter::otlp::protobuf::{Field, Reader};
use crate::exporter::otlp::target::Target;
use crate::printable::is_unprintable;
use crate::self_obs::DropReason;

/// A connection to one receiver, used by one thread.
pub(super) trait Transport: Send {
    /// Sends one request and waits for the answer, at most for `timeout`.
    fn send(&mut self, batch: &Arc<Batch>, timeout: Duration) -> Answer;

    /// Returns a further connection to the same receiver, for another thread; `None` if there can be none.
    fn another(&self) -> Option<Box<dyn Transport>> {
        None
    }
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// The receiver took it, apart from what it says it rejected.
    Accepted(PartialSuccess),
    Failed(Failure),
}

/// What a receiver says of a request that it took (OTLP specification, "Partial Success").
#[derive(Debug, Default, PartialEq)]
pub(super) struct PartialSuccess {
    pub(super) rejected: u64,
    /// Empty if the receiver has nothing to say.
    pub(super) message: String,
}

/// A request that did not get through.
#[derive(Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) reason: DropReason,
    pub(super) retry: Retry,
    /// No connection could be made, because nothing is there.
    pub(super) nobody_listens: bool,
    /// For the log.
    pub(super) cause: String,
    /// What the user can do, for the log; empty if nothing.
    pub(super) remedy: &'static str,
}

/// What helps against the usual failures.
pub(super) mod remedy {
    pub(in super::super) const KEY: &str =
        "check the key in the headers (OTEL_EXPORTER_OTLP_HEADERS)";
    pub(in super::super) const PATH: &str = "check the path of the endpoint; OTEL_{TRACES,METRICS,LOGS}_EXPORTER=none switches a signal off";
    pub(in super::super) const LISTENING: &str =
        "check that a receiver listens there (OTEL_EXPORTER_OTLP_ENDPOINT)";
    pub(in super::super) const PROTOCOL: &str = "check that it speaks this protocol: by convention \
        HTTP is at port 4318, gRPC at 4317 (OTEL_EXPORTER_OTLP_PROTOCOL)";
    pub(in super::super) const NOT_OTLP: &str = "check that the endpoint is that of an OTLP receiver, \
        with no login page in front of it (OTEL_EXPORTER_OTLP_ENDPOINT)";
    pub(in super::super) const SIZE: &str = "a receiver that took larger requests would take all of it \
        (in nginx client_max_body_size)";
    /// Of what is sent over gRPC, while the environment names a proxy.
    pub(in super::super) const PAST_PROXY: &str = "gRPC goes past the proxy that the environment \
        names; http/protobuf takes it (OTEL_EXPORTER_OTLP_PROTOCOL)";
    pub(in super::super) const TLS: &str =
        "check the scheme of the endpoint and the certificates (OTEL_EXPORTER_OTLP_CERTIFICATE)";
    /// Of what the end of the program cut off.
    pub(in super::super) const LATE: &str =
        "check that what listens there is an OTLP receiver, and quick enough";
    pub(in super::super) const TIMEOUT: &str =
        "check the receiver, or allow it more time (OTEL_EXPORTER_OTLP_TIMEOUT)";
}

/// Whether the same request may succeed later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Retry {
    Never,
    /// After a pause that grows.
    Backoff,
    /// After the pause that the receiver asked for.
    After(Duration),
}

impl Failure {
    /// Returns the cause, with what helps against it.
    pub(super) fn explained(&self) -> String {
        let comma = if self.remedy.is_empty() { "" } else { "; " };
        format!("{}{comma}{}", self.cause, self.remedy)
    }

    pub(super) fn answer(
        reason: DropReason,
        retry: Retry,
        cause: &str,
        remedy: &'static str,
    ) -> Answer {
        Answer::Failed(Self {
            nobody_listens: false,
            remedy,
            reason,
            retry,
            // Errors of libraries repeat what the other side sent.
            cause: printable(cause.as_bytes()),
        })
    }
}

impl Answer {
    /// Says of a failure whether `error` means that nothing is there.
    pub(super) fn of(mut self, error: Option<&io::Error>) -> Self {
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
        if let Self::Failed(failure) = &mut self {
            failure.nobody_listens = error.is_some_and(|error| {
                matches!(
                    error.kind(),
                    ConnectionRefused | HostUnreachable | NetworkUnreachable
                )
            });
        }
        self
    }
}

/// Resolves where a signal goes, and makes the transport to it. Nothing is connected yet: a receiver that is down is no
/// error.
///
/// # Errors
/// When the configuration names no receiver for the signal, or one that cannot be used.
pub(super) fn connect_to(
    config: &OtlpConfig,
    signal: Signal,
) -> Result<(Target, Box<dyn Transport>), Error> {
    let mut target = config.target(signal)?.ok_or_else(|| {
        Error::config(
            "no OTLP endpoint: give one to the builder or set OTEL_EXPORTER_OTLP_ENDPOINT, such as \
             http://localhost:4318",
        )
    })?;
    let limit = match signal {
        Signal::Traces => config.spans.export_timeout,
        Signal::Metrics => config.metric_timeout,
        Signal::Logs => config.logs.export_timeout,
    };
    target.timeout = limit.map_or(target.timeout, |limit| limit.min(target.timeout));
    let transport = connect(&target)?;
    Ok((target, transport))
}

/// Makes the transport that the target's protocol needs. Nothing is connected yet.
pub(super) fn connect(target: &Target) -> Result<Box<dyn Transport>, Error> {
    match target.protocol {
        Protocol::HttpProtobuf => Ok(Box::new(Http::new(target))),
        #[cfg(feature = "otlp-grpc")]
        Protocol::Grpc => Ok(Box::new(crate::exporter::otlp::grpc::Grpc::new(target)?)),
        // `OtlpConfig::target` refused it.
        #[cfg(not(feature = "otlp-grpc"))]
        Protocol::Grpc => Err(Error::config("OTLP over gRPC needs feature `otlp-grpc`")),
    }
}

/// Reads an `Export*ServiceResponse`: traces and metrics use the same numbers. `None` if it is
/// no such message.
pub(super) fn partial_success(body: &[u8]) -> Option<PartialSuccess> {
    let mut all = PartialSuccess::default();
    for field in Reader::new(body) {
        if let (1, Field::Bytes(partial)) = field? {
            for field in Reader::new(partial) {
                match field? {
                    // The number is signed; a negative one makes no sense.
                    (1, Field::Varint(n)) => all.rejected = u64::try_from(n as i64).unwrap_or(0),
                    (2, Field::Bytes(text)) => all.message = printable(text),
                    _ => {}
                }
            }
        }
    }
    Some(all)
}

/// Reads an `Export*ServiceResponse` as JSON, in which some receivers answer whatever they were asked in. `None` if it
/// is another document: that of another service.
pub(super) fn partial_success_of_json(body: &[u8]) -> Option<PartialSuccess> {
    let text = core::str::from_utf8(body).ok()?.trim();
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if matches!(&*compact, "{}" | "null") {
        return Some(PartialSuccess::default());
    }
    let inner = ["{\"partialSuccess\":", "{\"partial_success\":"]
        .into_iter()
        .find_map(|key| compact.strip_prefix(key))?;
    // The key ends with the kind of the items; the number may stand in quotes, as all of 64 bits do.
    let rejected = inner.split_once("\"rejected").map_or("", |(_, rest)| rest);
    let value = rejected.split_once("\":").map_or("", |(_, value)| value);
    let digits = value.trim_start_matches('"');
    let end = digits.find(|c: char| !c.is_ascii_digit());
    Some(PartialSuccess {
        rejected: digits[..end.unwrap_or(digits.len())].parse().unwrap_or(0),
        // All of it for the log, if there is something to say.
        message: if inner.starts_with("{}") || inner.starts_with("null") {
            String::new()
        } else {
            printable(text.as_bytes())
        },
    })
}

/// Makes the text of a stranger fit for one line of a log.
pub(super) fn printable(text: &[u8]) -> String {
    const MAX_CHARS: usize = 200;
    String::from_utf8_lossy(text)
        .chars()
        .map(|c| if is_unprintable(c) { ' ' } else { c })
        .take(MAX_CHARS)
        .collect::<String>()
        .trim()
        .to_owned()
}
