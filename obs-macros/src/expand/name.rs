//! The name of a span: constant and in the static callsite, or evaluated by each call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens as _;

use crate::hygiene::quote;
use crate::plan::{Name, Text};

/// The constant name; nothing if it is that of the function, or if each call decides.
pub(super) fn constant(name: &Name) -> Option<TokenStream> {
    match name {
        Name::Constant(value) => Some(quote!(#value)),
        Name::Texts(texts) => {
            let literals = texts.iter().map(|text| Some(text.literal()?.value()));
            let name = literals.collect::<Option<Vec<String>>>()?.join(" ");
            Some(quote!(#name))
        }
        Name::OfFunction | Name::Dynamic(_) => None,
    }
}

/// An expression for the name that each call decides.
pub(super) fn dynamic(name: &Name, krate: &TokenStream) -> Option<TokenStream> {
    match name {
        Name::Dynamic(value) => Some(quote!(#value)),
        Name::Texts(texts) if name.is_dynamic() => {
            let mut values = texts.iter().map(text);
            let first = values.next()?;
            Some(values.fold(
                first,
                |all, next| quote!(#krate::private::join(&#all, &#next)),
            ))
        }
        _ => None,
    }
}

/// An expression for a text that may be used several times.
pub(super) fn text(text: &Text) -> TokenStream {
    if let Some(literal) = text.literal() {
        literal.to_token_stream()
    } else {
        let variable = Ident::new(text.variable, Span::mixed_site());
        quote!(#variable.clone())
    }
}
