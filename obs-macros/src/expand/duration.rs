//! Durations as expressions.

use core::time::Duration;

use proc_macro2::TokenStream;

use crate::attr::duration::DurationArg;
use crate::hygiene::quote;

/// An expression that is the duration.
pub(super) fn tokens(value: &DurationArg) -> TokenStream {
    match value {
        DurationArg::Known(value) => {
            let (seconds, nanos): (u64, u32) = (Duration::as_secs(value), value.subsec_nanos());
            quote!(::core::time::Duration::new(#seconds, #nanos))
        }
        DurationArg::Expr(value) => quote!(#value),
    }
}
