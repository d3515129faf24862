//! For people: finished traces as trees, on standard error, in test failures, in programs; log records as lines and
//! metrics as tables on standard error.

pub(crate) mod builder;
mod fold;
mod layout;
mod logs;
mod metrics;
mod row;
mod sink;
mod tree;
mod writer;

use crate::trace::SpanRecord;

/// Draws finished spans as trees, one for each trace, with durations, outcomes and the attributes
/// that tell spans apart.
///
/// ```text
/// trace 4bf92f3577b34da6a3ce929d0e0e4736 · 3 spans · 1.24 s
/// ✗ rag                  1.24 s  ━━━━━━━━━━━━━━━━━━━━
/// ├─ ✓ load_documents   12.1 ms  ━                     records=12
/// └─ ✗ answer            1.21 s   ━━━━━━━━━━━━━━━━━━━  Timeout: no answer after 1.2 s
/// ```
///
/// Marks: `✓` ok, `✗` error, `‼` panicked, `⊘` cancelled. The bar shows when the span ran within
/// its trace. There are no colours, and control characters are shown as escapes. Spans whose
/// parent is not among them stand at the top level. Five and more spans of one name that went well
/// beside each other and have no children are one line, `leaf × 300`; every other span has a line
/// of its own.
///
/// ```
/// assert_eq!(obs_runtime::exporter::console::trace_tree(&[]), "");
/// ```
pub fn trace_tree(spans: &[SpanRecord]) -> String {
    let mut traces: Vec<(crate::trace::TraceId, Vec<row::Row>)> = Vec::new();
    let mut position = std::collections::HashMap::new();
    for span in spans {
        let at = *position.entry(span.trace_id).or_insert(traces.len());
        if at == traces.len() {
            traces.push((span.trace_id, Vec::new()));
        }
        traces[at].1.push(row::Row::from_record(span));
    }
    let mut out = String::new();
    for (id, rows) in &traces {
        if !out.is_empty() {
            out.push('\n');
        }
        tree::Tree::new(*id, rows).draw(&mut out);
    }
    out
}

#[cfg(test)]
#[path = "console_tests.rs"]
mod tests;
