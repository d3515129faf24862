//! Requests that reqwest sends, to a server that shows what arrived.

use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::routing::get;
use obs_runtime::interop::reqwest::{UrlTemplate, middleware};
use obs_runtime::testing::{Captured, capture_async};
use obs_runtime::{
    AttributeValue, SpanKind,
    propagation::{self, Baggage},
    trace::{Outcome, SpanRecord},
    traced,
};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// A server for one test; ends with the test's runtime.
struct Server {
    url: String,
    asked: Arc<Notify>,
}

async fn server() -> Server {
    let asked = Arc::new(Notify::new());
    let notify = Arc::clone(&asked);
    let failures = Arc::new(AtomicUsize::new(0));
    let app = Router::new()
        .route(
            "/echo/{*rest}",
            get(|headers: HeaderMap| async move { show(&headers) }),
        )
        .route(
            "/status/{code}",
            get(|Path(code): Path<u16>| async move { StatusCode::from_u16(code).unwrap() }),
        )
        // The third attempt succeeds.
        .route(
            "/flaky",
            get(move |headers: HeaderMap| async move {
                let attempt = failures.fetch_add(1, Ordering::Relaxed);
                let status = if attempt < 2 { 503 } else { 200 };
                (StatusCode::from_u16(status).unwrap(), show(&headers))
            }),
        )
        .route(
            "/never",
            get(move || async move {
                notify.notify_one();
                std::future::pending::<()>().await;
            }),
        );
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Server { url, asked }
}

/// The headers of contexts, as lines.
fn show(headers: &HeaderMap) -> String {
    let line = |name: &str| {
        let value = headers
            .get(name)
            .map_or("-", |value| value.to_str().unwrap());
        format!("{name}: {value}\n")
    };
    ["traceparent", "tracestate", "baggage"].map(line).concat()
}

fn client() -> ClientWithMiddleware {
    ClientBuilder::new(plain()).with(middleware()).build()
}

/// Whatever proxy the machine's variables name.
fn plain() -> reqwest::Client {
    obs_tests::http_client::client()
}

fn text(span: &SpanRecord, key: &str) -> Option<String> {
    let (_, value) = span.attributes.iter().find(|(k, _)| k == key)?;
    Some(match value {
        AttributeValue::String(text) => text.to_string(),
        AttributeValue::I64(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

fn traceparent(span: &SpanRecord) -> String {
    format!("traceparent: 00-{}-{}-03\n", span.trace_id, span.span_id)
}

fn clients<T>(captured: &Captured<T>) -> Vec<&SpanRecord> {
    let mut spans: Vec<_> = captured
        .spans
        .iter()
        .filter(|s| s.kind == SpanKind::Client)
        .collect();
    spans.sort_by_key(|span| span.start_unix_nanos);
    spans
}

#[tokio::test]
async fn a_request_is_a_span_and_names_it() {
    #[traced]
    async fn ask(url: String) -> String {
        let request = client().get(format!("{url}/echo/7?page=1&token=abc"));
        request.send().await.unwrap().text().await.unwrap()
    }

    let server = server().await;
    let captured = capture_async(ask(server.url.clone())).await;
    let span = captured.span("GET");
    assert_eq!(span.kind, SpanKind::Client);
    assert_eq!(span.parent_id, Some(captured.span("ask").span_id));
    assert!(
        captured.value.starts_with(&traceparent(span)),
        "{}",
        captured.value
    );
    let port = server.url.rsplit(':').next().unwrap();
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("network.protocol.version", "1.1"),
        ("server.address", "127.0.0.1"),
        ("server.port", port),
        (
            "url.full",
            &*format!("{}/echo/7?page=1&token=***", server.url),
        ),
    ] {
        assert_eq!(text(span, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(text(span, "http.request.resend_count"), None);
    captured
        .assert_metric("http.client.request.duration")
        .labels([
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("network.protocol.version", "1.1"),
            ("server.address", "127.0.0.1"),
            ("server.port", port),
        ])
        .count(1);
}

#[tokio::test]
async fn a_template_names_the_span() {
    let server = server().await;
    let captured = capture_async(async {
        let request = client().get(format!("{}/echo/7", server.url));
        request
            .with_extension(UrlTemplate::new("/echo/{id}"))
            .send()
            .await
            .unwrap();
    })
    .await;
    let span = captured.span("GET /echo/{id}");
    assert_eq!(text(span, "url.template").as_deref(), Some("/echo/{id}"));
}

#[tokio::test]
async fn statuses_from_400_are_errors() {
    let server = server().await;
    for status in ["404", "500"] {
        let captured = capture_async(async {
            let request = client().get(format!("{}/status/{status}", server.url));
            assert_eq!(request.send().await.unwrap().status().as_str(), status);
        })
        .await;
        let span = captured.span("GET");
        assert_eq!(span.outcome, Outcome::Error);
        assert_eq!(span.error.as_ref().unwrap().kind, status);
        captured
            .assert_metric("http.client.request.duration")
            .labels([("error.type", status)])
            .count(1);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let captured = capture_async(async {
        let request = client().get(format!("http://{address}/?api_key=abcdefgh"));
        assert!(request.send().await.is_err());
    })
    .await;
    let error = captured.span("GET").error.clone().unwrap();
    assert_eq!(error.kind, "connect");
    let message = error.message.unwrap();
    assert!(
        message.contains("refused") && !message.contains("abcdefgh"),
        "{message}"
    );
    captured
        .assert_metric("http.client.request.duration")
        .labels([("error.type", "connect"), ("server.address", "127.0.0.1")])
        .count(1);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_an_error() {
    let server = server().await;
    let captured = capture_async(async {
        let request = client().get(format!("{}/never", server.url));
        let request = request.timeout(std::time::Duration::from_millis(20));
        assert!(request.send().await.is_err());
    })
    .await;
    assert_eq!(captured.span("GET").error.as_ref().unwrap().kind, "timeout");
}

#[tokio::test]
async fn a_request_that_is_dropped_is_cancelled() {
    let server = server().await;
    let captured = capture_async(async {
        let request = client().get(format!("{}/never", server.url));
        tokio::select! {
            biased;
            _ = request.send() => panic!("the server never answers"),
            () = server.asked.notified() => {}
        }
    })
    .await;
    let span = captured.span("GET");
    assert_eq!(span.outcome, Outcome::Cancelled);
    assert!(span.error.is_none());
    captured
        .assert_metric("http.client.request.duration")
        .count(1);
}

/// Tries again until the server is well, as the middleware of `reqwest-retry` does.
struct Again;

impl Middleware for Again {
    fn handle<'this, 'extensions, 'next, 'future>(
        &'this self,
        request: Request,
        extensions: &'extensions mut Extensions,
        next: Next<'next>,
    ) -> Pin<Box<dyn Future<Output = reqwest_middleware::Result<Response>> + Send + 'future>>
    where
        'this: 'future,
        'extensions: 'future,
        'next: 'future,
        Self: 'future,
    {
        Box::pin(async move {
            loop {
                let again = request.try_clone().unwrap();
                let response = next.clone().run(again, extensions).await?;
                if !response.status().is_server_error() {
                    return Ok(response);
                }
            }
        })
    }
}

#[tokio::test]
async fn each_attempt_is_a_span() {
    let server = server().await;
    let client = ClientBuilder::new(plain())
        .with(Again)
        .with(middleware())
        .build();
    let captured = capture_async(async {
        let response = client
            .get(format!("{}/flaky", server.url))
            .send()
            .await
            .unwrap();
        response.text().await.unwrap()
    })
    .await;
    let spans = clients(&captured);
    let resent: Vec<_> = spans
        .iter()
        .map(|s| text(s, "http.request.resend_count"))
        .collect();
    assert_eq!(resent, [None, Some("1".into()), Some("2".into())]);
    let outcomes: Vec<_> = spans.iter().map(|s| s.outcome).collect();
    assert_eq!(outcomes, [Outcome::Error, Outcome::Error, Outcome::Ok]);
    // The last attempt named itself, not the one before.
    assert!(
        captured.value.starts_with(&traceparent(spans[2])),
        "{}",
        captured.value
    );
}

#[tokio::test]
async fn baggage_goes_where_it_is_allowed() {
    let server = server().await;
    let ask = async |client: ClientWithMiddleware| {
        let request = client.get(format!("{}/echo/7", server.url));
        let request = Baggage::from_header("tenant=7").scope(request.send());
        request.await.unwrap().text().await.unwrap()
    };
    for (hosts, sent) in [
        (vec![], "-"),
        (vec!["api.internal", "localhost"], "-"),
        (vec!["api.internal", "127.0.0.1"], "tenant=7"),
    ] {
        let client = ClientBuilder::new(plain());
        let client = client.with(middleware().baggage_to(hosts.clone())).build();
        let captured = capture_async(ask(client)).await;
        let wanted = format!("baggage: {sent}\n");
        assert!(
            captured.value.ends_with(&wanted),
            "{hosts:?}: {}",
            captured.value
        );
    }
}

#[tokio::test]
async fn the_state_of_the_trace_goes_along_and_what_is_not_sampled_stays_so() {
    let server = server().await;
    for flags in ["00", "01"] {
        let caller = format!("00-4bf92f3577b34da6a3ce929d0e0e47{flags}-00f067aa0ba902b7-{flags}");
        let caller = [("traceparent", &*caller), ("tracestate", "vendor=1")];
        let captured = capture_async(async {
            let caller = propagation::extract(&caller[..]);
            let request = client().get(format!("{}/echo/7", server.url)).send();
            let request = obs_runtime::Instrument::in_span_context(request, caller.context());
            request.await.unwrap().text().await.unwrap()
        })
        .await;
        let sent = &captured.value;
        let sampled = flags == "01";
        assert!(
            sent.contains(&format!("47{flags}-")) && sent.contains(&format!("-{flags}\n")),
            "{sent}"
        );
        assert!(sent.contains("tracestate: vendor=1"), "{sent}");
        assert_eq!(captured.spans.len(), usize::from(sampled));
        captured
            .assert_metric("http.client.request.duration")
            .count(1);
    }
}

#[tokio::test]
async fn plain_reqwest_needs_two_lines() {
    #[traced]
    async fn ask(url: String) -> String {
        let mut headers = reqwest::header::HeaderMap::new();
        propagation::inject_current(&mut headers);
        let request = plain().get(format!("{url}/echo/7")).headers(headers);
        request.send().await.unwrap().text().await.unwrap()
    }

    let server = server().await;
    let captured = capture_async(ask(server.url.clone())).await;
    let sent = traceparent(captured.span("ask"));
    assert!(captured.value.starts_with(&sent), "{}", captured.value);
}
