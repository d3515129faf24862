//! The text of an error with its causes, and its backtrace.

use core::error::Error;
use core::fmt::{self, Debug, Write as _};
use std::sync::OnceLock;

use crate::printable::formatted;

/// The most causes that are written, and the longest text in characters: a chain may be endless.
const CAUSES: usize = 32;
const CHARS: usize = 4096;

/// Shows an error and what caused it, as `outer: middle: inner`.
///
/// A cause is left out where the text before it ends with the same words: many errors write their
/// source themselves.
pub(crate) struct WithCauses<'a>(pub(crate) &'a (dyn Error + 'a));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        for _ in 0..CAUSES {
            let Some(cause) = source.filter(|_| text.len() < CHARS) else {
                break;
            };
            let words = cause.to_string();
            if !text.ends_with(&words) {
                write!(text, ": {words}")?;
            }
            source = cause.source();
        }
        if let Some((end, _)) = text.char_indices().nth(CHARS) {
            text.truncate(end);
            text.push('…');
        }
        f.write_str(&text)
    }
}

/// How `anyhow` and `eyre` begin the backtrace at the end of their `Debug`.
const BACKTRACES: [&str; 2] = ["Stack backtrace:\n", "Backtrace:\n"];

/// Splits what `Debug` wrote into the text and the backtrace.
pub(crate) fn split_backtrace(debug: &str) -> (&str, Option<&str>) {
    let found = BACKTRACES.iter().find_map(|begin| debug.split_once(begin));
    match found {
        Some((text, backtrace)) => (text.trim_end(), Some(backtrace.trim_end())),
        None => (debug, None),
    }
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
    let debug = formatted(format_args!("{error:?}"));
    split_backtrace(&debug).1.map(str::to_owned)
}

#[cfg(test)]
#[path = "causes_tests.rs"]
mod tests;
