//! A handler: the traced function, and its entry in the registry.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Ident, ReturnType};

use super::pieces::{at, cfgs, optional, task_of};
use super::{duration, function, site};
use crate::ast::Function;
use crate::hygiene::quote;
use crate::plan::Annotated;
use crate::valid::handler::{Event, Handler};

/// The annotated function, expanded.
pub(crate) fn expand(handler: &Handler) -> TokenStream {
    let traced = function::expand(&handler.annotated);
    let Annotated {
        function: item,
        plan,
    } = &handler.annotated;
    let krate = &plan.site.krate;
    let glue = quote!(#krate::private::pipeline);
    let cfgs = cfgs(item);
    let event = Ident::new(event(handler.event), Span::mixed_site());
    let pipeline = optional(handler.pipeline.as_ref().map(|name| quote!(#name)));
    let task = optional(handler.task.as_ref().map(task_of));
    let name = item.sig.ident.unraw().to_string();
    let line = site::line_of(item.sig.ident.span());
    let deadline = handler.deadline.as_ref();
    let deadline = optional(deadline.map(duration::tokens));
    let blocks = item.sig.asyncness.is_none();
    let run = run(item, handler, &glue);
    quote! {
        #traced

        #(#cfgs)*
        const _: () = {
            static __OBS_HANDLER: #glue::HandlerMeta = #glue::HandlerMeta {
                event: #glue::HandlerEvent::#event,
                pipeline: #pipeline,
                task: #task,
                module: ::core::module_path!(),
                path: ::core::concat!(::core::module_path!(), "::", #name),
                line: #line,
                deadline: #deadline,
                blocks: #blocks,
                run: __obs_run,
            };

            #run

            #krate::private::submit! { #glue::HandlerEntry(&__OBS_HANDLER) }
        };
    }
}

/// The variant of `HandlerEvent`.
fn event(event: Event) -> &'static str {
    match event {
        Event::Failure => "Failure",
        Event::Complete => "Complete",
        Event::Cancel => "Cancel",
        Event::Late => "Late",
    }
}

/// `fn __obs_run`: how a run calls the handler.
fn run(item: &Function, handler: &Handler, glue: &TokenStream) -> TokenStream {
    let ident = &item.sig.ident;
    let values = (0..handler.params.len())
        .map(|at| format_ident!("__value{}", at, span = Span::mixed_site()))
        .collect::<Vec<_>>();
    let call = Ident::new("__call", Span::mixed_site());
    let lets = handler.params.iter().zip(&values).map(|(ty, value)| {
        let span = Span::mixed_site().located_at(ty.span());
        quote_spanned!(span=> let #value = #glue::handler_param::<#ty>(&#call)?;)
    });
    let wait = item.sig.asyncness.is_some().then(|| quote!(.await));
    let span = match &item.sig.output {
        ReturnType::Type(_, ty) => ty.span(),
        ReturnType::Default => ident.span(),
    };
    let span = Span::mixed_site().located_at(span);
    let here = at(glue, span);
    let ended = quote_spanned!(span=> #here::handled(#ident(#(#values),*) #wait));
    quote! {
        fn __obs_run(#call: #glue::HandlerCall<'_>) -> #glue::HandlerFuture<'_> {
            #glue::handler(async move {
                #(#lets)*
                #ended
            })
        }
    }
}
