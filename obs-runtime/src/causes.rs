//! The text of an error with its causes, and its backtrace.

use core::error::Error;
use core::fmt::{Debug, Display, Write as _};
use core::ops::Range;
use std::sync::OnceLock;

use crate::printable::formatted;

/// The most causes that are written, and the longest text in characters: a chain may be endless.
const CAUSES: usize = 32;
const CHARS: usize = 4096;

/// An error and what caused it, as `outer: middle: inner`.
#[derive(Debug)]
pub(crate) struct WithCauses {
    pub(crate) text: String,
    /// Where the words of the error are, and those of each cause, which may lie in them.
    pub(crate) chain: Vec<Range<usize>>,
}

impl WithCauses {
    /// Writes an error and its causes, from `first` on.
    ///
    /// A cause is left out where the text before it ends with the same words: many errors write their
    /// source themselves.
    pub(crate) fn new(error: &dyn Display, first: Option<&dyn Error>) -> Self {
        let mut text = formatted(format_args!("{error}")).into_owned();
        let mut chain: Vec<_> = core::iter::once(0..text.len()).collect();
        let mut next = first;
        for _ in 0..CAUSES {
            let Some(cause) = next.filter(|_| text.len() < CHARS) else {
                break;
            };
            let words = formatted(format_args!("{cause}"));
            if !text.ends_with(&*words) {
                // Writing to a string cannot fail.
                let _ = write!(text, ": {words}");
            }
            let words = text.len() - words.len()..text.len();
            // One that passes its cause on says nothing of its own.
            if !words.is_empty() && !chain.contains(&words) {
                chain.push(words);
            }
            next = cause.source();
        }
        if let Some((end, _)) = text.char_indices().nth(CHARS) {
            text.truncate(end);
            text.push('…');
            // What is left of the last one ends as the text does.
            chain.retain(|words| words.start < end);
            let cut = chain.iter_mut().filter(|words| words.end > end);
            cut.for_each(|words| words.end = text.len());
        }
        Self { text, chain }
    }

    /// Writes an error and its sources.
    pub(crate) fn of(error: &dyn Error) -> Self {
        Self::new(&error, error.source())
    }
}

/// How `anyhow` and `eyre` begin the backtrace at the end of their `Debug`.
const BACKTRACES: [&str; 2] = ["Stack backtrace:\n", "Backtrace:\n"];

/// Splits what `Debug` wrote into the text and the lines of a backtrace. An error within another one
/// has text behind its backtrace, which stays.
pub(crate) fn split_backtrace(debug: &str) -> (String, Option<String>) {
    let found = BACKTRACES.iter().find_map(|begin| debug.split_once(begin));
    let Some((text, rest)) = found else {
        return (debug.to_owned(), None);
    };
    let is_frame = |line: &&str| {
        let line = line.trim_start();
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        line.starts_with("at ") || number.len() < line.len() && number.starts_with(": ")
    };
    let frames: Vec<&str> = rest.lines().take_while(is_frame).collect();
    if frames.is_empty() {
        return (debug.to_owned(), None);
    }
    let behind: Vec<&str> = rest.lines().skip(frames.len()).collect();
    let text = [text.trim_end(), &behind.join("\n")].concat();
    (text.trim_end().to_owned(), Some(frames.join("\n")))
}

/// Returns the backtrace that an error has captured, if backtraces are asked for: formatting one
/// takes milliseconds.
pub(crate) fn backtrace(error: &impl Debug) -> Option<String> {
    static IS_ON: OnceLock<bool> = OnceLock::new();
    // As std reads them (`std::backtrace`, "Environment Variables").
    let is_on = || {
        let var = std::env::var_os("RUST_LIB_BACKTRACE");
        let var = var.or_else(|| std::env::var_os("RUST_BACKTRACE"));
        var.is_some_and(|value| value != "0")
    };
    if !IS_ON.get_or_init(is_on) {
        return None;
    }
    split_backtrace(&formatted(format_args!("{error:?}"))).1
}

#[cfg(test)]
#[path = "causes_tests.rs"]
mod tests;
