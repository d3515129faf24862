//! An attribute and the item below it, parsed but not judged: what a rule file starts from.

use proc_macro2::TokenStream;

use super::list::ArgList;
use super::shared::Args;
use super::table::Table;
use crate::ast::Item;
use crate::errors::Errors;

/// Everything that the user wrote.
pub(crate) struct Parsed<A> {
    /// The row of the macro.
    pub(crate) table: &'static Table,
    /// The arguments that all macros on functions take.
    pub(crate) shared: Args,
    /// The arguments of this macro alone.
    pub(crate) own: A,
    pub(crate) item: Item,
}

/// Parses an attribute and its item; nothing if the item cannot be parsed.
pub(crate) fn parse<A>(
    table: &'static Table,
    own: impl FnOnce(&mut ArgList, &mut Errors) -> A,
    arguments: TokenStream,
    item: TokenStream,
    errors: &mut Errors,
) -> Option<Parsed<A>> {
    let item = errors.take(syn::parse2(item))?;
    let mut list = ArgList::parse(arguments, table, errors);
    Some(Parsed {
        table,
        shared: Args::take(&mut list, errors),
        own: own(&mut list, errors),
        item,
    })
}
