//! An annotated function, in the shape that its signature has.

use proc_macro2::TokenStream;

use super::{future, sync};
use crate::plan::Annotated;
use crate::shape::Shape;

/// The annotated function, expanded.
pub(crate) fn expand(annotated: &Annotated) -> TokenStream {
    let Annotated { function, plan } = annotated;
    match &plan.shape {
        Shape::Guard { outer: false } => sync::guard_inside(function, plan),
        Shape::Guard { outer: true } => sync::guard_outside(function, plan),
        Shape::Block => sync::block(function, plan),
        Shape::Closure | Shape::FutureClosure => sync::closure(function, plan),
        Shape::InBox(in_box) => future::in_box(function, plan, in_box),
        Shape::Async => future::flat(function, plan),
        Shape::AsyncKept => future::kept(function, plan),
    }
}
