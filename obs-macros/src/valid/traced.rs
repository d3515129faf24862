//! `#[traced]` on functions and impl blocks.

use proc_macro2::TokenStream;
use syn::{Attribute, ImplItem, ItemImpl};

use super::follow;
use crate::ast::Item;
use crate::attr::table::TRACED;
use crate::attr::{ArgList, Args};
use crate::errors::Errors;
use crate::hygiene::quote;
use crate::valid::Own;
use crate::{crate_path, driver, fallback};

pub(crate) fn expand(tokens: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = errors.take(syn::parse2::<Item>(item.clone()));
    let expanded = match parsed {
        Some(Item::Impl(block)) => on_impl(&tokens, *block, &mut errors),
        Some(other) => on_function(tokens, other, &mut errors),
        None => None,
    };
    match expanded {
        Some(expanded) if errors.is_empty() => expanded,
        _ => fallback::beside(errors, item),
    }
}

fn on_function(tokens: TokenStream, item: Item, errors: &mut Errors) -> Option<TokenStream> {
    if tokens.to_string() == "skip" {
        // Only an impl block's attribute reads this; alone it would silently do nothing.
        let message = "`skip` leaves a method out of a `#[traced]` impl block; there is none here";
        errors.push_on(tokens, message);
        return None;
    }
    driver::expand_item(
        &TRACED,
        tokens,
        item,
        |list, _, function, errors| {
            let follow = follow::asked(list, function, errors).unwrap_or_default();
            Some(Own {
                follow,
                ..Own::default()
            })
        },
        errors,
    )
}

/// Puts the attribute on each method; the methods' own expansions do the rest.
fn on_impl(tokens: &TokenStream, mut block: ItemImpl, errors: &mut Errors) -> Option<TokenStream> {
    let mut list = ArgList::parse(tokens.clone(), &TRACED, errors);
    if let Some(name) = list.take("name") {
        let message = "a name here would be the name of every method: put it on the methods";
        errors.push(name.span(), message);
    }
    let args = Args::take(&mut list, errors);
    if !errors.is_empty() {
        return None;
    }
    let krate = crate_path::resolve(args.crate_path.as_ref());
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let own = method.attrs.iter().position(is_traced);
        match own {
            Some(at) if is_skip(&method.attrs[at]) => {
                method.attrs.remove(at);
            }
            Some(_) => {}
            None if method.sig.constness.is_some() => {}
            None => {
                let attr: Attribute = syn::parse_quote!(#[#krate::traced(#tokens)]);
                method.attrs.insert(0, attr);
            }
        }
    }
    Some(quote!(#block))
}

fn is_traced(attr: &Attribute) -> bool {
    attr.path()
        .segments
        .last()
        .is_some_and(|last| last.ident == "traced")
}

fn is_skip(attr: &Attribute) -> bool {
    attr.parse_args::<syn::Ident>()
        .is_ok_and(|word| word == "skip")
}
