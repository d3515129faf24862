use core::convert::Infallible;
use core::task::Waker;
use std::io;

use ::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use http_body::Frame;

use super::*;
use crate::testing::{Captured, capture};
use crate::trace::Outcome;
use crate::{
    AttributeValue, SpanContext, SpanKind, span, trace::SpanRecord, trace::propagation::Baggage,
};

/// A response that ends with these trailers; without any if there are none.
struct Trailers(Option<HeaderMap>);

impl Body for Trailers {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: core::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|map| Ok(Frame::trailers(map))))
    }
}

type Answer = Result<Response<Trailers>, io::Error>;

struct Channel<F>(F);

impl<F: FnMut(Request<()>) -> Answer> Service<Request<()>> for Channel<F> {
    type Response = Response<Trailers>;
    type Error = io::Error;
    type Future = core::future::Ready<Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        core::future::ready((self.0)(request))
    }
}

fn status(number: &'static str) -> HeaderMap {
    [(
        "grpc-status".parse().unwrap(),
        HeaderValue::from_static(number),
    )]
    .into_iter()
    .collect()
}

#[allow(clippy::unnecessary_wraps, reason = "what a channel gives")]
fn answer(http: u16, trailers: Option<HeaderMap>) -> Answer {
    let response = Response::builder().status(http);
    Ok(response.body(Trailers(trailers)).unwrap())
}

/// A call inside of a span; its response is read to its end, or dropped.
fn call(
    layer: &GrpcClientLayer,
    read: bool,
    mut answer: impl FnMut(Request<()>) -> Answer,
) -> Captured<()> {
    capture(|| {
        span!("around").in_scope(|_| {
            let mut channel = layer.layer(Channel(&mut answer));
            let request = Request::post("/shop.Orders/Place").body(()).unwrap();
            let mut cx = Context::from_waker(Waker::noop());
            let mut future = Box::pin(channel.call(request));
            let Poll::Ready(response) = future.as_mut().poll(&mut cx) else {
                panic!("the channel does not wait");
            };
            if let (Ok(response), true) = (response, read) {
                let mut body = Box::pin(response.into_body());
                while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
            }
        });
    })
}

fn text(span: &SpanRecord, key: &str) -> Option<String> {
    match span.attributes.iter().find(|(k, _)| k == key)?.1.clone() {
        AttributeValue::String(text) => Some(text.into_owned()),
        AttributeValue::I64(number) => Some(number.to_string()),
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn a_call_is_a_span_whose_context_goes_with_it() {
    let layer = grpc_client().server("orders.internal", 50051);
    let mut sent = None;
    let captured = call(&layer, true, |request| {
        assert!(SpanContext::current().is_some());
        sent = Some(
            request.headers()["traceparent"]
                .to_str()
                .unwrap()
                .to_owned(),
        );
        answer(200, Some(status("0")))
    });
    let span = captured.span("shop.Orders/Place");
    assert_eq!(span.kind, SpanKind::Client);
    assert_eq!(span.parent_id, Some(captured.span("around").span_id));
    assert_eq!(sent.unwrap()[36..52], span.span_id.to_string());
    for (key, value) in [
        ("rpc.system.name", "grpc"),
        ("rpc.method", "shop.Orders/Place"),
        ("rpc.response.status_code", "OK"),
        ("server.address", "orders.internal"),
        ("server.port", "50051"),
    ] {
        assert_eq!(text(span, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(span.outcome, Outcome::Ok);
    captured
        .assert_metric("rpc.client.call.duration")
        .labels([
            ("rpc.method", "shop.Orders/Place"),
            ("rpc.response.status_code", "OK"),
            ("rpc.system.name", "grpc"),
            ("server.address", "orders.internal"),
            ("server.port", "50051"),
        ])
        .count(1);
}

#[test]
fn to_a_client_every_status_but_ok_is_an_error() {
    for (http, trailers, expected) in [
        (200, Some("5"), "NOT_FOUND"),
        (200, Some("12"), "UNIMPLEMENTED"),
        (200, Some("99"), "UNKNOWN"),
        // Of a proxy in between.
        (503, None, "UNAVAILABLE"),
        (404, None, "UNIMPLEMENTED"),
        (200, None, "UNKNOWN"),
    ] {
        let captured = call(&grpc_client(), true, |_| answer(http, trailers.map(status)));
        let span = captured.span("shop.Orders/Place");
        let code = text(span, "rpc.response.status_code");
        assert_eq!(code.as_deref(), Some(expected));
        assert_eq!(span.outcome, Outcome::Error, "{expected}");
        assert_eq!(span.error.as_ref().unwrap().kind, expected);
        captured
            .assert_metric("rpc.client.call.duration")
            .labels([
                ("error.type", expected),
                ("rpc.method", "shop.Orders/Place"),
            ])
            .count(1);
    }
}

#[test]
fn a_call_without_a_response_is_an_error_and_a_response_that_nobody_reads_is_cancelled() {
    let captured = call(&grpc_client(), true, |_| {
        Err(io::ErrorKind::ConnectionRefused.into())
    });
    let span = captured.span("shop.Orders/Place");
    assert_eq!(span.outcome, Outcome::Error);
    assert!(
        span.error
            .as_ref()
            .unwrap()
            .kind
            .contains("io::error::Error")
    );
    let captured = call(&grpc_client(), false, |_| answer(200, Some(status("0"))));
    let span = captured.span("shop.Orders/Place");
    assert_eq!(span.outcome, Outcome::Cancelled);
}

#[test]
fn baggage_goes_where_it_is_wanted() {
    let _baggage = Baggage::from_header("tenant=7").attach();
    for send in [false, true] {
        let mut sent = None;
        call(&grpc_client().baggage(send), true, |request| {
            sent = request.headers().get("baggage").cloned();
            answer(200, Some(status("0")))
        });
        assert_eq!(sent.is_some(), send);
    }
}

#[test]
fn without_obs_the_caller_is_passed_on() {
    // Nothing is switched on for this thread's scope.
    let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let _inside = SpanContext::from_traceparent(caller).unwrap().attach();
    let mut channel = grpc_client().layer(Channel(|request: Request<()>| {
        let sent = request.headers()["traceparent"].to_str().unwrap();
        assert_eq!(sent, caller);
        answer(200, None)
    }));
    drop(channel.call(Request::post("/shop.Orders/Place").body(()).unwrap()));
}
