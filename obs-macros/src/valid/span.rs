//! `span!("name", key = value)`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Expr, Token};

use crate::attr::{as_text, fields, plain};
use crate::errors::Errors;
use crate::hygiene::quote;
use crate::valid::Site;
use crate::{crate_path, expand};

pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let split = |input: ParseStream<'_>| {
        if input.is_empty() {
            let message = "a span needs a name: `span!(\"name\", key = value)`";
            return Err(syn::Error::new(Span::call_site(), message));
        }
        let name: Expr = input.parse()?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok((name, input.parse::<TokenStream>()?))
    };
    let Some((name, rest)) = errors.take(split.parse2(tokens)) else {
        return errors_as_expression(errors);
    };
    if as_text(&name).is_some_and(|text| text.value().trim().is_empty()) {
        errors.push_on(&name, "a span needs a name");
    }
    let fields = fields::parse(rest, &mut errors);
    if !errors.is_empty() {
        return errors_as_expression(errors);
    }
    let krate = crate_path::resolve(None);
    let constant = match plain(&name) {
        Expr::Lit(_) => true,
        // A local variable looks like a constant here, but is not written like one.
        Expr::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident.to_string().chars().all(|c| !c.is_lowercase())),
        Expr::Macro(mac) => mac.mac.path.is_ident("concat"),
        _ => false,
    };
    let function = as_text(&name).map_or_else(|| "span".to_owned(), syn::LitStr::value);
    let site = Site {
        krate: krate.clone(),
        construct: "Span",
        fields,
        name: constant.then(|| quote!(#name)),
        ..Site::default()
    };
    let begin = expand::span(&site, &function, name.span());
    if constant {
        return begin;
    }
    let span = Span::mixed_site().located_at(name.span());
    let variable = Ident::new("__obs_span", Span::mixed_site());
    let rename = quote_spanned!(span=> if #krate::private::Span::is_recording(&#variable) { #krate::private::rename(&#variable, &(#name)); });
    quote!({ let #variable = #begin; #rename; #variable })
}

/// The messages where an expression is expected.
pub(crate) fn errors_as_expression(errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    quote!({ #errors })
}
