//! The input of `span!`: a name, then fields.

use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Token};

use super::expr::as_text;
use super::fields::{self, Field};
use crate::crate_path;
use crate::errors::Errors;

/// `"name", key = value, …`
pub(crate) struct SpanInput {
    /// The path of the library.
    pub(crate) krate: TokenStream,
    pub(crate) name: Expr,
    pub(crate) fields: Vec<Field>,
}

/// Parses all that stands between the parentheses of the macro.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Option<SpanInput> {
    let split = |input: ParseStream<'_>| {
        if input.is_empty() {
            let message = "a span needs a name: `span!(\"name\", key = value)`";
            return Err(syn::Error::new(Span::call_site(), message));
        }
        let name: Expr = input.parse()?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok((name, input.parse::<TokenStream>()?))
    };
    let (krate, tokens) = crate_path::take(tokens);
    let (name, rest) = errors.take(split.parse2(tokens))?;
    check_name(&name, errors);
    let fields = fields::parse(rest, errors);
    Some(SpanInput {
        krate,
        name,
        fields,
    })
}

/// Reports the name of a span that is an empty text, and says whether it is one that can be used.
pub(crate) fn check_name(name: &Expr, errors: &mut Errors) -> bool {
    let is_empty = as_text(name).is_some_and(|text| text.value().trim().is_empty());
    if is_empty {
        errors.push_on(name, "a span needs a name");
    }
    !is_empty
}
