//! The arguments of the macros whose names and attributes a convention gives: `#[llm_call]` and
//! `#[vector_op]`.

use proc_macro2::Span;
use syn::Expr;

use super::duration::DurationArg;
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
    /// What is asked of the provider, in the order in which it counts.
    pub(crate) asked: Vec<Given<(Asked, Expr)>>,
    pub(crate) usage: Option<Expr>,
    pub(crate) refused: Option<Expr>,
    pub(crate) token: Option<Given<Expr>>,
    pub(crate) stall: Option<Given<DurationArg>>,
}

/// Something that a model call asks of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `request = Request::new()…`
    Request,
    /// `server = "https://…"`
    Server,
    /// `max_tokens = 1_000`
    MaxTokens,
    /// `temperature = 0.2`
    Temperature,
    /// `tier = "flex"`
    Tier,
    /// `prompt = "name"`
    Prompt,
    /// `prompt_version = "2"`
    PromptVersion,
}

/// The arguments that say what is asked of the provider; a later one counts more than `request`.
const ASKED: [(&str, Asked); 7] = [
    ("request", Asked::Request),
    ("server", Asked::Server),
    ("max_tokens", Asked::MaxTokens),
    ("temperature", Asked::Temperature),
    ("tier", Asked::Tier),
    ("prompt", Asked::Prompt),
    ("prompt_version", Asked::PromptVersion),
];

impl LlmArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        let mut not_yet = Vec::new();
        for name in ["capture", "budget", "reserve"] {
            not_yet.extend(list.take(name).map(|arg| (name, arg.span())));
        }
        let asked = ASKED.into_iter().filter_map(|(name, asked)| {
            list.given(name, errors, |arg, errors| Some((asked, arg.expr(errors)?)))
        });
        let asked = asked.collect();
        Self {
            not_yet,
            asked,
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
            token: list.given("token", errors, |arg, errors| {
                arg.closure("|chunk| !chunk.text.is_empty()", errors)
            }),
            stall: list.given("stall", errors, Arg::duration),
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
