//! From a plan to tokens. Nothing here can fail: `valid` has judged already.
//!
//! All generated names have mixed-site hygiene and all generated braces the edition of this crate,
//! so tail temporaries of ours end before our locals whatever the caller's edition is.

mod future;
pub(crate) mod handler;
mod lasting;
pub(crate) mod pipeline_task;
mod prelude;
mod rebind;
mod site;
mod sync;
mod types;
mod value;

pub(crate) use types::returned;

use proc_macro2::{Span, TokenStream};

use crate::ast::{Function, with_content};
use crate::hygiene::quote;
use crate::shape::Shape;
use crate::valid::{Plan, Site};

/// The annotated function, expanded.
pub(crate) fn function(function: &Function, plan: &Plan) -> TokenStream {
    match &plan.shape {
        Shape::Guard { outer: false } => sync::guard_inside(function, plan),
        Shape::Guard { outer: true } => sync::guard_outside(function, plan),
        Shape::Block => sync::block(function, plan),
        Shape::Closure | Shape::FutureClosure | Shape::StreamClosure => {
            sync::closure(function, plan)
        }
        Shape::InBox(in_box) => future::in_box(function, plan, in_box),
        Shape::Async => future::flat(function, plan),
        Shape::AsyncKept => future::kept(function, plan),
    }
}

/// `Span::begin(…)`, for a span that is no function.
pub(crate) fn span(site: &Site, name: &str, at: Span) -> TokenStream {
    let krate = &site.krate;
    let callsite = site::callsite(site, name, at, false);
    let values = prelude::values(site);
    quote!(#krate::private::Span::begin(#callsite, || #krate::private::values([#(#values),*])))
}

/// Attributes, visibility and signature around a body.
fn assemble(function: &Function, sig: &syn::Signature, body: &TokenStream) -> TokenStream {
    let Function { attrs, vis, .. } = function;
    quote!(#(#attrs)* #vis #sig #body)
}

/// As [`assemble`], for statements of ours around the user's body.
///
/// The user's braces are outermost, because rustc takes an item that ends in our tokens for one of
/// another crate and keeps `dead_code` to itself. Ours are inside, because of their edition.
fn assemble_around(
    function: &Function,
    sig: &syn::Signature,
    statements: &TokenStream,
) -> TokenStream {
    let body = with_content(&function.body.braces, quote!({ #statements }));
    assemble(function, sig, &quote!(#body))
}
