//! The labels of a metric, written `key = value`, as `counter!` and `labels(…)` take them.

use proc_macro2::{Ident, Span};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Lit, LitStr, Token};

use super::expr::plain;

/// `key = value`, or `key` alone for a variable of that name.
pub(crate) struct Label {
    pub(crate) key: String,
    pub(crate) span: Span,
    pub(crate) value: Expr,
}

impl Parse for Label {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let span = input.span();
        let (key, variable) = if input.peek(LitStr) {
            (input.parse::<LitStr>()?.value(), None)
        } else if input.peek(Ident::peek_any) {
            let first = Ident::parse_any(input)?;
            let mut key = first.unraw().to_string();
            let mut variable = Some(first);
            while input.peek(Token![.]) {
                input.parse::<Token![.]>()?;
                key = format!("{key}.{}", Ident::parse_any(input)?.unraw());
                variable = None;
            }
            (key, variable)
        } else {
            return Err(input.error("expected a label: `key = value` or `\"quoted key\" = value`"));
        };
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            let value = input.parse()?;
            return Ok(Self { key, span, value });
        }
        let Some(variable) = variable else {
            let message = format!("the label `{key}` needs a value: `… = value`");
            return Err(syn::Error::new(span, message));
        };
        let value = syn::parse2(variable.into_token_stream())?;
        Ok(Self { key, span, value })
    }
}

impl Label {
    /// The value, if it stands in the source.
    pub(crate) fn constant(&self) -> Option<String> {
        match plain(&self.value) {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                Lit::Bool(truth) => Some(truth.value.to_string()),
                _ => None,
            },
            _ => None,
        }
    }
}
