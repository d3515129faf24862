//! Entering and leaving in every order, with spans of obs in between.

use super::*;
use crate::callsite::{CallsiteSpec, Source};
use crate::testing;
use crate::trace::{SpanId, current};

fn site(name: &'static str) -> &'static Callsite {
    Box::leak(Box::new(Callsite::new(CallsiteSpec::new(
        name,
        &Source {
            module: "m",
            file: "f",
        },
        1,
    ))))
}

fn begin(name: &'static str) -> KeptSpan {
    KeptSpan::begin(site(name), Vec::new).expect("recording").0
}

fn id(span: &KeptSpan) -> SpanId {
    span.manual.context().unwrap().span_id
}

fn here() -> Option<SpanId> {
    SpanContext::current().map(|c| c.span_id)
}

/// Some spans, entered in their order under the keys 0, 1, …
fn entered<const N: usize>() -> [KeptSpan; N] {
    core::array::from_fn(|key| {
        let span = begin("span");
        enter(key as u64, &Held::Span(&span));
        assert_eq!(here(), Some(id(&span)));
        assert_eq!(super::current(), Some(key as u64));
        span
    })
}

fn events(late: Option<Box<SpanExtra>>) -> Vec<String> {
    let late = late.map(|extra| *extra).unwrap_or_default();
    late.events.iter().map(|e| e.name.to_string()).collect()
}

fn is_empty() -> bool {
    STACK.with(|stack| stack.borrow().is_empty())
}

#[test]
fn every_order_of_leaving_ends_where_it_began() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    testing::capture(|| {
        for order in orders {
            let spans = entered::<3>();
            current::add_event("of 2");
            let mut left = Vec::new();
            for key in order {
                let late = events(exit(key));
                assert_eq!(late.is_empty(), key != 2, "{order:?} {key}");
                left.push(key);
                let top = (0..3).rev().find(|k| !left.contains(k));
                let expected = top.map(|k| id(&spans[k as usize]));
                assert_eq!(here(), expected, "{order:?} {key}");
            }
            assert!(is_empty());
        }
    });
}

#[test]
fn what_was_said_comes_back_to_the_span_it_was_said_of() {
    testing::capture(|| {
        let spans = entered::<2>();
        current::add_event("of 1");
        // The outer one first.
        let outer = begin("outer");
        assert_eq!(events(exit(0)), [""; 0]);
        current::add_event("of 1 again");
        assert_eq!(events(exit(1)), ["of 1", "of 1 again"]);
        assert_eq!(here(), None);

        enter(7, &Held::Span(&outer));
        current::add_event("before");
        enter(8, &Held::Span(&spans[0]));
        assert_eq!(events(exit(7)), ["before"]);
        assert_eq!(here(), Some(id(&spans[0])));
        assert_eq!(events(exit(8)), [""; 0]);
        assert_eq!(here(), None);
    });
}

#[test]
fn a_span_that_is_left_inside_one_of_obs_is_left_when_that_has_ended() {
    let captured = testing::capture(|| {
        let [span] = entered::<1>();
        current::add_event("early");
        let mut guard = crate::trace::SyncSpan::<0>::entered(site("ours"));
        current::add_event("inside");
        let ours = here();
        assert!(exit(0).is_none());
        assert_eq!(here(), ours);
        assert_eq!(super::current(), None);
        guard.end(Outcome::Ok);
        // The next who enters or leaves finds the stale context and mends it.
        let late = self_obs::late();
        let next = begin("next");
        enter(1, &Held::Span(&next));
        assert!(self_obs::late() > late);
        assert!(exit(1).is_none());
        assert_eq!(here(), None);
        assert!(is_empty());
        span.end(Outcome::Ok, Vec::new(), SpanExtra::default());
    });
    assert_eq!(captured.span("ours").events.len(), 1);
}

#[test]
fn entered_twice_is_left_twice() {
    testing::capture(|| {
        let [span] = entered::<1>();
        let mut guard = crate::trace::SyncSpan::<0>::entered(site("ours"));
        let ours = here();
        enter(0, &Held::Span(&span));
        // As it is tracing's current span already, the span of obs inside stays the context.
        assert_eq!(here(), ours);
        assert!(exit(0).is_none());
        assert_eq!(here(), ours);
        guard.end(Outcome::Ok);
        assert_eq!(here(), Some(id(&span)));
        assert!(exit(0).is_none());
        assert!(exit(0).is_none());
        assert_eq!(here(), None);
    });
}

#[test]
fn a_context_without_a_span_is_passed_through() {
    testing::capture(|| {
        let [span] = entered::<1>();
        let around = span.manual.context().unwrap();
        enter(1, &Held::Through(&around, None));
        // Nothing changes where it is the context already: late data reaches the span.
        assert_eq!(here(), Some(id(&span)));
        current::add_event("said");
        assert!(exit(1).is_none());
        assert_eq!(events(exit(0)), ["said"]);

        enter(1, &Held::Through(&around, None));
        assert_eq!(here(), Some(id(&span)));
        assert!(exit(1).is_none());
        assert_eq!(here(), None);
    });
}

#[test]
fn spans_that_are_never_left_here_are_forgotten_in_the_end() {
    testing::capture(|| {
        let span = begin("span");
        for key in 0..3 * MOST as u64 {
            enter(key, &Held::Span(&span));
        }
        STACK.with(|stack| assert_eq!(stack.borrow().len(), MOST));
        // Somebody else's thread.
        std::thread::spawn(|| assert!(exit(3 * MOST as u64 - 1).is_none()))
            .join()
            .unwrap();
    });
    // The capture has put the thread's context back. OpenTelemetry's is not asked: a test of it that
    // ran before has made the spans, which nobody has left, part of that.
    assert_eq!(local().context(), None);
}
