//! Spans of `tracing` through the layer of obs (TL), of OpenTelemetry's API and of obs in one trace; and beside
//! tracing-opentelemetry, which has the spans of one target (TX): the table in docs/interop.md.

use crate::orders::{THEIRS, is_nested, made, made_theirs, nest, nest_async};
use crate::shared::*;
use obs_runtime::interop::tracing::{around, layer};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use tracing::{Dispatch, Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

fn tl() -> Dispatch {
    Dispatch::new(around(tracing_subscriber::registry().with(layer())))
}

fn tx_alone() -> impl tracing::Subscriber {
    let theirs = tracing_opentelemetry::layer().with_tracer(tracer());
    tracing_subscriber::registry()
        .with(theirs.with_filter(filter_fn(|m| m.target() == THEIRS)))
        .with(layer().with_filter(filter_fn(|m| m.target() != THEIRS)))
}

fn tx() -> Dispatch {
    Dispatch::new(around(tx_alone()))
}

fn run<R: Send>(dispatch: &Dispatch, body: impl FnOnce() -> R + Send) -> R {
    case(|| tracing::dispatcher::with_default(dispatch, body))
}

fn run_async<R: Send>(dispatch: &Dispatch, body: impl Future<Output = R> + Send) -> R {
    run(dispatch, || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(body)
    })
}

fn every_order(kind: &str, dispatch: &Dispatch, makers: u32, depth: u32) {
    for order in 0..makers.pow(depth) {
        let sync = format!("{kind}{depth}.{order}/");
        let is_async = format!("{kind}a{depth}.{order}/");
        run(dispatch, || nest(&sync, makers, order, depth));
        run_async(dispatch, nest_async(is_async.clone(), makers, order, depth));
    }
    for order in 0..makers.pow(depth) {
        is_nested(&format!("{kind}{depth}.{order}/"), depth);
        is_nested(&format!("{kind}a{depth}.{order}/"), depth);
    }
}

#[test]
fn e_every_order_of_three_makers() {
    every_order("etl", &tl(), 3, 3);
    every_order("etl", &tl(), 3, 4);
}

#[test]
fn e_every_order_of_four_makers() {
    every_order("etx", &tx(), 4, 3);
    every_order("etx", &tx(), 4, 4);
    every_order("ety", &Dispatch::new(tx_alone()), 4, 3);
}

#[test]
fn c_d_made_in_one_and_entered_in_another() {
    let outside = run(&tl(), || {
        otel("tl-d/otel", || {
            ours("tl-d/ours", || {
                made("tl-d/entered").in_scope(|| leaf("tl-d/leaf"));
                made("tl-d/made")
            })
        })
    });
    run(&tl(), || {
        // A span belongs to the subscriber that made it.
        outside.in_scope(|| ours("tl-d/inside", || leaf("tl-d/leaf inside")));
        drop(outside);
        made("tl-c3/tracing").in_scope(|| {
            ours("tl-c3/ours", || {
                Span::current().in_scope(|| {
                    leaf("tl-c3/leaf");
                    ours("tl-c3/again", || ());
                });
            });
        });
    });
    tree(&[
        ("tl-d/otel", "-"),
        ("tl-d/ours", "tl-d/otel"),
        ("tl-d/entered", "tl-d/ours"),
        ("tl-d/leaf", "tl-d/entered"),
        ("tl-d/made", "tl-d/ours"),
        ("tl-d/inside", "tl-d/made"),
        ("tl-d/leaf inside", "tl-d/inside"),
        ("tl-c3/tracing", "-"),
        ("tl-c3/ours", "tl-c3/tracing"),
        ("tl-c3/leaf", "tl-c3/ours"),
        ("tl-c3/again", "tl-c3/ours"),
    ]);
}

/// tracing-opentelemetry would make a span of its own of what stands for `ours`.
#[test]
fn the_current_span_in_ours_is_none_of_theirs() {
    run(&tx(), || {
        ours("tx-now/ours", || {
            let here = Span::current();
            here.in_scope(|| leaf("tx-now/leaf"));
            here.in_scope(|| made_theirs("tx-now/theirs").in_scope(|| leaf("tx-now/inside")));
        });
    });
    tree(&[
        ("tx-now/ours", "-"),
        ("tx-now/leaf", "tx-now/ours"),
        ("tx-now/theirs", "tx-now/ours"),
        ("tx-now/inside", "tx-now/theirs"),
    ]);
    assert!(!has("obs"));
}

#[test]
fn f_tasks() {
    run_async(&tl(), async {
        ours_async("tl-f/root", async {
            let task = ours_async("tl-f/task", async { leaf("tl-f/leaf") });
            let task = tokio::spawn(task.instrument(made("tl-f/made")));
            task.await.unwrap();
            tokio::spawn(ours_async("tl-f/alone", async {}))
                .await
                .unwrap();
        })
        .await;
    });
    tree(&[
        ("tl-f/root", "-"),
        ("tl-f/made", "tl-f/root"),
        ("tl-f/task", "tl-f/made"),
        ("tl-f/leaf", "tl-f/task"),
        ("tl-f/alone", "-"),
    ]);
}

#[test]
fn g_headers_in_and_out() {
    let sent = run(&tl(), || {
        let _caller = extracted().attach();
        made("tl-g/tracing").in_scope(|| {
            ours("tl-g/ours", || {
                made("tl-g/inner").in_scope(|| injected(&Context::current()))
            })
        })
    });
    is_callers("tl-g/tracing");
    tree(&[("tl-g/ours", "tl-g/tracing"), ("tl-g/inner", "tl-g/ours")]);
    names(&sent, "tl-g/inner");
}

/// As axum- and tonic-tracing-opentelemetry do where `set_parent` fails.
#[test]
fn g_a_caller_that_is_attached_after_the_span_was_made() {
    run(&tl(), || {
        let span = made("tl-g4/made");
        assert!(span.set_parent(extracted()).is_err());
        let _caller = extracted().attach();
        span.in_scope(|| ours("tl-g4/ours", || ()));
    });
    is_callers("tl-g4/made");
    tree(&[("tl-g4/ours", "tl-g4/made")]);
}

/// Needs tracing-opentelemetry's own layer, for the spans that it is called on.
#[test]
fn g_set_parent_beside_tracing_opentelemetry() {
    run(&tx(), || {
        let request = made_theirs("tx-g/request");
        request.set_parent(extracted()).unwrap();
        request.in_scope(|| made("tx-g/tracing").in_scope(|| ours("tx-g/ours", || ())));
    });
    is_callers("tx-g/request");
    tree(&[
        ("tx-g/tracing", "tx-g/request"),
        ("tx-g/ours", "tx-g/tracing"),
    ]);
}

/// Documented as not right: the trace is lost where only the layer of obs is there.
#[test]
fn g_set_parent_alone_has_no_effect() {
    run(&tl(), || {
        let request = made("tl-g5/request");
        assert!(request.set_parent(extracted()).is_err());
        request.in_scope(|| ());
    });
    tree(&[("tl-g5/request", "-")]);
}

#[test]
fn h_what_opentelemetry_says_of_the_current_span() {
    run(&tl(), || {
        made("tl-h/tracing").in_scope(|| {
            Context::current()
                .span()
                .set_attribute(KeyValue::new("said", "outside"));
            ours("tl-h/ours", || {
                made("tl-h/inner").in_scope(|| {
                    Context::current()
                        .span()
                        .set_attribute(KeyValue::new("said", "inside"));
                });
            });
        });
    });
    let said = |name: &str| span(name).attribute("said").cloned();
    assert_eq!(said("tl-h/tracing"), Some("outside".into()));
    assert_eq!(said("tl-h/inner"), Some("inside".into()));
    assert_eq!(said("tl-h/ours"), None);
}

/// Guards of `tracing` and of OpenTelemetry that are dropped in another order than that of a stack.
#[test]
fn j_left_out_of_order() {
    run(&tl(), || {
        let (first, second) = (made("tl-j/first"), made("tl-j/second"));
        let first_entered = first.enter();
        let second_entered = second.enter();
        leaf("tl-j/both");
        drop(first_entered);
        leaf("tl-j/second alone");
        ours("tl-j/ours", || leaf("tl-j/deep"));
        drop(second_entered);
        leaf("tl-j/none");
    });
    tree(&[
        ("tl-j/first", "-"),
        ("tl-j/second", "-"),
        ("tl-j/both", "tl-j/second"),
        ("tl-j/second alone", "tl-j/second"),
        ("tl-j/ours", "tl-j/second"),
        ("tl-j/deep", "tl-j/ours"),
        ("tl-j/none", "-"),
    ]);
}
