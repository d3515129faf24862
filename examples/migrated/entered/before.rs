//! Spans by hand that a thread enters: a guard, and `in_scope`.

use tracing::{debug_span, info, info_span};

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
