//! Decides which of the spans that an error passes through records it as an exception.
//!
//! Only the innermost span does. A failing span leaves a note for its parent in a thread local; the
//! parent knows by the type and the text of its own error that it is the same one. Only failing
//! calls come here.

use core::cell::Cell;
use core::hash::BuildHasher as _;
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::callsite::{Level, threshold};
use crate::trace::attribute::SpanError;
use crate::trace::gate;

/// The last error on this thread that was recorded as an exception or passed on.
#[derive(Clone, Copy)]
struct Passed {
    /// The span that the error was returned to; zero if there is none.
    to: u64,
    error: u64,
}

thread_local! {
    static PASSED: Cell<Passed> = const { Cell::new(Passed { to: 0, error: 0 }) };
}

/// Decides whether the error of `span` is recorded as an exception.
pub(super) fn decide(mut error: SpanError, span: u64, parent: u64) -> SpanError {
    let hash = hash(&error);
    let from_child = PASSED.with(|passed| {
        let last = passed.get();
        last.to == span && last.error == hash
    });
    let level = error.level.unwrap_or(Level::Error);
    let is_wanted = threshold(level) <= gate::level();
    error.exception &= is_wanted && !from_child;
    if is_wanted {
        let now = Passed {
            to: parent,
            error: hash,
        };
        PASSED.with(|passed| passed.set(now));
    }
    error
}

fn hash(error: &SpanError) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((&error.kind, &error.message))
}
