//! `tracing`'s `Span::current()` inside annotated functions, with `around` around the subscriber.

use std::sync::{Arc, Mutex};
use std::thread;

use obs_runtime::interop::tracing::{around, layer};
use obs_runtime::testing::{self, Captured};
use obs_runtime::{SpanContext, current, span, traced};
use obs_tests::tracing_capture::{Lines, assert_parents};
use tokio::task::yield_now;
use tracing::{Dispatch, Instrument, Span, info, info_span};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::{LookupSpan as _, Registry};

/// The subscriber of a program: the registry, the layer of obs, and `around`.
fn subscriber() -> Dispatch {
    Dispatch::new(around(tracing_subscriber::registry().with(layer())))
}

fn capture<R>(f: impl FnOnce() -> R) -> Captured<R> {
    testing::capture(|| tracing::dispatcher::with_default(&subscriber(), f))
}

fn capture_async<F: Future>(future: F) -> Captured<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    capture(|| runtime.block_on(future))
}

#[traced]
fn leaf() {}

#[traced(fields(rows, http.status_code, token, otel.name))]
fn load() {
    let here = Span::current();
    here.record("rows", 3);
    here.record("http.status_code", 200_u16);
    here.record("token", "hunter2");
    here.record("otel.name", "load rows");
    // Nobody declares it: as in `tracing`, it is no field.
    here.record("declared_nowhere", 1);
}

#[test]
fn what_is_recorded_of_the_current_span_goes_to_the_function() {
    capture(load).assert_tree("\"load rows\" rows=3 http.status_code=200 token=***");
}

#[test]
fn fields_that_a_call_has_already_are_replaced() {
    #[traced(fields(n, kind = "first"))]
    fn call(n: u8) {
        Span::current().record("n", n + 1);
        Span::current().record("kind", "second");
    }
    let captured = capture(|| call(1));
    captured
        .assert_span("call")
        .attribute("n", 2)
        .attribute("kind", "second");
}

#[test]
fn what_is_entered_is_inside_the_function() {
    #[traced(fields(late))]
    fn outer() {
        let here = Span::current();
        here.in_scope(|| {
            leaf();
            info_span!("theirs").in_scope(leaf_too);
            current::set_attribute("late", true);
            Span::current().in_scope(|| info!("inside"));
        });
        info_span!(parent: &here, "child").in_scope(|| ());
    }
    #[traced]
    fn leaf_too() {}
    let captured = capture(outer);
    assert_parents(
        &captured,
        &[
            ("outer", ""),
            ("leaf", "outer"),
            ("theirs", "outer"),
            ("leaf_too", "theirs"),
            ("child", "outer"),
        ],
    );
    let outer = captured.span("outer");
    captured.assert_span("outer").attribute("late", true);
    let said = captured.logs[0].context.unwrap();
    assert_eq!(said.span_id(), outer.span_id);
}

#[test]
fn the_innermost_span_is_the_current_one() {
    #[traced]
    fn ours() {
        // The span of `tracing` inside is its own.
        let theirs = info_span!("theirs", n = tracing::field::Empty);
        theirs.in_scope(|| {
            assert_eq!(Span::current(), theirs);
            Span::current().record("n", 1);
            ours_deeper();
        });
        Span::current().in_scope(leaf);
    }
    #[traced(fields(n))]
    fn ours_deeper() {
        Span::current().record("n", 2);
        assert_ne!(Span::current().id(), None);
    }
    let captured = capture(|| {
        assert_eq!(Span::current().id(), None);
        let outermost = info_span!("outermost");
        outermost.in_scope(ours);
        outermost.in_scope(|| assert_eq!(Span::current(), outermost));
    });
    assert_parents(
        &captured,
        &[
            ("outermost", ""),
            ("ours", "outermost"),
            ("theirs", "ours"),
            ("ours_deeper", "theirs"),
            ("leaf", "ours"),
        ],
    );
    captured.assert_span("theirs").attribute("n", 1);
    captured.assert_span("ours_deeper").attribute("n", 2);
}

#[test]
fn futures_take_the_function_along() {
    #[traced]
    async fn work() {
        yield_now().await;
        let spawned = tokio::spawn(Instrument::in_current_span(leaf_async("spawned")));
        let here = Span::current();
        let other = tokio::spawn(Instrument::instrument(leaf_async("instrumented"), here));
        spawned.await.unwrap();
        other.await.unwrap();
    }
    #[traced(name = name)]
    async fn leaf_async(name: &'static str) {
        yield_now().await;
        info!("said");
    }
    let captured = capture_async(work());
    assert_parents(
        &captured,
        &[("work", ""), ("spawned", "work"), ("instrumented", "work")],
    );
}

#[test]
fn helpers_on_other_threads_keep_the_trace_and_record_fields() {
    #[traced(fields(rows, size))]
    async fn work() -> usize {
        let here = Span::current();
        let dispatch = tracing::dispatcher::get_default(Dispatch::clone);
        let helper = tokio::task::spawn_blocking(move || {
            tracing::dispatcher::with_default(&dispatch, || {
                here.in_scope(|| {
                    leaf();
                    Span::current().record("rows", 3);
                });
                here.record("size", 4);
            });
        });
        helper.await.unwrap();
        1
    }
    let captured = capture_async(work());
    assert_parents(&captured, &[("work", ""), ("leaf", "work")]);
    captured
        .assert_span("work")
        .attribute("rows", 3)
        .attribute("size", 4);
}

#[test]
fn a_span_that_is_held_is_the_function_that_it_was_taken_in() {
    #[traced(fields(n))]
    fn outer() -> Span {
        let here = Span::current();
        inner(&here);
        here
    }
    #[traced(fields(n), follows_from = [&Span::current()])]
    fn inner(outer: &Span) {
        outer.record("n", 1);
        Span::current().record("n", 2);
        let cause = info_span!("cause");
        outer.follows_from(&cause);
    }
    #[traced(parent = caller)]
    fn child(caller: &Span) {}
    let captured = capture(|| {
        let outer = outer();
        child(&outer);
        // It has ended: what comes now is counted as late.
        outer.record("n", 3);
    });
    captured.assert_span("outer").attribute("n", 1);
    captured
        .assert_span("inner")
        .attribute("n", 2)
        .parent("outer");
    captured.assert_span("child").parent("outer");
    let cause = captured.span("cause").span_id;
    let links = &captured.span("outer").links;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].context.span_id(), cause);
    assert_eq!(captured.span("inner").links, []);
}

#[test]
fn spans_by_hand_are_current_spans_too() {
    let captured = capture(|| {
        span!("work", rows = tracing::field::Empty).in_scope(|_| {
            Span::current().record("rows", 3);
            Span::current().in_scope(leaf);
        });
    });
    captured.assert_tree("work rows=3\n  leaf");
    let captured = capture_async(async {
        let held = Arc::new(Mutex::new(None));
        let body = async {
            *held.lock().unwrap() = Some(Span::current());
            yield_now().await;
            Span::current().record("rows", 1);
            yield_now().await;
        };
        obs_runtime::Instrument::instrument(body, span!("polled")).await;
        held.lock().unwrap().take()
    });
    captured.assert_tree("polled rows=1");
}

#[test]
fn where_only_a_context_is_here_its_trace_goes_on() {
    let captured = capture(|| {
        #[traced]
        fn outer() -> SpanContext {
            SpanContext::current().unwrap()
        }
        let context = outer();
        let dispatch = tracing::dispatcher::get_default(Dispatch::clone);
        thread::spawn(move || {
            let _inside = context.attach();
            tracing::dispatcher::with_default(&dispatch, || Span::current().in_scope(leaf));
        })
        .join()
        .unwrap();
    });
    captured.assert_tree("outer\n  leaf");
}

#[test]
fn a_trace_that_is_not_sampled_stays_so() {
    #[traced(fields(n))]
    fn outer() {
        Span::current().record("n", 1);
        Span::current().in_scope(leaf);
    }
    let none = obs_runtime::Observability::builder().sampler(obs_runtime::Sampler::always_off());
    let captured = testing::capture_with(none, || {
        tracing::dispatcher::with_default(&subscriber(), outer);
    });
    captured.unwrap().assert_tree("");
}

#[test]
fn nothing_is_left_in_the_registry() {
    #[traced]
    fn call(ids: &mut Vec<tracing::Id>) {
        for _ in 0..3 {
            let here = Span::current();
            ids.extend(here.id());
            ids.extend(here.clone().id());
        }
    }
    let mut ids = Vec::new();
    capture(|| {
        call(&mut ids);
        tracing::dispatcher::get_default(|dispatch| {
            let registry = dispatch.downcast_ref::<Registry>().unwrap();
            assert!(ids.iter().all(|id| registry.span(id).is_none()));
        });
    });
    assert_eq!(ids.len(), 6);
}

#[test]
fn without_the_layer_everything_is_as_it_was() {
    let plain = Dispatch::new(around(tracing_subscriber::registry()));
    let captured = testing::capture(|| {
        tracing::dispatcher::with_default(&plain, || {
            #[traced]
            fn ours(outer: &Span) {
                assert_eq!(Span::current(), *outer);
            }
            let outer = info_span!("outer");
            outer.in_scope(|| ours(&outer));
        });
    });
    assert_eq!(captured.spans.len(), 1);
}

#[test]
fn other_layers_and_filters_go_on() {
    #[traced(level = "debug", fields(rows))]
    fn work() {
        info!("plain");
        Span::current().in_scope(|| info!("inside"));
        Span::current().record("rows", 1);
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let fmt = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone());
    let filter = tracing_subscriber::EnvFilter::new("tracing_current=info,interop=info");
    let own = tracing_subscriber::registry()
        .with(fmt.with_filter(filter))
        .with(layer().with_filter(tracing_subscriber::filter::LevelFilter::INFO));
    let dispatch = Dispatch::new(around(own));
    let captured = testing::capture(|| {
        tracing::dispatcher::with_default(&dispatch, || {
            info_span!("request").in_scope(work);
        });
    });
    captured.assert_span("work").attribute("rows", 1);
    let text = lines.text();
    let line = |word| text.lines().find(|line| line.ends_with(word)).unwrap();
    assert!(line("plain").contains("request: "), "{text}");
    // The filter takes nothing with the target `obs`.
    assert!(line("inside").contains("request: "), "{text}");
}
