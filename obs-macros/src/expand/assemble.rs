//! The annotated function put together again, around a new body.

use proc_macro2::TokenStream;

use crate::ast::{Function, with_content};
use crate::hygiene::quote;

/// Attributes, visibility and signature around a body.
pub(super) fn assemble(
    function: &Function,
    sig: &syn::Signature,
    body: &TokenStream,
) -> TokenStream {
    let Function { attrs, vis, .. } = function;
    quote!(#(#attrs)* #vis #sig #body)
}

/// As [`assemble`], for statements of ours around the user's body.
///
/// The user's braces are outermost, because rustc takes an item that ends in our tokens for one of
/// another crate and keeps `dead_code` to itself. Ours are inside, because of their edition.
pub(super) fn assemble_around(
    function: &Function,
    sig: &syn::Signature,
    statements: &TokenStream,
) -> TokenStream {
    let body = with_content(&function.body.braces, quote!({ #statements }));
    assemble(function, sig, &quote!(#body))
}
