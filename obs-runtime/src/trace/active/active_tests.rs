use super::*;
use crate::callsite::{CallsiteSpec, Level, More, Source};
use crate::testing::{self, Captured};
use crate::trace::value::Value;
use crate::trace::view::Outcome;
use crate::trace::{SpanContext, current};

static OUTER: Callsite = Callsite::new(CallsiteSpec {
    more: Some(&More {
        name: "outer",
        ..More::NONE
    }),
    ..CallsiteSpec::new(
        "outer",
        &Source {
            module: "m",
            file: "f.rs",
        },
        1,
    )
});
static INNER: Callsite = Callsite::new(CallsiteSpec {
    more: Some(&More {
        name: "inner",
        keys: &["n", "who"],
        ..More::NONE
    }),
    ..CallsiteSpec::new(
        "inner",
        &Source {
            module: "m",
            file: "f.rs",
        },
        2,
    )
});
static DETAIL: Callsite = Callsite::new(CallsiteSpec {
    level: Level::Trace,
    more: Some(&More {
        name: "detail",
        ..More::NONE
    }),
    ..CallsiteSpec::new(
        "detail",
        &Source {
            module: "m",
            file: "f.rs",
        },
        3,
    )
});
static ROOT: Callsite = Callsite::new(CallsiteSpec {
    root: true,
    more: Some(&More {
        name: "root",
        ..More::NONE
    }),
    ..CallsiteSpec::new(
        "root",
        &Source {
            module: "m",
            file: "f.rs",
        },
        4,
    )
});

fn inner(n: i64, who: &str) {
    let mut span = SyncSpan::<2>::entered(&INNER);
    span.fields(|| [Value::i64(n), Value::from_str(who)]);
    span.end(Outcome::Ok);
}

fn parents<R>(captured: &Captured<R>) -> Vec<(&str, Option<&str>)> {
    captured
        .spans
        .iter()
        .map(|s| {
            let parent = captured
                .spans
                .iter()
                .find(|p| Some(p.span_id) == s.parent_id)
                .map(|p| &*p.name);
            (&*s.name, parent)
        })
        .collect()
}

#[test]
fn calls_nest_and_keep_their_values() {
    let long = "a text that does not fit fourteen bytes";
    let captured = testing::capture(|| {
        let mut outer = SyncSpan::<0>::entered(&OUTER);
        inner(7, "short");
        inner(8, long);
        outer.end(Outcome::Ok);
        assert_eq!(SpanContext::current(), None);
    });
    assert_eq!(
        parents(&captured),
        [
            ("inner", Some("outer")),
            ("inner", Some("outer")),
            ("outer", None)
        ]
    );
    assert_eq!(captured.spans[0].attribute("n"), Some(&7.into()));
    assert_eq!(captured.spans[0].attribute("who"), Some(&"short".into()));
    assert_eq!(captured.spans[1].attribute("who"), Some(&long.into()));
    let trace = captured.spans[0].trace_id;
    assert!(trace.is_valid() && captured.spans.iter().all(|s| s.trace_id == trace));
    for child in &captured.spans[..2] {
        let parent = &captured.spans[2];
        assert!(child.start_unix_nanos >= parent.start_unix_nanos);
        assert!(child.end_unix_nanos <= parent.end_unix_nanos);
    }
}

#[test]
fn a_root_begins_its_own_trace_and_gives_the_old_one_back() {
    let captured = testing::capture(|| {
        let mut outer = SyncSpan::<0>::entered(&OUTER);
        let mut root = SyncSpan::<0>::entered(&ROOT);
        inner(1, "in root");
        root.end(Outcome::Ok);
        inner(2, "in outer");
        outer.end(Outcome::Ok);
    });
    assert_eq!(
        parents(&captured),
        [
            ("inner", Some("root")),
            ("root", None),
            ("inner", Some("outer")),
            ("outer", None)
        ]
    );
    assert_ne!(captured.spans[1].trace_id, captured.spans[3].trace_id);
}

#[test]
fn unwinding_is_a_panic_and_a_destructor_in_it_is_not() {
    struct OnDrop;
    impl Drop for OnDrop {
        fn drop(&mut self) {
            drop(SyncSpan::<0>::entered(&OUTER));
        }
    }
    let captured = testing::capture(|| {
        std::panic::catch_unwind(|| {
            let _span = SyncSpan::<0>::entered(&DETAIL);
            let _on_drop = OnDrop;
            std::panic::resume_unwind(Box::new(()));
        })
        .unwrap_err();
    });
    let outcome = |name: &str| captured.span(name).outcome;
    assert_eq!(outcome("outer"), Outcome::Ok);
    assert_eq!(outcome("detail"), Outcome::Panicked);
}

#[test]
fn an_error_keeps_its_type_and_late_attributes() {
    let captured = testing::capture(|| {
        let mut span = SyncSpan::<0>::entered(&OUTER);
        current::set_attribute("step", 1);
        current::set_attribute("step", 2);
        span.fail(SpanError::new("io", Some("gone".into())));
    });
    let span = captured.span("outer");
    assert_eq!(span.outcome, Outcome::Error);
    assert_eq!(span.error.as_ref().map(|e| &*e.kind), Some("io"));
    assert_eq!(span.attribute("step"), Some(&2.into()));
}

#[test]
fn an_error_set_by_the_user_is_kept() {
    let captured = testing::capture(|| {
        let mut span = SyncSpan::<0>::entered(&OUTER);
        current::set_error("quota", "password=hunter22");
        span.end(Outcome::Ok);
    });
    let span = captured.span("outer");
    assert_eq!(span.outcome, Outcome::Error);
    let message = span.error.as_ref().and_then(|e| e.message.as_deref());
    assert_eq!(message, Some("password=***"));
}

#[test]
fn a_future_is_one_span_however_often_it_is_polled() {
    let captured = testing::capture(|| {
        let mut span = FutureSpan::<1>::new(&INNER);
        assert!(!span.is_live());
        span.poll(|| {
            future_fields(|| [Value::i64(3)]);
            inner(1, "first poll");
        });
        assert_eq!(SpanContext::current(), None);
        span.poll(|| current::set_attribute("late", true));
        span.end(Outcome::Ok);
        span.end(Outcome::Error);
    });
    assert_eq!(captured.spans.len(), 2);
    let future = &captured.spans[1];
    assert_eq!(captured.spans[0].parent_id, Some(future.span_id));
    assert_eq!(future.attribute("n"), Some(&3.into()));
    assert_eq!(future.attribute("late"), Some(&true.into()));
    assert_eq!(future.outcome, Outcome::Ok);
}

#[test]
fn interleaved_futures_do_not_mix() {
    let captured = testing::capture(|| {
        let (mut a, mut b) = (FutureSpan::<0>::new(&OUTER), FutureSpan::<0>::new(&ROOT));
        for _ in 0..3 {
            a.poll(|| inner(1, "in a"));
            b.poll(|| inner(2, "in b"));
        }
        a.end(Outcome::Ok);
        drop(b);
    });
    let (a, b) = (captured.span("outer"), captured.span("root"));
    for child in captured.spans.iter().filter(|s| s.name == "inner") {
        let parent = if child.attribute("n") == Some(&1.into()) {
            a
        } else {
            b
        };
        assert_eq!(child.parent_id, Some(parent.span_id));
    }
    assert_eq!(b.outcome, Outcome::Cancelled);
}

#[test]
fn a_future_that_is_never_polled_leaves_nothing() {
    let captured = testing::capture(|| drop(FutureSpan::<1>::new(&OUTER)));
    assert!(captured.spans.is_empty());
}

#[test]
fn a_context_carries_the_trace_to_another_thread() {
    let captured = testing::capture(|| {
        let mut outer = SyncSpan::<0>::entered(&OUTER);
        let context = SpanContext::current().unwrap();
        std::thread::spawn(move || {
            let attached = context.attach();
            inner(1, "elsewhere");
            drop(attached);
            assert_eq!(SpanContext::current(), None);
        })
        .join()
        .unwrap();
        outer.end(Outcome::Ok);
    });
    assert_eq!(
        captured.span("inner").parent_id,
        Some(captured.span("outer").span_id)
    );
}

#[test]
fn parallel_captures_see_only_their_own() {
    // Miri runs a thousand times slower.
    const CALLS: usize = if cfg!(miri) { 8 } else { 500 };
    let threads: Vec<_> = (0..8)
        .map(|i| {
            std::thread::spawn(move || {
                let captured = testing::capture(|| (0..CALLS).for_each(|_| inner(i, "x")));
                assert_eq!(captured.spans.len(), CALLS);
                assert!(
                    captured
                        .spans
                        .iter()
                        .all(|s| s.attribute("n") == Some(&i.into()))
                );
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn spans_of_a_thread_local_destructor_are_not_lost() {
    struct Late(std::cell::Cell<Option<SpanContext>>);
    impl Drop for Late {
        fn drop(&mut self) {
            let attached = self.0.take().map(|c| c.attach());
            inner(1, "destructor");
            inner(2, "destructor");
            drop(attached);
        }
    }
    thread_local!(static LATE: Late = const { Late(std::cell::Cell::new(None)) });
    let captured = testing::capture(|| {
        let mut outer = SyncSpan::<0>::entered(&OUTER);
        let context = SpanContext::current();
        std::thread::spawn(move || {
            // Registered before obs' own destructor, so it runs after it where that order is kept.
            LATE.with(|l| l.0.set(context));
            let _attached = context.as_ref().map(SpanContext::attach);
            inner(0, "running");
        })
        .join()
        .unwrap();
        outer.end(Outcome::Ok);
    });
    let inner = captured.spans.iter().filter(|s| s.name == "inner");
    assert_eq!(inner.count(), 3);
}
