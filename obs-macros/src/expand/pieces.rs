//! Small pieces of tokens that tasks and handlers share.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Attribute, Path};

use crate::ast::Function;
use crate::hygiene::quote;

/// A span for generated code whose errors are reported where the user's tokens are.
pub(super) fn located(tokens: &impl syn::spanned::Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

/// The same tokens with another span: rustc shows an error over several tokens where all of them
/// are.
pub(super) fn at(tokens: &TokenStream, span: Span) -> TokenStream {
    let tokens = tokens.clone().into_iter();
    tokens
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}

/// A variable of generated code: hygienic, whatever span the tokens around it have.
pub(super) fn variable(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

pub(super) fn optional(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

/// The static of the task at this path.
pub(super) fn task_of(path: &Path) -> TokenStream {
    let span = located(path);
    quote_spanned!(span=> <#path>::__obs_task())
}

/// The `cfg`s of the function: what stands beside it is there where it is.
pub(super) fn cfgs(function: &Function) -> Vec<&Attribute> {
    let attrs = function.attrs.iter();
    attrs.filter(|attr| attr.path().is_ident("cfg")).collect()
}
