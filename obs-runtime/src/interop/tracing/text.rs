//! Texts of fields: formatted without taking the program down, and without secrets.

use core::fmt::{self, Write as _};
use core::panic::AssertUnwindSafe;
use std::borrow::Cow;

use crate::trace::local::redact;

/// Formats a value of the user's. A formatter that panics yields a text that says so.
pub(super) fn formatted(args: fmt::Arguments<'_>) -> Cow<'static, str> {
    if let Some(text) = args.as_str() {
        return Cow::Borrowed(text);
    }
    let write = || {
        let mut text = String::new();
        // What a formatter wrote before it returned an error is kept.
        let _ = text.write_fmt(args);
        text
    };
    std::panic::catch_unwind(AssertUnwindSafe(write))
        .map_or(Cow::Borrowed("<panicked while formatting>"), Cow::Owned)
}

/// Returns the text without secrets.
pub(super) fn masked(text: String) -> String {
    match redact(&text) {
        Cow::Owned(masked) => masked,
        Cow::Borrowed(_) => text,
    }
}
