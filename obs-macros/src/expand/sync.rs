//! Synchronous functions: a guard on the stack, which looks at the value or does not.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ReturnType;

use super::assemble::{assemble, assemble_around};
use super::prelude::Prelude;
use super::{lasting, prelude, rebind, site, stop, types, value};
use crate::ast::{Function, with_content};
use crate::hygiene::quote;
use crate::plan::{Follow, Plan};
use crate::shape::{self, Shape};

/// `let mut guard = SyncSpan::idle(); guard.enter(site);`: what is entered in its place is not moved there.
fn enter(function: &Function, plan: &Plan, site: &TokenStream) -> TokenStream {
    let krate = &plan.site.krate;
    let count = prelude::value_count(plan);
    let parent = prelude::parent(plan, function, "__obs_entered");
    let before = lasting::before(function, plan);
    quote! {
        #parent
        #before
        let mut __obs_guard = #krate::private::SyncSpan::<#count>::idle();
        #krate::private::SyncSpan::enter(&mut __obs_guard, #site);
    }
}

/// The guard in front of the user's statements, inside the user's braces.
pub(super) fn guard_inside(function: &Function, plan: &Plan) -> TokenStream {
    let site = site::of_function(function, plan);
    let enter = enter(function, plan, &site);
    let prelude = prelude::with_guard(plan, function, &quote!(&mut __obs_guard));
    let statements = function.body.braces.stream();
    let body = with_content(&function.body.braces, quote!(#enter #prelude #statements));
    assemble(function, &function.sig, &quote!(#body))
}

/// The guard in braces of ours around the user's: arguments are dropped inside the span.
pub(super) fn guard_outside(function: &Function, plan: &Plan) -> TokenStream {
    let site = site::of_function(function, plan);
    let enter = enter(function, plan, &site);
    let rebound = rebind::rebind(function, plan);
    let mut sig = function.sig.clone();
    sig.inputs = rebound.inputs;
    let lets = rebound.lets;
    let prelude = prelude::with_guard(plan, function, &quote!(&mut __obs_guard));
    let body = &function.body;
    assemble_around(function, &sig, &quote!(#enter #lets #prelude (#body)))
}

/// The value in a `let`: a closure would be the caller that `#[track_caller]` sees.
pub(super) fn block(function: &Function, plan: &Plan) -> TokenStream {
    let returned = types::returned(&function.sig.output);
    let site = site::of_function(function, plan);
    let enter = enter(function, plan, &quote!(__obs_site));
    let slot = prelude::slot(plan);
    let prelude = prelude::with_guard(plan, function, &quote!(&mut __obs_guard));
    let body = &function.body;
    let finish = finish(function, plan);
    let Prelude { before, start, .. } = prelude;
    let asked = stop::admitted(plan, Some(&function.sig.output), false);
    let body = if let Some(asked) = asked {
        quote! {
            match #asked {
                ::core::option::Option::Some(__obs_stopped) => __obs_stopped,
                ::core::option::Option::None => { #start (#body) }
            }
        }
    } else {
        quote!({ #start (#body) })
    };
    let statements = quote! {
        let __obs_site = #site;
        #enter
        #slot
        #before
        let __obs_value: #returned = #body;
        #finish
    };
    assemble_around(function, &function.sig, &statements)
}

/// The body in a closure that runs at once: early exits come back as its value.
pub(super) fn closure(function: &Function, plan: &Plan) -> TokenStream {
    let site = site::of_function(function, plan);
    let rebound = rebind::rebind(function, plan);
    let mut sig = function.sig.clone();
    sig.inputs = rebound.inputs;
    let enter = enter(function, plan, &quote!(__obs_site));
    let slot = prelude::slot(plan);
    let value = call(function, plan, &rebound.receiver, &rebound.lets);
    let finish = finish(function, plan);
    let statements = quote! {
        let __obs_site = #site;
        #enter
        #slot
        let __obs_value = #value;
        #finish
    };
    assemble_around(function, &sig, &statements)
}

/// The call of the closure.
fn call(
    function: &Function,
    plan: &Plan,
    receiver: &TokenStream,
    lets: &TokenStream,
) -> TokenStream {
    let krate = &plan.site.krate;
    let body = &function.body;
    let returned = types::returned(&function.sig.output);
    let prelude = prelude::with_guard(plan, function, &quote!(__obs_guard));
    let is_future = matches!(plan.shape, Shape::FutureClosure);
    if prelude::changes_guard(plan) {
        let call = if is_future {
            quote!(call_future_with)
        } else {
            quote!(call_with)
        };
        return quote! {
            #krate::private::#call(&mut __obs_guard, move |__obs_guard| -> #returned {
                #receiver #lets #prelude (#body)
            })
        };
    }
    let call = match shape::future_output(&function.sig.output) {
        Some(output) if is_future => {
            let output = types::annotation(output);
            quote!(call_future::<#output, _>)
        }
        _ => quote!(call),
    };
    quote! {
        #krate::private::#call(move || -> #returned { #receiver #lets #prelude (#body) })
    }
}

/// Whether the value ends the span where it is: it is certainly no future and no stream.
fn ends_with_value(function: &Function, plan: &Plan) -> bool {
    let in_place = matches!(plan.shape, Shape::Block | Shape::Closure) && !plan.follow.items();
    in_place
        && match &function.sig.output {
            ReturnType::Default => true,
            ReturnType::Type(_, ty) => {
                shape::is_named_result(ty) || shape::is_inert(Some(shape::plain(ty)))
            }
        }
}

/// Ends the span by what the value is, and gives the value back.
fn finish(function: &Function, plan: &Plan) -> TokenStream {
    let krate = &plan.site.krate;
    let (look, kind) = value::kind(plan);
    if plan.follow.items() {
        return finish_stream(function, plan, look.as_ref(), &kind);
    }
    if matches!(plan.shape, Shape::FutureClosure) {
        return quote! {
            let __obs_probe = #krate::private::probe_output(&__obs_value);
            #look
            #krate::private::finish_future(__obs_site, __obs_guard, #kind, __obs_value)
        };
    }
    if ends_with_value(function, plan) {
        return quote! {
            let __obs_probe = #krate::private::probe(&__obs_value);
            #look
            #krate::private::finish(&mut __obs_guard, #kind, __obs_value)
        };
    }
    // Its bound names the value's type: what does not fit is reported where the argument stands that asks for it.
    let at = value::last_argument(plan).unwrap_or_else(Span::call_site);
    let when = Ident::new("__obs_when", Span::mixed_site().located_at(at));
    let method = if plan.follow == Follow::Call {
        quote!(__obs_single)
    } else {
        quote!(__obs_when)
    };
    quote! {
        let __obs_when = #krate::private::probe(&__obs_value).#method();
        let __obs_probe = #krate::private::probe_when(&__obs_when);
        #look
        #krate::private::finish_flow(#when, __obs_site, &mut __obs_guard, (), #kind, __obs_value)
    }
}

/// As [`finish`], for a value that is or holds a stream.
fn finish_stream(
    function: &Function,
    plan: &Plan,
    look: Option<&TokenStream>,
    kind: &TokenStream,
) -> TokenStream {
    let krate = &plan.site.krate;
    let outer = value::outer(plan);
    let flow = value::flow(plan, function);
    let (probe, finish, guard) = if matches!(plan.shape, Shape::FutureClosure) {
        (
            quote!(probe_output),
            quote!(finish_future_flow),
            quote!(__obs_guard),
        )
    } else {
        (quote!(probe), quote!(finish_flow), quote!(&mut __obs_guard))
    };
    quote! {
        let __obs_outer = #krate::private::#probe(&__obs_value);
        #flow
        #look
        #krate::private::#finish(
            __obs_flow,
            __obs_site,
            #guard,
            #outer,
            #kind,
            __obs_value,
        )
    }
}
