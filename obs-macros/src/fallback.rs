//! An error never takes the user's item away: the messages stand beside it.

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// The messages, then the item as it was.
pub(crate) fn beside(errors: Errors, item: TokenStream) -> TokenStream {
    let mut tokens = item;
    tokens.extend(errors.into_tokens());
    tokens
}
