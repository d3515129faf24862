//! A guard that owns its span: as `tracing` has it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use obs_runtime::testing::capture;
use obs_runtime::trace::{EnteredSpan, Outcome};
use obs_runtime::{Span, current, field, span, traced};

#[traced]
fn inside() {}

#[test]
fn the_span_is_entered_until_the_guard_ends_it() {
    let captured = capture(|| {
        let outer = span!("outer").entered();
        current::record("of", "outer");
        {
            let _inner = span!("inner").entered();
            inside();
            current::record("of", "inner");
        }
        inside();
        outer.set_attribute("said", true);
        drop(outer);
        inside();
    });
    captured
        .assert_tree("outer of=outer said=true\n  inner of=inner\n    inside\n  inside\ninside");
}

#[test]
fn exit_gives_the_span_back_which_may_be_entered_again() {
    let captured = capture(|| {
        let span: Span = span!("span", rows = field::Empty).entered().exit();
        inside();
        let guard: EnteredSpan = span.entered();
        inside();
        current::record("rows", 3);
        guard.exit().end(Outcome::Cancelled);
    });
    captured.assert_tree("span [cancelled] rows=3\n  inside\ninside");
}

#[test]
fn a_panic_fails_the_span_and_what_comes_next_is_outside() {
    let captured = capture(|| {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let _guard = span!("span").entered();
            panic!("broken");
        }));
        inside();
    });
    let outcomes: Vec<_> = captured
        .spans
        .iter()
        .map(|s| (&*s.name, s.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [("span", Outcome::Panicked), ("inside", Outcome::Ok)]
    );
    assert!(captured.span("inside").parent_id.is_none());
}

#[test]
fn a_span_that_records_nothing_can_be_entered_too() {
    let captured = capture(|| {
        let guard = Span::none().entered();
        inside();
        assert!(!guard.exit().is_recording());
    });
    captured.assert_tree("inside");
}
