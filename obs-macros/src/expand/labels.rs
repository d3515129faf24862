//! The values of a metric's labels, as texts.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned as _;

use crate::attr::label::Label;
use crate::crate_path;
use crate::hygiene::quote;

/// The text of `value`, which is the label's expression.
pub(super) fn text(label: &Label, krate: &TokenStream, value: &TokenStream) -> TokenStream {
    by(label, "label", krate, value)
}

/// The value's text, and all that its type can have.
pub(super) fn among(label: &Label, krate: &TokenStream) -> TokenStream {
    let value = &label.value;
    by(label, "label_among", krate, &quote!(#value))
}

fn by(label: &Label, read: &str, krate: &TokenStream, value: &TokenStream) -> TokenStream {
    let span = Span::mixed_site().located_at(label.value.span());
    let read = crate_path::function(krate, read, span);
    quote_spanned!(span=> #read(&(#value)))
}
