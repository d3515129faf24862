//! A task: the traced function, and beside it what the pipeline knows of it.
//!
//! The braced `struct` has the function's name: it lives in the namespace of types, so a `use` of
//! the function brings both, and `depends_on(path)` reaches the struct by the function's path.

mod about;
mod cache;
mod checks;
mod map;
mod meta;
mod names;
mod run;
pub(crate) mod stand_in;
mod version;

use proc_macro2::TokenStream;

use self::checks::{checks, source};
use self::meta::meta;
use self::names::output;
use self::run::run;
use super::function;
use super::pieces::cfgs;
use crate::hygiene::quote;
use crate::plan::Annotated;
use crate::valid::pipeline_task::Task;

/// The annotated function, expanded.
pub(crate) fn expand(task: &Task) -> TokenStream {
    let traced = function::expand(&task.annotated);
    let Annotated {
        function: item,
        plan,
    } = &task.annotated;
    let krate = &plan.site.krate;
    let glue = quote!(#krate::private::pipeline);
    let (vis, ident) = (&item.vis, &item.sig.ident);
    let cfgs = cfgs(item);
    let each = output(&item.sig.output, &glue);
    let output = match &task.map {
        None => quote!(#each),
        Some(mapped) if mapped.map.allow_failed.is_some() => quote!(#glue::Items<#each>),
        Some(_) => quote!(#glue::Vec<#each>),
    };
    let meta = meta(task, &glue);
    let run = run(task, &glue);
    let checks = checks(task, &glue);
    let sources = task.params.iter().enumerate();
    let sources = sources.filter_map(|(at, param)| source(at, param, task, &glue));
    // The static, the impls and the checks stay out of the user's scope.
    quote! {
        #traced

        #(#cfgs)*
        #[doc(hidden)]
        #[allow(
            non_camel_case_types,
            dead_code,
            unreachable_pub,
            missing_debug_implementations,
            missing_copy_implementations
        )]
        #vis struct #ident {}

        #(#cfgs)*
        const _: () = {
            static __OBS_TASK: #glue::TaskMeta = #meta;

            impl #glue::PipelineTask for #ident {
                type Each = #each;
                type Output = #output;
            }

            // No constant of the trait: two tasks that depend on each other would be a cycle for
            // the compiler, which reports it without a word about tasks.
            #[allow(dead_code)]
            impl #ident {
                #[doc(hidden)]
                pub const fn __obs_task() -> &'static #glue::TaskMeta {
                    &__OBS_TASK
                }
            }

            #(#sources)*
            #run
            #checks

            #krate::private::submit! { #glue::TaskEntry(&__OBS_TASK) }
        };
    }
}
