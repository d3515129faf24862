//! Asynchronous functions: the state of the span is around the future, never inside the coroutine.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote_spanned};
use syn::ReturnType;
use syn::spanned::Spanned as _;

use super::assemble::{assemble, assemble_around};
use super::{lasting, prelude, rebind, site, stop, types, value};
use crate::ast::{Function, with_content};
use crate::crate_path;
use crate::hygiene::quote;
use crate::plan::Plan;
use crate::shape::{self, InBox};
use crate::valid::returned_stream;

/// The statements of an asynchronous function: those before its future, and those that make it.
struct Statements {
    before: TokenStream,
    future: TokenStream,
}

/// `let value = async move { … };` and the wrapped future.
fn statements(function: &Function, plan: &Plan, rebound: &rebind::Rebound) -> Statements {
    let krate = &plan.site.krate;
    let (bind_site, site) = site::before_body(function, plan);
    let rebind::Rebound { lets, receiver, .. } = rebound;
    let output = &function.sig.output;
    let prelude = prelude::in_future(function, plan, Some(output));
    let slot = prelude::slot(plan);
    let before = lasting::before(function, plan);
    let body = &function.body;
    let ty = match output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(shape::plain(ty)),
    };
    let expect =
        (!shape::is_never(ty)).then(|| expect(plan, &types::returned(output), output.span()));
    let may_be_future = ty.is_some_and(|ty| {
        !shape::is_named_result(ty)
            && (!shape::is_inert(Some(ty)) || matches!(ty, syn::Type::ImplTrait(_)))
    });
    // For clippy our block yields a future where the function does. The allowance covers the body
    // too, so there is none where the body could need the lint itself and the type names no future.
    let is_async = |word: &str| word == "async";
    let names_future = |word: &str| word.ends_with("Future");
    let allowed = may_be_future
        && (!mentions(body.braces.stream(), &is_async)
            || mentions(output.to_token_stream(), &names_future));
    let allow = allowed.then(|| quote!(#[allow(clippy::async_yields_async)]));
    // `!` is not known to a probe: it falls back to whatever the first tier is.
    let (probe, kind) = if shape::is_never(ty) {
        (None, lasting::kind(plan, quote!(#krate::private::Plain)))
    } else {
        let (look, kind) = value::kind(plan);
        let probe = probe(function, plan);
        (Some(quote!(#probe #look)), kind)
    };
    // rustc speaks of "this async block": let it show the function's name.
    let at = Span::mixed_site().located_at(function.sig.ident.span());
    let body = stop::around(plan, quote!((#body)), expect.as_ref());
    let block = quote_spanned!(at=> async move { #expect #receiver #lets #prelude #body });
    let parent = prelude::parent(plan, function, "__obs_context");
    let future = future(&function.sig.ident, plan, &site, &kind);
    Statements {
        before: quote!(#parent #bind_site #before),
        future: quote! {
            #slot
            #allow
            let __obs_value = #block;
            #probe
            #future
        },
    }
}

/// Tells an async block the type of its value: it takes no expectation from outside.
fn expect(plan: &Plan, returned: &TokenStream, at: Span) -> TokenStream {
    let span = Span::mixed_site().located_at(at);
    let krate = crate_path::at(&plan.site.krate, span);
    quote_spanned!(span=> if false { return #krate::private::absurd::<#returned>(); })
}

/// Whether a word stands anywhere in the tokens.
fn mentions(tokens: TokenStream, is: &dyn Fn(&str) -> bool) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => is(&word.to_string()),
        TokenTree::Group(group) => mentions(group.stream(), is),
        _ => false,
    })
}

/// `__obs_probe` looks at what the call is judged by: the output of the future, or the items of the
/// stream in it.
fn probe(function: &Function, plan: &Plan) -> TokenStream {
    let krate = &plan.site.krate;
    if plan.follow.items() {
        let flow = value::flow(plan, function);
        quote! {
            let __obs_outer = #krate::private::probe_output(&__obs_value);
            #flow
        }
    } else {
        quote!(let __obs_probe = #krate::private::probe_output(&__obs_value);)
    }
}

/// `private::future(…)`, under another parent if there is one.
fn future(name: &Ident, plan: &Plan, site: &TokenStream, kind: &TokenStream) -> TokenStream {
    let krate = &plan.site.krate;
    let count = prelude::value_count(plan);
    // What rustc says of the returned future as a whole, it says of these tokens.
    let at = Span::mixed_site().located_at(name.span());
    let root = crate_path::at(krate, at);
    let future = if plan.follow.items() {
        let outer = value::outer(plan);
        let call = quote_spanned!(at=> #root::private::future_flow::<_, _, _, _, #count>);
        quote_spanned!(at=> #call(__obs_flow, #site, #outer, #kind, __obs_value))
    } else {
        let call = quote_spanned!(at=> #root::private::future::<_, _, #count>);
        quote_spanned!(at=> #call(#site, #kind, __obs_value))
    };
    match &plan.parent {
        Some(_) => quote!(#krate::private::under(__obs_parent, #future)),
        None => future,
    }
}

/// `async fn` as `fn -> impl Future`.
pub(super) fn flat(function: &Function, plan: &Plan) -> TokenStream {
    let rebound = rebind::rebind(function, plan);
    let Statements { before, future } = statements(function, plan, &rebound);
    let statements = if plan.consumed().is_some() {
        // A future around that of the span: it holds the parameter, and drops it last.
        let at = Span::mixed_site().located_at(function.sig.ident.span());
        let future = quote_spanned!(at=> async move {
            let __obs_held = __obs_held;
            ({ #future }).await
        });
        quote!(#before let __obs_held = __obs_held.__obs_rest(); #future)
    } else {
        quote!(#before #future)
    };
    let mut sig = function.sig.clone();
    sig.asyncness = None;
    sig.output = types::future(&sig.output, sig.paren_token.span.close(), &plan.site.krate);
    sig.inputs = rebound.inputs;
    assemble_around(function, &sig, &statements)
}

/// `async fn` that stays one.
pub(super) fn kept(function: &Function, plan: &Plan) -> TokenStream {
    let rebound = rebind::rebind(function, plan);
    let Statements { before, future } = statements(function, plan, &rebound);
    let mut sig = function.sig.clone();
    sig.inputs = rebound.inputs;
    // One scope for the future, one for the await: else it would be stored twice.
    let statements = if plan.consumed().is_some() {
        quote!(#before let __obs_held = __obs_held.__obs_rest(); ({ #future }).await)
    } else {
        quote!(({ #before #future }).await)
    };
    assemble_around(function, &sig, &statements)
}

/// `Box::pin(future)` as `Box::pin(wrapped)`: the box that is there is used.
pub(super) fn in_box(function: &Function, plan: &Plan, in_box: &InBox) -> TokenStream {
    let (bind_site, site) = site::before_body(function, plan);
    let (look, kind) = value::kind(plan);
    let inner = in_box.call.stream();
    let slot = prelude::slot(plan);
    let before = lasting::before(function, plan);
    let output = shape::returned(&function.sig.output).and_then(returned_stream::boxed_output);
    let returned = output.map(|ty| syn::parse_quote!(-> #ty));
    let prelude = prelude::in_future(function, plan, returned.as_ref());
    let probe = probe(function, plan);
    let future = if let Some((head, block)) = shape::async_block(&inner) {
        let statements = rebind::mark_used(block.stream(), &prelude::named(plan));
        let expect = output.map(|ty| expect(plan, &types::annotation(ty), ty.span()));
        let statements = stop::around(plan, statements, expect.as_ref());
        let block = with_content(&block, quote!(#expect #prelude #statements));
        quote!(#head #block)
    } else {
        quote!((#inner))
    };
    let parent = prelude::parent(plan, function, "__obs_context");
    let wrap = self::future(&function.sig.ident, plan, &site, &kind);
    let wrapped = quote! {{
        #parent
        #bind_site
        #before
        #slot
        let __obs_value = #future;
        #probe
        #look
        #wrap
    }};
    let call = with_content(&in_box.call, wrapped);
    let before = &in_box.before;
    let body = with_content(&function.body.braces, quote!(#before #call));
    assemble(function, &function.sig, &quote!(#body))
}
