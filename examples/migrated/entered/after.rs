//! Spans by hand: the import of `info_span!` changes.
//!
//! What is recorded of three lines, the same before and after:
//!
//! ```text
//! /import path="a.csv" bytes=8
//! /import/row number=0
//! /import/row number=1
//! /import/row number=2
//! /import/row: info an empty line
//! /import/split
//! /import: info imported rows=2
//! ```
//!
//! `span!` has no level, target or parent of its own. A span that needs them stays one of `tracing`,
//! as `split` does here: it is in the same trace.

use obs_runtime::span as info_span;
use tracing::{debug_span, info};

pub fn import(path: &str, text: &str) -> usize {
    let span = info_span!("import", path = %path, bytes = text.len());
    let _entered = span.enter();

    let lines = debug_span!("split").in_scope(|| text.lines().collect::<Vec<_>>());
    let mut rows = 0;
    for (number, line) in lines.iter().enumerate() {
        let _row = info_span!("row", number).entered();
        if line.is_empty() {
            info!("an empty line");
            continue;
        }
        rows += 1;
    }
    info!(rows, "imported");
    rows
}
