//! The static callsite, and its entry in the registry.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;

use crate::attr::{FieldKey, FieldValue, LevelArg};
use crate::valid::Plan;

/// A block that evaluates to `&'static Callsite`. Items are not hygienic: the block keeps the
/// static out of the user's scope.
pub(super) fn callsite(plan: &Plan, function: &Ident) -> TokenStream {
    let krate = &plan.krate;
    let name = function.unraw().to_string();
    let line = line_of(function.span());
    let settings = settings(plan);
    quote! {{
        static __OBS_SITE: #krate::private::Callsite =
            #krate::private::Callsite::new(#krate::private::CallsiteSpec {
                #settings
                ..#krate::private::CallsiteSpec::new(
                    #name,
                    ::core::module_path!(),
                    ::core::file!(),
                    #line,
                )
            });
        #krate::private::inventory::submit! { #krate::private::Registered(&__OBS_SITE) }
        &__OBS_SITE
    }}
}

/// The fields of `CallsiteSpec` that differ from the default.
fn settings(plan: &Plan) -> TokenStream {
    let krate = &plan.krate;
    let mut tokens = TokenStream::new();
    let mut set = |field: &str, value: TokenStream| {
        let field = Ident::new(field, Span::mixed_site());
        tokens.extend(quote!(#field: #value,));
    };
    if let Some(name) = &plan.name {
        set("name", name.clone());
    }
    if let Some(target) = &plan.target {
        set("target", quote!(#target));
    }
    if let Some(kind) = plan.kind {
        let kind = Ident::new(kind, Span::mixed_site());
        set("kind", quote!(#krate::private::SpanKind::#kind));
    }
    match &plan.level {
        Some(LevelArg::Variant(level)) => {
            let level = Ident::new(level, Span::mixed_site());
            set("level", quote!(#krate::private::Level::#level));
        }
        Some(LevelArg::Path(path)) => set("level", quote!(#path)),
        None => {}
    }
    if !plan.construct.is_empty() {
        let construct = format_ident!("{}", plan.construct, span = Span::mixed_site());
        set("construct", quote!(#krate::private::Construct::#construct));
    }
    let (keys, constants) = keys(plan);
    if !keys.is_empty() {
        set("keys", quote!(&[#(#keys),*]));
    }
    if !constants.is_empty() {
        set("constants", quote!(&[#(#constants),*]));
    }
    if !plan.metrics {
        set("metrics", quote!(false));
    }
    if plan.root {
        set("root", quote!(true));
    }
    tokens
}

/// Keys of recorded values, and pairs that never change.
fn keys(plan: &Plan) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let krate = &plan.krate;
    let mut keys = Vec::new();
    let mut constants = Vec::new();
    for field in &plan.fields {
        let key = match &field.key {
            FieldKey::Text(key) => quote!(#key),
            FieldKey::Const(key) => quote!(#key),
        };
        match &field.value {
            FieldValue::Const(value) => {
                constants.push(quote!((#key, #krate::private::ConstValue::#value)));
            }
            _ => keys.push(key),
        }
    }
    if super::prelude::needs_slot(plan) {
        keys.push(quote!(""));
    }
    (keys, constants)
}

/// The line of the function, not of the attribute above it.
pub(super) fn line_of(span: Span) -> TokenStream {
    if proc_macro::is_available() {
        let line = u32::try_from(span.unwrap().line()).unwrap_or(0);
        quote!(#line)
    } else {
        quote!(::core::line!())
    }
}
