//! The input of `#[derive(Label)]`: an enum, and what `#[label(…)]` says on it and its variants.

use proc_macro2::{Ident, TokenStream};
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Fields, Generics, LitStr, Meta, Token};

use super::case::CASES;
use super::expr::as_text;
use super::nearest::nearest;
use crate::errors::Errors;

/// The type below `#[derive(Label)]`.
pub(crate) struct LabelInput {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) options: Options,
    /// The variants; nothing if the type is no enum.
    pub(crate) variants: Option<Vec<VariantInput>>,
}

/// A variant.
pub(crate) struct VariantInput {
    pub(crate) ident: Ident,
    pub(crate) has_fields: bool,
    /// `#[label(name = "…")]`
    pub(crate) name: Option<LitStr>,
}

/// What `#[label(…)]` says, on an enum or on a variant.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
    /// `rename_all`
    pub(crate) case: Option<&'static str>,
    pub(crate) krate: Option<syn::Path>,
}

/// Parses the type.
pub(crate) fn parse(item: TokenStream, errors: &mut Errors) -> Option<LabelInput> {
    let input: DeriveInput = errors.take(syn::parse2(item))?;
    let Data::Enum(data) = input.data else {
        return Some(LabelInput {
            ident: input.ident,
            generics: input.generics,
            options: Options::default(),
            variants: None,
        });
    };
    let options = options(&input.attrs, &["rename_all", "crate"], errors);
    let variants = data.variants.into_iter().map(|variant| VariantInput {
        name: self::options(&variant.attrs, &["name"], errors).name,
        has_fields: !matches!(variant.fields, Fields::Unit),
        ident: variant.ident,
    });
    Some(LabelInput {
        ident: input.ident,
        generics: input.generics,
        options,
        variants: Some(variants.collect()),
    })
}

fn options(attrs: &[Attribute], known: &[&'static str], errors: &mut Errors) -> Options {
    let mut options = Options::default();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("label")) {
        let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
        let Meta::List(list) = &attr.meta else {
            let message = "`#[label]` needs its arguments in parentheses: `#[label(name = \"…\")]`";
            errors.push_on(&attr.meta, message);
            continue;
        };
        let metas = parse.parse2(list.tokens.clone());
        for meta in errors.take(metas).into_iter().flatten() {
            option(&meta, known, &mut options, errors);
        }
    }
    options
}

fn option(meta: &Meta, known: &[&'static str], options: &mut Options, errors: &mut Errors) {
    let word = meta.path().get_ident().map(ToString::to_string);
    let word = word.unwrap_or_default();
    let Some(word) = known.iter().find(|known| **known == word) else {
        let near = nearest(&word, known.iter().copied());
        let message = match near {
            Some(near) => {
                format!("`#[label]` has no argument `{word}` here; did you mean `{near}`?")
            }
            None => format!("`#[label]` takes {} here", code_list(known)),
        };
        errors.push_on(meta.path(), message);
        return;
    };
    let Meta::NameValue(pair) = meta else {
        errors.push_on(meta, format!("`{word}` needs a value: `{word} = …`"));
        return;
    };
    if *word == "crate" {
        let path = syn::parse2(quote::ToTokens::to_token_stream(&pair.value));
        options.krate = errors.take(path);
        return;
    }
    let Some(text) = as_text(&pair.value) else {
        errors.push_on(
            &pair.value,
            format!("`{word}` takes a string: `{word} = \"…\"`"),
        );
        return;
    };
    let again = if *word == "name" {
        options.name.replace(text.clone()).is_some()
    } else {
        let value = text.value();
        let case = CASES.into_iter().find(|case| *case == value);
        if case.is_none() {
            let message = format!("`rename_all` is one of {}", code_list(&CASES));
            errors.push(text.span(), message);
        }
        core::mem::replace(&mut options.case, case).is_some()
    };
    if again {
        errors.push_on(meta.path(), format!("`{word}` is given twice"));
    }
}

fn code_list(words: &[&str]) -> String {
    let all: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    all.join(", ")
}
