//! Texts of fields: formatted without taking the program down, and without secrets.

use core::fmt::{self, Write as _};
use core::panic::AssertUnwindSafe;
use std::borrow::Cow;

use crate::trace::local::redact;

/// Formats a value of the user's; a formatter that panics yields a text that says so.
pub(super) fn formatted(args: fmt::Arguments<'_>) -> Cow<'static, str> {
    if let Some(text) = args.as_str() {
        return Cow::Borrowed(text);
    }
    let write = || {
        let mut text = String::new();
        // A formatter that returns an error leaves what it wrote.
        let _ = text.write_fmt(args);
        text
    };
    std::panic::catch_unwind(AssertUnwindSafe(write))
        .map_or(Cow::Borrowed("<panicked while formatting>"), Cow::Owned)
}

/// The text without secrets, as its own.
pub(super) fn masked(text: String) -> String {
    match redact(&text) {
        Cow::Owned(masked) => masked,
        Cow::Borrowed(_) => text,
    }
}
