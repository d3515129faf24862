//! Contexts of OpenTelemetry's API in and out of the process: the table in docs/interop.md, rows g and j8.

use crate::shared::*;
use obs_runtime::{SpanContext, propagation, traced};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    FutureExt as _, TraceContextExt as _, Tracer as _, mark_span_as_active,
};
use opentelemetry::{Context, global};
use opentelemetry_sdk::propagation::TraceContextPropagator;

#[test]
fn g_the_current_context_names_the_innermost_span() {
    let sent = case(|| {
        let mut sent = Vec::new();
        let outermost = ours("g1/ours", || {
            let nested = ours("g2/nested", || injected(&Context::current()));
            sent.push((nested, "g2/nested"));
            sent.push((injected(&Context::new()), "g1/ours"));
            injected(&Context::current())
        });
        sent.push((outermost, "g1/ours"));
        let in_otel = otel("g3/otel", || {
            let around = Context::current();
            let here = injected(&around);
            let ours = ours("g3/ours", || {
                // What a client that knows only the span around would send.
                (injected(&around), injected(&Context::current()))
            });
            (here, ours.0, ours.1)
        });
        sent.push((in_otel.0, "g3/otel"));
        sent.push((in_otel.1, "g3/ours"));
        sent.push((in_otel.2, "g3/ours"));
        sent.push((
            ours("g4/ours", || {
                otel("g4/otel", || injected(&Context::current()))
            }),
            "g4/otel",
        ));
        assert_eq!(injected(&Context::current()), "");
        sent
    });
    for (sent, name) in &sent {
        names(sent, name);
    }
}

#[test]
fn g_headers_of_ours_name_spans_of_theirs() {
    let sent = case(|| {
        ours("g5/ours", || {
            otel("g5/otel", || {
                let mut headers = Headers::new();
                propagation::inject_current(&mut headers);
                headers.remove("traceparent").unwrap()
            })
        })
    });
    let otel = span("g5/otel");
    assert_eq!(&sent[3..52], format!("{}-{}", otel.trace_id, otel.span_id));
}

#[test]
fn g_callers() {
    case_async(async {
        let guard = extracted().attach();
        ours("g6/ours", || leaf("g6/leaf"));
        drop(guard);
        // As tower's middleware does: a span under the caller, attached in each poll.
        let cx = extracted();
        let server = global::tracer("tower").start_with_context("g7/server", &cx);
        let handle = ours_async("g7/handler", async {
            tokio::task::yield_now().await;
            leaf("g7/leaf");
        });
        handle.with_context(cx.with_span(server)).await;
    });
    is_callers("g6/ours");
    is_callers("g7/server");
    tree(&[
        ("g6/leaf", "g6/ours"),
        ("g7/handler", "g7/server"),
        ("g7/leaf", "g7/handler"),
    ]);
}

#[test]
fn tracestate_is_carried_on() {
    let headers = Headers::from([
        (
            "traceparent".to_owned(),
            "00-4bf92f3577b34da6a3ce929d0e0e4799-00f067aa0ba902b7-01".to_owned(),
        ),
        ("tracestate".to_owned(), "vendor=1".to_owned()),
    ]);
    let sent = case(|| {
        let cx = global::get_text_map_propagator(|p| p.extract(&headers));
        let _guard = cx.attach();
        ours("ts/ours", || {
            let mut headers = Headers::new();
            global::get_text_map_propagator(|p| p.inject(&mut headers));
            let mut own = Headers::new();
            propagation::inject_current(&mut own);
            assert_eq!(own["tracestate"], "vendor=1");
            headers
        })
    });
    assert_eq!(sent["tracestate"], "vendor=1");
    assert_eq!(
        sent["traceparent"][36..52],
        span("ts/ours").span_id.to_string()
    );
}

#[test]
fn baggage_goes_with_the_request() {
    use opentelemetry::KeyValue;
    use opentelemetry::baggage::BaggageExt as _;

    let sent = case(|| {
        let cx = Context::current_with_baggage([KeyValue::new("tenant", "7")]);
        let _guard = cx.attach();
        ours("bg/ours", || {
            let mut headers = Headers::new();
            global::get_text_map_propagator(|p| p.inject(&mut headers));
            headers
        })
    });
    assert_eq!(sent["baggage"], "tenant=7");
}

/// Documented as not right where spans of ours are nested: an ancestor.
#[test]
fn j8_a_propagator_that_is_not_wrapped() {
    let sent = case(|| {
        ours("j8/ours", || {
            ours("j8/nested", || {
                let mut headers = Headers::new();
                TraceContextPropagator::new().inject(&mut headers);
                headers.remove("traceparent").unwrap()
            })
        })
    });
    assert_eq!(sent[36..52], span("j8/ours").span_id.to_string());
    tree(&[("j8/nested", "j8/ours")]);
}

#[traced(name = "parent/context", parent = cx)]
fn under_context(cx: &Context) {}

#[traced(name = "parent/span_context", parent = context)]
fn under_span_context(context: &opentelemetry::trace::SpanContext) {}

#[traced(name = "links/both", links = [theirs, theirs])]
fn linked(theirs: &opentelemetry::trace::SpanContext) {}

#[test]
fn parents_and_links_are_theirs() {
    case(|| {
        let guard = mark_span_as_active(global::tracer("x").start("parent/otel"));
        let cx = Context::current();
        drop(guard);
        under_context(&cx);
        let theirs = cx.span().span_context().clone();
        under_span_context(&theirs);
        linked(&theirs);
        let back = SpanContext::from_opentelemetry(&theirs).unwrap();
        assert_eq!(back.to_opentelemetry(), theirs);
    });
    tree(&[
        ("parent/context", "parent/otel"),
        ("parent/span_context", "parent/otel"),
        ("links/both", "-"),
    ]);
    let links = span("links/both").links;
    assert_eq!(links.len(), 2);
    assert_eq!(links[1].context.span_id(), span("parent/otel").span_id);
}
