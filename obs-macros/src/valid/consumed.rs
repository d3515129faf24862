//! The rule for `parent`, `links` and `follows_from`: whether they may take what they name.
//!
//! As in `tracing`, links may come from what can be gone through only once, and a parent from what
//! can be converted only once. A value that only the argument names is consumed; of a variable that
//! is used afterwards a reference is taken. What can be asked by reference is held all the same until
//! the call has ended (`private::parent`, `private::links`).

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::{Expr, UnOp};

use super::names::parameters;
use crate::ast::{Function, mentions};
use crate::attr::expr::plain;
use crate::attr::fields::{Field, FieldValue};
use crate::attr::shared::Args;
use crate::plan::{Name, SpansArg};

/// What is known of an annotated function, for the question who else uses a variable.
pub(super) struct Uses<'a> {
    function: &'a Function,
    /// All tokens of the user's arguments that are evaluated before the body.
    arguments: TokenStream,
}

impl<'a> Uses<'a> {
    pub(super) fn new(function: &'a Function, args: &Args, name: &Name, fields: &[Field]) -> Self {
        let labels = args.labels.iter().flat_map(|labels| &labels.value);
        let parent = args.parent.iter().map(|parent| &parent.value);
        let expressions = labels
            .map(|label| &label.value)
            .chain(parent)
            .chain(&args.links);
        let mut arguments: TokenStream = expressions.map(Expr::to_token_stream).collect();
        arguments.extend(fields.iter().filter_map(value));
        if let Name::Dynamic(name) = name {
            name.to_tokens(&mut arguments);
        }
        Self {
            function,
            arguments,
        }
    }

    /// An argument that names other spans.
    pub(super) fn argument(&self, value: Expr) -> SpansArg {
        let is_consumed = match plain(&value) {
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|variable| self.are_only_one(variable)),
            value => !is_place(value),
        };
        SpansArg { value, is_consumed }
    }

    /// Whether the variable is a parameter that one place alone uses.
    fn are_only_one(&self, variable: &Ident) -> bool {
        let trees = self.arguments.clone().into_iter();
        let uses = trees.filter(|tree| mentions(&tree.clone().into(), variable));
        // A closure captures the whole of `self`, whatever of it is left.
        uses.count() == 1
            && variable != "self"
            && parameters(self.function).contains(variable)
            && !self.function.body.may_use(variable)
    }
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
