//! The way that every macro on a function goes.

use proc_macro2::TokenStream;

use crate::ast::{Function, Item};
use crate::attr::table::Table;
use crate::attr::{ArgList, Args};
use crate::errors::Errors;
use crate::valid::{self, Own};
use crate::{expand, fallback};

/// Expands the attribute `table` on `item`; `own` reads the macro's own arguments.
pub(crate) fn on_function(
    table: &Table,
    tokens: TokenStream,
    item: TokenStream,
    own: impl FnOnce(&mut ArgList, &Args, &Function, &mut Errors) -> Option<Own>,
) -> TokenStream {
    let mut errors = Errors::default();
    let expanded = match errors.take(syn::parse2::<Item>(item.clone())) {
        Some(parsed) => expand_item(table, tokens, parsed, own, &mut errors),
        None => None,
    };
    match expanded {
        Some(expanded) if errors.is_empty() => expanded,
        _ => fallback::beside(errors, item),
    }
}

/// As [`on_function`], for an item that is parsed already; nothing if there are errors.
pub(crate) fn expand_item(
    table: &Table,
    tokens: TokenStream,
    item: Item,
    own: impl FnOnce(&mut ArgList, &Args, &Function, &mut Errors) -> Option<Own>,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let mut list = ArgList::parse(tokens, table, errors);
    let args = Args::take(&mut list, errors);
    let function = valid::function(item, table, errors)?;
    let own = own(&mut list, &args, &function, errors)?;
    let plan = valid::plan(args, own, &function, errors);
    errors
        .is_empty()
        .then(|| expand::function(&function, &plan))
}

/// Whether a macro's feature is on; if not, the item stays and the error says which to enable.
pub(crate) fn require_feature(
    table: &Table,
    feature: &str,
    enabled: bool,
    item: &TokenStream,
) -> Option<TokenStream> {
    if enabled {
        return None;
    }
    let mut errors = Errors::default();
    errors.push(
        proc_macro2::Span::call_site(),
        format!(
            "`#[{}]` needs the feature `{feature}` of obs-runtime: \
             `obs-runtime = {{ version = \"…\", features = [\"{feature}\"] }}`",
            table.name
        ),
    );
    Some(fallback::beside(errors, item.clone()))
}
