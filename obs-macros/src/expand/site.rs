//! The static callsite of a span, and its entry in the registry.

use proc_macro2::{Ident, Span, TokenStream};
use quote::format_ident;
use syn::ext::IdentExt as _;

use super::{labels, name, prelude};
use crate::ast::Function;
use crate::attr::fields::{Constant, FieldKey, FieldValue};
use crate::attr::level::LevelArg;
use crate::hygiene::quote;
use crate::plan::{Plan, Site};

/// The callsite of an annotated function; with labels, that of the call.
pub(super) fn of_function(function: &Function, plan: &Plan) -> TokenStream {
    let ident = &function.sig.ident;
    let name = ident.unraw().to_string();
    let slot = prelude::needs_slot(plan);
    if plan.labels.is_empty() {
        return callsite(&plan.site, &name, ident.span(), slot);
    }
    let krate = &plan.site.krate;
    let statics = statics(&plan.site, &name, ident.span(), slot);
    let keys = plan.labels.iter().map(|label| &label.key);
    let values = plan.labels.iter().map(|label| {
        let value = prelude::outside(plan, function, &label.value);
        let constant = label.constant().map(|text| quote!(#text));
        constant.unwrap_or_else(|| labels::text(label, krate, &value))
    });
    let count = plan.labels.len();
    let labelled = quote!(#krate::private::LabelledSite);
    quote! {
        #labelled::of_call(
            {
                #statics
                static __OBS_LABELS: #labelled<#count> =
                    #labelled::new(&__OBS_SITE, [#(#keys),*]);
                &__OBS_LABELS
            },
            || [#(#values),*],
        )
    }
}

/// As [`of_function`], for a place that the parameters have left. Gives a statement that stands
/// before, and the callsite.
pub(super) fn before_body(function: &Function, plan: &Plan) -> (Option<TokenStream>, TokenStream) {
    let site = of_function(function, plan);
    if plan.labels.is_empty() {
        (None, site)
    } else {
        (Some(quote!(let __obs_site = #site;)), quote!(__obs_site))
    }
}

/// A block that evaluates to `&'static Callsite`. Items are not hygienic: the block keeps the
/// static out of the user's scope. `slot`: one more value that stays empty.
pub(super) fn callsite(site: &Site, name: &str, at: Span, slot: bool) -> TokenStream {
    let statics = statics(site, name, at, slot);
    quote!({ #statics &__OBS_SITE })
}

/// The static `__OBS_SITE`, and its entry in the registry.
fn statics(site: &Site, name: &str, at: Span, slot: bool) -> TokenStream {
    let krate = &site.krate;
    let line = line_of(at);
    let settings = settings(site, slot);
    // They are named, so that their imports are used.
    let empties = &site.declared.empties;
    quote! {
        #(const _: () = { let _ = #empties; };)*
        static __OBS_SITE: #krate::private::Callsite =
            #krate::private::Callsite::new(#krate::private::CallsiteSpec {
                #settings
                ..#krate::private::CallsiteSpec::new(
                    #name,
                    &#krate::private::Source {
                        module: ::core::module_path!(),
                        file: ::core::file!(),
                    },
                    #line,
                )
            });
        #krate::private::register! { &__OBS_SITE }
    }
}

/// `name: value,`
fn setting(name: &str, value: &TokenStream) -> TokenStream {
    let name = Ident::new(name, Span::mixed_site());
    quote!(#name: #value,)
}

/// The fields of `CallsiteSpec` that differ from the default.
fn settings(site: &Site, slot: bool) -> TokenStream {
    let krate = &site.krate;
    let mut tokens = TokenStream::new();
    let mut set = |name: &str, value: TokenStream| tokens.extend(setting(name, &value));
    if let Some(kind) = site.kind {
        let kind = Ident::new(kind, Span::mixed_site());
        set("kind", quote!(#krate::private::SpanKind::#kind));
    }
    if let Some(value) = &site.level {
        set("level", level(krate, value));
    }
    if !site.construct.is_empty() {
        let construct = format_ident!("{}", site.construct, span = Span::mixed_site());
        set("construct", quote!(#krate::private::Construct::#construct));
    }
    if site.no_metrics {
        set("metrics", quote!(false));
    }
    if site.root {
        set("root", quote!(true));
    }
    let more = more(site, slot);
    if !more.is_empty() {
        let more = quote!(&#krate::private::More { #more ..#krate::private::More::NONE });
        set("more", quote!(::core::option::Option::Some(#more)));
    }
    tokens
}

/// The fields of `More` that differ from the default.
fn more(site: &Site, slot: bool) -> TokenStream {
    let mut tokens = TokenStream::new();
    let mut set = |name: &str, value: TokenStream| tokens.extend(setting(name, &value));
    if let Some(name) = name::constant(&site.name) {
        set("name", name);
    }
    if let Some(target) = &site.target {
        set("target", quote!(#target));
    }
    let Keys {
        recorded,
        constants,
        places,
    } = keys(site, slot);
    if !recorded.is_empty() {
        set("keys", quote!(&[#(#recorded),*]));
    }
    if !constants.is_empty() {
        set("constants", quote!(&[#(#constants),*]));
    }
    if places.iter().any(|place| *place > 0) {
        set("places", quote!(&[#(#places),*]));
    }
    if !site.declared.keys.is_empty() {
        let krate = &site.krate;
        let keys = site.declared.keys.iter().map(|key| self::key(krate, key));
        set("declared", quote!(&[#(#keys),*]));
    }
    tokens
}

/// A `Level`.
pub(super) fn level(krate: &TokenStream, level: &LevelArg) -> TokenStream {
    match level {
        LevelArg::Variant(variant) => level_variant(krate, variant),
        LevelArg::Named(variant, path) => {
            let variant = level_variant(krate, variant);
            quote!({ let _ = #path; #variant })
        }
        LevelArg::Path(path) => quote!(#path),
    }
}

fn level_variant(krate: &TokenStream, variant: &str) -> TokenStream {
    let variant = Ident::new(variant, Span::mixed_site());
    quote!(#krate::private::Level::#variant)
}

fn key(krate: &TokenStream, key: &FieldKey) -> TokenStream {
    match key {
        FieldKey::Text(key) => quote!(#key),
        FieldKey::Const(key) => quote!(#key),
        FieldKey::Convention(name) => {
            let name = Ident::new(name, Span::mixed_site());
            quote!(#krate::private::key::#name)
        }
    }
}

#[derive(Default)]
struct Keys {
    /// Of values that the call records.
    recorded: Vec<TokenStream>,
    /// Pairs that never change.
    constants: Vec<TokenStream>,
    /// For each constant, how many keys the user wrote before it.
    places: Vec<u16>,
}

fn keys(site: &Site, slot: bool) -> Keys {
    let krate = &site.krate;
    let mut all = Keys::default();
    for field in &site.fields {
        let key = key(krate, &field.key);
        match &field.value {
            FieldValue::Const(value) => {
                let value = constant(value);
                let constant = quote!((#key, #krate::private::ConstValue::#value));
                all.constants.push(constant);
                let place = u16::try_from(all.recorded.len()).unwrap_or(u16::MAX);
                all.places.push(place);
            }
            _ => all.recorded.push(key),
        }
    }
    if slot {
        all.recorded.push(quote!(""));
    }
    all
}

/// A variant of `ConstValue`.
fn constant(value: &Constant) -> TokenStream {
    match value {
        Constant::Str(text) => quote!(Str(#text)),
        Constant::Bool(value) => quote!(Bool(#value)),
        Constant::I64(value) => quote!(I64(#value)),
        Constant::F64(value) => quote!(F64(#value)),
    }
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
