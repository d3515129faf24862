//! What a macro gives in place of its expansion if there were errors.
//!
//! An error never takes the user's item away: the editor and the compiler still see it, so the
//! messages are the only ones.

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::hygiene::quote;

/// The item as it was, then the messages.
pub(crate) fn beside(errors: Errors, item: TokenStream) -> TokenStream {
    let mut tokens = item;
    tokens.extend(errors.into_tokens());
    tokens
}

/// The messages where an expression is expected.
pub(crate) fn expression(errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    quote!({ #errors })
}
