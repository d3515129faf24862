//! Where an agent that has done enough is told so: before the body of a model call or a tool call, and
//! around the body of an agent with limits.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, ReturnType, Type};

use super::name::text;
use super::{duration, types};
use crate::attr::agents::Limit;
use crate::attr::duration::DurationArg;
use crate::crate_path;
use crate::hygiene::quote;
use crate::plan::{Measurement, Plan, ToldBy};
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
        let count = quote_spanned!(here=> #krate::private::IntoCount::into_count(#value));
        tokens = quote!(#tokens.#method(#count));
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

/// Asks whether the call may begin, before the measurement does, and returns a value that says why not;
/// `waits` says that it stands in a future. `output` is the type of the value, where that is known.
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

/// An expression for the value that the call gives if it may not begin.
pub(super) fn admitted(
    plan: &Plan,
    output: Option<&ReturnType>,
    waits: bool,
) -> Option<TokenStream> {
    let krate = &plan.site.krate;
    let step = step(plan)?;
    let ty = match output {
        Some(ReturnType::Type(_, ty)) => Some(shape::plain(ty)),
        _ => None,
    };
    if shape::is_never(ty) {
        return None;
    }
    let answer = match output {
        Some(output) if !matches!(ty, Some(Type::ImplTrait(_))) => {
            let returned = types::returned(output);
            quote!({
                let __obs_type = #krate::private::probe_type::<#returned>();
                #krate::private::on_stop(__obs_type, __obs_type.__obs_stop())
            })
        }
        _ => quote!(#krate::private::goes_on()),
    };
    let asked = if waits {
        quote!(#krate::private::admit(#step, __obs_answer.says()).await)
    } else {
        quote!(#krate::private::admit_now(#step, __obs_answer.says()))
    };
    Some(quote!({
        let __obs_answer = #answer;
        match #asked {
            ::core::option::Option::Some(__obs_stopped) => __obs_answer.value(__obs_stopped),
            ::core::option::Option::None => ::core::option::Option::None,
        }
    }))
}

/// What wants to begin.
fn step(plan: &Plan) -> Option<TokenStream> {
    let krate = &plan.site.krate;
    Some(match plan.measurement.as_ref()? {
        Measurement::LlmCall { .. } => quote!(#krate::private::model_step()),
        Measurement::Tool { name, told_by, .. } => {
            let name = text(name);
            let told = match told_by {
                None => quote!(__obs_prints.repeats();),
                Some(told) => prints(told, krate),
            };
            quote!(#krate::private::tool_step(#name, |__obs_prints| { #told }))
        }
        Measurement::Agent { .. } | Measurement::VectorOp { .. } => return None,
    })
}

/// What tells a call of a tool from another.
fn prints(told: &ToldBy, krate: &TokenStream) -> TokenStream {
    let names = told.parameters.iter();
    let arguments = quote! {
        #(__obs_prints.add(#krate::private::probe(&#names).__obs_print(), &#names);)*
    };
    let receiver = told.receiver.as_ref().map(|receiver| {
        let is_alone = told.parameters.is_empty();
        quote! {
            __obs_prints.receiver(
                #krate::private::probe(&#receiver).__obs_print(),
                &#receiver,
                #is_alone,
            );
        }
    });
    quote!(#receiver #arguments)
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
    let mentions_some = output
        .to_token_stream()
        .into_iter()
        .any(|token| matches!(token, proc_macro2::TokenTree::Ident(word) if word == "impl"));
    if mentions_some {
        // The body's own errors say it.
        return None;
    }
    let returned = types::returned(output);
    let krate = &plan.site.krate;
    Some(quote_spanned!(here=> #stops(#krate::private::probe_type::<#returned>());))
}
