//! What the server answers: `/metrics`, `/health`, and errors for everything else.
//!
//! [`Routes::answer`] runs on the server's thread, which must not block: metrics are collected on
//! a blocking thread of its runtime, one collection at a time. Everything that a client sends is
//! hostile until `guard.rs` has let it pass.

use core::sync::atomic::Ordering;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{HealthCheck, HttpConfig, guard};
use crate::exporter::prometheus::{self, negotiate::weighted};
use crate::json::{self, Field, Object};
use crate::metrics::MetricSource;
use crate::self_log;

type Answer = Response<Full<Bytes>>;

const TEXT: &str = "text/plain; charset=utf-8";

/// The length from which texts are compressed; shorter ones fit into one packet as they are.
const WORTH_GZIP: usize = 1400;

/// What requests need for their answers; all connections share it.
pub(super) struct Routes {
    bound: SocketAddr,
    pub(super) config: HttpConfig,
    source: Arc<dyn MetricSource>,
    health: HealthCheck,
    /// Permits one collection at a time: slow ones must not pile up threads.
    collecting: Arc<Semaphore>,
}

impl Routes {
    pub(super) fn new(
        bound: SocketAddr,
        config: HttpConfig,
        source: Arc<dyn MetricSource>,
        health: HealthCheck,
    ) -> Self {
        Self {
            bound,
            config,
            source,
            health,
            collecting: Arc::new(Semaphore::new(1)),
        }
    }

    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Answer {
        if !guard::host_allowed(request, self.bound, &self.config.hosts) {
            return text(
                StatusCode::FORBIDDEN,
                "The header Host names another server. Allow the name with HttpConfig::allow_host.\n",
            );
        }
        if !guard::token_allowed(request, self.config.bearer_token.as_deref()) {
            let mut answer = text(StatusCode::UNAUTHORIZED, "A bearer token is needed.\n");
            set(&mut answer, header::WWW_AUTHENTICATE, "Bearer");
            return answer;
        }
        let path = request.uri().path();
        if !matches!(path, "/metrics" | "/health") {
            return text(
                StatusCode::NOT_FOUND,
                "Not found. There are /metrics and /health.\n",
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "Use GET.\n");
            set(&mut answer, header::ALLOW, "GET, HEAD");
            return answer;
        }
        if path == "/metrics" {
            self.metrics(request).await
        } else {
            self.health().await
        }
    }

    /// Answers `/metrics`. It collects on another thread, so that other requests go on.
    async fn metrics<B>(&self, request: &Request<B>) -> Answer {
        let wanted = prometheus::negotiate(&list(request, header::ACCEPT));
        let gzip = accepts_gzip(&list(request, header::ACCEPT_ENCODING));
        let source = Arc::clone(&self.source);
        let resource = self.config.resource.clone();
        let options = self.config.page.clone().format(wanted.format);
        let collecting = Arc::clone(&self.collecting);
        let collected = async move {
            let turn = collecting.acquire_owned().await;
            let collect = move || {
                let mut families = Vec::new();
                source.collect(&mut families);
                let exposition = prometheus::encode_with(&families, &resource, &options);
                let text = exposition.text.as_bytes();
                let compressed = (gzip && text.len() >= WORTH_GZIP).then(|| compress(text));
                drop(turn);
                (exposition, compressed.flatten())
            };
            tokio::task::spawn_blocking(collect).await
        };
        match timeout(self.config.collect_timeout, collected).await {
            Ok(Ok((exposition, compressed))) => {
                if let [first, rest @ ..] = &exposition.conflicts[..] {
                    let left_out = exposition.conflicts.len() as u64;
                    self.config.left_out.fetch_add(left_out, Ordering::Relaxed);
                    let more = rest.len();
                    let message = format_args!("{first} (and {more} more)");
                    self_log::warn("prometheus", "conflict", message);
                }
                let is_compressed = compressed.is_some();
                let body = compressed.unwrap_or_else(|| exposition.text.into());
                let mut answer = answer(StatusCode::OK, wanted.content_type, body);
                set(&mut answer, header::VARY, "Accept, Accept-Encoding");
                if is_compressed {
                    set(&mut answer, header::CONTENT_ENCODING, "gzip");
                }
                answer
            }
            Ok(Err(_)) => text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "A source of metrics panicked.\n",
            ),
            Err(_) => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "The metrics were not collected in time.\n",
            ),
        }
    }

    /// Answers `/health`, with status 200 as long as the program can answer at all.
    ///
    /// Telemetry that does not work is no reason to restart the program.
    async fn health(&self) -> Answer {
        let health = Arc::clone(&self.health);
        let problems = tokio::task::spawn_blocking(move || health());
        let problems = match timeout(self.config.collect_timeout, problems).await {
            Ok(Ok(problems)) => problems,
            Ok(Err(_)) => vec!["the health check panicked".to_owned()],
            Err(_) => vec!["the health check did not answer in time".to_owned()],
        };
        let status = if problems.is_empty() {
            "ok"
        } else {
            "degraded"
        };
        let mut body = json::spaced(&Object((
            Field("status", status),
            Field("problems", &problems),
        )));
        body.push('\n');
        answer(StatusCode::OK, "application/json", body)
    }
}

/// Joins a header that is a list; it may stand in several lines (RFC 9110, section 5.3).
fn list<B>(request: &Request<B>, name: HeaderName) -> String {
    let lines = request.headers().get_all(name);
    let lines: Vec<_> = lines.iter().filter_map(|line| line.to_str().ok()).collect();
    lines.join(",")
}

/// Returns whether gzip is accepted (RFC 9110, section 12.5.3); `*` stands for what is not named.
fn accepts_gzip(accept: &str) -> bool {
    let codings: Vec<_> = weighted(accept).collect();
    let of = |name: &str| codings.iter().find(|c| c.name == name);
    of("gzip")
        .or_else(|| of("x-gzip"))
        .or_else(|| of("*"))
        .is_some_and(|c| c.weight > 0.0)
}

/// Compresses a text; returns `None` where there is no memory for it.
fn compress(text: &[u8]) -> Option<Bytes> {
    // The fastest level: metrics are so repetitive that it finds nearly all there is to find.
    let buffer = Vec::with_capacity(text.len() / 8);
    let mut encoder = GzEncoder::new(buffer, Compression::fast());
    encoder.write_all(text).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

fn text(status: StatusCode, body: &'static str) -> Answer {
    answer(status, TEXT, body)
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, content_type);
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    set(&mut answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}

fn set(answer: &mut Answer, name: HeaderName, value: &'static str) {
    answer
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}
