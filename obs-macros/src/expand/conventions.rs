//! What the macros of conventions add to a function: the measurement beside its span.
//!
//! A measurement is begun inside the span, and the value, a panic or a drop ends it. A new macro of
//! this kind adds an arm to [`begin`] and one to [`end`].

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::Expr;
use syn::spanned::Spanned as _;

use super::name::text;
use super::{duration, stop};
use crate::attr::conventions::Asked;
use crate::attr::expr::plain;
use crate::crate_path;
use crate::hygiene::quote;
use crate::plan::{Chunks, Measurement, Plan};

/// How a measurement ends: the call that makes the `Judge` that ends it.
pub(super) struct End {
    /// The function of `private`.
    pub(super) function: &'static str,
    /// Its arguments behind the judge, the probe and the slot.
    pub(super) closures: Vec<TokenStream>,
    /// What is put around the judge.
    pub(super) layers: Vec<Layer>,
}

/// A call that takes a judge and gives another.
pub(super) struct Layer {
    /// The function of `private`.
    pub(super) function: &'static str,
    /// Its arguments behind the judge.
    pub(super) arguments: TokenStream,
    /// Where the user asked for it.
    pub(super) at: Span,
}

/// The statements that evaluate the texts which are no literals.
pub(super) fn bind_texts(plan: &Plan) -> TokenStream {
    let krate = &plan.site.krate;
    let texts = plan.measurement.iter().flat_map(Measurement::texts);
    let binds = texts.filter(|text| text.literal().is_none()).map(|text| {
        let value = &text.value;
        let variable = Ident::new(text.variable, Span::mixed_site());
        let here = Span::mixed_site().located_at(value.span());
        quote_spanned!(here=> let #variable = #krate::private::text(&(#value));)
    });
    binds.collect()
}

/// An expression that begins the measurement.
pub(super) fn begin(plan: &Plan) -> Option<TokenStream> {
    let krate = &plan.site.krate;
    let begin = match plan.measurement.as_ref()? {
        Measurement::LlmCall {
            provider,
            operation,
            model,
            asked,
            ..
        } => {
            let (provider, operation, model) = (text(provider), text(operation), text(model));
            let begin = quote!(#krate::private::llm_begin(#provider, #operation, #model));
            match request(asked, krate) {
                Some(request) => quote!(#krate::private::llm_asks(#begin, #request)),
                None => begin,
            }
        }
        Measurement::VectorOp {
            system,
            operation,
            collection,
            count,
            dimensions,
        } => {
            let (system, operation) = (text(system), text(operation));
            let collection = collection.as_ref().map_or_else(|| quote!(""), text);
            let count = now(count.as_ref(), krate);
            let dimensions = now(dimensions.as_ref(), krate);
            quote! {
                #krate::private::vector_start(
                    #krate::private::vector_begin(#system, #operation, #collection),
                    #count,
                    #dimensions,
                )
            }
        }
        Measurement::Agent {
            name,
            limits,
            timeout,
            only_flags,
            ..
        } => {
            let name = text(name);
            let limits = stop::limits(limits, timeout.as_ref(), *only_flags, krate);
            quote!(#krate::private::agent_begin(#name, #limits))
        }
        Measurement::Tool { name, id, .. } => {
            let name = text(name);
            let begin = quote!(#krate::private::tool_begin(#name));
            match id {
                Some(id) => {
                    // Errors about its type are reported where it stands.
                    let here = Span::mixed_site().located_at(id.span());
                    let function = crate_path::function(krate, "tool_id", here);
                    quote_spanned!(here=> #function(#begin, &(#id)))
                }
                None => begin,
            }
        }
    };
    Some(if plan.follow.items() {
        quote!(#krate::private::streaming(#begin))
    } else {
        begin
    })
}

/// An expression for what the call asks of the provider, if anything is said of it.
fn request(asked: &[(Asked, Expr)], krate: &TokenStream) -> Option<TokenStream> {
    if asked.is_empty() {
        return None;
    }
    let start = quote!(#krate::private::asks_nothing());
    Some(asked.iter().fold(start, |request, (asked, value)| {
        let function = match asked {
            Asked::Request => "asks_request",
            Asked::Server => "asks_server",
            Asked::MaxTokens => "asks_max_tokens",
            Asked::Temperature => "asks_temperature",
            Asked::Tier => "asks_tier",
            Asked::Prompt => "asks_prompt",
            Asked::PromptVersion => "asks_prompt_version",
        };
        // Errors about a value's type are reported at the value.
        let here = Span::mixed_site().located_at(value.span());
        let function = crate_path::function(krate, function, here);
        match asked {
            // Numbers and whole requests are given away; what is text belongs to the caller.
            Asked::Request | Asked::MaxTokens | Asked::Temperature => {
                quote_spanned!(here=> #function(#request, #value))
            }
            _ => quote_spanned!(here=> #function(#request, &(#value))),
        }
    }))
}

/// What is needed to look at the value that is to give a stream, too: the other side of the slot, and the limit of both.
pub(super) fn bind_outer(plan: &Plan) -> Option<TokenStream> {
    let Measurement::LlmCall { chunks, .. } = plan.measurement.as_ref()? else {
        return None;
    };
    if !plan.follow.items() {
        return None;
    }
    let krate = &plan.site.krate;
    let limit = chunks.stall.as_ref().map(|stall| {
        let limit = duration::tokens(&stall.value);
        let at = Span::mixed_site().located_at(stall.at);
        quote_spanned!(at=> let __obs_limit: ::core::time::Duration = #limit;)
    });
    Some(quote! {
        let __obs_outer_slot = #krate::private::Slot::handle(&__obs_slot);
        #limit
    })
}

/// What looks at the value that is to give a stream: an error in its place, and how long it is waited for.
pub(super) fn outer(plan: &Plan) -> Option<End> {
    let krate = &plan.site.krate;
    let Measurement::LlmCall {
        refused, chunks, ..
    } = plan.measurement.as_ref()?
    else {
        return None;
    };
    let (refused, probe) = (refused.as_ref(), quote!(__obs_outer));
    let refused = self::refused(refused, krate, &probe, Some("refused_outer"));
    Some(End {
        function: "llm_judge",
        closures: vec![usage(None, krate), refused],
        layers: stall(chunks, &quote!(__obs_outer)).into_iter().collect(),
    })
}

/// How the measurement ends.
pub(super) fn end(plan: &Plan, probe: &TokenStream) -> Option<End> {
    let krate = &plan.site.krate;
    Some(match plan.measurement.as_ref()? {
        Measurement::LlmCall {
            usage,
            refused,
            chunks,
            ..
        } => End {
            function: "llm_judge",
            closures: vec![
                self::usage(usage.as_ref(), krate),
                self::refused(
                    refused.as_ref(),
                    krate,
                    probe,
                    plan.follow.items().then_some("refused_item"),
                ),
            ],
            layers: self::chunks(chunks).collect(),
        },
        Measurement::VectorOp {
            count, dimensions, ..
        } => End {
            function: "vector_judge",
            closures: vec![later(count.as_ref()), later(dimensions.as_ref())],
            layers: Vec::new(),
        },
        Measurement::Agent { .. } | Measurement::Tool { .. } => End {
            function: "ends",
            closures: Vec::new(),
            layers: Vec::new(),
        },
    })
}

/// A closure over the `Ok` value that gives what it says of the answer.
fn usage(usage: Option<&Expr>, krate: &TokenStream) -> TokenStream {
    let Some(closure) = usage else {
        return quote!(|_| #krate::private::LlmResponse::default());
    };
    // A closure that is called where it stands may return what it is given: an answer of a client is a usage itself.
    let at = Span::mixed_site().located_at(closure.span());
    let answer = crate_path::function(krate, "answer_of", at);
    quote_spanned!(at=> |__obs_value| #answer(__obs_value, #closure))
}

/// What looks at the chunks of a stream.
fn chunks(chunks: &Chunks) -> impl Iterator<Item = Layer> {
    let token = chunks.token.as_ref().map(|closure| Layer {
        function: "llm_token",
        arguments: quote!(__obs_probe, #closure),
        at: closure.span(),
    });
    token.into_iter().chain(stall(chunks, &quote!(__obs_probe)))
}

/// What ends a wait that is too long, for a value of the type that the variable probes.
fn stall(chunks: &Chunks, probe: &TokenStream) -> Option<Layer> {
    let stall = chunks.stall.as_ref()?;
    Some(Layer {
        function: "llm_stall",
        arguments: quote!(#probe.__obs_stall(), __obs_limit),
        at: stall.at,
    })
}

/// As [`refused`], of the value that is to give a stream, or of the items of the stream.
fn refused_of_stream(function: &str, closure: &Expr, krate: &TokenStream) -> TokenStream {
    let at = Span::mixed_site().located_at(closure.span());
    // It is said once.
    let check = (function == "refused_item").then(|| {
        let check = crate_path::function(krate, "check_refused", at);
        quote_spanned!(at=> #check(&__obs_both.__obs_sees());)
    });
    let function = crate_path::function(krate, function, at);
    let refusal = crate_path::function(krate, "refusal", at);
    quote_spanned! {at=> {
        let __obs_both = #krate::private::probe_both(__obs_outer, __obs_probe);
        #check
        #function(__obs_both.__obs_sees(), __obs_both, |__obs_error| #refusal(__obs_error, #closure))
    }}
}

/// A closure over the returned value that says whether it is an error that proves a refusal; of a stream, the function
/// that makes it of the user's.
fn refused(
    refused: Option<&Expr>,
    krate: &TokenStream,
    probe: &TokenStream,
    of_stream: Option<&str>,
) -> TokenStream {
    let Some(closure) = refused else {
        // What the error itself says, if its type says anything.
        return quote!(#probe.__obs_failure());
    };
    if let Some(function) = of_stream {
        return refused_of_stream(function, closure, krate);
    }
    // The function tells the closure its parameter's type.
    let at = Span::mixed_site().located_at(closure.span());
    let refusal = crate_path::function(krate, "refusal", at);
    quote_spanned! {at=>
        |__obs_value| match __obs_value {
            ::core::result::Result::Err(__obs_error) => #refusal(__obs_error, #closure),
            ::core::result::Result::Ok(_) => false,
        }
    }
}

/// Where errors about the closures of a measurement are reported.
pub(super) fn place(measurement: &Measurement) -> Span {
    match measurement {
        Measurement::LlmCall {
            usage: Some(closure),
            ..
        } => closure.span(),
        _ => Span::mixed_site(),
    }
}

/// A number that is evaluated before the call.
fn now(number: Option<&Expr>, krate: &TokenStream) -> TokenStream {
    match number {
        Some(value) if !is_closure(value) => {
            let span = Span::mixed_site().located_at(value.span());
            quote_spanned!(span=> #krate::private::IntoCount::into_count(#value))
        }
        _ => quote!(::core::option::Option::None::<usize>),
    }
}

/// A closure that gives a number of the `Ok` value.
fn later(number: Option<&Expr>) -> TokenStream {
    match number {
        Some(value) if is_closure(value) => quote!(#value),
        _ => quote!(|_| ::core::option::Option::None::<usize>),
    }
}

fn is_closure(value: &Expr) -> bool {
    matches!(plain(value), Expr::Closure(_))
}
