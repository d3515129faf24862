//! `fn __obs_run`: how a run calls the task.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::ReturnType;

use super::names::{dependency_output, source_name};
use crate::ast::Function;
use crate::expand::pieces::{at, located, variable};
use crate::hygiene::quote;
use crate::shape;
use crate::valid::pipeline_task::Task;
use crate::valid::pipeline_task::params::Param;

/// `fn __obs_run(context) -> Attempt`: fetches the parameters, calls, and judges the value.
pub(super) fn run(task: &Task, glue: &TokenStream) -> TokenStream {
    let item = &task.annotated.function;
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

/// What the attempt gave, or how it failed.
fn settle(item: &Function, task: &Task, glue: &TokenStream) -> TokenStream {
    let [value, how, output] = ["__value", "__how", "__output"].map(variable);
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
            let #how = #glue::probe(&#value).__obs_judge().__obs_how();
            #glue::settle::<#ident, _>(#value, #how, #count)
        }
    } else {
        quote! {
            let #how = #glue::probe(&#value).__obs_judge().__obs_how();
            #glue::settle_value::<#ident>(#value, #how, #count)
        }
    }
}
