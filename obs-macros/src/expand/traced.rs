//! `#[traced]`: an annotated function, or an `impl` block whose methods get the attribute.

use proc_macro2::TokenStream;
use syn::{Attribute, ImplItem};

use super::function;
use crate::hygiene::quote;
use crate::valid::traced::{ImplBlock, Traced};

/// What `#[traced]` is put on, expanded.
pub(crate) fn expand(traced: &Traced) -> TokenStream {
    match traced {
        Traced::Function(annotated) => function::expand(annotated),
        Traced::Impl(block) => impl_block(block),
    }
}

fn impl_block(model: &ImplBlock) -> TokenStream {
    let ImplBlock {
        krate, arguments, ..
    } = model;
    let mut block = model.block.clone();
    for position in &model.methods {
        if let Some(ImplItem::Fn(method)) = block.items.get_mut(*position) {
            let attr: Attribute = syn::parse_quote!(#[#krate::traced(#arguments)]);
            method.attrs.insert(0, attr);
        }
    }
    quote!(#block)
}
