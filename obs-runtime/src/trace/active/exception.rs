//! Decides which of the spans that a failure passes through records it as an exception.
//!
//! Only the innermost span does. A failing span leaves a note for its parent in a thread local; the
//! parent knows by the text of its own error that it is the same failure: it is the same text, or
//! ends with it where the error holds the inner one as its cause. Only failing calls come here.

use core::cell::Cell;
use core::hash::BuildHasher as _;
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::callsite::{Level, threshold};
use crate::trace::attribute::SpanError;
use crate::trace::gate;

/// What a failing span leaves for its parent.
#[derive(Clone, Copy)]
struct Note {
    /// The span that the error was returned to; zero if there is none.
    to: u64,
    /// The length of the error's text, and its hash.
    len: usize,
    hash: u64,
}

thread_local! {
    /// The last error on this thread that was recorded as an exception or passed on.
    static PASSED: Cell<Note> = const { Cell::new(Note { to: 0, len: 0, hash: 0 }) };
}

/// Decides whether the error of `span` is recorded as an exception.
pub(super) fn decide(mut error: SpanError, span: u64, parent: u64) -> SpanError {
    let text = error.message.as_deref().unwrap_or(&error.kind);
    let note = PASSED.get();
    let from_child = note.to == span && note.is_in(text);
    let level = error.level.unwrap_or(Level::Error);
    let is_wanted = threshold(level) <= gate::level();
    if is_wanted {
        PASSED.set(Note {
            to: parent,
            len: text.len(),
            hash: hash(text),
        });
    }
    error.exception &= is_wanted && !from_child;
    error
}

impl Note {
    /// Returns whether the text is that of the noted error, or ends with it behind `": "`, as the
    /// texts of causes do.
    fn is_in(&self, text: &str) -> bool {
        let Some(before) = text.len().checked_sub(self.len) else {
            return false;
        };
        let Some((outer, inner)) = text.split_at_checked(before) else {
            return false;
        };
        (outer.is_empty() || outer.ends_with(": ")) && hash(inner) == self.hash
    }
}

fn hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}
