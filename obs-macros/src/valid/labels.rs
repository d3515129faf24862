//! Labels of metrics: `key = value`, as `counter!` and `labels(…)` take them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{Expr, Lit, LitStr, Token};

use crate::attr::plain;
use crate::crate_path;
use crate::errors::Errors;
use crate::hygiene::quote;

/// `key = value`, or `key` alone for a variable of that name.
pub(crate) struct Label {
    pub(crate) key: String,
    span: Span,
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
        let value = syn::parse2(quote!(#variable))?;
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

    /// The text of `value`, which is the label's expression.
    pub(crate) fn text(&self, krate: &TokenStream, value: &TokenStream) -> TokenStream {
        self.by("label", krate, value)
    }

    /// The value's text, and all that its type can have.
    pub(crate) fn among(&self, krate: &TokenStream) -> TokenStream {
        let value = &self.value;
        self.by("label_among", krate, &quote!(#value))
    }

    fn by(&self, read: &str, krate: &TokenStream, value: &TokenStream) -> TokenStream {
        let span = Span::mixed_site().located_at(self.value.span());
        let (krate, read) = (crate_path::at(krate, span), Ident::new(read, span));
        quote_spanned!(span=> #krate::private::#read(&(#value)))
    }
}

/// The rules for keys; `reserved` are those that the metric has already.
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

pub(crate) fn is_word(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'))
}
