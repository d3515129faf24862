use super::*;

#[test]
fn what_moves_a_cursor_or_turns_text_is_escaped() {
    let shown = |text: &str| Printable(text).to_string();
    assert_eq!(shown("plain ä 漢 🎉"), "plain ä 漢 🎉");
    assert_eq!(shown("two\nlines\r\t"), "two\\nlines\\r\\t");
    assert_eq!(
        shown("\u{1b}[31m\u{9b}0m\u{7f}"),
        "\\u{1b}[31m\\u{9b}0m\\u{7f}"
    );
    assert_eq!(
        shown("a\u{202e}b\u{2028}c\u{2069}"),
        "a\\u{202e}b\\u{2028}c\\u{2069}"
    );
}

struct Bad;

impl fmt::Display for Bad {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("bad formatter")
    }
}

#[test]
fn a_formatter_that_panics_yields_a_text() {
    assert_eq!(formatted(format_args!("{Bad}")), PANICKED);
    assert_eq!(formatted(format_args!("{}", 1)), "1");
}

#[cfg(any(feature = "console", feature = "tracing"))]
#[test]
fn what_is_in_quotes_as_a_whole() {
    for text in [
        "/tmp/x",
        "",
        "two words",
        "a \"b\" \\",
        "line\nbreak \u{202e}",
    ] {
        let debug = format!("{text:?}");
        assert!(is_quoted(&debug), "{debug}");
        assert!(!is_quoted(text), "{text}");
    }
    // Each would look like more than one value, or like a value that has not ended.
    for text in [
        "\"",
        "\"a\" b=\"c\"",
        "\"a\\\\\" b\"",
        "\"a\\\"",
        "\"a\nb\"",
        "x\"a\"",
    ] {
        assert!(!is_quoted(text), "{text}");
    }
}
