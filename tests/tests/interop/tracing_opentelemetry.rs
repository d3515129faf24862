//! Spans of `tracing` through tracing-opentelemetry with a tracer of ours, in one trace with ours and with those of
//! OpenTelemetry's API: the table in docs/interop.md, column TA.

use std::sync::Once;

use crate::orders::{is_nested, made, nest, nest_async};
use crate::shared::*;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use tracing::{Instrument as _, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        obs();
        let layer = tracing_opentelemetry::layer().with_tracer(tracer());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

fn tracing_span<R>(name: &str, body: impl FnOnce() -> R) -> R {
    made(name).in_scope(body)
}

fn ta<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    subscribe();
    case(body)
}

fn ta_async<R: Send>(body: impl Future<Output = R> + Send) -> R {
    subscribe();
    case_async(body)
}

#[test]
fn c_ours_in_tracing() {
    ta(|| {
        tracing_span("c1/tracing", || {
            ours("c1/ours", || ours("c1/nested", || ()));
        });
    });
    ta_async(async {
        ours_async("c2/ours", async {
            tokio::task::yield_now().await;
            ours("c2/nested", || ());
        })
        .instrument(made("c2/tracing"))
        .await;
    });
    tree(&[
        ("c1/tracing", "-"),
        ("c1/ours", "c1/tracing"),
        ("c1/nested", "c1/ours"),
        ("c2/ours", "c2/tracing"),
        ("c2/nested", "c2/ours"),
    ]);
}

/// Documented as not right: an ancestor.
#[test]
fn c3_the_current_tracing_span_is_entered_again_inside_of_ours() {
    ta(|| {
        tracing_span("c3/tracing", || {
            ours("c3/ours", || {
                Span::current().in_scope(|| ours("c3/again", || ()));
                ours("c3/after", || ());
            });
        });
    });
    tree(&[
        ("c3/ours", "c3/tracing"),
        ("c3/again", "c3/tracing"),
        ("c3/after", "c3/ours"),
    ]);
}

#[test]
fn d_tracing_in_ours() {
    let (outside, closed) = ta(|| {
        ours("d/ours", || {
            tracing_span("d1/entered", || ours("d1/ours", || ()));
            ours("d/nested", || {
                tracing_span("d2/entered", || leaf("d2/leaf"));
                // What is built later belongs where it was made.
                (made("d4/made in nested"), made("d6/closed outside"))
            })
        })
    });
    ta(|| {
        outside.in_scope(|| ours("d4/ours", || leaf("d4/leaf")));
        drop(outside);
        drop(closed);
    });
    tree(&[
        ("d1/entered", "d/ours"),
        ("d1/ours", "d1/entered"),
        ("d2/entered", "d/nested"),
        ("d2/leaf", "d2/entered"),
        ("d4/made in nested", "d/nested"),
        ("d4/ours", "d4/made in nested"),
        ("d4/leaf", "d4/ours"),
        ("d6/closed outside", "d/nested"),
    ]);
}

#[test]
fn e_every_order_of_three_and_four() {
    for depth in [3, 4] {
        for order in 0..3_u32.pow(depth) {
            let prefix = format!("et{depth}.{order}/");
            ta(|| nest(&prefix, 3, order, depth));
            is_nested(&prefix, depth);
        }
    }
}

#[test]
fn e_every_order_of_three_and_four_asynchronous() {
    for depth in [3, 4] {
        for order in 0..3_u32.pow(depth) {
            let prefix = format!("eta{depth}.{order}/");
            ta_async(nest_async(prefix.clone(), 3, order, depth));
            is_nested(&prefix, depth);
        }
    }
}

#[test]
fn f_tasks_with_a_span_that_was_made_in_ours() {
    ta_async(async {
        ours_async("f9/root", async {
            let task = ours_async("f9/task", async { leaf("f9/leaf") });
            tokio::spawn(task.instrument(made("f9/made")))
                .await
                .unwrap();
            ours_async("f9/nested", async {
                let task = ours_async("f9/second", async {});
                tokio::spawn(task.instrument(made("f9/made in nested")))
                    .await
                    .unwrap();
            })
            .await;
        })
        .await;
    });
    tree(&[
        ("f9/made", "f9/root"),
        ("f9/task", "f9/made"),
        ("f9/leaf", "f9/task"),
        ("f9/made in nested", "f9/nested"),
        ("f9/second", "f9/made in nested"),
    ]);
}

/// A client that knows of `tracing` only, such as reqwest-tracing.
#[test]
fn g_requests() {
    let sent = ta(|| {
        ours("g10/ours", || {
            ours("g10/nested", || {
                let request = made("g10/request");
                let sent = request.in_scope(|| injected(&Span::current().context()));
                vec![(sent, "g10/request")]
            })
        })
        .into_iter()
        .chain(tracing_span("g11/tracing", || {
            ours("g11/ours", || {
                vec![
                    (injected(&Span::current().context()), "g11/ours"),
                    (injected(&Context::current()), "g11/ours"),
                ]
            })
        }))
        .collect::<Vec<_>>()
    });
    for (sent, name) in &sent {
        names(sent, name);
    }
    tree(&[("g10/request", "g10/nested"), ("g11/ours", "g11/tracing")]);
}

/// As axum-tracing-opentelemetry does.
#[test]
fn g_a_caller_that_is_set_as_parent() {
    ta_async(async {
        let span = made("g12/request");
        span.set_parent(extracted()).unwrap();
        ours_async("g12/handler", async { leaf("g12/leaf") })
            .instrument(span)
            .await;
        // Inside of a span of ours, the caller wins.
        ours_async("g13/ours", async {
            let span = made("g13/request");
            span.set_parent(extracted()).unwrap();
            ours_async("g13/handler", async {}).instrument(span).await;
        })
        .await;
    });
    is_callers("g12/request");
    is_callers("g13/request");
    tree(&[
        ("g12/handler", "g12/request"),
        ("g12/leaf", "g12/handler"),
        ("g13/handler", "g13/request"),
    ]);
}

#[test]
fn h_what_is_said_of_the_spans() {
    ta(|| {
        tracing_span("h10/tracing", || {
            ours("h10/ours", || {
                Context::current()
                    .span()
                    .set_attribute(KeyValue::new("context", 1));
                Span::current().set_attribute("tracing", 1);
                tracing::info!("an event of the tracing span");
            });
        });
    });
    let (ours, theirs) = (span("h10/ours"), span("h10/tracing"));
    assert!(ours.attribute("context").is_some() && ours.attribute("tracing").is_none());
    assert!(theirs.attribute("tracing").is_some() && theirs.attribute("context").is_none());
    assert_eq!(theirs.events[0].name, "an event of the tracing span");
}

/// `parent: None` begins a trace.
#[test]
fn j_without_parent() {
    ta(|| {
        ours("j10/ours", || {
            let root = info_span!(parent: None, "tracing", otel.name = "j10/root");
            root.in_scope(|| ours("j10/in root", || ()));
            ours("j10/nested", || {
                let root = info_span!(parent: None, "tracing", otel.name = "j11/root");
                root.in_scope(|| leaf("j11/leaf"));
            });
        });
    });
    tree(&[
        ("j10/root", "-"),
        ("j10/in root", "j10/root"),
        ("j11/root", "-"),
        ("j11/leaf", "j11/root"),
    ]);
}

#[test]
fn times_nest() {
    ta(|| {
        ours("t/ours", || {
            tracing_span("t/tracing", || otel("t/otel", || ours("t/inner", || ())));
        });
    });
    let all = ["t/ours", "t/tracing", "t/otel", "t/inner"].map(span);
    for pair in all.windows(2) {
        assert!(
            pair[0].start_unix_nanos <= pair[1].start_unix_nanos,
            "{pair:?}"
        );
    }
}
