//! `TaskMeta`: what the pipeline knows of a task before it runs.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ReturnType;
use syn::ext::IdentExt as _;

use super::names::source_name;
use crate::attr::pipeline_task::Jitter;
use crate::expand::pieces::{located, optional, task_of};
use crate::expand::{duration, name, site};
use crate::hygiene::quote;
use crate::plan::Annotated;
use crate::shape;
use crate::valid::pipeline_task::Task;
use crate::valid::pipeline_task::params::Param;

/// A constant of the type `TaskMeta`.
pub(super) fn meta(task: &Task, glue: &TokenStream) -> TokenStream {
    let Annotated {
        function: item,
        plan,
    } = &task.annotated;
    let pipeline = &task.pipeline;
    let ident = item.sig.ident.unraw().to_string();
    let name = name::constant(&plan.site.name).unwrap_or_else(|| quote!(#ident));
    let line = site::line_of(item.sig.ident.span());
    let dependencies = dependencies(task, glue);
    let policy = policy(task, glue);
    let about = super::about::about(task, glue);
    let map = optional(super::map::mapping(task, glue));
    let error_types = error_types(task, glue);
    let requires = task.params.iter().enumerate().filter_map(|(at, param)| {
        let source = source_name(at);
        matches!(param, Param::Value { .. }).then(|| quote!(#source.requirement))
    });
    quote! {
        #glue::TaskMeta {
            pipeline: #pipeline,
            name: #name,
            path: ::core::concat!(::core::module_path!(), "::", #ident),
            file: ::core::file!(),
            line: #line,
            dependencies: &[#(#dependencies),*],
            policy: #policy,
            about: #about,
            map: #map,
            error_types: &[#(#error_types),*],
            requires: &[#(#requires),*],
            run: __obs_run,
        }
    }
}

/// The types of the errors with which the function can fail, as its signature and arguments tell them.
fn error_types(task: &Task, glue: &TokenStream) -> Vec<TokenStream> {
    let mut types = Vec::new();
    if let ReturnType::Type(_, ty) = &task.annotated.function.sig.output
        && shape::is_named_result(ty)
    {
        let span = located(ty);
        types.push(quote_spanned!(span=> #glue::error_type::<#ty>));
    }
    if let Some((_, fails)) = &task.judge {
        let argument = if *fails { "error_if" } else { "ok_if" };
        types.push(quote!(|| #argument));
    }
    types
}

fn dependencies<'a>(
    task: &'a Task,
    glue: &'a TokenStream,
) -> impl Iterator<Item = TokenStream> + 'a {
    task.dependencies
        .iter()
        .enumerate()
        .map(move |(at, dependency)| {
            let mut usage = quote!(#glue::Use::Order);
            let mut looked_at = task.when.iter().flat_map(|when| &when.params);
            if looked_at.any(|param| param.position == at) {
                usage = quote!(#glue::Use::Read);
            }
            for (index, param) in task.params.iter().enumerate() {
                match param {
                    Param::Shared { position, .. } | Param::Item { position, .. }
                        if *position == at =>
                    {
                        usage = quote!(#glue::Use::Read);
                    }
                    Param::Output { position, .. } if *position == at => {
                        let source = source_name(index);
                        usage = quote!(#source.usage());
                    }
                    _ => {}
                }
            }
            let task = task_of(&dependency.path);
            quote!(#glue::Dependency { task: #task, usage: #usage })
        })
}

fn policy(task: &Task, glue: &TokenStream) -> TokenStream {
    let retry = &task.retry;
    let retries = retries(task);
    let backoff = retry.backoff.as_ref().map(|variant| {
        let variant = format_ident!("{}", variant.value, span = Span::mixed_site());
        quote!(.backoff(#glue::Backoff::#variant))
    });
    let delay = retry.delay.as_ref().map(|value| {
        let value = duration::tokens(&value.value);
        quote!(.delay(#value))
    });
    let max_delay = retry.max_delay.as_ref().map(|value| {
        let value = duration::tokens(&value.value);
        quote!(.max_delay(#value))
    });
    let jitter = retry.jitter.as_ref().map(|jitter| {
        let value = part(&jitter.value);
        quote!(.jitter(#value))
    });
    let max_elapsed = retry.max_elapsed.as_ref().map(|value| {
        let value = duration::tokens(&value.value);
        quote!(.max_elapsed(#value))
    });
    let retry_after = retry.retry_after.is_some();
    let [timeout, deadline, queue_timeout] = task
        .times
        .each_ref()
        .map(|time| optional(time.as_ref().map(duration::tokens)));
    let run_if = Ident::new(task.run_if.unwrap_or("Success"), Span::mixed_site());
    let concurrency = optional(
        task.concurrency
            .as_ref()
            .map(|name| quote!(#glue::Cow::Borrowed(#name))),
    );
    quote! {
        #glue::TaskPolicy {
            retry: #glue::RetryPolicy::new(#retries) #backoff #delay #max_delay #jitter #max_elapsed,
            retry_after: #retry_after,
            times: #glue::Times {
                timeout: #timeout,
                deadline: #deadline,
                queue_timeout: #queue_timeout,
            },
            run_if: #glue::RunIf::#run_if,
            concurrency: #concurrency,
        }
    }
}

/// How often the task is repeated.
pub(super) fn retries(task: &Task) -> TokenStream {
    let given = task.retry.retries.as_ref();
    given.map_or_else(|| quote!(0), |retries| quote!(#retries))
}

/// By what part of itself each pause may be shortened.
fn part(jitter: &Jitter) -> TokenStream {
    match jitter {
        Jitter::Switch(true) => quote!(1.0),
        Jitter::Switch(false) => quote!(0.0),
        Jitter::Part(value) => quote!(#value),
    }
}
