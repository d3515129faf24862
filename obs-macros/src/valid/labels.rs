//! The rules for the keys of a metric's labels.

use crate::attr::label::Label;
use crate::errors::Errors;

/// Judges the keys; `reserved` are those that the metric has already.
pub(crate) fn check(labels: &[Label], reserved: &[&str], errors: &mut Errors) {
    // Prometheus knows letters, digits and `_` only.
    let same = |key: &str| key.replace(['.', '-', '/'], "_");
    for (i, Label { key, span, .. }) in labels.iter().enumerate() {
        let starts = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts || !is_word(key) || key.len() > 255 {
            let message = format!(
                "label {key:?} is not valid: a label starts with a letter or `_` and goes on with letters, \
                 digits, `_`, `.`, `-` and `/`"
            );
            errors.push(*span, message);
        } else if key.starts_with("__")
            || key == "otel.metric.overflow"
            || reserved.contains(&&**key)
        {
            errors.push(
                *span,
                format!("the label `{key}` is reserved: choose another name"),
            );
        }
        if let Some(other) = labels[..i]
            .iter()
            .find(|other| same(&other.key) == same(key))
        {
            errors.push(
                *span,
                if other.key == *key {
                    format!("the label `{key}` is given twice")
                } else {
                    format!(
                        "the labels `{}` and `{key}` are the same in Prometheus: rename one",
                        other.key
                    )
                },
            );
        }
    }
}

/// Whether the text has no other characters than keys and names of metrics may have.
pub(crate) fn is_word(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'))
}
