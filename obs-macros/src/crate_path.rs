//! The path by which generated code reaches `obs_runtime`, whatever the user calls it.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote_spanned};

use crate::hygiene::quote;

/// `crate = path` if given; else the name that this compilation gave the library (Cargo renames
/// dependencies through `--extern`); else `::obs_runtime`.
pub(crate) fn resolve(argument: Option<&syn::Path>) -> TokenStream {
    if let Some(path) = argument {
        return path.to_token_stream();
    }
    let name = renamed(std::env::args()).unwrap_or_else(|| "obs_runtime".to_owned());
    let name = Ident::new(&name, Span::mixed_site());
    quote!(::#name)
}

/// Takes `path;` off the front of the tokens. The library's own `macro_rules!` put it there, as
/// `$crate;`, so that they work wherever the library is re-exported.
pub(crate) fn take(tokens: TokenStream) -> (TokenStream, TokenStream) {
    let is_end = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ';');
    let is_path = |token: &TokenTree| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        _ => false,
    };
    let mut rest = tokens.clone().into_iter();
    let path: Vec<_> = rest.by_ref().take_while(|token| !is_end(token)).collect();
    let has_end = path.len() < tokens.clone().into_iter().count();
    if has_end && !path.is_empty() && path.iter().all(is_path) {
        (path.into_iter().collect(), rest.collect())
    } else {
        (resolve(None), tokens)
    }
}

/// The path with its tokens located elsewhere: rustc reports a call at all of its tokens.
pub(crate) fn at(krate: &TokenStream, span: Span) -> TokenStream {
    let located = krate.clone().into_iter().map(|mut token| {
        token.set_span(token.span().located_at(span));
        token
    });
    located.collect()
}

/// A function of `private`, to be called at `span`.
///
/// It stands in parentheses of ours: a call that began with `$crate` would begin in the macro that
/// wrote this, and rustc would report errors of its arguments at all of that macro.
pub(crate) fn function(krate: &TokenStream, name: &str, span: Span) -> TokenStream {
    let (krate, name) = (at(krate, span), Ident::new(name, span));
    quote_spanned!(span=> (#krate::private::#name))
}

/// Finds `--extern NAME=…/libobs_runtime-HASH.…` among rustc's arguments.
fn renamed(args: impl IntoIterator<Item = String>) -> Option<String> {
    args.into_iter().find_map(|arg| {
        let arg = arg.strip_prefix("--extern=").unwrap_or(&arg);
        let (name, file) = arg.split_once('=')?;
        // `--extern priv,noprelude:NAME=FILE`
        let name = name.rsplit(':').next()?;
        let file = file.rsplit(['/', '\\']).next()?;
        let is_ours = file.starts_with("libobs_runtime-") || file.starts_with("libobs_runtime.r");
        (is_ours && syn::parse_str::<Ident>(name).is_ok()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::renamed;

    fn found(args: &[&str]) -> Option<String> {
        renamed(args.iter().map(ToString::to_string))
    }

    #[test]
    fn the_name_of_the_dependency_wins() {
        let args = [
            "rustc",
            "--extern",
            "telemetry=/t/deps/libobs_runtime-1f.rmeta",
        ];
        assert_eq!(found(&args).as_deref(), Some("telemetry"));
    }

    #[test]
    fn modifiers_are_no_part_of_the_name() {
        let args = ["--extern=priv,noprelude:obs=/t/libobs_runtime-1f.rlib"];
        assert_eq!(found(&args).as_deref(), Some("obs"));
    }

    #[test]
    fn the_macro_crate_is_another_library() {
        assert_eq!(
            found(&["--extern", "m=/t/libobs_runtime_macros-1f.so"]),
            None
        );
        assert_eq!(
            found(&["rustc", "--extern", "serde=/t/libserde-1.rlib"]),
            None
        );
    }
}
