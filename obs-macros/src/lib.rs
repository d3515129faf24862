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
mod shape;
mod traced;
mod valid;

use proc_macro::TokenStream;

/// Records each call of a function as a span.
#[proc_macro_attribute]
pub fn traced(args: TokenStream, item: TokenStream) -> TokenStream {
    traced::expand(args.into(), item.into()).into()
}
