use core::convert::Infallible;
use core::task::Waker;

use ::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use http_body::Frame;

use super::*;
use crate::testing::{Captured, capture};
use crate::trace::Outcome;
use crate::{AttributeValue, SpanContext, current, trace::SpanRecord, trace::propagation::Baggage};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A body of frames, one for each poll.
#[derive(Default)]
struct Frames(Vec<Result<Frame<Bytes>, &'static str>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: core::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        current::add_event("polled");
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(self.0.remove(0)))
    }
}

#[allow(clippy::unnecessary_wraps, reason = "what a body gives")]
fn data(text: &'static str) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

#[allow(clippy::unnecessary_wraps, reason = "what a body gives")]
fn trailers(status: &'static str) -> Result<Frame<Bytes>, &'static str> {
    let mut map = HeaderMap::new();
    map.insert("grpc-status", HeaderValue::from_static(status));
    Ok(Frame::trailers(map))
}

struct Handler<F>(F);

impl<F, R> Service<Request<()>> for Handler<F>
where
    F: FnMut(Request<()>) -> R,
    R: Future<Output = Result<Response<Frames>, Infallible>>,
{
    type Response = Response<Frames>;
    type Error = Infallible;
    type Future = R;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> R {
        (self.0)(request)
    }
}

fn request(path: &str) -> Request<()> {
    let request = Request::builder()
        .uri(path)
        .header("host", "shop.example:8080");
    request.header("traceparent", CALLER).body(()).unwrap()
}

fn response(status: u16, frames: Vec<Result<Frame<Bytes>, &'static str>>) -> Response<Frames> {
    let response = Response::builder().status(status);
    response.body(Frames(frames)).unwrap()
}

fn poll<F: Future>(future: &mut core::pin::Pin<Box<F>>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

/// Reads the response as a server does, until it is at its end or fails; `most` frames.
fn read(response: Response<TracedBody<Frames>>, most: usize) {
    let mut body = Box::pin(response.into_body());
    for _ in 0..most {
        let polled = body
            .as_mut()
            .poll_frame(&mut Context::from_waker(Waker::noop()));
        if !matches!(polled, Poll::Ready(Some(Ok(_)))) {
            break;
        }
    }
}

fn serve_with(
    layer: &TraceLayer,
    request: Request<()>,
    most: usize,
    answer: impl FnOnce(Request<()>) -> Response<Frames>,
) -> Captured<()> {
    capture(|| {
        let mut answer = Some(answer);
        let mut service = layer.layer(Handler(move |request| {
            let answer = answer.take().unwrap();
            async move { Ok(answer(request)) }
        }));
        let mut future = Box::pin(service.call(request));
        let Poll::Ready(Ok(response)) = poll(&mut future) else {
            panic!("the handler does not wait");
        };
        // The server drops the future of the response before it reads the body.
        drop(future);
        read(response, most);
    })
}

fn serve(
    request: Request<()>,
    answer: impl FnOnce(Request<()>) -> Response<Frames>,
) -> Captured<()> {
    serve_with(&layer(), request, usize::MAX, answer)
}

fn attribute<'a>(span: &'a SpanRecord, key: &str) -> Option<&'a AttributeValue> {
    let found = span.attributes.iter().find(|(k, _)| k == key);
    found.map(|(_, value)| value)
}

fn text(span: &SpanRecord, key: &str) -> String {
    match attribute(span, key) {
        Some(AttributeValue::String(text)) => text.to_string(),
        Some(AttributeValue::I64(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_request_is_a_span_under_its_caller() {
    let layer = layer().route(|_| Some("/users/{id}".to_owned()));
    let asked = request("/users/7?page=2&token=abc");
    let captured = serve_with(&layer, asked, usize::MAX, |_| {
        current::set_attribute("user", 7);
        response(200, vec![data("a"), data("b")])
    });
    let span = captured.span("GET /users/{id}");
    assert_eq!(span.kind, crate::SpanKind::Server);
    assert_eq!(span.trace_id.to_string(), CALLER[3..35]);
    assert_eq!(span.parent_id.unwrap().to_string(), CALLER[36..52]);
    assert!(span.parent_is_remote);
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/users/{id}"),
        ("http.response.status_code", "200"),
        ("url.path", "/users/7"),
        ("url.query", "page=2&token=***"),
        ("url.scheme", "http"),
        ("server.address", "shop.example"),
        ("server.port", "8080"),
        ("network.protocol.version", "1.1"),
        ("user", "7"),
    ] {
        assert_eq!(text(span, key), value, "{key}");
    }
    // The span was the context while the body was read, three times, and lasted as long.
    assert_eq!(span.events.len(), 3);
    assert_eq!(span.outcome, Outcome::Ok);
    captured
        .assert_metric("http.server.request.duration")
        .labels([
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("http.route", "/users/{id}"),
            ("network.protocol.version", "1.1"),
            ("url.scheme", "http"),
        ])
        .count(1);
}

#[test]
fn addresses_are_recorded_where_the_layer_is_told_whom_to_ask() {
    use std::net::SocketAddr;

    #[derive(Clone)]
    struct Peer(SocketAddr);
    let asked = || {
        let mut asked = request("/");
        let headers = asked.headers_mut();
        headers.insert("x-forwarded-for", "6.6.6.6, 203.0.113.9".parse().unwrap());
        headers.insert("forwarded", "for=\"[2001:db8::1]:4711\"".parse().unwrap());
        let peer = Peer(([10, 0, 0, 1], 5000).into());
        asked.extensions_mut().insert(peer);
        asked
    };
    let keys = [
        "client.address",
        "client.port",
        "network.peer.address",
        "network.peer.port",
    ];
    let seen = |layer: &TraceLayer| {
        let captured = serve_with(layer, asked(), usize::MAX, |_| response(200, vec![]));
        let span = captured.span("GET").clone();
        keys.map(|key| attribute(&span, key).map(|_| text(&span, key)))
    };
    let some = |values: [&str; 4]| values.map(|v| Some(v.to_owned()).filter(|v| !v.is_empty()));
    let peers = layer().peer_from(|peer: &Peer| Some(peer.0));
    assert_eq!(seen(&layer()), [const { None }; 4]);
    let direct = some(["10.0.0.1", "5000", "10.0.0.1", "5000"]);
    assert_eq!(seen(&peers), direct);
    let behind = some(["203.0.113.9", "", "10.0.0.1", "5000"]);
    assert_eq!(seen(&peers.clone().x_forwarded_for(1)), behind);
    let other = some(["2001:db8::1", "4711", "10.0.0.1", "5000"]);
    assert_eq!(seen(&peers.clone().forwarded(1)), other);
    // Fewer proxies than there should be: whoever asks is the client.
    assert_eq!(seen(&peers.x_forwarded_for(3)), direct);
    let alone = some(["203.0.113.9", "", "", ""]);
    assert_eq!(seen(&layer().x_forwarded_for(1)), alone);
}

#[test]
fn without_a_route_the_name_is_the_method() {
    let captured = serve(request("/whatever/7"), |_| response(404, vec![]));
    let span = captured.span("GET");
    // A mistake of the client is none of the server.
    assert_eq!(span.outcome, Outcome::Ok);
    assert!(attribute(span, "http.route").is_none());
}

#[test]
fn a_method_that_is_not_known_is_no_label() {
    let mut asked = request("/");
    *asked.method_mut() = "FROB".parse().unwrap();
    let captured = serve(asked, |_| response(200, vec![]));
    let span = captured.span("HTTP");
    assert_eq!(text(span, "http.request.method"), "_OTHER");
    assert_eq!(text(span, "http.request.method_original"), "FROB");
}

#[test]
fn server_errors_are_errors() {
    let captured = serve(request("/"), |_| response(503, vec![data("later")]));
    let span = captured.span("GET");
    assert_eq!(span.outcome, Outcome::Error);
    let error = span.error.as_ref().unwrap();
    assert_eq!((&*error.kind, &error.message), ("503", &None));
    captured
        .assert_metric("http.server.request.duration")
        .labels([("error.type", "503"), ("http.response.status_code", "503")])
        .count(1);
}

#[test]
fn a_body_that_fails_is_an_error() {
    let captured = serve(request("/"), |_| {
        response(200, vec![data("a"), Err("gone")])
    });
    let span = captured.span("GET");
    assert_eq!(span.outcome, Outcome::Error);
    assert_eq!(span.error.as_ref().unwrap().kind, "&str");
    assert_eq!(text(span, "http.response.status_code"), "200");
}

#[test]
fn a_body_that_nobody_reads_to_its_end_is_cancelled() {
    let layer = layer();
    let captured = serve_with(&layer, request("/"), 1, |_| {
        response(200, vec![data("a"), data("b")])
    });
    assert_eq!(captured.span("GET").outcome, Outcome::Cancelled);
    captured
        .assert_metric("http.server.request.duration")
        .count(1);
}

#[test]
fn the_last_byte_is_the_end() {
    // Of a body whose length is known a server does not ask for what is behind it.
    let captured = serve_with(&layer(), request("/"), 2, |_| {
        let mut response = response(200, vec![data("ab"), data("cd")]);
        response
            .headers_mut()
            .insert("content-length", HeaderValue::from_static("4"));
        response
    });
    assert_eq!(captured.span("GET").outcome, Outcome::Ok);
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304)] {
        let mut asked = request("/");
        *asked.method_mut() = method.parse().unwrap();
        let captured = serve_with(&layer(), asked, 0, |_| {
            response(status, vec![data("unread")])
        });
        assert_eq!(
            captured.span(method).outcome,
            Outcome::Ok,
            "{method} {status}"
        );
    }
}

#[test]
fn a_client_that_goes_away_cancels() {
    struct Held(std::sync::Arc<std::sync::Mutex<Option<SpanContext>>>);
    impl Drop for Held {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = SpanContext::current();
        }
    }
    let seen = std::sync::Arc::default();
    let captured = capture(|| {
        let held = Held(std::sync::Arc::clone(&seen));
        let mut held = Some(held);
        let mut service = layer().layer(Handler(move |_| {
            let held = held.take();
            async move {
                core::future::pending::<()>().await;
                drop(held);
                Ok(response(200, vec![]))
            }
        }));
        let mut future = Box::pin(service.call(request("/")));
        assert!(poll(&mut future).is_pending());
    });
    let span = captured.span("GET");
    assert_eq!(span.outcome, Outcome::Cancelled);
    // What the handler held was dropped inside of the span.
    let at_drop = seen.lock().unwrap().map(|context| context.span_id());
    assert_eq!(at_drop, Some(span.span_id));
    captured
        .assert_metric("http.server.request.duration")
        .count(1);
}

#[test]
fn a_panic_is_recorded_and_goes_on() {
    let captured = capture(|| {
        let mut service = layer().layer(Handler(|_| async { panic!("on purpose") }));
        let mut future = Box::pin(service.call(request("/")));
        let caught = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
            let _ = poll(&mut future);
        }));
        assert!(caught.is_err());
        assert!(SpanContext::current().is_none());
    });
    assert_eq!(captured.span("GET").outcome, Outcome::Panicked);
    captured
        .assert_metric("http.server.request.duration")
        .labels([("error.type", "panic")])
        .count(1);
}

#[test]
fn grpc_says_how_it_went_in_its_trailers() {
    let call = |frames: Vec<_>, head: Option<&'static str>| {
        let mut asked = request("/shop.Orders/Place");
        *asked.method_mut() = ::http::Method::POST;
        let kind = HeaderValue::from_static("application/grpc+proto");
        asked.headers_mut().insert("content-type", kind);
        serve(asked, |_| {
            let mut response = response(200, frames);
            if let Some(status) = head {
                let status = HeaderValue::from_static(status);
                response.headers_mut().insert("grpc-status", status);
            }
            response
        })
    };
    for (frames, head, status, outcome) in [
        (vec![data("m"), trailers("0")], None, "OK", Outcome::Ok),
        (vec![trailers("5")], None, "NOT_FOUND", Outcome::Ok),
        (
            vec![data("m"), trailers("13")],
            None,
            "INTERNAL",
            Outcome::Error,
        ),
        (vec![], Some("14"), "UNAVAILABLE", Outcome::Error),
        (vec![trailers("99")], None, "UNKNOWN", Outcome::Error),
    ] {
        let captured = call(frames, head);
        let span = captured.span("shop.Orders/Place");
        assert_eq!(span.outcome, outcome, "{status}");
        assert_eq!(text(span, "rpc.system.name"), "grpc");
        assert_eq!(text(span, "rpc.method"), "shop.Orders/Place");
        assert_eq!(text(span, "rpc.response.status_code"), status);
        assert!(attribute(span, "url.path").is_none());
        captured
            .assert_metric("rpc.server.call.duration")
            .labels([
                ("rpc.method", "shop.Orders/Place"),
                ("rpc.response.status_code", status),
            ])
            .count(1);
    }
    // Whatever is asked for that is not there is one series.
    call(vec![], Some("12"))
        .assert_metric("rpc.server.call.duration")
        .labels([("rpc.method", "_OTHER")])
        .count(1);
}

#[test]
fn the_handler_has_the_callers_baggage() {
    let mut asked = request("/");
    asked
        .headers_mut()
        .insert("baggage", HeaderValue::from_static("tenant=7"));
    serve(asked, |request| {
        let caller = request
            .extensions()
            .get::<crate::trace::propagation::RemoteContext>()
            .unwrap();
        assert_eq!(caller.baggage().get("tenant"), Some("7"));
        assert_eq!(Baggage::current().get("tenant"), Some("7"));
        response(200, vec![])
    });
    assert!(Baggage::current().is_empty());
}

#[test]
fn what_is_filtered_passes_with_its_caller() {
    let layer = layer().only(|request| request.uri.path() != "/healthz");
    let captured = serve_with(&layer, request("/healthz"), usize::MAX, |_| {
        let here = SpanContext::current().unwrap();
        assert_eq!(here.to_traceparent(), CALLER);
        response(200, vec![data("ok")])
    });
    assert!(captured.spans.is_empty());
    let counted = captured.metrics.iter().any(|m| m.name.starts_with("http."));
    assert!(!counted);
}

#[test]
fn a_caller_that_is_not_sampled_is_not_recorded_but_counted() {
    let mut asked = request("/");
    let unsampled = CALLER.replace("-01", "-00");
    asked
        .headers_mut()
        .insert("traceparent", unsampled.parse().unwrap());
    let captured = serve(asked, |_| {
        let here = SpanContext::current().unwrap();
        assert_eq!(here.trace_id().to_string(), CALLER[3..35]);
        assert!(!here.is_sampled());
        response(500, vec![])
    });
    assert!(captured.spans.is_empty());
    captured
        .assert_metric("http.server.request.duration")
        .labels([("error.type", "500")])
        .count(1);
}
