//! Text in lines of a width.

use crate::terminal::text::width;

/// A space at which no line ends; it is written as one.
const UNBROKEN: char = '\u{a0}';

/// Returns a text that is kept on one line, if it fits.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(' ', UNBROKEN.encode_utf8(&mut [0; 4]))
}

/// Breaks a text into lines of at most `most` columns: between words, or inside of one that is
/// longer than a line.
pub(super) fn wrap(text: &str, most: usize) -> impl Iterator<Item = String> {
    let mut rest = text.trim_end();
    let mut is_first = true;
    core::iter::from_fn(move || {
        if rest.is_empty() && !core::mem::take(&mut is_first) {
            return None;
        }
        is_first = false;
        let (line, after) = rest.split_at(end(rest, most.max(2)));
        rest = after.trim_start();
        Some(line.trim_end().replace(UNBROKEN, " "))
    })
}

/// The bytes of the first line.
fn end(text: &str, most: usize) -> usize {
    let mut used = 0;
    let mut space = None;
    for (at, c) in text.char_indices() {
        if c == ' ' {
            space = Some(at);
        }
        used += width(c.encode_utf8(&mut [0; 4]));
        if used > most {
            // A word that would leave most of its line empty is broken as well.
            return space.filter(|space| *space > 0).unwrap_or(at);
        }
    }
    text.len()
}

#[cfg(test)]
#[path = "wrap_tests.rs"]
mod tests;
