use crate::exporter::console::row::Row;
use crate::exporter::console::tests::span;
use crate::exporter::console::trace_tree;
use crate::exporter::console::tree::Tree;
use crate::terminal::text::width;
use crate::trace::{Outcome, SpanError, SpanRecord, TraceId};

/// Draws the spans on a terminal of so many columns.
fn draw(spans: &[SpanRecord], columns: usize) -> String {
    let rows: Vec<Row> = spans.iter().map(Row::from_record).collect();
    let mut tree = Tree::new(TraceId(1), &rows);
    tree.columns = Some(columns);
    let mut out = String::new();
    tree.draw(&mut out);
    out
}

fn with(mut span: SpanRecord, key: &'static str, value: &str) -> SpanRecord {
    span.attributes.push((key.into(), value.to_owned().into()));
    span
}

fn failed(mut span: SpanRecord, message: &str) -> SpanRecord {
    span.outcome = Outcome::Error;
    span.error = Some(SpanError::new("shop::Refused", Some(message.to_owned())));
    span
}

// bug: a tree was as wide as its longest row, and wrapped on the terminal.
#[test]
fn lines_fit_the_terminal() {
    let name = "a_function_whose_name_is_longer_than_anybody_wants_to_read_it";
    let mut spans = vec![
        with(
            span(1, 0, "root", 0, 1_000),
            "question",
            "what does a long question ask?",
        ),
        with(
            failed(
                span(2, 1, name, 0, 900),
                "the receiver does not answer, and never will",
            ),
            "k",
            "v",
        ),
    ];
    spans.extend((3..80).map(|id| span(id, id - 1, "deeper", id, 900)));
    for columns in [40, 60, 80, 100, 200] {
        let tree = draw(&spans, columns);
        for (line, span) in tree.lines().skip(1).zip(&spans) {
            assert!(
                width(line) <= columns,
                "{columns}: {} {line:?}",
                width(line)
            );
            let millis = (span.end_unix_nanos - span.start_unix_nanos) / 1_000_000;
            let time = if millis == 1_000 {
                "1.00 s".to_owned()
            } else {
                format!("{millis} ms")
            };
            assert!(line.contains(&time), "{columns}: {time} {line:?}");
        }
    }
    let narrow = draw(&spans[..2], 60);
    let expected = "\
trace 00000000000000000000000000000001 · 2 spans · 1.00 s
✓ root              1.00 s  ━━━━━━━━━━  question=\"what does…
└─ ✗ a_function_…   900 ms  ━━━━━━━━━   Refused: the receiv…
";
    assert_eq!(narrow, expected);
}

// bug: 300 equal leaves were 300 lines.
#[test]
fn equal_leaves_are_one_line() {
    let mut spans = vec![span(1, 0, "root", 0, 1_000)];
    for id in 0..300 {
        let leaf = span(id + 10, 1, "leaf", id, id + 1 + id % 3);
        spans.push(with(with(leaf, "kind", "page"), "page", &id.to_string()));
    }
    spans.push(failed(span(400, 1, "leaf", 500, 502), "no page"));
    spans.extend((0..4).map(|id| span(500 + id, 1, "few", 600 + id, 700)));
    let parent = span(600, 1, "leaf", 800, 900);
    spans.extend([parent, span(601, 600, "inner", 800, 900)]);
    let tree = trace_tree(&spans);
    let lines: Vec<&str> = tree.lines().collect();
    assert_eq!(
        lines[2],
        "├─ ✓ leaf × 300  1.00 to 3.00 ms  ━━━━━━                kind=page"
    );
    assert_eq!(lines.len(), 2 + 1 + 1 + 4 + 2, "{tree}");
    assert!(
        lines[3].contains("✗ leaf ") && lines[3].contains("Refused: no page"),
        "{tree}"
    );
}
