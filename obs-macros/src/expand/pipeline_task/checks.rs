//! What the compiler checks of a task where it stands: the types of its parameters, cycles,
//! outputs that a repeated or mapped task takes away, and effects that nobody may repeat.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use super::meta::retries;
use super::names::{dependency_output, source_name};
use crate::expand::pieces::{at, located, task_of};
use crate::hygiene::quote;
use crate::valid::pipeline_task::Task;
use crate::valid::pipeline_task::params::Param;

/// `const __OBS_SOURCE0: … = …;`, which judges the type of a parameter. This is the only place
/// that does, so that a wrong type is one error, at the type.
pub(super) fn source(
    at: usize,
    param: &Param,
    task: &Task,
    glue: &TokenStream,
) -> Option<TokenStream> {
    let name = source_name(at);
    match param {
        Param::Output { position, ty } => {
            let output = dependency_output(&task.dependencies[*position].path, glue);
            let span = located(ty);
            let new = quote_spanned!(span=> new::<#ty, #output>());
            Some(quote!(const #name: #glue::Taken<#ty, #output> = #glue::Taken::#new;))
        }
        Param::Value { ty } => {
            let span = located(ty);
            let new = quote_spanned!(span=> new::<#ty>());
            Some(quote!(const #name: #glue::Given<#ty> = #glue::Given::#new;))
        }
        Param::Item { .. } | Param::Shared { .. } | Param::Lent { .. } => None,
    }
}

/// What the compiler evaluates: cycles, outputs that a repeated or mapped task takes away, and how
/// many items work at once.
pub(super) fn checks(task: &Task, glue: &TokenStream) -> TokenStream {
    let retries = retries(task);
    let moves = task
        .params
        .iter()
        .enumerate()
        .filter_map(|(index, param)| match param {
            Param::Output { ty, position } => {
                let source = source_name(index);
                let span = located(ty);
                let here = at(glue, span);
                let check = if task.map.is_some() {
                    quote_spanned!(span=> #here::check_shared(#source.moves))
                } else {
                    quote_spanned!(span=> #here::check_moves(#source.moves, #retries))
                };
                let path = &task.dependencies[*position].path;
                let dependency = task_of(path);
                let kept = quote_spanned!(span=> #here::check_kept(#source.moves, #dependency));
                Some(quote_spanned!(span=> const _: () = { #check; #kept };))
            }
            _ => None,
        });
    let dependencies = task.dependencies.iter().enumerate();
    let dependencies = dependencies.map(|(position, dependency)| {
        let span = located(&dependency.path);
        let here = at(glue, span);
        quote_spanned!(span=> const _: () = #here::check(&__OBS_TASK, #position);)
    });
    let once = once(task, glue);
    let parallel = task.map.as_ref().and_then(|map| map.map.parallel.as_ref());
    let parallel = parallel.map(|value| {
        let span = located(value);
        let here = at(glue, span);
        quote_spanned!(span=> const _: () = #here::check_parallel(#value);)
    });
    quote!(#(#dependencies)* #(#moves)* #once #parallel)
}

/// An effect that is to happen once is repeated only if its receiver can know it again.
fn once(task: &Task, glue: &TokenStream) -> Option<TokenStream> {
    let given = task
        .effects
        .as_ref()
        .filter(|given| given.value == "Once")?;
    task.retry.retries.as_ref()?;
    let retries = retries(task);
    let keys = task.params.iter().filter_map(|param| match param {
        Param::Lent { ty } => Some(quote!(|| <#ty as #glue::LentParam>::IS_KEY)),
        _ => None,
    });
    let span = Span::mixed_site().located_at(given.at);
    let here = at(glue, span);
    Some(quote_spanned!(span=> const _: () = #here::check_once(#retries, false #(#keys)*);))
}
