//! The errors of one macro call: every rule reports what it finds and goes on, so that users see
//! all of them at once.

use proc_macro2::{Span, TokenStream};

/// The errors found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds an error at a place.
    pub(crate) fn push(&mut self, span: Span, message: impl core::fmt::Display) {
        self.add(syn::Error::new(span, message));
    }

    /// Adds an error that underlines all tokens of `node`.
    pub(crate) fn push_on(&mut self, node: impl quote::ToTokens, message: impl core::fmt::Display) {
        self.add(syn::Error::new_spanned(node, message));
    }

    /// Adds an error of a parser.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value of a parse, or nothing and the error noted.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|e| self.add(e)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The `compile_error!` calls; nothing without an error.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0
            .map(syn::Error::into_compile_error)
            .unwrap_or_default()
    }

    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.0
            .iter()
            .flatten()
            .map(|error| error.to_string())
            .collect()
    }
}
