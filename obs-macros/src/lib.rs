//! The attribute macros of obs; use them through `obs_runtime`.
//!
//! Every macro goes one way, which `driver` holds: `attr` turns syntax into arguments and
//! `ast` the item below them into a function; `valid` has all rules and makes a model in which
//! nothing can be wrong, of a function the `plan` with its `shape`; `expand` turns the model
//! into tokens and cannot fail. An error never removes the user's item (`fallback`). `macros`
//! lists which steps belong to which macro.

#![forbid(unsafe_code)]

mod ast;
mod attr;
mod crate_path;
mod driver;
mod errors;
mod expand;
mod fallback;
mod hygiene;
mod macros;
mod plan;
mod shape;
mod valid;

use proc_macro::TokenStream;

/// Records each call of a function as a span.
#[doc = include_str!("docs/traced.md")]
#[proc_macro_attribute]
pub fn traced(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::traced(args.into(), item.into()).into()
}

/// Makes a function a task of a pipeline; each attempt to run it is a span.
#[doc = include_str!("docs/pipeline_task.md")]
#[proc_macro_attribute]
pub fn pipeline_task(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::pipeline_task(args.into(), item.into()).into()
}

/// Makes a function a handler that is called after each run, or task, that failed.
#[doc = include_str!("docs/handlers.md")]
#[proc_macro_attribute]
pub fn on_failure(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::on_failure(args.into(), item.into()).into()
}

/// Makes a function a handler that is called after each run, or task, that succeeded or failed.
#[doc = include_str!("docs/handlers.md")]
#[proc_macro_attribute]
pub fn on_complete(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::on_complete(args.into(), item.into()).into()
}

/// Makes a function a handler that is called after each run that was cancelled, or whose task was.
#[doc = include_str!("docs/handlers.md")]
#[proc_macro_attribute]
pub fn on_cancel(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::on_cancel(args.into(), item.into()).into()
}

/// Makes a function a handler that is called once while a run goes on that is late: one that takes
/// longer than `Pipeline::late` says.
#[doc = include_str!("docs/handlers.md")]
#[proc_macro_attribute]
pub fn on_late(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::on_late(args.into(), item.into()).into()
}

/// Records each call of a language model: span, tokens, cost, metrics.
#[doc = include_str!("docs/llm_call.md")]
#[proc_macro_attribute]
pub fn llm_call(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::llm_call(args.into(), item.into()).into()
}

/// Records each operation on a vector store: span, size, metrics.
#[doc = include_str!("docs/vector_op.md")]
#[proc_macro_attribute]
pub fn vector_op(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::vector_op(args.into(), item.into()).into()
}

/// Opens a frame for an agent: what its model calls and tool calls use is summed there.
#[doc = include_str!("docs/agent.md")]
#[proc_macro_attribute]
pub fn agent(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::agent(args.into(), item.into()).into()
}

/// Does for a workflow, which puts agents and model calls together, what `#[agent]` does for an agent.
#[doc = include_str!("docs/agent.md")]
#[proc_macro_attribute]
pub fn workflow(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::workflow(args.into(), item.into()).into()
}

/// Records each call of a tool that the program runs for a model: span, duration, failures.
#[doc = include_str!("docs/tool_call.md")]
#[proc_macro_attribute]
pub fn tool_call(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::tool_call(args.into(), item.into()).into()
}

/// What `span!` of the runtime hands on, with its path in front.
#[proc_macro]
pub fn span(tokens: TokenStream) -> TokenStream {
    macros::span(tokens.into()).into()
}

/// What `counter!` of the runtime hands on, with its path in front.
#[proc_macro]
pub fn counter(tokens: TokenStream) -> TokenStream {
    macros::counter(tokens.into()).into()
}

/// What `gauge!` of the runtime hands on, with its path in front.
#[proc_macro]
pub fn gauge(tokens: TokenStream) -> TokenStream {
    macros::gauge(tokens.into()).into()
}

/// What `histogram!` of the runtime hands on, with its path in front.
#[proc_macro]
pub fn histogram(tokens: TokenStream) -> TokenStream {
    macros::histogram(tokens.into()).into()
}

/// Implements `Label` for an enum without fields: its variants are the values of a metric's label.
#[doc = include_str!("docs/label.md")]
#[proc_macro_derive(Label, attributes(label))]
pub fn label(item: TokenStream) -> TokenStream {
    macros::label(item.into()).into()
}

/// Starts obs, and a tokio runtime for an `async fn`, around the program; flushes at its end.
#[doc = include_str!("docs/main.md")]
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    macros::main(args.into(), item.into()).into()
}

#[cfg(test)]
mod robust_tests;
#[cfg(test)]
mod soup_tests;
