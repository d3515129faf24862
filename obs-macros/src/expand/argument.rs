//! `args`: the value of a parameter, and what is said of one that cannot be recorded.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use crate::attr::fields::Argument;
use crate::crate_path;
use crate::hygiene::quote;

/// An expression for the value.
pub(super) fn value(krate: &TokenStream, key: &str, argument: &Argument) -> TokenStream {
    let Argument { name, cfgs, .. } = argument;
    let at = Span::mixed_site().located_at(name.span());
    let probe = crate_path::function(krate, "argument", at);
    let probe = quote_spanned!(at=> #probe(&#name));
    let check = (!argument.is_primitive).then(|| check(krate, key, at));
    // `args` uses the parameter, whatever its name says.
    let is_hidden = key.starts_with('_');
    let allow = is_hidden.then(|| quote!(#[allow(clippy::used_underscore_binding)]));
    let value = if check.is_none() && allow.is_none() {
        quote_spanned!(at=> #probe.__obs_value(#key))
    } else {
        quote!({
            #allow
            let __obs_argument = #probe;
            #check
            __obs_argument.__obs_value(#key)
        })
    };
    if cfgs.is_empty() {
        return value;
    }
    let conditions = cfgs
        .iter()
        .filter_map(|cfg| cfg.parse_args::<TokenStream>().ok());
    quote!({
        #(#cfgs)* let __obs_value = #value;
        #[cfg(not(all(#(#conditions),*)))] let __obs_value = #krate::private::Value::NONE;
        __obs_value
    })
}

/// Refuses a type without `Debug`, by a trait of the parameter's own: only so can the error name it.
fn check(krate: &TokenStream, key: &str, at: Span) -> TokenStream {
    let message = format!("`args` cannot record the parameter `{key}`: its type has no `Debug`");
    let label =
        format!("leave it out with `skip({key})`, or say in `fields(…)` what of it is recorded");
    // All of the call is at the parameter, where the error is to be.
    let call = quote_spanned!(at=> __obs_check(&__obs_kind););
    quote!({
        #[diagnostic::on_unimplemented(message = #message, label = #label)]
        trait __ObsArgument {}
        impl __ObsArgument for #krate::private::HasDebug {}
        const fn __obs_check(_: &impl __ObsArgument) {}
        let __obs_kind = __obs_argument.__obs_kind();
        #call
    })
}
