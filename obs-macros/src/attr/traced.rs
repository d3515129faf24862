//! The arguments of `#[traced]` alone.

use proc_macro2::TokenStream;

use super::list::{ArgList, Given};
use crate::errors::Errors;

/// What `#[traced]` takes beside the shared arguments.
pub(crate) struct TracedArgs {
    /// `stream`
    pub(crate) stream: Option<Given<bool>>,
    /// All arguments as they were written: on an `impl` block they go to each method.
    pub(crate) tokens: TokenStream,
}

impl TracedArgs {
    /// Takes the arguments out of the list.
    pub(crate) fn take(list: &mut ArgList, errors: &mut Errors) -> Self {
        Self {
            stream: list.switch("stream", errors),
            tokens: list.tokens().clone(),
        }
    }
}
