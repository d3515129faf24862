//! `quote!` whose names are ours alone: a local variable of the user with the same name is another.

/// `quote::quote!` with spans of mixed-site hygiene, where that of `quote` are of the call site.
macro_rules! quote {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}

pub(crate) use quote;
