//! `#[derive(Label)]`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Fields, LitStr, Meta, Token, Variant};

use crate::attr::{as_text, table};
use crate::crate_path;
use crate::errors::Errors;
use crate::hygiene::quote;

const CASES: [&str; 7] = [
    "snake_case",
    "kebab-case",
    "camelCase",
    "PascalCase",
    "lowercase",
    "UPPERCASE",
    "SCREAMING_SNAKE_CASE",
];

/// What `#[label(…)]` says on an enum and on a variant.
#[derive(Default)]
struct Options {
    name: Option<LitStr>,
    case: Option<&'static str>,
    krate: Option<syn::Path>,
}

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let expanded = errors
        .take(syn::parse2::<DeriveInput>(item))
        .and_then(|input| derive(&input, &mut errors));
    match expanded {
        Some(expanded) if errors.is_empty() => expanded,
        _ => errors.into_tokens(),
    }
}

fn derive(input: &DeriveInput, errors: &mut Errors) -> Option<TokenStream> {
    let Data::Enum(data) = &input.data else {
        let message = "a label needs few, known values: `#[derive(Label)]` is for enums";
        errors.push(input.ident.span(), message);
        return None;
    };
    let options = options(&input.attrs, &["rename_all", "crate"], errors);
    if data.variants.is_empty() {
        errors.push(input.ident.span(), "a label needs at least one variant");
    }
    let mut names: Vec<String> = Vec::new();
    for variant in &data.variants {
        let (name, span) = name(variant, options.case, errors);
        if names.contains(&name) {
            let message = format!(
                "two variants have the name \"{name}\": give one another with `#[label(name = \"…\")]`"
            );
            errors.push(span, message);
        }
        names.push(name);
    }
    let krate = crate_path::resolve(options.krate.as_ref());
    let ident = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let variants = data.variants.iter().map(|variant| &variant.ident);
    let text = quote!(&'static ::core::primitive::str);
    Some(quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #generics #krate::private::Label for #ident #arguments #bounds {
            const VALUES: ::core::option::Option<&'static [#text]> =
                ::core::option::Option::Some(&[#(#names),*]);

            fn as_str(&self) -> #text {
                match *self { #(Self::#variants => #names,)* }
            }
        }
    })
}

/// A variant's value, and where it is said.
fn name(variant: &Variant, case: Option<&str>, errors: &mut Errors) -> (String, proc_macro2::Span) {
    if !matches!(variant.fields, Fields::Unit) {
        let message = format!(
            "`{}` has fields, and a label needs few, known values: leave the fields out",
            variant.ident
        );
        errors.push(variant.ident.span(), message);
    }
    let own = options(&variant.attrs, &["name"], errors).name;
    if let Some(name) = own {
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
        let near = table::nearest(&word, known.iter().copied());
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

/// A variant's name in another case; `HTTPServer2` has the words `HTTP` and `Server2`.
fn rename(name: &str, case: &str) -> String {
    let words = words(name);
    let lower = |word: &String| word.to_lowercase();
    let upper = |word: &String| word.to_uppercase();
    let title = |word: &String| {
        let mut chars = word.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.collect::<String>() + &chars.as_str().to_lowercase()
    };
    let joined = |each: &dyn Fn(&String) -> String, between: &str| {
        words.iter().map(each).collect::<Vec<_>>().join(between)
    };
    match case {
        "kebab-case" => joined(&lower, "-"),
        "lowercase" => joined(&lower, ""),
        "UPPERCASE" => joined(&upper, ""),
        "SCREAMING_SNAKE_CASE" => joined(&upper, "_"),
        "PascalCase" => joined(&title, ""),
        "camelCase" => {
            let mut words = words.iter();
            let first = words.next().map(lower).unwrap_or_default();
            first + &words.map(title).collect::<String>()
        }
        _ => joined(&lower, "_"),
    }
}

fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| chars[i]);
        let starts = c.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || chars.get(i + 1).is_some_and(|next| next.is_lowercase())
            });
        if c == '_' || starts {
            words.push(String::new());
        }
        if c != '_'
            && let Some(word) = words.last_mut()
        {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
#[path = "label_derive_tests.rs"]
mod tests;
