//! The rules for fields: each key once, no secret by accident, and no value that comes later.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Expr, LitStr};

use crate::attr::expr::plain;
use crate::attr::fields::{Constant, Field, FieldKey, FieldValue, Secrecy};
use crate::errors::Errors;

/// Judges the fields, and replaces the values that are not to be recorded.
pub(crate) fn judge(fields: &mut [Field], errors: &mut Errors) {
    for at in 0..fields.len() {
        let (before, rest) = fields.split_at_mut(at);
        let Some(field) = rest.first_mut() else {
            continue;
        };
        if let FieldKey::Text(key) = &field.key {
            check_key(key, field, before, errors);
        }
        if let FieldValue::Capture(value) | FieldValue::Display(value) | FieldValue::Debug(value) =
            &field.value
            && is_field_empty(value)
        {
            errors.push(
                value.span(),
                "a field needs its value at the start of the call; leave this one out and call \
                 `obs_runtime::trace::current::set_attribute(key, value)` when the value is known",
            );
        }
        if field.secrecy == Secrecy::Redact {
            let stars = LitStr::new("***", Span::mixed_site());
            field.value = FieldValue::Const(Constant::Str(stars));
        }
    }
}

/// A key is given once, and one that sounds like a secret has a word before it.
fn check_key(key: &str, field: &Field, before: &[Field], errors: &mut Errors) {
    let is_same = |other: &Field| matches!(&other.key, FieldKey::Text(other) if other == key);
    if before.iter().any(is_same) {
        errors.push(field.span, format!("the field `{key}` is given twice"));
    }
    if field.secrecy == Secrecy::Unsaid && is_secret(key) {
        errors.push(
            field.span,
            format!(
                "`{key}` sounds like a secret: write `redact {key}` to record only that \
                 it was there, or `allow {key}` to record its value"
            ),
        );
    }
}

/// Whether the value is the placeholder `field::Empty` of `tracing`.
fn is_field_empty(value: &Expr) -> bool {
    let Expr::Path(path) = plain(value) else {
        return false;
    };
    let segments = &path.path.segments;
    let mut last_two = segments.iter().rev().take(2).map(|s| &s.ident);
    last_two.next().is_some_and(|s| s == "Empty") && last_two.next().is_some_and(|s| s == "field")
}

const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "authorization",
    "credential",
    "credentials",
    "private_key",
    "cookie",
    "set_cookie",
    "ssn",
    "card_number",
    "cvv",
];

/// Whether a key's last part is a word for a secret, or ends in one (`auth_token`).
fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    let last = last.to_lowercase().replace('-', "_");
    SECRET_WORDS.iter().any(|word| {
        last.strip_suffix(word)
            .is_some_and(|before| before.is_empty() || before.ends_with('_'))
    })
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
