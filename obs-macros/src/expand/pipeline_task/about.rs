//! `About`: what a task says of itself that no run needs to know.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use super::version;
use crate::expand::pieces::{located, optional};
use crate::hygiene::quote;
use crate::valid::pipeline_task::Task;

/// A constant of the type `About`.
pub(super) fn about(task: &Task, glue: &TokenStream) -> TokenStream {
    let effects = optional(task.effects.as_ref().map(|given| {
        let variant = Ident::new(given.value, Span::mixed_site());
        quote!(#glue::Effects::#variant)
    }));
    let code = version::of(&task.annotated.function);
    let added = optional(task.version.as_ref().map(|version| {
        let span = located(version);
        quote_spanned!(span=> { const VERSION: &::core::primitive::str = #version; VERSION })
    }));
    let retry_if = task.retry.retry_if.is_some();
    let when = task.when.iter().flat_map(|when| &when.params);
    let when = when.map(|param| param.name.to_string());
    let cache = super::cache::rule(task, glue);
    let records = task.records.is_some();
    quote! {
        #glue::About {
            effects: #effects,
            version: #glue::Version { code: #code, added: #added },
            retry_if: #retry_if,
            when: &[#(#when),*],
            records: #records,
            cache: #cache,
        }
    }
}
