//! A task: the traced function, and beside it what the pipeline knows of it.
//!
//! The braced `struct` has the function's name: it lives in the namespace of types, so a `use` of the function
//! brings both, and `depends_on(path)` reaches the struct by the function's path.

use core::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{Ident, Path, ReturnType};

use super::{function, site};
use crate::ast::{Function, Item};
use crate::attr::DurationArg;
use crate::crate_path;
use crate::errors::Errors;
use crate::hygiene::quote;
use crate::shape;
use crate::valid::Plan;
use crate::valid::pipeline_task::{Param, Task, cfgs, check_output};

/// The annotated function, expanded.
pub(crate) fn expand(item: &Function, plan: &Plan, task: &Task) -> TokenStream {
    let traced = function(item, plan);
    let krate = &plan.site.krate;
    let glue = quote!(#krate::private::pipeline);
    let (vis, ident) = (&item.vis, &item.sig.ident);
    let cfgs = cfgs(item);
    let output = output(&item.sig.output, &glue);
    let meta = meta(item, plan, task, &glue);
    let run = run(item, task, &glue);
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

            static __OBS_ENTRY: #glue::Registered<#glue::TaskMeta> =
                #glue::Registered::new(&__OBS_TASK);
            #krate::private::submit! { #glue::register_task, &__OBS_ENTRY }
        };
    }
}

/// What dependants of a task with errors find: a task of no pipeline, so that its errors are the only ones.
pub(crate) fn stand_in(item: &Item) -> Option<TokenStream> {
    let Item::Function(item) = item else {
        return None;
    };
    let sig = &item.sig;
    let free = sig.generics.params.is_empty() && sig.receiver().is_none();
    let mut errors = Errors::default();
    check_output(&sig.output, &mut errors);
    if !cfg!(feature = "pipeline") || !free || !errors.is_empty() {
        return None;
    }
    let krate = crate_path::resolve(None);
    let glue = quote!(#krate::private::pipeline);
    let (vis, ident) = (&item.vis, &sig.ident);
    let (cfgs, output) = (cfgs(item), output(&sig.output, &glue));
    Some(quote! {
        #(#cfgs)*
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #ident {}

        #(#cfgs)*
        const _: () = {
            static __OBS_TASK: #glue::TaskMeta = #glue::TaskMeta {
                pipeline: "",
                name: "",
                path: "",
                file: "",
                line: 0,
                dependencies: &[],
                policy: #glue::TaskPolicy::DEFAULT,
                requires: &[],
                run: |_| loop {},
            };
            impl #glue::PipelineTask for #ident {
                type Output = #output;
            }
            #[allow(dead_code)]
            impl #ident {
                pub const fn __obs_task() -> &'static #glue::TaskMeta {
                    &__OBS_TASK
                }
            }
        };
    })
}

/// What dependants get: of a type named `Result`, the `Ok` type.
fn output(output: &ReturnType, glue: &TokenStream) -> TokenStream {
    match output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) if shape::is_named_result(ty) => {
            let span = located(ty);
            quote_spanned!(span=> <#ty as #glue::ResultType>::Ok)
        }
        ReturnType::Type(_, ty) => quote!(#ty),
    }
}

fn dependency_output(path: &Path, glue: &TokenStream) -> TokenStream {
    quote!(<#path as #glue::PipelineTask>::Output)
}

fn meta(item: &Function, plan: &Plan, task: &Task, glue: &TokenStream) -> TokenStream {
    let pipeline = &task.pipeline;
    let ident = item.sig.ident.unraw().to_string();
    let name = plan.site.name.clone().unwrap_or_else(|| quote!(#ident));
    let line = site::line_of(item.sig.ident.span());
    let dependencies = dependencies(task, glue);
    let policy = policy(task, glue);
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
            requires: &[#(#requires),*],
            run: __obs_run,
        }
    }
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
            for (index, param) in task.params.iter().enumerate() {
                match param {
                    Param::Shared { position, .. } if *position == at => {
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

/// The static of the task at this path.
pub(super) fn task_of(path: &Path) -> TokenStream {
    let span = located(path);
    quote_spanned!(span=> <#path>::__obs_task())
}

fn source_name(at: usize) -> Ident {
    Ident::new(&format!("__OBS_SOURCE{at}"), Span::mixed_site())
}

/// `const __OBS_SOURCE0: … = …;`: the one place where the parameter's type is judged, so that a wrong one is
/// one error, at the type.
fn source(at: usize, param: &Param, task: &Task, glue: &TokenStream) -> Option<TokenStream> {
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
        Param::Shared { .. } | Param::Lent { .. } => None,
    }
}

/// Generated code that is reported where the user's tokens are.
fn located(tokens: &impl syn::spanned::Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

/// The same tokens, reported elsewhere: an error over several tokens is shown where all of them are.
pub(super) fn at(tokens: &TokenStream, span: Span) -> TokenStream {
    let tokens = tokens.clone().into_iter();
    tokens
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}

fn policy(task: &Task, glue: &TokenStream) -> TokenStream {
    let retry = &task.retry;
    let retries = retries(task);
    let backoff = retry.backoff.map(|variant| {
        let variant = format_ident!("{}", variant, span = Span::mixed_site());
        quote!(.backoff(#glue::Backoff::#variant))
    });
    let delay = retry.delay.as_ref().map(|value| {
        let value = duration(value, glue);
        quote!(.delay(#value))
    });
    let max_delay = retry.max_delay.as_ref().map(|value| {
        let value = duration(value, glue);
        quote!(.max_delay(#value))
    });
    let jitter = retry.jitter.as_ref().map(|value| quote!(.jitter(#value)));
    let timeout = optional(task.timeout.as_ref().map(|value| duration(value, glue)));
    let concurrency = optional(
        task.concurrency
            .as_ref()
            .map(|name| quote!(#glue::Cow::Borrowed(#name))),
    );
    quote! {
        #glue::TaskPolicy {
            retry: #glue::RetryPolicy::new(#retries) #backoff #delay #max_delay #jitter,
            timeout: #timeout,
            concurrency: #concurrency,
        }
    }
}

fn retries(task: &Task) -> TokenStream {
    let given = task.retry.retries.as_ref();
    given.map_or_else(|| quote!(0), |retries| quote!(#retries))
}

pub(super) fn optional(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

fn duration(value: &DurationArg, glue: &TokenStream) -> TokenStream {
    match value {
        DurationArg::Known(value) => {
            let (seconds, nanos): (u64, u32) = (Duration::as_secs(value), value.subsec_nanos());
            quote!(#glue::Duration::new(#seconds, #nanos))
        }
        DurationArg::Expr(value) => quote!(#value),
    }
}

/// A variable of generated code: hygienic, whatever span the tokens around it have.
fn variable(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// `fn __obs_run(context) -> Attempt`: fetches the parameters, calls, and judges the value.
fn run(item: &Function, task: &Task, glue: &TokenStream) -> TokenStream {
    let ident = &item.sig.ident;
    let (context, value) = (variable("__context"), variable("__value"));
    let (lets, args): (Vec<_>, Vec<_>) = task
        .params
        .iter()
        .enumerate()
        .map(|(at, param)| argument(at, param, task, glue))
        .unzip();
    let is_async = item.sig.asyncness.is_some();
    let wait = is_async.then(|| quote!(.await));
    let judge = judge(task, glue);
    let settle = settle(item, task, glue);
    let body = quote! {
        let #context = &#context;
        #(#lets)*
        let #value = #ident(#(#args),*) #wait;
        #judge
        #settle
    };
    // A future that is not `Send` is reported at the function's name.
    let span = located(ident);
    let here = at(glue, span);
    let attempt = if is_async {
        quote_spanned!(span=> #here::attempt(async move { #body }))
    } else {
        quote_spanned!(span=> #here::attempt(#here::blocking(move || { #body })))
    };
    // `records = |rows| rows.len()` is what one writes, though `Vec::len` is shorter.
    let allow = task
        .records
        .as_ref()
        .map(|_| quote!(#[allow(clippy::redundant_closure_for_method_calls)]));
    quote! {
        #allow
        fn __obs_run(#context: #glue::TaskContext) -> #glue::Attempt {
            #attempt
        }
    }
}

/// The statement that fetches a parameter's value, and the variable that holds it. What does not
/// fit is reported at the parameter's type.
fn argument(at: usize, param: &Param, task: &Task, glue: &TokenStream) -> (TokenStream, Ident) {
    let (Param::Shared { ty, .. }
    | Param::Output { ty, .. }
    | Param::Lent { ty }
    | Param::Value { ty }) = param;
    let span = located(ty);
    let value = Ident::new(&format!("__value{at}"), span);
    let context = variable("__context");
    let source = source_name(at);
    let fetch = match param {
        Param::Shared { position, .. } => {
            let output = dependency_output(&task.dependencies[*position].path, glue);
            // `&Vec<T>` becomes `&[T]`, `&String` becomes `&str`: the call coerces the variable.
            quote! {
                let #value = #glue::shared::<#output>(#context, #position)?;
                let #value = #glue::lend(&#value);
            }
        }
        Param::Output { position, .. } => {
            quote!(let #value = #source.take(#context, #position)?;)
        }
        Param::Lent { .. } => quote_spanned!(span=> let #value = #glue::lent::<#ty>(#context);),
        Param::Value { .. } => quote!(let #value = (#source.get)(#context)?;),
    };
    (fetch, value)
}

/// A value that `ok_if` or `error_if` calls an error fails the task as it fails the span.
fn judge(task: &Task, glue: &TokenStream) -> Option<TokenStream> {
    let (closure, fails) = task.judge.as_ref()?;
    let value = variable("__value");
    let span = located(closure);
    let here = at(glue, span);
    let argument = if *fails { "error_if" } else { "ok_if" };
    Some(quote_spanned! {span=>
        if #here::says(&#value, #closure) == #fails {
            return ::core::result::Result::Err(#here::refused(#argument));
        }
    })
}

fn settle(item: &Function, task: &Task, glue: &TokenStream) -> TokenStream {
    let [value, how, failure, returned_value, output] =
        ["__value", "__how", "__failure", "__returned", "__output"].map(variable);
    let ident = &item.sig.ident;
    let count = task.records.as_ref().map_or_else(
        || quote!(#glue::no_records),
        |count| {
            let span = located(count);
            let here = at(glue, span);
            quote_spanned!(span=> |#output| #here::records(#output, #count))
        },
    );
    let returned = match &item.sig.output {
        ReturnType::Type(_, ty) => Some(ty),
        ReturnType::Default => None,
    };
    if returned.is_some_and(|ty| shape::is_named_result(ty)) {
        quote! {
            let #how = #glue::described(#glue::error_of(&#value)).how();
            #glue::settle::<#ident, _>(#value, #how, #count)
        }
    } else {
        // An alias of `Result` under another name still fails the task.
        quote! {
            let #failure = {
                let #returned_value = #glue::returned(&#value);
                let #how = #glue::described(#returned_value.error()).how();
                #returned_value.failure(#how)
            };
            #glue::settle_value::<#ident>(#failure, #value, #count)
        }
    }
}

/// What the compiler evaluates: cycles, and outputs that a repeated task takes away.
fn checks(task: &Task, glue: &TokenStream) -> TokenStream {
    let retries = retries(task);
    let moves = task.params.iter().enumerate().filter_map(|(index, param)| match param {
        Param::Output { ty, .. } => {
            let source = source_name(index);
            let span = located(ty);
            let here = at(glue, span);
            Some(quote_spanned!(span=> const _: () = #here::check_moves(#source.moves, #retries);))
        }
        _ => None,
    });
    let dependencies = task.dependencies.iter().enumerate();
    let dependencies = dependencies.map(|(position, dependency)| {
        let span = located(&dependency.path);
        let here = at(glue, span);
        quote_spanned!(span=> const _: () = #here::check(&__OBS_TASK, #position);)
    });
    quote!(#(#dependencies)* #(#moves)*)
}
