//! The rules for fields: each key once, no secret by accident, and which ones only declare that a
//! value comes later.

use proc_macro2::{Ident, Span, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Expr, LitStr};

use super::names::parameters;
use crate::ast::Function;
use crate::attr::expr::plain;
use crate::attr::fields::{Constant, Field, FieldKey, FieldValue, Secrecy};
use crate::attr::nearest::is_slip;
use crate::attr::shared::Declared;
use crate::errors::Errors;

/// Judges the fields, replaces the values that are not to be recorded, and takes the fields out
/// that have none yet. Returns these.
///
/// In the attribute of a function, a key alone that is none of its parameters declares a field, as
/// in `tracing`.
pub(crate) fn judge(
    fields: &mut Vec<Field>,
    function: Option<&Function>,
    errors: &mut Errors,
) -> Declared {
    let parameters = function.map(parameters);
    let mut declared = Declared::default();
    let mut seen: Vec<String> = Vec::new();
    fields.retain_mut(|field| {
        if let FieldKey::Text(key) = &field.key {
            if seen.contains(key) {
                errors.push(field.span, format!("the field `{key}` is given twice"));
            }
            seen.push(key.clone());
        }
        let is_late = match &field.value {
            FieldValue::Capture(value) if is_field_empty(value) => {
                declared.empties.push(value.clone());
                true
            }
            FieldValue::Named(place) => parameters
                .as_deref()
                .is_some_and(|parameters| declares(place, parameters, errors)),
            _ => false,
        };
        if is_late {
            check_late(field, errors);
            declared.keys.push(field.key.clone());
            return false;
        }
        check_secret(field, errors);
        if field.secrecy == Secrecy::Redact {
            let stars = LitStr::new("***", Span::mixed_site());
            field.value = FieldValue::Const(Constant::Str(stars));
        }
        true
    });
    declared
}

/// Whether a key alone only declares a field: it names no parameter, and no constant either.
fn declares(place: &Expr, parameters: &[Ident], errors: &mut Errors) -> bool {
    let Some(TokenTree::Ident(root)) = place.to_token_stream().into_iter().next() else {
        return false;
    };
    let name = root.unraw().to_string();
    let known: Vec<String> = parameters.iter().map(|p| p.unraw().to_string()).collect();
    // Under another macro a parameter may have lost the name that the user gave it.
    let is_rewritten = known.iter().any(|known| known.starts_with("__arg"));
    let is_constant = name.starts_with(char::is_uppercase);
    if known.contains(&name) || is_rewritten || is_constant || name == "self" {
        return false;
    }
    if let Some(near) = known.iter().find(|known| is_slip(&name, known)) {
        let key = place.to_token_stream().to_string().replace(' ', "");
        errors.push(
            root.span(),
            format!(
                "the function has no parameter `{name}`; did you mean `{near}`? A field whose value \
                 comes later needs no entry here, since `current::record(\"{key}\", value)` sets it; \
                 `{key} = obs_runtime::field::Empty` declares it all the same"
            ),
        );
    }
    true
}

/// A word about a secret is about a value that is here.
fn check_late(field: &Field, errors: &mut Errors) {
    if field.secrecy != Secrecy::Unsaid {
        errors.push(
            field.span,
            "`allow` and `redact` are for a value that is here; this field gets its value later, \
             and what is set later under the name of a secret is masked: leave the word out",
        );
    }
}

/// A key that sounds like a secret has a word before it.
fn check_secret(field: &Field, errors: &mut Errors) {
    if let FieldKey::Text(key) = &field.key
        && field.secrecy == Secrecy::Unsaid
        && is_secret(key)
    {
        errors.push(
            field.span,
            format!(
                "`{key}` sounds like a secret: write `redact {key}` to record only that \
                 it was there, or `allow {key}` to record its value"
            ),
        );
    }
}

/// Whether the value is the placeholder `field::Empty`, of obs or of `tracing`.
fn is_field_empty(value: &Expr) -> bool {
    let Expr::Path(path) = plain(value) else {
        return false;
    };
    let mut last_two = path.path.segments.iter().rev().map(|s| &s.ident);
    last_two.next().is_some_and(|s| s == "Empty") && last_two.next().is_none_or(|s| s == "field")
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
