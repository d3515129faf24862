//! The grammar of `fields(…)`.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Expr, ExprLit, Ident, Lit, LitInt, LitStr, Token};

use super::plain;
use crate::errors::Errors;
use crate::hygiene::quote;

/// One entry of `fields(…)`.
pub(crate) struct Field {
    pub(crate) key: FieldKey,
    pub(crate) value: FieldValue,
    pub(crate) span: Span,
}

#[allow(
    clippy::large_enum_variant,
    reason = "few, and gone with the expansion"
)]
pub(crate) enum FieldKey {
    /// Known here: an identifier, dotted, or quoted.
    Text(String),
    /// `{CONST}`: a constant expression of the user.
    Const(Expr),
}

pub(crate) enum FieldValue {
    /// Through the trait `Capture`.
    Capture(Expr),
    /// `%`: through `Display`.
    Display(Expr),
    /// `?`: through `Debug`.
    Debug(Expr),
    /// A literal, as tokens of `ConstValue::…(…)`: no work at the call.
    Const(TokenStream),
}

/// The words before a field that settle what its secret-sounding name means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Unsaid,
    Allow,
    Redact,
}

pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    let parsed = (|input: ParseStream<'_>| {
        while !input.is_empty() {
            let field = parse_field(input)?;
            if let FieldKey::Text(key) = &field.key
                && fields
                    .iter()
                    .any(|f| matches!(&f.key, FieldKey::Text(k) if k == key))
            {
                errors.push(field.span, format!("the field `{key}` is given twice"));
            }
            fields.push(field);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    })
    .parse2(tokens);
    errors.take(parsed);
    fields
}

fn parse_field(input: ParseStream<'_>) -> syn::Result<Field> {
    let secrecy = parse_secrecy(input)?;
    let sigil = parse_sigil(input)?;
    let start = input.span();
    if sigil != Sigil::None {
        let (key, place) = parse_place(input)?;
        let value = sigil.apply(place);
        return finish(FieldKey::Text(key), value, start, secrecy);
    }
    let (key, place, span) = if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        if text.value().is_empty() {
            return Err(syn::Error::new(text.span(), "a field needs a name"));
        }
        (FieldKey::Text(text.value()), None, text.span())
    } else if input.peek(syn::token::Brace) {
        let content;
        let braces = syn::braced!(content in input);
        (FieldKey::Const(content.parse()?), None, braces.span.join())
    } else if input.peek(Ident::peek_any) {
        let (key, place) = parse_place(input)?;
        let span = place.span();
        (FieldKey::Text(key), Some(place), span)
    } else {
        return Err(input.error(
            "expected a field: `key`, `key = value`, `%value`, `?value`, \
             `\"quoted key\" = value` or `{CONST} = value`",
        ));
    };
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        let sigil = parse_sigil(input)?;
        let value: Expr = input.parse()?;
        if is_field_empty(&value) {
            return Err(syn::Error::new(
                value.span(),
                "a field needs its value at the start of the call; leave this one out and call \
                 `obs_runtime::trace::current::set_attribute(key, value)` when the value is known",
            ));
        }
        return finish(key, sigil.apply(value), span, secrecy);
    }
    match place {
        Some(place) => finish(key, FieldValue::Capture(place), span, secrecy),
        None => Err(syn::Error::new(
            span,
            "this field needs a value: `… = value`",
        )),
    }
}

fn finish(key: FieldKey, value: FieldValue, span: Span, secrecy: Secrecy) -> syn::Result<Field> {
    let value = match (&key, secrecy) {
        (_, Secrecy::Redact) => FieldValue::Const(quote!(Str("***"))),
        (FieldKey::Text(name), Secrecy::Unsaid) if is_secret(name) => {
            return Err(syn::Error::new(
                span,
                format!(
                    "`{name}` sounds like a secret: write `redact {name}` to record only that \
                     it was there, or `allow {name}` to record its value"
                ),
            ));
        }
        _ => value,
    };
    Ok(Field { key, value, span })
}

/// `allow` and `redact` are words of their own only when a field follows.
fn parse_secrecy(input: ParseStream<'_>) -> syn::Result<Secrecy> {
    let ahead = input.fork();
    let Ok(word) = ahead.call(Ident::parse_any) else {
        return Ok(Secrecy::Unsaid);
    };
    let secrecy = match word.to_string().as_str() {
        "allow" => Secrecy::Allow,
        "redact" => Secrecy::Redact,
        _ => return Ok(Secrecy::Unsaid),
    };
    let field_follows = ahead.peek(Ident::peek_any)
        || ahead.peek(LitStr)
        || ahead.peek(syn::token::Brace)
        || ahead.peek(Token![%])
        || ahead.peek(Token![?]);
    if !field_follows {
        return Ok(Secrecy::Unsaid);
    }
    input.call(Ident::parse_any)?;
    Ok(secrecy)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sigil {
    None,
    Display,
    Debug,
}

fn parse_sigil(input: ParseStream<'_>) -> syn::Result<Sigil> {
    if input.peek(Token![%]) {
        input.parse::<Token![%]>()?;
        Ok(Sigil::Display)
    } else if input.peek(Token![?]) {
        input.parse::<Token![?]>()?;
        Ok(Sigil::Debug)
    } else {
        Ok(Sigil::None)
    }
}

impl Sigil {
    fn apply(self, value: Expr) -> FieldValue {
        match self {
            Self::Display => FieldValue::Display(value),
            Self::Debug => FieldValue::Debug(value),
            Self::None => match literal(&value) {
                Some(constant) => FieldValue::Const(constant),
                None => FieldValue::Capture(value),
            },
        }
    }
}

/// `a`, `a.b.c`, `self.0`: a key, and the same tokens as an expression.
fn parse_place(input: ParseStream<'_>) -> syn::Result<(String, Expr)> {
    let first = Ident::parse_any(input)?;
    let mut key = first.unraw().to_string();
    let mut tokens = first.into_token_stream();
    while input.peek(Token![.]) {
        input.parse::<Token![.]>()?.to_tokens(&mut tokens);
        key.push('.');
        if input.peek(LitInt) {
            let index: LitInt = input.parse()?;
            key.push_str(index.base10_digits());
            index.to_tokens(&mut tokens);
        } else {
            let part = Ident::parse_any(input)?;
            key.push_str(&part.unraw().to_string());
            part.to_tokens(&mut tokens);
        }
    }
    // A keyword is a fine key (`type = …`), and no expression; only keys with a value get by.
    let place = syn::parse2(tokens.clone()).unwrap_or(Expr::Verbatim(tokens));
    Ok((key, place))
}

fn is_field_empty(value: &Expr) -> bool {
    let Expr::Path(path) = plain(value) else {
        return false;
    };
    let segments = &path.path.segments;
    let mut last_two = segments.iter().rev().take(2).map(|s| &s.ident);
    last_two.next().is_some_and(|s| s == "Empty") && last_two.next().is_some_and(|s| s == "field")
}

/// `ConstValue`'s variant for a literal that fits one.
pub(crate) fn literal(value: &Expr) -> Option<TokenStream> {
    match plain(value) {
        Expr::Lit(ExprLit { lit, .. }) => match lit {
            Lit::Str(text) => Some(quote!(Str(#text))),
            Lit::Bool(value) => Some(quote!(Bool(#value))),
            Lit::Int(value) => {
                let value: i64 = value.base10_parse().ok()?;
                Some(quote!(I64(#value)))
            }
            Lit::Float(value) => {
                let value: f64 = value.base10_parse().ok()?;
                value.is_finite().then(|| quote!(F64(#value)))
            }
            _ => None,
        },
        _ => None,
    }
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
