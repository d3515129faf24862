//! The attribute macros of obs; use them through `obs_runtime`.
//!
//! One direction: `attr` (syntax) and `ast` (the item), `valid` (all rules), `shape` (which
//! expansion), `expand` (tokens, cannot fail). An error never removes the user's item (`fallback`).

mod ast;
mod attr;
mod crate_path;
mod errors;
mod expand;
mod fallback;
mod handler;
mod pipeline_task;
mod shape;
mod traced;
mod valid;

use proc_macro::TokenStream;

/// Records each call of a function as a span.
#[proc_macro_attribute]
pub fn traced(args: TokenStream, item: TokenStream) -> TokenStream {
    traced::expand(args.into(), item.into()).into()
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
