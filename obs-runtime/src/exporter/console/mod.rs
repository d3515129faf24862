//! For people: finished traces as trees, on standard error, in test failures, in programs; log records as lines and
//! metrics as tables on standard error.

pub(crate) mod builder;
mod logs;
mod metrics;
mod row;
mod sink;
mod text;
mod tree;
mod writer;

use std::io::{self, IsTerminal};

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
/// parent is not among them stand at the top level; every span appears exactly once.
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

/// Returns whether standard error is written in colour: it is on a terminal, unless `NO_COLOR` (<https://no-color.org>)
/// or `TERM=dumb` says otherwise.
fn colour() -> bool {
    let set =
        |name| std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stderr().is_terminal() && !set("NO_COLOR") && !dumb
}

#[cfg(test)]
#[path = "console_tests.rs"]
mod tests;
