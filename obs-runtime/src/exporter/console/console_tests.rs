use std::borrow::Cow;

use super::trace_tree;
use crate::terminal::text::{clean, duration, width};
use crate::trace::{AttributeValue, Outcome, SpanError, SpanId, SpanRecord, TraceId};

const MS: u64 = 1_000_000;

/// A span of trace 1 that ran from `start` to `end` milliseconds after an hour of 2023.
pub(super) fn span(id: u64, parent: u64, name: &'static str, start: u64, end: u64) -> SpanRecord {
    let base = 1_700_000_000_000 * MS;
    SpanRecord {
        name: Cow::Borrowed(name),
        function: name,
        module: "tests",
        trace_id: TraceId(1),
        span_id: SpanId(id),
        parent_id: (parent != 0).then_some(SpanId(parent)),
        parent_is_remote: false,
        kind: crate::SpanKind::Internal,
        start_unix_nanos: base + start * MS,
        end_unix_nanos: base + end * MS,
        outcome: Outcome::Ok,
        error: None,
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        is_ok: false,
    }
}

fn with(mut span: SpanRecord, key: &'static str, value: impl Into<AttributeValue>) -> SpanRecord {
    span.attributes.push((Cow::Borrowed(key), value.into()));
    span
}

/// The lines without what is right of the names.
fn names(tree: &str) -> Vec<String> {
    let cut = |line: &str| line.split("  ").next().unwrap_or_default().to_owned();
    tree.lines()
        .skip(1)
        .map(|line| {
            let indent: String = line.chars().take_while(|c| " │├└─".contains(*c)).collect();
            format!("{indent}{}", cut(&line[indent.len()..]))
        })
        .collect()
}

#[test]
fn a_trace_is_drawn_with_times_bars_outcomes_and_attributes() {
    let mut failed = span(4, 1, "answer", 500, 1000);
    failed.outcome = Outcome::Error;
    failed.error = Some(SpanError::new(
        "my::net::Timeout",
        Some("no answer\nafter 0.5 s".to_owned()),
    ));
    let spans = [
        with(span(2, 1, "load", 0, 250), "records", 12),
        with(
            with(
                span(3, 2, "embeddings small", 100, 200),
                "gen_ai.request.model",
                "small",
            ),
            "gen_ai.usage.input_tokens",
            812,
        ),
        failed,
        with(span(1, 0, "rag", 0, 1000), "question", "what is it?"),
    ];
    let expected = "\
trace 00000000000000000000000000000001 · 4 spans · 1.00 s
✓ rag                      1.00 s  ━━━━━━━━━━━━━━━━━━━━  question=\"what is it?\"
├─ ✓ load                  250 ms  ━━━━━                 records=12
│  └─ ✓ embeddings small   100 ms    ━━                  input_tokens=812
└─ ✗ answer                500 ms            ━━━━━━━━━━  Timeout: no answer\\nafter 0.5 s
";
    assert_eq!(trace_tree(&spans), expected);
}

#[test]
fn what_the_parent_says_is_not_repeated() {
    let spans = [
        with(span(1, 0, "run", 0, 2), "tenant", "a"),
        with(with(span(2, 1, "same", 0, 1), "tenant", "a"), "rows", 1),
        with(span(3, 1, "other", 1, 2), "tenant", "b"),
        // In the parent it was the name that said it.
        with(span(4, 0, "pipeline rag", 3, 5), "obs.pipeline.name", "rag"),
        with(
            with(span(5, 4, "task", 3, 4), "obs.pipeline.name", "rag"),
            "n",
            1,
        ),
    ];
    let tree = trace_tree(&spans);
    let lines: Vec<_> = tree
        .lines()
        .map(|line| line.rsplit("  ").next().unwrap())
        .collect();
    assert_eq!(
        lines[1..],
        ["tenant=a", "rows=1", "tenant=b", "━━━━━━━━", "n=1"]
    );
}

#[test]
fn siblings_stand_in_the_order_of_their_start() {
    let spans = [
        span(4, 1, "third", 3, 9),
        span(2, 1, "first", 1, 8),
        span(3, 1, "second", 2, 3),
        span(5, 2, "inner", 1, 2),
        span(1, 0, "root", 0, 9),
    ];
    assert_eq!(
        names(&trace_tree(&spans)),
        [
            "✓ root",
            "├─ ✓ first",
            "│  └─ ✓ inner",
            "├─ ✓ second",
            "└─ ✓ third"
        ]
    );
}

#[test]
fn every_span_appears_once_whatever_the_parents_say() {
    let spans = [
        span(2, 99, "orphan", 5, 6),
        span(3, 3, "own parent", 6, 7),
        span(4, 5, "circle a", 7, 8),
        span(5, 4, "circle b", 8, 9),
        span(1, 0, "root", 0, 9),
        span(1, 0, "same id", 1, 9),
    ];
    assert_eq!(
        names(&trace_tree(&spans)),
        [
            "✓ root",
            "✓ same id",
            "✓ orphan",
            "✓ own parent",
            "✓ circle a",
            "└─ ✓ circle b"
        ]
    );
}

#[test]
fn each_trace_has_its_tree() {
    let mut other = span(7, 0, "b", 0, 1);
    other.trace_id = TraceId(2);
    let tree = trace_tree(&[span(1, 0, "a", 0, 1), other]);
    let (first, second) = tree.split_once("\n\n").unwrap();
    assert!(first.contains("✓ a") && second.contains("✓ b"));
    assert!(second.starts_with("trace 00000000000000000000000000000002 · 1 span · 1.00 ms\n"));
}

#[test]
fn a_very_deep_trace_is_drawn_in_linear_space_and_without_recursion() {
    const DEPTH: u64 = 50_000;
    let spans: Vec<_> = (1..=DEPTH)
        .map(|id| span(id, id - 1, "f", id, DEPTH + 1))
        .collect();
    let tree = trace_tree(&spans);
    assert_eq!(tree.lines().count() as u64, DEPTH + 1);
    assert!(tree.len() < 300 * DEPTH as usize, "{}", tree.len());
    assert!(tree.contains("level 49999 ✓ f"));
}

#[test]
fn what_a_span_holds_cannot_harm_the_terminal() {
    let spans = [with(
        span(1, 0, "red\x1b[31m\u{202e}", 0, 1),
        "text",
        "a\nb\r\x07",
    )];
    let tree = trace_tree(&spans);
    assert_eq!(tree.lines().count(), 2);
    assert!(
        tree.contains(r"red\u{1b}[31m\u{202e}") && tree.contains(r"text=a\nb\r\u{7}"),
        "{tree}"
    );
}

#[test]
fn long_values_are_cut_and_lists_say_how_long_they_are() {
    let long = with(span(1, 0, "f", 0, 1), "text", "x".repeat(10_000));
    let list = with(long, "ids", AttributeValue::I64Array((0..100).collect()));
    let tree = trace_tree(&[list]);
    assert!(
        tree.contains("xxx… ids=[0, 1, 2, 3, … 100 in all]"),
        "{tree}"
    );
    assert!(tree.lines().all(|line| width(line) < 300));
}

#[test]
fn durations_have_three_digits() {
    for (nanos, text) in [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (12_340, "12.3 µs"),
        (999_999, "1000 µs"),
        (123_456_789, "123 ms"),
        (9_996_000_000, "10.0 s"),
        (119_000_000_000, "119 s"),
        (125_000_000_000, "2m 05s"),
        (7_260_000_000_000, "2h 01m"),
    ] {
        assert_eq!(duration(nanos), text);
    }
}

#[test]
fn wide_characters_take_two_columns() {
    assert_eq!(width("日本"), 4);
    assert_eq!(width("e\u{301}"), 1);
    assert_eq!(clean("日本語", 4), "日本…");
    assert_eq!(clean("abc", 3), "abc");
}

// bug: the quotes of a `Debug` were quoted once more.
#[test]
fn what_a_debug_has_quoted_stays_as_it_is() {
    use crate::trace::ValueRef;

    let show = |text: &str| super::row::show(ValueRef::Str(text));
    assert_eq!(show(r#""/tmp/x""#), r#""/tmp/x""#);
    assert_eq!(show(r#""a \"b\"""#), r#""a \"b\"""#);
    assert_eq!(show(r#""a" b="c""#), r#""\"a\" b=\"c\"""#);
    let long = format!("{:?}", "x".repeat(100));
    assert!(show(&long).ends_with("…\""), "{}", show(&long));
}
