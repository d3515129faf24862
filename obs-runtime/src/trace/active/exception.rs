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

thread_local! {
    /// The last error on this thread that was recorded as an exception or passed on: the span that it
    /// was returned to, zero if there is none, and the error's hash.
    static PASSED: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Decides whether the error of `span` is recorded as an exception.
pub(super) fn decide(mut error: SpanError, span: u64, parent: u64) -> SpanError {
    let hash = hash(&error);
    let from_child = PASSED.get() == (span, hash);
    let level = error.level.unwrap_or(Level::Error);
    let is_wanted = threshold(level) <= gate::level();
    error.exception &= is_wanted && !from_child;
    if is_wanted {
        PASSED.set((parent, hash));
    }
    error
}

fn hash(error: &SpanError) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((&error.kind, &error.message))
}
