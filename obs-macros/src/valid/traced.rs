//! The rules for `#[traced]`, on functions and on `impl` blocks.

use proc_macro2::TokenStream;
use syn::{Attribute, ImplItem, ItemImpl};

use super::function::{self, Own};
use super::{arguments, follow};
use crate::ast::Item;
use crate::attr::parsed::Parsed;
use crate::attr::shared::{Args, SKIP};
use crate::attr::traced::TracedArgs;
use crate::crate_path;
use crate::errors::Errors;
use crate::plan::Annotated;

/// What `#[traced]` is put on.
#[allow(
    clippy::large_enum_variant,
    reason = "one, and gone with the expansion"
)]
pub(crate) enum Traced {
    Function(Annotated),
    Impl(ImplBlock),
}

/// An `impl` block some of whose methods get the attribute.
pub(crate) struct ImplBlock {
    /// The path of `obs_runtime`.
    pub(crate) krate: TokenStream,
    /// The arguments, for each of the methods.
    pub(crate) arguments: TokenStream,
    pub(crate) block: ItemImpl,
    /// The positions of these methods among the items.
    pub(crate) methods: Vec<usize>,
}

/// Judges `#[traced]`.
pub(crate) fn traced(parsed: Parsed<TracedArgs>, errors: &mut Errors) -> Option<Traced> {
    match parsed.item {
        Item::Impl(block) => Some(Traced::Impl(impl_block(
            *block,
            parsed.shared,
            parsed.own,
            errors,
        ))),
        item => function(Parsed { item, ..parsed }, errors).map(Traced::Function),
    }
}

fn function(parsed: Parsed<TracedArgs>, errors: &mut Errors) -> Option<Annotated> {
    if parsed.own.tokens.to_string() == "skip" {
        // Only an impl block's attribute reads this; alone it would silently do nothing.
        let message = "`skip` leaves a method out of a `#[traced]` impl block; there is none here";
        errors.push_on(parsed.own.tokens, message);
        return None;
    }
    let (function, args, own) = function::accept(parsed, errors)?;
    let own = Own {
        follow: follow::asked(own.stream.as_ref(), &function, errors).unwrap_or_default(),
        ..Own::default()
    };
    Some(function::annotated(function, args, own, errors))
}

/// The expansion puts the attribute on each method, and the methods' own expansions do the rest.
fn impl_block(
    mut block: ItemImpl,
    mut args: Args,
    own: TracedArgs,
    errors: &mut Errors,
) -> ImplBlock {
    if let Some(name) = &args.name {
        let message = "a name here would be the name of every method: put it on the methods";
        errors.push(name.at, message);
    }
    if let Some(at) = args.parameters.bare_skip {
        errors.push(at, format!("`skip` is written `{SKIP}`"));
    }
    arguments::judge(&mut args, None, errors);
    let mut methods = Vec::new();
    for (position, item) in block.items.iter_mut().enumerate() {
        let ImplItem::Fn(method) = item else { continue };
        match method.attrs.iter().position(is_traced) {
            Some(at) if is_skip(&method.attrs[at]) => {
                method.attrs.remove(at);
            }
            Some(_) => {}
            None if method.sig.constness.is_some() => {}
            None => methods.push(position),
        }
    }
    ImplBlock {
        krate: crate_path::resolve(args.crate_path.as_ref()),
        arguments: own.tokens,
        block,
        methods,
    }
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
