//! `span!`: a span that is no function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned as _;

use super::{prelude, site};
use crate::crate_path;
use crate::hygiene::quote;
use crate::valid::span::SpanCall;

/// An expression that gives the span.
pub(crate) fn expand(call: &SpanCall) -> TokenStream {
    let SpanCall { site, name, .. } = call;
    let begin = begin(call);
    if !site.name.is_dynamic() {
        return begin;
    }
    let krate = &site.krate;
    let span = Span::mixed_site().located_at(name.span());
    let variable = Ident::new("__obs_span", Span::mixed_site());
    let rename = crate_path::function(krate, "rename", span);
    let rename = quote_spanned! {span=>
        if #krate::private::Span::is_recording(&#variable) {
            #rename(&#variable, &(#name));
        }
    };
    quote!({ let #variable = #begin; #rename; #variable })
}

/// `Span::begin(…)`
fn begin(call: &SpanCall) -> TokenStream {
    let SpanCall { site, name, .. } = call;
    let krate = &site.krate;
    let callsite = site::callsite(site, &call.function, name.span(), false);
    let values = prelude::values(site);
    quote!(#krate::private::Span::begin(#callsite, || #krate::private::values([#(#values),*])))
}
