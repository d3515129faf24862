//! The rule for `links` and `follows_from`: whether they may take what they name.
//!
//! As in `tracing`, the links may come from what can be gone through only once. A value that only
//! the argument names is consumed; of a variable that is used afterwards a reference is taken.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::{Expr, UnOp};

use super::names::parameters;
use crate::ast::{Function, mentions};
use crate::attr::expr::plain;
use crate::attr::fields::{Field, FieldValue};
use crate::plan::{LinksArg, Name};

/// Decides about each of the arguments, in the order in which they are evaluated.
pub(super) fn arguments(
    links: Vec<Expr>,
    fields: &[Field],
    name: &Name,
    function: &Function,
) -> Vec<LinksArg> {
    let mut others: TokenStream = links.iter().map(Expr::to_token_stream).collect();
    others.extend(fields.iter().filter_map(value));
    if let Name::Dynamic(name) = name {
        name.to_tokens(&mut others);
    }
    let only_here = |variable: &Ident| {
        let uses = others.clone().into_iter();
        let uses = uses.filter(|tree| mentions(&tree.clone().into(), variable));
        uses.count() == 1
            && parameters(function).contains(variable)
            && !function.body.may_use(variable)
    };
    let is_consumed = |value: &Expr| match plain(value) {
        Expr::Path(path) => path.path.get_ident().is_some_and(only_here),
        value => !is_place(value),
    };
    let argument = |value: Expr| LinksArg {
        is_consumed: is_consumed(&value),
        value,
    };
    links.into_iter().map(argument).collect()
}

/// The user's expression for a field.
fn value(field: &Field) -> Option<TokenStream> {
    match &field.value {
        FieldValue::Capture(value)
        | FieldValue::Named(value)
        | FieldValue::Display(value)
        | FieldValue::Debug(value) => Some(value.to_token_stream()),
        FieldValue::Argument(argument) => Some(argument.name.to_token_stream()),
        FieldValue::Const(_) | FieldValue::Variable(_) | FieldValue::Attempt => None,
    }
}

/// Whether the expression may name a value that stays where it is.
fn is_place(value: &Expr) -> bool {
    match plain(value) {
        Expr::Paren(inner) => is_place(&inner.expr),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Deref(_)),
        Expr::Path(_) | Expr::Field(_) | Expr::Index(_) | Expr::Macro(_) => true,
        _ => false,
    }
}
