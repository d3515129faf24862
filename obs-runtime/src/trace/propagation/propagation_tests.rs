use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::testing::{Captured, capture, capture_async};
use crate::{
    Instrument as _, span,
    trace::{SpanId, TraceId},
    traced,
};

type Headers = HashMap<String, String>;

/// Each test has a trace of its own: what is kept aside stands by trace.
fn incoming(trace: u64, flags: &str, state: &str) -> Headers {
    let traceparent = format!("00-{:032x}-{:016x}-{flags}", trace, 7);
    let mut headers = Headers::from([("Traceparent".to_owned(), traceparent)]);
    if !state.is_empty() {
        headers.insert("TraceState".to_owned(), state.to_owned());
    }
    headers
}

#[traced(kind = "client")]
fn ask() -> Headers {
    let mut headers = Headers::new();
    inject_current(&mut headers);
    headers
}

#[traced(kind = "server", parent = caller)]
fn serve(caller: &RemoteContext) -> Headers {
    ask()
}

#[traced(kind = "server", parent = caller)]
async fn serve_async(caller: &RemoteContext) -> Headers {
    tokio::task::yield_now().await;
    ask()
}

fn assert_passed_on(captured: &Captured<Headers>, server: &str, trace: u64, state: Option<&str>) {
    let (server, client) = (captured.span(server), captured.span("ask"));
    assert_eq!(server.trace_id, TraceId(trace.into()));
    assert_eq!(server.parent_id, Some(SpanId(7)));
    assert!(server.parent_is_remote && !client.parent_is_remote);
    assert_eq!(client.parent_id, Some(server.span_id));
    let sent = SpanContext::from_traceparent(&captured.value[TRACEPARENT]).unwrap();
    assert_eq!(
        (sent.trace_id(), sent.span_id()),
        (client.trace_id, client.span_id)
    );
    assert!(sent.is_sampled());
    assert_eq!(captured.value.get(TRACESTATE).map(String::as_str), state);
}

#[test]
fn a_request_goes_through_a_function() {
    let captured = capture(|| serve(&extract(&incoming(0x101, "01", "a=1"))));
    assert_passed_on(&captured, "serve", 0x101, Some("a=1"));
    let captured = capture(|| serve(&extract(&incoming(0x102, "03", ""))));
    assert_passed_on(&captured, "serve", 0x102, None);
    assert!(captured.value[TRACEPARENT].ends_with("-03"));
}

#[tokio::test]
async fn a_request_goes_through_a_future() {
    let future = async { serve_async(&extract(&incoming(0x103, "01", "a=1"))).await };
    let captured = capture_async(future).await;
    assert_passed_on(&captured, "serve_async", 0x103, Some("a=1"));
}

#[tokio::test]
async fn a_request_goes_through_a_task() {
    #[traced(name = "task")]
    async fn serve_in_task() -> Headers {
        tokio::task::yield_now().await;
        ask()
    }
    let future = async {
        let caller = extract(&incoming(0x104, "01", "a=1")).context();
        let task = async { serve_in_task().await }.in_span_context(caller);
        tokio::spawn(task).await.unwrap()
    };
    let captured = capture_async(future).await;
    assert_passed_on(&captured, "task", 0x104, Some("a=1"));
}

#[test]
fn a_request_goes_through_a_span_made_by_hand() {
    let captured = capture(|| {
        let caller = extract(&incoming(0x105, "01", "a=1"));
        let _inside = caller.attach();
        span!("by hand").in_scope(|_| ask())
    });
    assert_passed_on(&captured, "by hand", 0x105, Some("a=1"));
}

#[test]
fn a_trace_that_is_not_sampled_stays_so() {
    let captured = capture(|| serve(&extract(&incoming(0x106, "00", "a=1"))));
    assert!(captured.spans.is_empty(), "{:?}", captured.spans);
    let sent = SpanContext::from_traceparent(&captured.value[TRACEPARENT]).unwrap();
    assert_eq!(sent.trace_id(), TraceId(0x106));
    assert!(!sent.is_sampled());
    assert_eq!(captured.value[TRACESTATE], "a=1");
}

#[test]
fn without_obs_the_caller_is_passed_on() {
    // Nothing is switched on for this thread's scope.
    let headers = incoming(0x107, "01", "a=1");
    let caller = extract(&headers);
    let inside = caller.attach();
    assert_eq!(ask()[TRACEPARENT], headers["Traceparent"]);
    drop(inside);
    assert!(ask().is_empty());
}

#[tokio::test]
async fn a_future_that_is_not_recorded_passes_its_parent_on_after_the_first_poll() {
    #[traced(level = "debug", parent = caller)]
    async fn quiet(caller: &RemoteContext) -> Vec<Headers> {
        let before = ask();
        tokio::task::yield_now().await;
        vec![before, ask()]
    }
    // Nothing is switched on for this thread's scope.
    let headers = incoming(0x10f, "01", "a=1");
    for sent in quiet(&extract(&headers)).await {
        assert_eq!(sent[TRACEPARENT], headers["Traceparent"]);
        assert_eq!(sent[TRACESTATE], "a=1");
    }
    assert!(ask().is_empty());
}

#[test]
fn a_batch_links_to_its_callers() {
    #[traced(kind = "consumer", links = callers)]
    fn consume(callers: &[RemoteContext]) {}
    let callers = [
        extract(&incoming(0x110, "01", "")),
        extract(&Headers::new()),
        extract(&incoming(0x111, "01", "")),
    ];
    let captured = capture(|| consume(&callers));
    let links = &captured.span("consume").links;
    let traces: Vec<_> = links.iter().map(|link| link.context.trace_id()).collect();
    assert_eq!(traces, [TraceId(0x110), TraceId(0x111)]);
}

#[test]
fn callers_that_are_not_valid_begin_a_trace() {
    let twice = vec![
        (
            "traceparent",
            "00-00000000000000000000000000000108-0000000000000007-01",
        ),
        (
            "Traceparent",
            "00-00000000000000000000000000000109-0000000000000007-01",
        ),
        ("tracestate", "a=1"),
    ];
    let upper = vec![
        (
            "traceparent",
            "00-0000000000000000000000000000010A-0000000000000007-01",
        ),
        ("tracestate", "a=1"),
    ];
    for headers in [twice, upper, Vec::new()] {
        let caller = extract(&headers);
        assert_eq!(caller, RemoteContext::default());
        assert!(caller.attach().is_none());
        let captured = capture(|| serve(&caller));
        let server = captured.span("serve");
        assert_eq!(server.parent_id, None);
        assert!(!server.parent_is_remote);
        assert!(!captured.value.contains_key(TRACESTATE));
    }
}

#[test]
fn a_root_has_no_remote_parent() {
    #[traced(root)]
    fn begin() {}
    let captured = capture(|| {
        let caller = extract(&incoming(0x10b, "01", ""));
        let _inside = caller.attach();
        begin();
    });
    let root = captured.span("begin");
    assert_eq!(root.parent_id, None);
    assert!(!root.parent_is_remote);
}

#[test]
fn a_carrier_that_is_used_again_is_overwritten() {
    let mut headers = incoming(0x10c, "01", "old=1");
    headers.insert("other".to_owned(), "stays".to_owned());
    let captured = capture(|| {
        let span = span!("attempt");
        inject(&span.context().unwrap(), &mut headers);
    });
    let attempt = captured.span("attempt");
    let expected = format!("00-{}-{}-03", attempt.trace_id, attempt.span_id);
    let expected = [("other", "stays"), (TRACEPARENT, &expected)];
    let expected: Headers = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    assert_eq!(headers, expected);

    let mut pairs = vec![("TRACEPARENT".to_owned(), "old".to_owned())];
    Injector::set(&mut pairs, TRACEPARENT, "new".to_owned());
    assert_eq!(pairs, [("traceparent".to_owned(), "new".to_owned())]);
}

#[test]
fn baggage_stays_here_unless_it_is_sent() {
    let mut headers = incoming(0x10d, "01", "");
    headers.insert("Baggage".to_owned(), "tenant=7".to_owned());
    let caller = extract(&headers);
    assert_eq!(caller.baggage().get("tenant"), Some("7"));
    let captured = capture(|| serve(&caller));
    assert!(!captured.value.contains_key(BAGGAGE));
    for span in &captured.spans {
        assert_eq!(span.attribute("tenant"), None);
    }
}

#[cfg(feature = "http-headers")]
#[test]
fn http_headers_are_carrier_and_parent() {
    #[traced(parent = headers)]
    fn handle(headers: &http::HeaderMap) -> http::HeaderMap {
        let mut request = http::HeaderMap::new();
        inject_current(&mut request);
        request
    }
    let mut headers = http::HeaderMap::new();
    for (name, value) in incoming(0x10e, "01", "a=1") {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    headers.append(TRACESTATE, "b=2".parse().unwrap());
    let captured = capture(|| handle(&headers));
    let span = captured.span("handle");
    assert_eq!(span.parent_id, Some(SpanId(7)));
    assert!(span.parent_is_remote);
    let sent = SpanContext::from_traceparent(captured.value[TRACEPARENT].to_str().unwrap());
    assert_eq!(sent.unwrap().span_id(), span.span_id);
    assert_eq!(captured.value[TRACESTATE], "a=1,b=2");

    // A second traceparent, even one that is no text, makes both void.
    headers.append(TRACEPARENT, http::HeaderValue::from_bytes(b"\xff").unwrap());
    assert_eq!(capture(|| handle(&headers)).span("handle").parent_id, None);
}

/// Values that are often valid where they stand.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "(00|cc)-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]",
        "[a-z]{1,3}=[a-z%]{1,9}(,[a-z]{1,3}=[a-z]{1,9}){0,3}",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn any_headers_are_read_without_a_panic(
        pairs in proptest::collection::vec(
            ("(?i)traceparent|tracestate|baggage|other", value()),
            0..6,
        ),
    ) {
        let caller = extract(&pairs);
        let mut sent = Vec::new();
        if let Some(context) = caller.context() {
            inject(&context, &mut sent);
        }
        caller.baggage().inject(&mut sent);
        let again = extract(&sent);
        prop_assert_eq!(again.context().map(|c| c.span_id()), caller.context().map(|c| c.span_id()));
        prop_assert_eq!(again.trace_state(), caller.trace_state());
        prop_assert_eq!(again.baggage(), caller.baggage());
    }
}

#[cfg(feature = "http-headers")]
proptest! {
    #[test]
    fn any_bytes_of_http_headers_are_read_without_a_panic(
        pairs in proptest::collection::vec(
            ("traceparent|tracestate|baggage", proptest::collection::vec(any::<u8>(), 0..80)),
            0..6,
        ),
    ) {
        let mut headers = http::HeaderMap::new();
        for (name, value) in &pairs {
            let name: http::HeaderName = name.parse().unwrap();
            if let Ok(value) = http::HeaderValue::from_bytes(value) {
                headers.append(name, value);
            }
        }
        let caller = extract(&headers);
        let mut sent = http::HeaderMap::new();
        caller.baggage().inject(&mut sent);
        let again = extract(&sent);
        prop_assert_eq!(again.baggage(), caller.baggage());
    }
}
