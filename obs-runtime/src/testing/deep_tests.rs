//! Trees that are deeper than a stack.

use crate::testing::{self, Captured};
use crate::trace::SpanId;

const LEVELS: usize = 100_000;

/// A capture of spans that are each the child of the one before.
fn deep() -> Captured<()> {
    #[crate::traced]
    fn level() {}

    let mut captured = testing::capture(level);
    let span = captured.spans.remove(0);
    captured.spans = (1..=LEVELS as u64)
        .map(|id| {
            let mut span = span.clone();
            span.span_id = SpanId(id);
            span.parent_id = (id > 1).then(|| SpanId(id - 1));
            span.start_unix_nanos += id;
            span
        })
        .collect();
    captured
}

/// The first levels of the tree, and that there may be more below.
fn expected(levels: usize) -> String {
    let line = |depth| format!("{:depth$}level\n", "");
    let lines: String = (0..levels).map(line).collect();
    format!("{lines}{:levels$}…\n", "")
}

fn message(f: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = std::panic::catch_unwind(f).unwrap_err();
    *payload.downcast::<String>().unwrap()
}

// bug: a tree of 3,000 levels was more than the stack holds, printed or compared.
#[test]
fn a_deep_tree_is_printed_as_far_as_it_can_be_read() {
    let captured = deep();
    let tree = captured.tree();
    assert_eq!(tree.lines().count(), 1_001);
    assert_eq!(tree.lines().last().map(str::trim), Some("…"));
    captured.assert_tree(&tree);
    captured.assert_tree_in_any_order(&tree);
}

#[test]
fn a_deep_tree_is_compared() {
    let captured = deep();
    let tree = expected(3_500);
    captured.assert_tree(&tree);
    captured.assert_tree_in_any_order(&tree);
    // One that is wrong at the lowest level.
    let wrong = tree.replace('…', "other");
    let said = message(|| captured.assert_tree(&wrong));
    assert!(said.contains("line 3501: expected `other`, `level` was captured"));
    let said = message(|| captured.assert_tree_in_any_order(&wrong));
    assert!(
        said.contains("line 3501: `other` is missing"),
        "{}",
        &said[..200]
    );
    let said = message(|| {
        let _ = captured.span("other");
    });
    assert!(said.contains("there is no span `other`"));
}
