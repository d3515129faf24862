//! The static callsite, and its entry in the registry.

use proc_macro2::{Ident, Span, TokenStream};
use quote::format_ident;
use syn::ext::IdentExt as _;

use crate::ast::Function;
use crate::attr::{FieldKey, FieldValue, LevelArg};
use crate::hygiene::quote;
use crate::valid::{Plan, Site};

/// The callsite of an annotated function.
pub(super) fn of_function(function: &Function, plan: &Plan) -> TokenStream {
    let ident = &function.sig.ident;
    let name = ident.unraw().to_string();
    let slot = super::prelude::needs_slot(plan);
    callsite(&plan.site, &name, ident.span(), slot)
}

/// A block that evaluates to `&'static Callsite`. Items are not hygienic: the block keeps the
/// static out of the user's scope. `slot`: one more value that stays empty.
pub(super) fn callsite(site: &Site, name: &str, at: Span, slot: bool) -> TokenStream {
    let krate = &site.krate;
    let line = line_of(at);
    let settings = settings(site, slot);
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
        #krate::private::register! { &__OBS_SITE }
        &__OBS_SITE
    }}
}

/// The fields of `CallsiteSpec` that differ from the default.
fn settings(site: &Site, slot: bool) -> TokenStream {
    let krate = &site.krate;
    let mut tokens = TokenStream::new();
    let mut set = |field: &str, value: TokenStream| {
        let field = Ident::new(field, Span::mixed_site());
        tokens.extend(quote!(#field: #value,));
    };
    if let Some(name) = &site.name {
        set("name", name.clone());
    }
    if let Some(target) = &site.target {
        set("target", quote!(#target));
    }
    if let Some(kind) = site.kind {
        let kind = Ident::new(kind, Span::mixed_site());
        set("kind", quote!(#krate::private::SpanKind::#kind));
    }
    match &site.level {
        Some(LevelArg::Variant(level)) => {
            let level = Ident::new(level, Span::mixed_site());
            set("level", quote!(#krate::private::Level::#level));
        }
        Some(LevelArg::Path(path)) => set("level", quote!(#path)),
        None => {}
    }
    if !site.construct.is_empty() {
        let construct = format_ident!("{}", site.construct, span = Span::mixed_site());
        set("construct", quote!(#krate::private::Construct::#construct));
    }
    let (keys, constants) = keys(site, slot);
    if !keys.is_empty() {
        set("keys", quote!(&[#(#keys),*]));
    }
    if !constants.is_empty() {
        set("constants", quote!(&[#(#constants),*]));
    }
    if site.no_metrics {
        set("metrics", quote!(false));
    }
    if site.root {
        set("root", quote!(true));
    }
    tokens
}

/// Keys of recorded values, and pairs that never change.
fn keys(site: &Site, slot: bool) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let krate = &site.krate;
    let mut keys = Vec::new();
    let mut constants = Vec::new();
    for field in &site.fields {
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
    if slot {
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
