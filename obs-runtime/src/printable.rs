//! Text of strangers in a line: what could end the line, command a terminal, or turn the reading
//! direction, becomes an escape.

use core::fmt::{self, Write as _};

/// Returns whether a character must not reach a reader's screen as it is.
///
/// These are the control characters, the separators of lines and paragraphs, and the characters
/// that turn the reading direction (Unicode Annex 9), with which a line can be made to look like
/// another.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c as u32, 0x2028..=0x202e | 0x2066..=0x2069)
}

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
