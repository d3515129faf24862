//! Decides which of the spans that a failure passes through records it as an exception.
//!
//! Only the innermost span does. A failing span leaves a note for its parent in a thread local; the
//! parent knows by the text of its own error that it is the same failure: it is the same text, or that
//! of one of its causes. Only failing calls come here.

use core::cell::Cell;

use crate::callsite::{Level, threshold};
use crate::trace::attribute::SpanError;
use crate::trace::chain::{Link, hash_of};
use crate::trace::gate;

thread_local! {
    /// The last error on this thread that was recorded as an exception or passed on: the span that it
    /// was returned to, zero if there is none, and the hash of its text.
    static PASSED: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Decides whether the error of `span` is recorded as an exception.
pub(super) fn decide(mut error: SpanError, span: u64, parent: u64) -> SpanError {
    let text = error.message.as_deref().unwrap_or(&error.kind);
    let hash = hash_of(text);
    let (to, passed) = PASSED.get();
    let from_child = to == span && (passed == hash || is_among(passed, &error.chain));
    let level = error.level.unwrap_or(Level::Error);
    let is_wanted = threshold(level) <= gate::level();
    if is_wanted {
        PASSED.set((parent, hash));
    }
    error.exception &= is_wanted && !from_child;
    error
}

/// Returns whether the last failing span of this thread had an error with this text, or with that of
/// one of these causes: most likely it is the same one, and was recorded there.
pub(crate) fn was_passed(text: &str, chain: &[Link]) -> bool {
    let (_, passed) = PASSED.get();
    passed == hash_of(text) || is_among(passed, chain)
}

fn is_among(hash: u64, chain: &[Link]) -> bool {
    chain.iter().any(|link| link.hash == hash)
}
