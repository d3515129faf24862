//! The arguments of the macros whose names and attributes a convention gives: `#[llm_call]` and
//! `#[vector_op]`.

use proc_macro2::Span;
use syn::Expr;

use super::list::{Arg, ArgList, Given, Required};
use crate::errors::Errors;

/// What `#[llm_call]` takes beside the shared arguments.
pub(crate) struct LlmArgs {
    /// Arguments of the grammar that this version does not act on, and where they stand.
    pub(crate) not_yet: Vec<(&'static str, Span)>,
    pub(crate) stream: Option<Given<bool>>,
    pub(crate) provider: Required<Expr>,
    pub(crate) model: Required<Expr>,
    pub(crate) operation: Option<Expr>,
    pub(crate) usage: Option<Expr>,
    pub(crate) refused: Option<Expr>,
}

impl LlmArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        let mut not_yet = Vec::new();
        for name in ["capture", "budget", "reserve"] {
            not_yet.extend(list.take(name).map(|arg| (name, arg.span())));
        }
        Self {
            not_yet,
            stream: list.switch("stream", errors),
            provider: list.required("provider", errors, Arg::expr),
            model: list.required("model", errors, Arg::expr),
            operation: list.expr("operation", errors),
            usage: list
                .take("usage")
                .and_then(|arg| arg.closure("|out| (out.input_tokens, out.output_tokens)", errors)),
            refused: list
                .take("refused")
                .and_then(|arg| arg.closure("|error| error.is_refusal()", errors)),
        }
    }
}

/// What `#[vector_op]` takes beside the shared arguments.
pub(crate) struct VectorArgs {
    pub(crate) stream: Option<Given<bool>>,
    pub(crate) system: Required<Expr>,
    pub(crate) operation: Required<Expr>,
    pub(crate) collection: Option<Expr>,
    pub(crate) count: Option<Expr>,
    pub(crate) dimensions: Option<Expr>,
}

impl VectorArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        Self {
            stream: list.switch("stream", errors),
            system: list.required("system", errors, Arg::expr),
            operation: list.required("operation", errors, Arg::expr),
            collection: list.expr("collection", errors),
            count: list.expr("count", errors),
            dimensions: list.expr("dimensions", errors),
        }
    }
}
