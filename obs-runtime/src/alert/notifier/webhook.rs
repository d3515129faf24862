//! Alerts as JSON to an HTTP endpoint.

use std::time::{Duration, Instant};

use ureq::http::{StatusCode, Uri};

use super::{Notifier, NotifyError, Retry};
use crate::alert::Alert;
use crate::exporter::http_client::{
    Certificates, HttpClient, Unanswered, asked_pause, is_loopback,
};
use crate::shown_url::shown_url;
use crate::{Error, self_obs::DropReason};

/// One request takes no longer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest pause that a receiver may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Posts each alert as one JSON object.
///
/// ```json
/// {
///   "version": 1,
///   "fingerprint": "d69c9cce41ad5289",
///   "severity": "critical",
///   "title": "Pipeline etl failed",
///   "message": "Run 42 failed after 3 s",
///   "details": {"task": "load"},
///   "labels": {"pipeline": "etl"},
///   "time": "2026-11-20T11:04:05.007Z",
///   "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"
/// }
/// ```
///
/// `severity` is `info`, `warning`, `error` or `critical`; values of `details` and `labels` are text; `trace_id` is
/// left out if there is none. An alert may come more than once, when an answer is lost: receivers tell by
/// `fingerprint` and `time`. Receivers acknowledge with any 2xx.
pub(in crate::alert) struct Webhook {
    client: HttpClient,
}

impl Webhook {
    pub(in crate::alert) fn new(url: &str) -> Result<Self, Error> {
        let invalid = |why: &str| {
            let shown = shown_url(url);
            Error::config(format!(
                "alert webhook `{shown}`: {why}; expected `http://host/path` or `https://host/path`"
            ))
        };
        let uri: Uri = url.trim().parse().map_err(|_| invalid("it is no URL"))?;
        let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
            return Err(invalid("it names no host"));
        };
        let server = uri.authority().map_or("", |a| a.as_str());
        let has_port = !server.ends_with(host);
        if has_port && uri.port().is_none() {
            return Err(invalid("its port is no number"));
        }
        match uri.scheme_str() {
            Some("http" | "https") => {}
            Some(_) => return Err(invalid("its scheme is not supported")),
            None => return Err(invalid("it has no scheme")),
        }
        let certificates = Certificates::default();
        Ok(Self {
            client: HttpClient::new(url.trim(), is_loopback(host), certificates),
        })
    }
}

impl Notifier for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn notify(&mut self, alert: &Alert, deadline: Instant) -> Result<(), NotifyError> {
        let left = deadline.saturating_duration_since(Instant::now());
        // Zero would mean none.
        let timeout = left.clamp(Duration::from_millis(1), TIMEOUT);
        let response = self
            .client
            .post(timeout)
            .header("content-type", "application/json")
            .send(alert.to_json())
            .map_err(|error| unanswered(&error, timeout))?;
        let pause = asked_pause(response.headers()).map(|pause| pause.min(MAX_PAUSE));
        judge(response.status(), pause)
    }
}

fn judge(status: StatusCode, pause: Option<Duration>) -> Result<(), NotifyError> {
    if status.is_success() {
        return Ok(());
    }
    let message = format!("answered {status}");
    let reason = match status.as_u16() {
        413 => DropReason::TooLarge,
        408 | 504 => DropReason::Timeout,
        _ => DropReason::Rejected,
    };
    // What the server may yet be able to do (RFC 9110, sections 15.5.9 and 15.6; RFC 6585, section 4).
    let temporary = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    Err(NotifyError {
        reason,
        message,
        retry: temporary.then(|| pause.map_or(Retry::Backoff, Retry::After)),
    })
}

fn unanswered(error: &ureq::Error, timeout: Duration) -> NotifyError {
    let Unanswered {
        reason,
        cause,
        is_temporary,
    } = Unanswered::new(error, timeout);
    let message = match reason {
        DropReason::Rejected => format!("no request: {cause}"),
        DropReason::Unreachable => format!("cannot be reached: {cause}"),
        _ => cause,
    };
    if is_temporary {
        NotifyError::temporary(reason, message)
    } else {
        NotifyError::permanent(reason, message)
    }
}
