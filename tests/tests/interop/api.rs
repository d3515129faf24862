//! Spans of OpenTelemetry's API and ours in one trace, without `tracing`: the table in docs/interop.md, rows
//! a, b, e, h, i, j, k.

use std::thread;

use crate::orders::{is_nested, nest};
use crate::shared::*;
use opentelemetry::trace::{
    SpanBuilder, TraceContextExt as _, Tracer as _, TracerProvider as _, mark_span_as_active,
};
use opentelemetry::{Context, KeyValue, global};

#[test]
fn a_ours_in_theirs() {
    case(|| {
        otel("a1/otel", || ours("a1/ours", || ours("a1/inner", || ())));
        let guard = mark_span_as_active(global::tracer("x").start("a2/otel"));
        ours("a2/ours", || ());
        drop(guard);
    });
    tree(&[
        ("a1/otel", "-"),
        ("a1/ours", "a1/otel"),
        ("a1/inner", "a1/ours"),
        ("a2/ours", "a2/otel"),
    ]);
}

#[test]
fn b_theirs_in_ours() {
    case(|| {
        ours("b/outer", || {
            leaf("b1/start");
            otel("b2/in_span", || ());
            let cx = Context::current();
            drop(global::tracer("x").start_with_context("b4/with_current", &cx));
            drop(tracer().start("b5/own"));
            tracer().in_span("b6/own", |_| leaf("b6/inner"));
            drop(tracer().span_builder("b7/builder").start(&tracer()));
            ours("b/nested", || {
                leaf("b8/start");
                otel("b9/in_span", || ours("b9/ours", || leaf("b9/leaf")));
            });
            leaf("b10/after");
        });
        leaf("b11/outside");
    });
    tree(&[
        ("b/outer", "-"),
        ("b1/start", "b/outer"),
        ("b2/in_span", "b/outer"),
        ("b4/with_current", "b/outer"),
        ("b5/own", "b/outer"),
        ("b6/own", "b/outer"),
        ("b6/inner", "b6/own"),
        ("b7/builder", "b/outer"),
        ("b8/start", "b/nested"),
        ("b9/in_span", "b/nested"),
        ("b9/ours", "b9/in_span"),
        ("b9/leaf", "b9/ours"),
        ("b10/after", "b/outer"),
        ("b11/outside", "-"),
    ]);
}

#[test]
fn e_every_order_of_three_and_four() {
    for depth in [3, 4] {
        for order in 0..1 << depth {
            let prefix = format!("e{depth}.{order}/");
            case(|| nest(&prefix, 2, order, depth));
            is_nested(&prefix, depth);
        }
    }
}

#[test]
fn h_what_is_said_through_the_current_context() {
    let say = |key: &'static str| {
        Context::current()
            .span()
            .set_attribute(KeyValue::new(key, true));
    };
    case(|| {
        ours("h1/ours", || say("h1"));
        otel("h2/otel", || ours("h2/ours", || say("h2")));
        let guard = extracted().attach();
        ours("h3/ours", || {
            say("h3");
            ours("h3/nested", || say("h3.nested"));
            say("h3.after");
        });
        drop(guard);
        otel("h4/otel", || say("h4"));
        // In a future, over polls.
        ours("h5/ours", || {
            Context::current()
                .span()
                .add_event("said", vec![KeyValue::new("n", 3)]);
            Context::current().span().update_name("h5/renamed");
            Context::current()
                .span()
                .set_status(opentelemetry::trace::Status::error("no"));
        });
    });
    assert!(span("h1/ours").attribute("h1").is_some());
    assert!(span("h2/ours").attribute("h2").is_some());
    assert!(span("h2/otel").attribute("h2").is_none());
    let remote = span("h3/ours");
    assert!(remote.attribute("h3").is_some() && remote.attribute("h3.after").is_some());
    assert!(span("h3/nested").attribute("h3.nested").is_some());
    is_callers("h3/ours");
    assert!(span("h4/otel").attribute("h4").is_some());
    let renamed = span("h5/renamed");
    assert_eq!(renamed.events[0].name, "said");
    assert_eq!(renamed.error.unwrap().message.unwrap(), "no");
}

/// Documented as not right: on the nested span instead of the outer one.
#[test]
fn h7_a_context_kept_from_an_outer_span_speaks_to_the_innermost() {
    case(|| {
        ours("h7/outer", || {
            let kept = Context::current();
            ours("h7/nested", || {
                kept.span().set_attribute(KeyValue::new("h7", 1));
            });
        });
    });
    assert!(span("h7/outer").attribute("h7").is_none());
    assert!(span("h7/nested").attribute("h7").is_some());
}

#[test]
fn h8_what_is_said_elsewhere_arrives_unless_the_span_has_ended() {
    let late = obs().stats().late;
    case(|| {
        let cx = ours("h8/ours", || {
            let cx = Context::current();
            thread::scope(|s| {
                s.spawn(|| cx.span().set_attribute(KeyValue::new("elsewhere", 1)));
            });
            cx
        });
        assert!(!cx.span().is_recording());
        cx.span().set_attribute(KeyValue::new("too late", 1));
    });
    assert!(span("h8/ours").attribute("elsewhere").is_some());
    assert!(span("h8/ours").attribute("too late").is_none());
    assert!(obs().stats().late > late);
}

#[test]
fn i_contexts_that_travel() {
    case(|| {
        ours("i1/ours", || {
            let cx = Context::current();
            thread::scope(|s| {
                s.spawn(|| {
                    let _guard = cx.attach();
                    ours("i1/thread", || ());
                    leaf("i1/leaf");
                });
            });
            // Documented as not right: an ancestor.
            ours("i2/nested", || {
                let cx = Context::current();
                thread::scope(|s| {
                    s.spawn(|| {
                        let _guard = cx.attach();
                        ours("i2/thread", || ());
                    });
                });
            });
        });
        otel("i3/otel", || {
            ours("i3/ours", || {
                let cx = Context::current();
                thread::scope(|s| {
                    s.spawn(|| {
                        let _guard = cx.attach();
                        ours("i3/thread", || ());
                    });
                });
            });
        });
        let ended = ours("i4/ours", Context::current);
        let guard = ended.attach();
        ours("i4/after", || leaf("i4/leaf"));
        drop(guard);
    });
    tree(&[
        ("i1/thread", "i1/ours"),
        ("i1/leaf", "i1/ours"),
        ("i2/nested", "i1/ours"),
        ("i2/thread", "i1/ours"),
        ("i3/thread", "i3/ours"),
        ("i4/after", "i4/ours"),
        ("i4/leaf", "i4/after"),
    ]);
}

#[test]
fn i_values_beside_the_span() {
    #[derive(Debug, PartialEq)]
    struct Tenant(u32);
    case(|| {
        let guard = Context::current_with_value(Tenant(1)).attach();
        ours("i5/ours", || {
            assert_eq!(Context::current().get(), Some(&Tenant(1)));
            let _guard = Context::current_with_value(Tenant(2)).attach();
            ours("i5/nested", || leaf("i5/leaf"));
            leaf("i5/outer leaf");
        });
        drop(guard);
        // Documented as not right: under the nested span.
        ours("i9/outer", || {
            let outer = Context::current();
            ours("i9/nested", || {
                let _guard = outer.attach();
                ours("i9/again", || ());
            });
        });
    });
    tree(&[
        ("i5/ours", "-"),
        ("i5/nested", "i5/ours"),
        ("i5/leaf", "i5/nested"),
        ("i5/outer leaf", "i5/ours"),
        ("i9/again", "i9/nested"),
    ]);
}

#[test]
fn j_parents_that_are_named() {
    case(|| {
        otel("j1/otel", || {
            let theirs = Context::current();
            ours("j1/ours", || {
                drop(global::tracer("x").start_with_context("j1/explicit", &theirs));
                let _guard = theirs.clone().attach();
                ours("j1/again", || leaf("j1/leaf"));
            });
        });
        ours("j2/ours", || {
            drop(global::tracer("x").start_with_context("j2/root", &Context::new()));
            let guard = Context::new().attach();
            leaf("j2/attached");
            ours("j2/ours in it", || leaf("j2/leaf"));
            assert!(obs_runtime::SpanContext::current().is_none());
            drop(guard);
            ours("j2/after", || ());
        });
        // A guard that is dropped inside of ours, out of order.
        let guard = mark_span_as_active(global::tracer("x").start("j3/otel"));
        ours("j3/ours", || {
            drop(guard);
            leaf("j3/leaf");
            ours("j3/nested", || ());
        });
        ours("j3/after", || ());
        let link = SpanBuilder::from_name("j4/no parent");
        drop(tracer().build_with_context(link, &Context::new()));
    });
    tree(&[
        ("j1/ours", "j1/otel"),
        ("j1/explicit", "j1/otel"),
        ("j1/again", "j1/otel"),
        ("j1/leaf", "j1/again"),
        ("j2/root", "-"),
        ("j2/attached", "-"),
        ("j2/ours in it", "-"),
        ("j2/leaf", "j2/ours in it"),
        ("j2/after", "j2/ours"),
        ("j3/leaf", "j3/ours"),
        ("j3/nested", "j3/ours"),
        ("j3/after", "-"),
        ("j4/no parent", "-"),
    ]);
}

#[test]
fn j6_a_suppressed_scope_records_nothing() {
    case(|| {
        let guard = Context::enter_telemetry_suppressed_scope();
        ours("j6/suppressed", || leaf("j6/leaf"));
        drop(guard);
        ours("j6/after", || ());
    });
    assert!(!has("j6/suppressed") && !has("j6/leaf"));
    tree(&[("j6/after", "-")]);
}

#[test]
fn j6_what_a_callback_does_is_not_recorded() {
    case(|| {
        let meter = global::meter("library");
        let _ = meter
            .u64_observable_gauge("j6.size")
            .with_callback(|observer| {
                ours("j6/ours", || leaf("j6/theirs"));
                observer.observe(1, &[]);
            })
            .build();
        let families = obs().collect_metrics();
        assert!(families.iter().any(|family| family.name == "j6.size"));
    });
    assert!(!has("j6/ours") && !has("j6/theirs"));
}

/// Documented as not right where spans of ours are nested: an ancestor.
#[test]
fn j7_a_provider_that_is_not_wrapped() {
    use opentelemetry_sdk::trace::{InMemorySpanExporterBuilder, SdkTracerProvider};

    let memory = InMemorySpanExporterBuilder::new().build();
    let sdk = SdkTracerProvider::builder()
        .with_simple_exporter(memory.clone())
        .build();
    case(|| {
        ours("j7/ours", || {
            drop(sdk.tracer("x").start("outer"));
            ours("j7/nested", || drop(sdk.tracer("x").start("nested")));
        });
    });
    let ours = span("j7/ours");
    for theirs in memory.get_finished_spans().unwrap() {
        assert_eq!(theirs.parent_span_id.to_string(), ours.span_id.to_string());
    }
    tree(&[("j7/nested", "j7/ours")]);
}

/// OpenTelemetry's thread local may be destroyed before others that trace in their destructor.
#[test]
fn k1_spans_in_destructors_of_threads() {
    struct Traces(&'static str);
    impl Drop for Traces {
        fn drop(&mut self) {
            ours(self.0, || ours("k1/inner", || ()));
        }
    }
    thread_local! {
        static FIRST: Traces = const { Traces("k1/first") };
        static LAST: Traces = const { Traces("k1/last") };
    }
    case(|| {
        FIRST.with(|_| ());
        otel("k1/otel", || ours("k1/ours", || ()));
        LAST.with(|_| ());
    });
    tree(&[("k1/ours", "k1/otel"), ("k1/first", "-"), ("k1/last", "-")]);
}

#[test]
fn ours_inside_of_the_closures_of_the_api() {
    case(|| {
        otel("k3/otel", || {
            // OpenTelemetry's context is borrowed here: nothing can be attached.
            opentelemetry::trace::get_active_span(|span| {
                ours("k3/ours", || span.set_attribute(KeyValue::new("k3", 1)));
            });
            ours("k3/after", || ());
        });
    });
    tree(&[("k3/ours", "k3/otel"), ("k3/after", "k3/otel")]);
    assert!(span("k3/otel").attribute("k3").is_some());
}
