//! How the returned value is looked at: an expression that evaluates to a `Kind`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use crate::attr::{ErrMode, Render};
use crate::valid::{Observer, Plan};

/// A statement to come first, and an expression that evaluates to the `Kind`. The variable
/// `__obs_probe` holds the `Probe` of the value's type.
pub(super) fn kind(plan: &Plan) -> (Option<TokenStream>, TokenStream) {
    let kind = expression(plan, &quote!(__obs_probe));
    if plan.observers.is_empty() && plan.running.is_none() {
        return (None, kind);
    }
    // A closure may stand in an attribute where a path may not: `count = |hits| hits.len()`.
    let statement = quote! {
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let __obs_kind = #kind;
    };
    (Some(statement), quote!(__obs_kind))
}

fn expression(plan: &Plan, probe: &TokenStream) -> TokenStream {
    let krate = &plan.site.krate;
    let span = plan.err_span.unwrap_or_else(Span::mixed_site);
    let span = Span::mixed_site().located_at(span);
    let base = match plan.err {
        ErrMode::Auto => quote!(#probe.__obs_kind().__obs_how()),
        ErrMode::Off => quote!(#krate::private::no_errors(#probe.__obs_kind().__obs_how())),
        ErrMode::Debug => quote_spanned!(span=> #krate::private::err_debug(#probe)),
        ErrMode::Display => quote_spanned!(span=> #krate::private::err_display(#probe)),
    };
    let observed = plan.observers.iter().fold(base, |kind, observer| {
        observe(krate, probe, &kind, observer)
    });
    match &plan.running {
        None => observed,
        Some(running) => {
            let name = Ident::new(running.kind, Span::mixed_site());
            let closures = &running.closures;
            quote!(#krate::private::#name(#observed, #probe, __obs_slot, #(#closures),*))
        }
    }
}

/// Wraps a kind in what one argument asks for.
fn observe(
    krate: &TokenStream,
    probe: &TokenStream,
    kind: &TokenStream,
    observer: &Observer,
) -> TokenStream {
    let at = |span: Span| Span::mixed_site().located_at(span);
    match observer {
        Observer::Return(render, span) => {
            let span = at(*span);
            let record = match render {
                Render::Debug => quote_spanned!(span=> record_return_debug),
                Render::Display => quote_spanned!(span=> record_return_display),
            };
            quote_spanned!(span=> #krate::private::on_return(#kind, #probe, #krate::private::#record))
        }
        Observer::OkIf(closure) => {
            let span = at(closure.span());
            quote_spanned!(span=> #krate::private::ok_if(#kind, #probe, #closure))
        }
        Observer::ErrorIf(closure) => {
            let span = at(closure.span());
            quote_spanned!(span=> #krate::private::error_if(#kind, #probe, #closure))
        }
    }
}
