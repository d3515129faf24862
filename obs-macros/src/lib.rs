//! The attribute macros of obs; use them through `obs_runtime`.
//!
//! One direction: `attr` (syntax) and `ast` (the item), `valid` (all rules), `shape` (which
//! expansion), `expand` (tokens, cannot fail). An error never removes the user's item (`fallback`).

mod ast;
mod attr;
mod crate_path;
mod driver;
mod errors;
mod expand;
mod fallback;
mod hygiene;
mod shape;
mod valid;

use proc_macro::TokenStream;
use valid::{conventions, handler, label_derive, main_fn, metric, pipeline_task};

/// Records each call of a function as a span.
#[doc = include_str!("docs/traced.md")]
#[proc_macro_attribute]
pub fn traced(args: TokenStream, item: TokenStream) -> TokenStream {
    valid::traced::expand(args.into(), item.into()).into()
}

/// Makes a function a task of a pipeline; each attempt is a span.
#[doc = include_str!("docs/pipeline_task.md")]
#[proc_macro_attribute]
pub fn pipeline_task(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline_task::expand(args.into(), item.into()).into()
}

/// Calls a function after each run, or each end of a task, that failed.
#[doc = include_str!("docs/handlers.md")]
#[proc_macro_attribute]
pub fn on_failure(args: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(handler::Event::Failure, args.into(), item.into()).into()
}

/// Calls a function after each run, or each end of a task, that succeeded or failed.
#[doc = include_str!("docs/handlers.md")]
#[proc_macro_attribute]
pub fn on_complete(args: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(handler::Event::Complete, args.into(), item.into()).into()
}

/// Calls a function after each run that was cancelled, or whose task was.
#[doc = include_str!("docs/handlers.md")]
#[proc_macro_attribute]
pub fn on_cancel(args: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(handler::Event::Cancel, args.into(), item.into()).into()
}

/// Records each call of a language model: span, tokens, cost, metrics.
#[doc = include_str!("docs/llm_call.md")]
#[proc_macro_attribute]
pub fn llm_call(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    driver::require_feature(&attr::table::LLM_CALL, "llm", cfg!(feature = "llm"), &item)
        .unwrap_or_else(|| conventions::llm_call(args.into(), item))
        .into()
}

/// Records each operation on a vector store: span, size, metrics.
#[doc = include_str!("docs/vector_op.md")]
#[proc_macro_attribute]
pub fn vector_op(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    driver::require_feature(&attr::table::VECTOR_OP, "llm", cfg!(feature = "llm"), &item)
        .unwrap_or_else(|| conventions::vector_op(args.into(), item))
        .into()
}

/// A span that is not a function: made here, entered by `in_scope`, `enter` or `instrument`.
#[doc = include_str!("docs/span.md")]
#[proc_macro]
pub fn span(tokens: TokenStream) -> TokenStream {
    valid::span::expand(tokens.into()).into()
}

/// A sum that only grows, counted here.
#[doc = include_str!("docs/metric.md")]
#[proc_macro]
pub fn counter(tokens: TokenStream) -> TokenStream {
    metric::expand(metric::Metric::Counter, tokens.into()).into()
}

/// A value that is set here.
#[doc = include_str!("docs/metric.md")]
#[proc_macro]
pub fn gauge(tokens: TokenStream) -> TokenStream {
    metric::expand(metric::Metric::Gauge, tokens.into()).into()
}

/// A distribution of values that are observed here.
#[doc = include_str!("docs/metric.md")]
#[proc_macro]
pub fn histogram(tokens: TokenStream) -> TokenStream {
    metric::expand(metric::Metric::Histogram, tokens.into()).into()
}

/// Makes an enum without fields the value of a metric's label.
#[doc = include_str!("docs/label.md")]
#[proc_macro_derive(Label, attributes(label))]
pub fn label(item: TokenStream) -> TokenStream {
    label_derive::expand(item.into()).into()
}

/// Starts obs (and a tokio runtime for `async fn main`) around the program, and flushes at its end.
#[doc = include_str!("docs/main.md")]
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    driver::require_feature(&attr::table::MAIN, "tokio", cfg!(feature = "tokio"), &item)
        .unwrap_or_else(|| main_fn::expand(args.into(), item))
        .into()
}

#[cfg(test)]
mod robust_tests;
#[cfg(test)]
mod soup_tests;
