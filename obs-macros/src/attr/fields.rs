//! The grammar of `fields(…)`, and the fields that macros bring of their own.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitBool, LitInt, LitStr, Token};

use super::expr::plain;
use crate::errors::Errors;

/// A field of a span: an entry of `fields(…)`, or one that the macro brings.
pub(crate) struct Field {
    pub(crate) key: FieldKey,
    pub(crate) value: FieldValue,
    pub(crate) secrecy: Secrecy,
    pub(crate) span: Span,
}

#[allow(
    clippy::large_enum_variant,
    reason = "few, and gone with the expansion"
)]
#[derive(Clone)]
pub(crate) enum FieldKey {
    /// Known here: an identifier, dotted, or quoted.
    Text(String),
    /// `{CONST}`: a constant expression of the user.
    Const(Expr),
    /// A key of the conventions, by its name in the runtime's `private::key`.
    Convention(&'static str),
}

pub(crate) enum FieldValue {
    /// Through the trait `Capture`.
    Capture(Expr),
    /// The key alone, as an expression: through `Capture`, if such a value is in scope.
    Named(Expr),
    /// `%`: through `Display`.
    Display(Expr),
    /// `?`: through `Debug`.
    Debug(Expr),
    /// A literal: the call does nothing for it.
    Const(Constant),
    /// `args`: a parameter, through `Capture` if it is a primitive, else through `Debug`.
    Argument(Argument),
    /// The text in a variable of ours, which a statement before the fields has bound.
    Variable(&'static str),
    /// The number of the attempt, of a pipeline's task.
    Attempt,
}

/// A name that the parameters bind.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    /// The `cfg`s of its parameter.
    pub(crate) cfgs: Vec<Attribute>,
    /// Whether its type can be recorded, as far as can be read.
    pub(crate) is_primitive: bool,
}

/// A literal that fits a variant of the runtime's `ConstValue`.
pub(crate) enum Constant {
    Str(LitStr),
    Bool(LitBool),
    I64(i64),
    F64(f64),
}

/// What the word before a field says about a key that sounds like a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// There is no such word.
    Unsaid,
    /// `allow`: the value is recorded.
    Allow,
    /// `redact`: only that it was there is recorded.
    Redact,
}

impl Field {
    /// A field that the macro brings.
    pub(crate) fn own(key: FieldKey, value: FieldValue, span: Span) -> Self {
        Self {
            key,
            value,
            secrecy: Secrecy::Allow,
            span,
        }
    }
}

/// Parses the fields up to the first that is none.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    let parsed = (|input: ParseStream<'_>| {
        while !input.is_empty() {
            fields.push(parse_field(input)?);
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
        let key = FieldKey::Text(key);
        return Ok(Field {
            key,
            value,
            secrecy,
            span: start,
        });
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
        let value = sigil.apply(value);
        return Ok(Field {
            key,
            value,
            secrecy,
            span,
        });
    }
    match place {
        Some(place) => Ok(Field {
            key,
            value: FieldValue::Named(place),
            secrecy,
            span,
        }),
        None => Err(syn::Error::new(
            span,
            "this field needs a value: `… = value`",
        )),
    }
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

/// The literal that an expression is, if it is one.
fn literal(value: &Expr) -> Option<Constant> {
    let Expr::Lit(ExprLit { lit, .. }) = plain(value) else {
        return None;
    };
    match lit {
        Lit::Str(text) => Some(Constant::Str(text.clone())),
        Lit::Bool(value) => Some(Constant::Bool(value.clone())),
        Lit::Int(value) => value.base10_parse().ok().map(Constant::I64),
        Lit::Float(value) => {
            let value: f64 = value.base10_parse().ok()?;
            value.is_finite().then_some(Constant::F64(value))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
