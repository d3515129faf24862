//! A `quote!` whose names are the macro's alone.
//!
//! A local variable of the user is never one of generated code, even if both have the same name.

/// `quote::quote!` with spans of mixed-site hygiene, where those of `quote` are of the call site.
macro_rules! quote {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}

pub(crate) use quote;
