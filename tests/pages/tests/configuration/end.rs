//! How long the end waits is what the page says.

use crate::source::{page, root};

#[test]
fn the_page_has_the_times_of_the_end() {
    let source = root().join("obs-runtime/src/init/lifecycle.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let page = page("configuration.md");
    for (constant, row) in [
        ("DEADLINE", "the end and `force_flush()` wait at most"),
        ("SILENT", "the end waits without a word for"),
    ] {
        let begin = format!("const {constant}: Duration = Duration::from_secs(");
        let (_, rest) = source.split_once(&begin).unwrap();
        let (seconds, _) = rest.split_once(");").unwrap();
        let row = format!("| {row} | {seconds} s |\n");
        assert!(page.contains(&row), "{row}");
    }
}
