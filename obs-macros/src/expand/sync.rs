//! Synchronous functions: a guard on the stack, with or without a look at the value.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ReturnType;

use super::{assemble, prelude, rebind, site, types, value};
use crate::ast::{Function, with_content};
use crate::shape::{self, Shape};
use crate::valid::Plan;

/// `let guard = …;`, and the fields.
fn enter(function: &Function, plan: &Plan) -> TokenStream {
    let krate = &plan.krate;
    let site = site::callsite(plan, &function.sig.ident);
    let count = prelude::value_count(plan);
    if prelude::is_empty(plan) {
        return quote!(let __guard = #krate::private::SyncSpan::<#count>::enter(#site););
    }
    let fields = prelude::closure(plan);
    quote! {
        let mut __guard = #krate::private::SyncSpan::<#count>::enter(#site);
        __guard.fields(#fields);
    }
}

/// The guard in front of the user's statements, inside the user's braces.
pub(super) fn guard_inside(function: &Function, plan: &Plan) -> TokenStream {
    let enter = enter(function, plan);
    let statements = function.body.braces.stream();
    let body = with_content(&function.body.braces, quote!(#enter #statements));
    assemble(function, &function.sig, &quote!(#body))
}

/// The guard in braces of ours around the user's: arguments are dropped inside the span.
pub(super) fn guard_outside(function: &Function, plan: &Plan) -> TokenStream {
    let krate = &plan.krate;
    let site = site::callsite(plan, &function.sig.ident);
    let count = prelude::value_count(plan);
    let rebound = rebind::rebind(&function.sig, krate);
    let mut sig = function.sig.clone();
    sig.inputs = rebound.inputs;
    let lets = rebound.lets;
    let body = &function.body;
    let (mutable, fields) = match prelude::is_empty(plan) {
        true => (None, None),
        false => {
            let fields = prelude::closure(plan);
            (Some(quote!(mut)), Some(quote!(__guard.fields(#fields);)))
        }
    };
    let body = quote! {{
        let #mutable __guard = #krate::private::SyncSpan::<#count>::enter(#site);
        #lets
        #fields
        (#body)
    }};
    assemble(function, &sig, &body)
}

/// The value in a `let`: a closure would be the caller that `#[track_caller]` sees.
pub(super) fn block(function: &Function, plan: &Plan) -> TokenStream {
    let returned = types::returned(&function.sig.output);
    let body = &function.body;
    let finish = finish(function, plan, &quote!(__site));
    let site = site::callsite(plan, &function.sig.ident);
    let guard = guard_at_site(plan);
    let fields = (!prelude::is_empty(plan)).then(|| {
        let fields = prelude::closure(plan);
        quote!(__guard.fields(#fields);)
    });
    let body = quote! {{
        let __site = #site;
        #guard
        #fields
        let __value: #returned = (#body);
        #finish
    }};
    assemble(function, &function.sig, &body)
}

/// `let guard = SyncSpan::enter(__site);`
fn guard_at_site(plan: &Plan) -> TokenStream {
    let krate = &plan.krate;
    let count = prelude::value_count(plan);
    let mutable = (!prelude::is_empty(plan)).then(|| quote!(mut));
    quote!(let #mutable __guard = #krate::private::SyncSpan::<#count>::enter(__site);)
}

/// The body in a closure that runs at once: early exits come back as its value.
pub(super) fn closure(function: &Function, plan: &Plan) -> TokenStream {
    let krate = &plan.krate;
    let site = site::callsite(plan, &function.sig.ident);
    let rebound = rebind::rebind(&function.sig, krate);
    let mut sig = function.sig.clone();
    sig.inputs = rebound.inputs;
    let (lets, receiver) = (rebound.lets, rebound.receiver);
    let guard = guard_at_site(plan);
    let body = &function.body;
    let returned = types::returned(&function.sig.output);
    let call = match (&plan.shape, shape::future_output(&function.sig.output)) {
        (Shape::FutureClosure, Some(output)) => {
            let output = types::annotation(output);
            quote!(#krate::private::call_future::<#output, _>)
        }
        _ => quote!(#krate::private::call),
    };
    let value = match prelude::is_empty(plan) {
        true => quote!(#call(move || -> #returned { #receiver #lets (#body) })),
        false => {
            let fields = prelude::closure(plan);
            let call = match &plan.shape {
                Shape::FutureClosure => quote!(#krate::private::call_future_with),
                _ => quote!(#krate::private::call_with),
            };
            quote! {
                #call(&mut __guard, move |__guard| -> #returned {
                    #receiver #lets __guard.fields(#fields); (#body)
                })
            }
        }
    };
    let finish = finish(function, plan, &quote!(__site));
    let body = quote! {{
        let __site = #site;
        #guard
        let __value = #value;
        #finish
    }};
    assemble(function, &sig, &body)
}

/// Ends the span by what the value is, and gives the value back.
fn finish(function: &Function, plan: &Plan, site: &TokenStream) -> TokenStream {
    let krate = &plan.krate;
    let probe = quote!(__probe);
    let kind = value::kind(plan, &probe);
    if matches!(plan.shape, Shape::FutureClosure) {
        return quote! {
            let __probe = #krate::private::probe_output(&__value);
            #krate::private::finish_future(#site, __guard, #kind, __value)
        };
    }
    let never_a_future = match &function.sig.output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => {
            shape::is_named_result(ty) || shape::is_inert(Some(shape::plain(ty)))
        }
    };
    if never_a_future {
        return quote! {
            let __probe = #krate::private::probe(&__value);
            #krate::private::finish(__guard, #kind, __value)
        };
    }
    quote! {
        let __when = #krate::private::probe(&__value).when();
        let __probe = __when.probe();
        #krate::private::finish_when(__when, #site, __guard, #kind, __value)
    }
}
