//! How the returned value is looked at: an expression that evaluates to a `Judge`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ReturnType;
use syn::spanned::Spanned as _;

use super::{conventions, lasting, site};
use crate::ast::Function;
use crate::attr::level::LevelArg;
use crate::attr::shared::{ErrMode, Render};
use crate::crate_path;
use crate::hygiene::quote;
use crate::plan::{Follow, Observer, Plan};
use crate::valid::returned_stream;

/// A statement to come first, and an expression that evaluates to the `Judge`. The variable
/// `__obs_probe` holds the `Probe` of the value's type.
pub(super) fn kind(plan: &Plan) -> (Option<TokenStream>, TokenStream) {
    let kind = expression(plan);
    let Some(at) = last_argument(plan) else {
        return (None, kind);
    };
    // What does not fit is reported where the value is used: at the argument that asks for it.
    let variable = Ident::new("__obs_judge", Span::mixed_site().located_at(at));
    // A closure may stand in an attribute where a path may not: `count = |hits| hits.len()`.
    let statement = quote! {
        #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
        let #variable = #kind;
    };
    (Some(statement), quote!(#variable))
}

/// Where the last argument stands that looks at the value.
pub(super) fn last_argument(plan: &Plan) -> Option<Span> {
    let measurement = plan.measurement.as_ref().map(conventions::place);
    let observer = plan.observers.last().map(|observer| match observer {
        Observer::Return(.., span) | Observer::Level(_, span) => *span,
        Observer::Expected(pattern) => pattern.span(),
        Observer::OkIf(closure) | Observer::ErrorIf(closure) => closure.span(),
    });
    let err = plan
        .err_span
        .filter(|_| matches!(plan.err, ErrMode::Debug | ErrMode::Display));
    measurement.or(observer).or(err)
}

/// How errors are recognised and described, by the probe in a variable. `strict` says that the
/// probe must be that of a `Result`.
fn base(plan: &Plan, probe: &TokenStream, strict: bool) -> TokenStream {
    let krate = &plan.site.krate;
    let (how, check) = match plan.err {
        ErrMode::Auto => return quote!(#probe.__obs_judge().__obs_how()),
        ErrMode::Off => {
            return quote!(#krate::private::no_errors(#probe.__obs_judge().__obs_how()));
        }
        ErrMode::Debug => ("__obs_by_debug", "check_debug"),
        ErrMode::Display => ("__obs_by_display", "check_display"),
    };
    let how = Ident::new(how, Span::mixed_site());
    let at = plan.err_span.unwrap_or_else(Span::mixed_site);
    let at = Span::mixed_site().located_at(at);
    let has_text = call(krate, check, at, &quote_spanned!(at=> &__obs_error));
    let is_result = strict.then(|| {
        let check = call(
            krate,
            "check_result",
            at,
            &quote_spanned!(at=> &__obs_result),
        );
        quote!(#check;)
    });
    // In variables: what does not fit is reported where they are used.
    quote!({
        let __obs_result = #probe.__obs_judge();
        let __obs_error = __obs_result.__obs_error();
        #is_result
        #has_text;
        __obs_result.#how()
    })
}

/// How the value is looked at that is to give a stream; its items are looked at by [`kind`].
pub(super) fn outer(plan: &Plan) -> TokenStream {
    let base = base(plan, &quote!(__obs_outer), false);
    let levels = plan.observers.iter().filter_map(|observer| match observer {
        Observer::Level(level, _) => Some(level),
        _ => None,
    });
    let observed = levels.fold(base, |kind, level| err_level(plan, &kind, level));
    match conventions::outer(plan) {
        Some(end) => measured(
            plan,
            &end,
            &quote!(#observed, __obs_outer, __obs_outer_slot),
        ),
        None => observed,
    }
}

/// A judge that ends a measurement too, from the judge below, the probe and the slot.
fn measured(plan: &Plan, end: &conventions::End, below: &TokenStream) -> TokenStream {
    let krate = &plan.site.krate;
    let closures = &end.closures;
    let arguments = quote!(#below, #(#closures),*);
    let place = plan.measurement.as_ref().map(conventions::place);
    let place = place.unwrap_or_else(Span::mixed_site);
    let judge = call(krate, end.function, place, &arguments);
    end.layers.iter().fold(judge, |judge, layer| {
        let arguments = &layer.arguments;
        call(krate, layer.function, layer.at, &quote!(#judge, #arguments))
    })
}

/// `ret`, of what the kind says is the `Ok` value.
fn on_return(
    plan: &Plan,
    kind: &TokenStream,
    render: Render,
    level: Option<&LevelArg>,
    at: Span,
) -> TokenStream {
    let krate = &plan.site.krate;
    let (how, check) = match render {
        Render::Debug => ("__obs_by_debug", "check_debug"),
        Render::Display => ("__obs_by_display", "check_display"),
    };
    let how = Ident::new(how, Span::mixed_site());
    let here = Span::mixed_site().located_at(at);
    let text = quote_spanned!(here=> &__obs_text);
    let check = call(krate, check, at, &text);
    let layer = if let Some(level) = level {
        let level = site::level(krate, level);
        quote!(on_return_at(__obs_inner, __obs_text.#how(), #level))
    } else {
        quote!(on_return(__obs_inner, __obs_text.#how()))
    };
    quote!({
        let __obs_inner = #kind;
        let __obs_text = #krate::private::probe_success(&__obs_inner, __obs_probe);
        #check;
        #krate::private::#layer
    })
}

/// `__obs_flow`, how the stream comes that `__obs_outer` probes, and `__obs_probe` of its items.
pub(super) fn flow(plan: &Plan, function: &Function) -> TokenStream {
    let krate = &plan.site.krate;
    let at = match &function.sig.output {
        ReturnType::Type(_, ty) => ty.span(),
        ReturnType::Default => function.sig.ident.span(),
    };
    let at = Span::mixed_site().located_at(at);
    let root = crate_path::at(krate, at);
    let check = (plan.follow == Follow::Asked)
        .then(|| quote_spanned!(at=> #root::private::check_stream(&__obs_flow);));
    // The item's type is no expectation of the body: it is compared afterwards.
    let items = if let Some(item) = returned_stream::items(function, &plan.shape) {
        let at = Span::mixed_site().located_at(item.span());
        let root = crate_path::at(krate, at);
        quote_spanned!(at=> #root::private::probe_items_of::<#item, _>(&__obs_flow))
    } else {
        quote!(#krate::private::probe_when(&__obs_flow))
    };
    // What is named as a box and is none of those that can be made anew stays as it is.
    let (stream, flow) = match plan.follow {
        Follow::Boxed => (quote!(__obs_stream), quote!(__obs_boxed_flow)),
        Follow::Direct => (quote!(__obs_opaque_stream), quote!(__obs_flow)),
        _ => (quote!(__obs_stream), quote!(__obs_flow)),
    };
    quote! {
        let __obs_flow = __obs_outer.#stream().#flow();
        #check
        let __obs_probe = #items;
    }
}

fn err_level(plan: &Plan, kind: &TokenStream, level: &LevelArg) -> TokenStream {
    let krate = &plan.site.krate;
    let level = site::level(krate, level);
    quote!(#krate::private::err_level(#kind, #level))
}

fn expression(plan: &Plan) -> TokenStream {
    let krate = &plan.site.krate;
    let probe = quote!(__obs_probe);
    // Of a stream in a `Result`, the error that is meant may be that of the `Result`.
    let strict = !plan.follow.items() || plan.follow == Follow::Direct;
    let base = base(plan, &probe, strict);
    let observed = plan
        .observers
        .iter()
        .fold(base, |kind, observer| match observer {
            Observer::Return(render, level, at) => {
                on_return(plan, &kind, *render, level.as_ref(), *at)
            }
            Observer::Expected(pattern) => {
                let is_expected = quote! {
                    |__obs_ret| ::core::matches!(__obs_ret, ::core::result::Result::Err(#pattern))
                };
                let arguments = quote!(#kind, #probe, #is_expected);
                call(krate, "expected", pattern.span(), &arguments)
            }
            Observer::Level(level, _) => err_level(plan, &kind, level),
            Observer::OkIf(closure) => {
                let arguments = quote!(#kind, #probe, #closure);
                call(krate, "ok_if", closure.span(), &arguments)
            }
            Observer::ErrorIf(closure) => {
                let arguments = quote!(#kind, #probe, #closure);
                call(krate, "error_if", closure.span(), &arguments)
            }
        });
    let ended = match conventions::end(plan, &probe) {
        Some(end) => measured(plan, &end, &quote!(#observed, #probe, __obs_slot)),
        None => observed,
    };
    lasting::kind(plan, ended)
}

/// `private::name(arguments)`, whose errors are reported at the user's token.
fn call(krate: &TokenStream, name: &str, at: Span, arguments: &TokenStream) -> TokenStream {
    let at = Span::mixed_site().located_at(at);
    let function = crate_path::function(krate, name, at);
    quote_spanned!(at=> #function(#arguments))
}
