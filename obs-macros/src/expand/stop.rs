//! Where an agent that has done enough is told so: before the body of a model call or a tool call, and
//! around the body of an agent with limits.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned as _;
use syn::{Expr, ReturnType, Type};

use super::name::text;
use super::{duration, types};
use crate::attr::agents::Limit;
use crate::attr::duration::DurationArg;
use crate::crate_path;
use crate::hygiene::quote;
use crate::plan::{Measurement, Plan};
use crate::shape;

/// `Limits::new().max_steps(…)…`
pub(super) fn limits(
    limits: &[(Limit, Expr)],
    timeout: Option<&DurationArg>,
    only_flags: bool,
    krate: &TokenStream,
) -> TokenStream {
    let mut tokens = quote!(#krate::private::Limits::new());
    for (limit, value) in limits {
        // Errors about its type are reported where it stands.
        let here = Span::mixed_site().located_at(value.span());
        let method = match limit {
            Limit::Steps => "max_steps",
            Limit::ToolCalls => "max_tool_calls",
            Limit::SameToolCall => "max_same_tool_call",
        };
        let method = Ident::new(method, here);
        tokens = quote_spanned!(here=> #tokens.#method(#value));
    }
    if let Some(timeout) = timeout {
        let timeout = duration::tokens(timeout);
        tokens = quote!(#tokens.timeout(#timeout));
    }
    if only_flags {
        tokens = quote!(#tokens.only_flags());
    }
    tokens
}

/// `if let Some(value) = admit(…) { return value; }`, before the measurement begins; `waits` says that
/// it stands in a future.
pub(super) fn admission(
    plan: &Plan,
    output: Option<&ReturnType>,
    waits: bool,
) -> Option<TokenStream> {
    let asked = admitted(plan, output, waits)?;
    Some(quote! {
        if let ::core::option::Option::Some(__obs_stopped) = #asked {
            return __obs_stopped;
        }
    })
}

/// An expression for the value that the call gives if it may not begin. `output` is its type, where
/// that is known.
pub(super) fn admitted(
    plan: &Plan,
    output: Option<&ReturnType>,
    waits: bool,
) -> Option<TokenStream> {
    let krate = &plan.site.krate;
    let step = match plan.measurement.as_ref()? {
        Measurement::LlmCall { .. } => quote!(#krate::private::model_step()),
        Measurement::Tool { name, told_by, .. } => {
            let name = text(name);
            let told = told_by.as_ref().map(|names| {
                let names = names.iter();
                quote! {
                    #(__obs_prints.add(#krate::private::probe(&#names).__obs_print(), &#names);)*
                }
            });
            let told = told.unwrap_or_else(|| quote!(__obs_prints.repeats();));
            quote!(#krate::private::tool_step(#name, |__obs_prints| { #told }))
        }
        Measurement::Agent { .. } | Measurement::VectorOp { .. } => return None,
    };
    let ty = match output {
        Some(ReturnType::Type(_, ty)) => Some(shape::plain(ty)),
        _ => None,
    };
    if shape::is_never(ty) {
        return None;
    }
    let how = match output {
        Some(output) if !matches!(ty, Some(Type::ImplTrait(_))) => {
            let returned = types::returned(output);
            quote!({
                let __obs_type = #krate::private::probe_type::<#returned>();
                #krate::private::on_stop(__obs_type, __obs_type.__obs_stop())
            })
        }
        _ => quote!(#krate::private::goes_on()),
    };
    Some(if waits {
        quote!(#krate::private::admit(#step, #how).await)
    } else {
        quote!(#krate::private::admit_now(#step, #how))
    })
}

/// What is put around the body of an agent with limits; `at` is where an error about its type is
/// reported.
pub(super) fn around(plan: &Plan, body: TokenStream, expect: Option<&TokenStream>) -> TokenStream {
    let Some(Measurement::Agent {
        stops: Some(at), ..
    }) = &plan.measurement
    else {
        return body;
    };
    let here = Span::mixed_site().located_at(*at);
    let until = crate_path::function(&plan.site.krate, "until_stopped", here);
    quote_spanned!(here=> #until(async move { #expect #body }).await)
}

/// The check that the value of a synchronous agent can say that it was stopped.
pub(super) fn check(plan: &Plan, output: &ReturnType) -> Option<TokenStream> {
    let Some(Measurement::Agent {
        stops: Some(at), ..
    }) = &plan.measurement
    else {
        return None;
    };
    let here = Span::mixed_site().located_at(*at);
    let stops = crate_path::function(&plan.site.krate, "stops", here);
    let returned = types::returned(output);
    let krate = &plan.site.krate;
    Some(quote_spanned!(here=> #stops(#krate::private::probe_type::<#returned>());))
}
