//! The rule for items: which of them a macro on functions can take.

use crate::ast::{Function, Item};
use crate::attr::table::Table;
use crate::errors::Errors;

/// The function, if the item is one that a macro can take.
pub(crate) fn function(item: Item, table: &Table, errors: &mut Errors) -> Option<Function> {
    let this = table.name;
    match item {
        Item::Function(function) => {
            let sig = &function.sig;
            if let Some(word) = &sig.constness {
                errors.push(
                    word.span,
                    format!("`#[{this}]` cannot be put on a `const fn`: it may run at compile time, where nothing can be recorded"),
                );
                return None;
            }
            if let Some(variadic) = &sig.variadic {
                errors.push_on(
                    variadic,
                    format!("`#[{this}]` cannot be put on a variadic function"),
                );
                return None;
            }
            Some(*function)
        }
        Item::NoBody(sig) => {
            errors.push(
                sig.ident.span(),
                format!("`#[{this}]` needs a function with a body: put it on the implementation"),
            );
            None
        }
        Item::Impl(item) => {
            errors.push(
                item.impl_token.span,
                format!("`#[{this}]` goes on a function; put it on the methods"),
            );
            None
        }
        Item::Other(span, word) => {
            errors.push(
                span,
                format!("`#[{this}]` goes on a function, not on `{word}`"),
            );
            None
        }
    }
}
