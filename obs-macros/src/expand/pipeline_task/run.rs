//! `fn __obs_run`: how a run calls the task.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Expr, ReturnType};

use super::names::{dependency_output, source_name};
use crate::ast::Function;
use crate::attr::list::Given;
use crate::expand::pieces::{self, at, located, variable};
use crate::hygiene::quote;
use crate::shape;
use crate::valid::pipeline_task::Task;
use crate::valid::pipeline_task::params::Param;

/// `fn __obs_run(context) -> Attempt`: fetches the parameters, calls, and judges the value.
pub(super) fn run(task: &Task, glue: &TokenStream) -> TokenStream {
    let item = &task.annotated.function;
    let ident = &item.sig.ident;
    let (context, value) = (variable("__context"), variable("__value"));
    let key_name = variable("__key");
    let (lets, args): (Vec<_>, Vec<_>) = task
        .params
        .iter()
        .enumerate()
        .map(|(at, param)| argument(at, param, task, glue))
        .unzip();
    let is_async = item.sig.asyncness.is_some();
    let wait = is_async.then(|| quote!(.await));
    let judge = judge(task, glue);
    let when = when(task, glue);
    let settle = settle(item, task, glue);
    let body = quote! {
        let #context = &#context;
        #when
        #(#lets)*
        let #value = #ident(#(#args),*) #wait;
        #judge
        #settle
    };
    // A future that is not `Send` is reported at the function's name.
    let span = located(ident);
    let here = at(glue, span);
    let attempt = if let Some(cached) = &task.cache {
        let key = super::cache::key(cached, task, glue);
        let body = quote! {
            #(#lets)*
            let #value = #ident(#(#args),*) #wait;
            #judge
            #settle
        };
        let call = if is_async {
            quote_spanned!(span=> || async { #body })
        } else {
            quote_spanned! {span=> || {
                let #context = ::core::clone::Clone::clone(#context);
                #here::blocking(move || {
                    let #context = &#context;
                    #body
                })
            }}
        };
        quote_spanned!(span=> #here::attempt(async move {
            let #context = &#context;
            #when
            #key
            #here::cached(&__OBS_TASK, #context, #key_name, #call).await
        }))
    } else if is_async {
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
    let (Param::Item { ty, .. }
    | Param::Shared { ty, .. }
    | Param::Output { ty, .. }
    | Param::Lent { ty }
    | Param::Value { ty }) = param;
    let span = located(ty);
    let value = Ident::new(&format!("__value{at}"), span);
    let context = variable("__context");
    let source = source_name(at);
    let fetch = match param {
        Param::Item { position, .. } => {
            let output = dependency_output(&task.dependencies[*position].path, glue);
            let (items, held) = (variable("__items"), variable("__held"));
            // An output without items is reported where the map names it, once.
            let source = task.map.as_ref().map(|mapped| &mapped.map.source);
            let there = source.map_or(span, located);
            let (here, list) = (pieces::at(glue, there), pieces::at(&output, there));
            let item = quote_spanned!(there=> #here::item::<#list>);
            quote! {
                let #items = #glue::shared::<#output>(#context, #position)?;
                let #held = #item(&#items, #context)?;
                let #value = &*#held;
            }
        }
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
        Param::Lent { .. } => {
            let lent = quote_spanned!(span=> let #value = #glue::lent::<#ty>(#context););
            quote!(#lent let #value = #value.get();)
        }
        Param::Value { .. } => quote!(let #value = (#source.get)(#context)?;),
    };
    (fetch, value)
}

/// Ends the attempt if `when` says that there is nothing to do. What it looks at is let go before
/// the function takes it.
fn when(task: &Task, glue: &TokenStream) -> Option<TokenStream> {
    let when = task.when.as_ref()?;
    let context = variable("__context");
    let holds = variable("__holds");
    let outputs = when.params.iter().enumerate().map(|(at, param)| {
        let output = dependency_output(&task.dependencies[param.position].path, glue);
        let value = Ident::new(&format!("__looked_at{at}"), Span::mixed_site());
        let (name, position) = (&param.name, param.position);
        // `&Vec<T>` becomes `&[T]` where the closure says so.
        let coerced = param.ty.as_ref().map(|ty| quote!(let #name: #ty = #name;));
        quote! {
            let #value = #glue::shared::<#output>(#context, #position)?;
            let #name = #glue::lend::<#output>(&#value);
            #coerced
        }
    });
    let body = &when.body;
    let span = located(body);
    let here = at(glue, span);
    let holds_here = quote_spanned!(span=> #here::holds(|| #body));
    Some(quote! {
        let #holds = {
            #(#outputs)*
            #holds_here
        };
        if !#holds {
            return ::core::result::Result::Err(#glue::Unmade::Declined);
        }
    })
}

/// What the error of the task says of repetition.
fn hint(task: &Task, glue: &TokenStream) -> TokenStream {
    let error = variable("__error");
    let closure = |given: &Option<Given<Expr>>, call: &str, otherwise: TokenStream| match given {
        Some(given) => {
            let closure = &given.value;
            let span = located(closure);
            let (here, call) = (at(glue, span), Ident::new(call, span));
            quote_spanned!(span=> #here::#call(#error, #closure))
        }
        None => otherwise,
    };
    let retry = &task.retry;
    if retry.retry_if.is_none() && retry.retry_after.is_none() {
        return quote!(#glue::no_hint);
    }
    let again = closure(&retry.retry_if, "says", quote!(true));
    let after = closure(
        &retry.retry_after,
        "pause_after",
        quote!(::core::option::Option::None),
    );
    quote!(|#error| #glue::hint(#again, || #after))
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

/// What the attempt gave, or how it failed.
fn settle(item: &Function, task: &Task, glue: &TokenStream) -> TokenStream {
    let [value, how, output] = ["__value", "__how", "__output"].map(variable);
    let ident = &item.sig.ident;
    let hint = hint(task, glue);
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
            let #how = #glue::probe(&#value).__obs_judge().__obs_how();
            #glue::settle::<#ident, _>(#value, #how, #count, #hint)
        }
    } else {
        quote! {
            let #how = #glue::probe(&#value).__obs_judge().__obs_how();
            #glue::settle_value::<#ident>(#value, #how, #count)
        }
    }
}
