use std::panic::catch_unwind;
use std::sync::Barrier;

use proptest::prelude::*;

use super::*;
use crate::{
    AttributeValue, Instrument, SpanContext, current, span,
    trace::{Event, Outcome},
    traced,
};

#[traced(fields(order))]
fn charge(order: u32) -> Result<(), String> {
    current::add_event("asked");
    current::add_event("answered");
    reserve(order)?;
    pay(order);
    Ok(())
}

#[traced(fields(shop = "b 1"))]
fn reserve(order: u32) -> Result<(), String> {
    if order == 7 {
        Err("no [stock".into())
    } else {
        Ok(())
    }
}

#[traced]
fn pay(_order: u32) {}

/// The message of the panic, which there must be.
fn message<R>(f: impl FnOnce() -> R + std::panic::UnwindSafe) -> String {
    let payload = catch_unwind(|| drop(f())).expect_err("the assertion must fail");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => (*other.downcast::<&str>().expect("a text")).to_owned(),
    }
}

const TREE: &str = "
    charge order=3
      - asked
      - answered
      reserve shop=\"b 1\"
      pay
";

#[test]
fn the_tree_is_what_ran() {
    let captured = capture(|| charge(3));
    captured.assert_tree(TREE);
    captured.assert_tree("charge\n  reserve\n  pay");
    captured.assert_tree("charge order=*\n\n  - answered\n  …");
    captured.assert_tree("charge\n  ...\n  pay");
    captured.assert_tree_in_any_order("charge\n  pay\n  reserve");
    assert_eq!(
        captured.tree(),
        "charge order=3\n  - asked\n  - answered\n  reserve shop=\"b 1\"\n  pay\n"
    );
    capture(|| ()).assert_tree("");
}

#[test]
fn a_wrong_tree_shows_both() {
    let captured = capture(|| charge(7));
    let said = message(|| captured.assert_tree(TREE));
    assert_eq!(
        said,
        "the captured spans are not the expected tree: line 1: the outcome of `charge` is error \
         (alloc::string::String: no (stock), expected ok\n\n\
         expected:\n\
         \x20   charge order=3\n\
         \x20     - asked\n\
         \x20     - answered\n\
         \x20     reserve shop=\"b 1\"\n\
         \x20     pay\n\
         captured:\n\
         \x20   charge [error: alloc::string::String: no (stock] order=7\n\
         \x20     - asked\n\
         \x20     - answered\n\
         \x20     reserve [error: alloc::string::String: no (stock] shop=\"b 1\"\n"
    );
}

#[test]
fn each_difference_is_named() {
    let captured = capture(|| charge(3));
    let cases = [
        ("", "`charge` was captured at the top level"),
        ("pay", "line 1: expected `pay`, `charge` was captured"),
        (
            "charge order=4",
            "line 1: attribute `order` of `charge` is 3, expected 4",
        ),
        (
            "charge id=4",
            "line 1: `charge` has no attribute `id`, expected 4",
        ),
        (
            "charge [error]",
            "the outcome of `charge` is ok, expected error",
        ),
        (
            "charge\n  - paid\n  …",
            "line 1: `charge` has no event `paid`",
        ),
        (
            "charge\n  - answered\n  - asked\n  …",
            "line 1: `charge` has no event `asked`",
        ),
        (
            "charge\n  > other\n  …",
            "line 1: `charge` has no link to `other`",
        ),
        (
            "charge\n  reserve",
            "`pay` was captured at the children of `charge`",
        ),
        (
            "charge\n  pay\n  reserve",
            "line 2: expected `pay`, `reserve` was captured",
        ),
        (
            "charge\n  …\n  pay\n  pay",
            "line 4: `pay` is missing at the children of `charge`",
        ),
        (
            "charge\n…\n pay",
            "line 3: it stands neither below a span nor beside one",
        ),
        (
            "  charge\n pay",
            "line 2: it stands left of the lines above it",
        ),
        ("charge [good]", "line 1: `good` is no outcome"),
        ("charge [error", "line 1: `[` without `]`"),
        ("charge a=b c", "line 1: expected `key=value`, found `c`"),
        ("charge a=\"b", "line 1: a quote is not closed"),
        ("- asked", "line 1: an event without a span above it"),
    ];
    for (tree, expected) in cases {
        let said = message(|| captured.assert_tree(tree));
        assert!(said.contains(expected), "{tree:?} says {said}");
    }
    let any = [
        ("charge\n  reserve", "`pay` was captured at the children"),
        (
            "charge\n  pay\n  reserve shop=x",
            "attribute `shop` of `reserve` is \"b 1\"",
        ),
        (
            "charge\n  pay\n  reserve\n  pay",
            "line 4: `pay` is missing",
        ),
    ];
    for (tree, expected) in any {
        let said = message(|| captured.assert_tree_in_any_order(tree));
        assert!(said.contains(expected), "{tree:?} says {said}");
    }
}

#[test]
fn lines_that_fit_several_spans_are_shared_out() {
    #[traced(fields(n))]
    fn step(n: u8) {
        let _ = n;
    }
    let captured = capture(|| (1..=3).for_each(step));
    captured.assert_tree_in_any_order("step\nstep n=1\nstep n=*");
    captured.assert_tree_in_any_order("step n=3\nstep\nstep");
    let said = message(|| captured.assert_tree_in_any_order("step n=1\nstep n=1\nstep"));
    assert!(
        said.contains("line 2: attribute `n` of `step` is "),
        "{said}"
    );
}

type Assertion = for<'a, 's> fn(&'s SpanAssert<'a>) -> &'s SpanAssert<'a>;

#[test]
fn a_span_is_asserted_step_by_step() {
    let captured = capture(|| charge(7));
    captured
        .assert_span("charge")
        .failed_with("stock")
        .root()
        .attribute("order", 7)
        .with("order")
        .without("card")
        .event("asked")
        .kind(crate::SpanKind::Internal)
        .children(["reserve"]);
    captured.assert_span("reserve").parent("charge");
    let cases: [(Assertion, &str); 11] = [
        (
            |s| s.ok(),
            "its outcome is error (alloc::string::String: no (stock), expected ok",
        ),
        (|s| s.panicked(), "expected panicked"),
        (|s| s.cancelled(), "expected cancelled"),
        (|s| s.failed_with("card"), "expected `card` in it"),
        (
            |s| s.attribute("order", 8),
            "attribute `order` is 7, expected 8",
        ),
        (
            |s| s.attribute("id", 8),
            "there is no attribute `id`, expected 8; it has `order`",
        ),
        (
            |s| s.with("id"),
            "there is no attribute `id`; it has `order`",
        ),
        (
            |s| s.without("order"),
            "attribute `order` is 7, expected none",
        ),
        (
            |s| s.event("paid"),
            "there is no event `paid`, the events are [\"asked\", \"answered\"]",
        ),
        (|s| s.parent("main"), "its parent is none, expected `main`"),
        (
            |s| s.children(["pay"]),
            "its children are [\"reserve\"], expected [\"pay\"]",
        ),
    ];
    for (assertion, expected) in cases {
        let said = message(std::panic::AssertUnwindSafe(|| {
            assertion(&captured.assert_span("charge"));
        }));
        assert!(said.starts_with("span `charge`: "), "{said}");
        assert!(said.contains(expected), "expected {expected}: {said}");
        assert!(said.contains("captured:\n    charge [error"), "{said}");
    }
    assert!(
        message(|| {
            captured.assert_span("reserve").root();
        })
        .contains("its parent is `charge`")
    );
    assert!(message(|| captured.assert_span("pay")).contains("there is no span `pay`"));
    let twice = capture(|| (pay(1), pay(2)));
    assert!(message(|| twice.span("pay")).contains("expected one span `pay`, there are 2"));
}

#[test]
fn a_metric_is_asserted() {
    let captured = capture(|| (charge(3), charge(7)));
    let calls = captured
        .assert_metric("function.calls")
        .labels([("function", "charge")]);
    calls.series(2).total(2);
    calls
        .labels([("result", "error")])
        .value(1)
        .count_is_refused();
    captured
        .assert_metric("function.calls.duration")
        .labels([("function", "charge")])
        .count(2);
    let none = message(|| captured.assert_metric("calls"));
    assert!(
        none.contains("there is no metric `calls`, the names are [\"function.calls\""),
        "{none}"
    );
    let metric = || captured.assert_metric("function.calls");
    let wrong = message(|| {
        metric().labels([("function", "pay")]).value(2);
    });
    assert!(wrong.contains("the value is 1, expected 2"), "{wrong}");
    let several = message(|| {
        metric().value(2);
    });
    assert!(
        several.contains("expected one series, there are "),
        "{several}"
    );
    let no_label = message(|| metric().labels([("function", "x")]));
    assert!(
        no_label.contains("no series has the labels [(\"function\", \"x\")]"),
        "{no_label}"
    );
}

impl MetricAssert<'_> {
    fn count_is_refused(&self) {
        let said = message(std::panic::AssertUnwindSafe(|| self.count(1)));
        assert!(said.contains("is no histogram"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawned_tasks_and_threads_belong_to_the_capture() {
    #[traced]
    async fn outer() {
        let task = tokio::spawn(inner().in_current_span());
        task.await.unwrap();
        let context = SpanContext::current();
        let thread = std::thread::spawn(move || {
            let _entered = context.as_ref().map(SpanContext::attach);
            pay(1);
        });
        thread.join().unwrap();
    }
    #[traced]
    async fn inner() {}
    let captured = capture_async(async {
        // Under no span: who records is carried all the same.
        tokio::spawn(outer().in_current_span()).await.unwrap();
        tokio::spawn(async { pay(2) }.in_current_span())
            .await
            .unwrap();
        // Not carried: it is nobody's.
        tokio::spawn(inner()).await.unwrap();
    })
    .await;
    captured.assert_tree("outer\n  inner\n  pay\npay");
}

#[test]
fn captures_at_the_same_time_see_their_own() {
    let barrier = Barrier::new(4);
    std::thread::scope(|threads| {
        for thread in 0..4_u32 {
            let barrier = &barrier;
            threads.spawn(move || {
                let captured = capture(|| {
                    barrier.wait();
                    for n in 0..=thread {
                        drop(charge(thread * 100 + n));
                    }
                    barrier.wait();
                });
                let calls = captured.assert_metric("function.calls");
                calls.labels([("function", "charge")]).total(thread + 1);
                let orders: Vec<_> = captured
                    .spans_named("charge")
                    .map(|span| span.attribute("order").cloned().unwrap())
                    .collect();
                let expected: Vec<_> = (0..=thread)
                    .map(|n| AttributeValue::from(thread * 100 + n))
                    .collect();
                assert_eq!(orders, expected);
            });
        }
    });
}

#[test]
fn a_configuration_of_its_own() {
    #[traced(level = "trace")]
    fn quiet() {}
    let none = Observability::builder().sampler(crate::Sampler::always_off());
    let captured = capture_with(none, quiet).unwrap();
    captured.assert_tree("");
    let calls = captured.assert_metric("function.calls");
    calls
        .labels([("function", "quiet"), ("module", module_path!())])
        .value(1);
    // Levels are the process', and other tests run beside this one.
    let info = Observability::builder().max_level(Level::Info);
    capture_with(info, quiet).unwrap().assert_tree("quiet");
    let wrong = Observability::builder().sampler(crate::Sampler::ratio(2.0));
    assert!(
        capture_with(wrong, quiet)
            .unwrap_err()
            .to_string()
            .contains("ratio")
    );
}

#[test]
fn links_and_dynamic_names_are_told() {
    let captured = capture(|| {
        let first = span!("first");
        span!("a = b [x]").in_scope(|second| {
            second.add_link(first.context().unwrap());
        });
    });
    captured.assert_tree("first\n\"a = b [x]\"\n  > first");
}

#[cfg(feature = "alert")]
#[test]
fn alerts_are_captured() {
    use crate::alert::{Alert, Severity, current};
    let captured = capture(|| {
        for title in ["one", "two"] {
            current().unwrap().send(Alert::new(Severity::Error, title));
        }
    });
    let titles: Vec<_> = captured.alerts.iter().map(|alert| &*alert.title).collect();
    assert_eq!(titles, ["one", "two"]);
    captured
        .assert_metric("obs.alerts")
        .labels([("outcome", "delivered")])
        .value(2);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z \\[\\]=\"'\\\\.…>-]{0,8}", any::<String>()]
}

fn values() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        text().prop_map(AttributeValue::from),
        any::<i64>().prop_map(AttributeValue::from),
        any::<f64>().prop_map(AttributeValue::from),
        any::<bool>().prop_map(AttributeValue::from),
        prop::collection::vec(text(), 0..3).prop_map(AttributeValue::from),
        prop::collection::vec(any::<i64>(), 0..3).prop_map(AttributeValue::from),
    ]
}

fn spans() -> impl Strategy<Value = Vec<SpanRecord>> {
    let outcome = prop_oneof![
        Just(Outcome::Ok),
        Just(Outcome::Error),
        Just(Outcome::Panicked),
        Just(Outcome::Cancelled),
    ];
    let error = prop::option::of((text(), prop::option::of(text())));
    let attributes = prop::collection::btree_map("[a-z.]{1,4}", values(), 0..4);
    let one = (
        text(),
        outcome,
        error,
        attributes,
        text(),
        any::<prop::sample::Index>(),
    );
    prop::collection::vec(one, 0..8).prop_map(|all| {
        let template = capture(|| pay(0)).spans.remove(0);
        let mut spans: Vec<SpanRecord> = Vec::new();
        for (at, (name, outcome, error, attributes, event, parent)) in all.into_iter().enumerate() {
            let mut span = template.clone();
            span.name = name.into();
            span.span_id = crate::trace::SpanId(at as u64 + 1);
            let parents = spans.len() + 1;
            span.parent_id = spans
                .get(parent.index(parents))
                .map(|parent| parent.span_id);
            span.start_unix_nanos += at as u64;
            span.end_unix_nanos += 1_000;
            span.outcome = outcome;
            span.error = error.map(|(kind, message)| crate::trace::SpanError::new(kind, message));
            span.attributes = attributes.into_iter().map(|(k, v)| (k.into(), v)).collect();
            span.events = vec![Event {
                name: event.into(),
                unix_nanos: 0,
                attributes: span.attributes.clone(),
            }];
            spans.push(span);
        }
        spans
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What is printed is a tree that the same spans fit: it may be pasted into a test.
    #[test]
    fn a_printed_tree_fits_its_spans(spans in spans()) {
        let mut captured = capture(|| ());
        captured.spans = spans;
        captured.assert_tree(&captured.tree());
        captured.assert_tree_in_any_order(&captured.tree());
    }

    /// Whatever is expected: a message, never a fault of the comparison.
    #[test]
    fn any_text_is_read_or_refused(tree in "[ a=\"\\[\\]\\\\…\n:>-]{0,40}") {
        let captured = capture(|| charge(3));
        if let Err(panic) = catch_unwind(|| captured.assert_tree(&tree)) {
            let text = panic.downcast_ref::<String>().expect("a message");
            prop_assert!(text.starts_with("the "), "{}", text);
        }
    }
}
