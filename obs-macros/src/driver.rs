//! The way that every macro goes: parse, validate, expand.
//!
//! Parsing and the rules report what is wrong and go on. The expansion reports nothing: it runs
//! only if there was no error, on a model in which nothing can be wrong. The kinds of macros differ
//! in what they give in place of an expansion.

use proc_macro2::TokenStream;

use crate::ast::Item;
use crate::attr::list::ArgList;
use crate::attr::parsed::{self, Parsed};
use crate::attr::table::Table;
use crate::errors::Errors;
use crate::fallback;
use crate::valid::feature;

/// An attribute macro on functions, as its steps: it parses to arguments `A` and an item,
/// validates them to a model `M`, and expands the model.
pub(crate) struct Attribute<A, M> {
    /// Which arguments it takes.
    pub(crate) table: &'static Table,
    /// Takes the macro's own arguments out of the list.
    pub(crate) arguments: fn(&mut ArgList, &mut Errors) -> A,
    /// Judges everything that was parsed.
    pub(crate) validate: fn(Parsed<A>, &mut Errors) -> Option<M>,
    /// Quotes the model.
    pub(crate) expand: fn(&M) -> TokenStream,
    /// What goes beside an item with errors, so that the compiler reports no more of them.
    pub(crate) stand_in: Option<fn(&Item) -> Option<TokenStream>>,
}

impl<A, M> Attribute<A, M> {
    /// Runs the macro on the tokens of the attribute and of the item below it.
    pub(crate) fn run(self, arguments: TokenStream, item: TokenStream) -> TokenStream {
        let parse = |errors: &mut Errors| {
            feature::check(self.table, errors);
            parsed::parse(self.table, self.arguments, arguments, item.clone(), errors)
        };
        steps(parse, self.validate, self.expand).unwrap_or_else(|errors| {
            let stand_in = self.stand_in.and_then(|stand_in| {
                let item = syn::parse2(item.clone()).ok()?;
                stand_in(&item)
            });
            let mut beside = fallback::beside(errors, item);
            beside.extend(stand_in);
            beside
        })
    }
}

/// Runs a macro that stands where an expression is expected.
pub(crate) fn expression<P, M>(
    parse: impl FnOnce(&mut Errors) -> Option<P>,
    validate: impl FnOnce(P, &mut Errors) -> M,
    expand: impl FnOnce(&M) -> TokenStream,
) -> TokenStream {
    steps(
        parse,
        |parsed, errors| Some(validate(parsed, errors)),
        expand,
    )
    .unwrap_or_else(fallback::expression)
}

/// Runs a derive macro, which adds to an item that stays where it is.
pub(crate) fn derive<P, M>(
    parse: impl FnOnce(&mut Errors) -> Option<P>,
    validate: impl FnOnce(P, &mut Errors) -> Option<M>,
    expand: impl FnOnce(&M) -> TokenStream,
) -> TokenStream {
    steps(parse, validate, expand).unwrap_or_else(Errors::into_tokens)
}

fn steps<P, M>(
    parse: impl FnOnce(&mut Errors) -> Option<P>,
    validate: impl FnOnce(P, &mut Errors) -> Option<M>,
    expand: impl FnOnce(&M) -> TokenStream,
) -> Result<TokenStream, Errors> {
    let mut errors = Errors::default();
    let model = parse(&mut errors).and_then(|parsed| validate(parsed, &mut errors));
    match model {
        Some(model) if errors.is_empty() => Ok(expand(&model)),
        _ => Err(errors),
    }
}
