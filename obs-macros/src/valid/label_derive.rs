//! The rules for `#[derive(Label)]`: a label has few, known values.

use proc_macro2::{Ident, Span, TokenStream};
use syn::Generics;
use syn::ext::IdentExt as _;

use crate::attr::case::rename;
use crate::attr::label_derive::{LabelInput, VariantInput};
use crate::crate_path;
use crate::errors::Errors;

/// An enum that is the value of a label.
pub(crate) struct LabelEnum {
    /// The path of `obs_runtime`.
    pub(crate) krate: TokenStream,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    /// Each variant with its value.
    pub(crate) variants: Vec<(Ident, String)>,
}

/// Judges `#[derive(Label)]`.
pub(crate) fn label(input: LabelInput, errors: &mut Errors) -> Option<LabelEnum> {
    let Some(variants) = input.variants else {
        let message = "a label needs few, known values: `#[derive(Label)]` is for enums";
        errors.push(input.ident.span(), message);
        return None;
    };
    if variants.is_empty() {
        errors.push(input.ident.span(), "a label needs at least one variant");
    }
    let mut named: Vec<(Ident, String)> = Vec::new();
    for variant in variants {
        let (name, span) = name(&variant, input.options.case, errors);
        if named.iter().any(|(_, known)| *known == name) {
            let message = format!(
                "two variants have the name \"{name}\": give one another with `#[label(name = \"…\")]`"
            );
            errors.push(span, message);
        }
        named.push((variant.ident, name));
    }
    Some(LabelEnum {
        krate: crate_path::resolve(input.options.krate.as_ref()),
        ident: input.ident,
        generics: input.generics,
        variants: named,
    })
}

/// A variant's value, and where it is said.
fn name(variant: &VariantInput, case: Option<&str>, errors: &mut Errors) -> (String, Span) {
    if variant.has_fields {
        let message = format!(
            "`{}` has fields, and a label needs few, known values: leave the fields out",
            variant.ident
        );
        errors.push(variant.ident.span(), message);
    }
    if let Some(name) = &variant.name {
        if name.value().is_empty() {
            let message = "an empty value is the same as no label: name it, for example \"none\"";
            errors.push(name.span(), message);
        }
        return (name.value(), name.span());
    }
    let text = variant.ident.unraw().to_string();
    let text = rename(&text, case.unwrap_or("snake_case"));
    (text, variant.ident.span())
}
