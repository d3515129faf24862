//! The names and types by which the generated pieces of a task refer to each other.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Path, ReturnType};

use crate::expand::pieces::located;
use crate::hygiene::quote;
use crate::shape;

/// What dependants get: of a type named `Result`, the `Ok` type.
pub(super) fn output(output: &ReturnType, glue: &TokenStream) -> TokenStream {
    match output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) if shape::is_named_result(ty) => {
            let span = located(ty);
            quote_spanned!(span=> <#ty as #glue::ResultType>::Ok)
        }
        ReturnType::Type(_, ty) => quote!(#ty),
    }
}

/// What the task at this path gives to its dependants.
pub(super) fn dependency_output(path: &Path, glue: &TokenStream) -> TokenStream {
    quote!(<#path as #glue::PipelineTask>::Output)
}

/// The constant that judges the type of the parameter at this position.
pub(super) fn source_name(at: usize) -> Ident {
    Ident::new(&format!("__OBS_SOURCE{at}"), Span::mixed_site())
}
