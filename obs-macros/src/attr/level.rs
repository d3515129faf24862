//! `level = …`: a word, a variant of the runtime's `Level`, or a level as `tracing` writes it.

use syn::Path;

use super::expr::{as_number, as_path, as_text};
use super::list::{Arg, ArgValue};
use crate::errors::Errors;

/// The value of `level = …`.
pub(crate) enum LevelArg {
    /// A variant of `Level`.
    Variant(&'static str),
    /// The same, by a path of `tracing`'s: `Level::DEBUG`. The code names it, so that its import is
    /// used and a misspelled one is an error.
    Named(&'static str, Path),
    /// A constant of the user.
    Path(Path),
}

/// `tracing`'s levels, from 1 to 5.
const NUMBERED: [&str; 5] = ["Trace", "Debug", "Info", "Warn", "Error"];

/// Reads the value of an argument.
pub(crate) fn read(arg: Arg, errors: &mut Errors) -> Option<LevelArg> {
    let ArgValue::Expr(value) = &arg.value else {
        arg.wrong(errors, FORMS);
        return None;
    };
    if as_text(value).is_some() {
        let words = ["error", "warn", "info", "debug", "trace"];
        let word = arg.word(&words, errors)?;
        return variant(word).map(LevelArg::Variant);
    }
    if let Some(number) = as_number(value) {
        let at = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
        let level = at.and_then(|at| NUMBERED.get(at));
        if level.is_none() {
            errors.push_on(
                value,
                "a `level` that is a number is from 1 (trace) to 5 (error), as in `tracing`",
            );
        }
        return level.copied().map(LevelArg::Variant);
    }
    let Some(path) = as_path(value) else {
        arg.wrong(errors, FORMS);
        return None;
    };
    let last = path.segments.last().map(|last| last.ident.to_string());
    let named = last.filter(|last| last.chars().all(char::is_uppercase));
    Some(match named.and_then(|last| variant(&last)) {
        Some(level) => LevelArg::Named(level, path),
        None => LevelArg::Path(path),
    })
}

/// What is said of anything else.
const FORMS: &str =
    "is a word, a level or a number: `level = \"debug\"`, `Level::DEBUG`, or 1 to 5";

/// The variant of `Level` whose name is this word, in any case.
fn variant(word: &str) -> Option<&'static str> {
    let mut all = NUMBERED.iter();
    all.find(|level| level.eq_ignore_ascii_case(word)).copied()
}

#[cfg(test)]
#[path = "level_tests.rs"]
mod tests;
