//! Texts of fields without secrets.

use std::borrow::Cow;

use crate::trace::local::redact;

/// Returns the text without secrets.
pub(super) fn masked(text: String) -> String {
    match redact(&text) {
        Cow::Owned(masked) => masked,
        Cow::Borrowed(_) => text,
    }
}
