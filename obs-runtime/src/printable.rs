//! Texts of strangers: formatters that may panic, and characters in a line.
//!
//! What could end the line, command a terminal, or turn the reading direction, becomes an escape.

use core::fmt::{self, Write as _};
use std::borrow::Cow;

use crate::guarded::guarded;

/// Returns whether a character must not reach a reader's screen as it is.
///
/// These are the control characters, the separators of lines and paragraphs, and the characters
/// that turn the reading direction (Unicode Annex 9), with which a line can be made to look like
/// another.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c as u32, 0x2028..=0x202e | 0x2066..=0x2069)
}

/// Returns whether a text is in quotes as a whole, as the `Debug` of a text or a path is.
///
/// A quote or a break inside, which is not escaped, would end it for a reader before its end.
#[cfg(any(feature = "console", feature = "tracing"))]
pub(crate) fn is_quoted(text: &str) -> bool {
    let inside = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    let Some(inside) = inside else { return false };
    let mut is_escaped = false;
    for c in inside.chars() {
        if is_unprintable(c) || c == '"' && !is_escaped {
            return false;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    !is_escaped
}

/// Formats a value of the user's. A formatter that panics must not take the call down, and yields a text that says so.
pub(crate) fn formatted(args: fmt::Arguments<'_>) -> Cow<'static, str> {
    if let Some(text) = args.as_str() {
        return Cow::Borrowed(text);
    }
    let write = || {
        let mut text = String::new();
        // What a formatter wrote before it returned an error is kept.
        let _ = text.write_fmt(args);
        text
    };
    guarded(write).map_or(Cow::Borrowed(PANICKED), Cow::Owned)
}

/// Stands for what a formatter that panicked would have written.
pub(crate) const PANICKED: &str = "<panicked while formatting>";

/// Shows a text with its unprintable characters as escapes, such as `\n` and `\u{1b}`.
pub(crate) struct Printable<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// Passes text on, escaped.
struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_unprintable) {
            self.0.write_str(&rest[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(odd) = chars.next() {
                write!(self.0, "{}", odd.escape_default())?;
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
#[path = "printable_tests.rs"]
mod tests;
