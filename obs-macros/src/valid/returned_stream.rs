//! Whether the value of a function holds a stream, as far as its type says so: in a `Result`, or
//! in the output of a future.
//!
//! A boxed stream that is the value itself is found by its type, whatever its name.

use syn::{GenericArgument, PathArguments, PathSegment, Type};

use crate::ast::Function;
use crate::plan::Follow;
use crate::shape::{self, Shape};

/// How the stream is followed that the function's value holds.
pub(crate) fn stream(function: &Function, shape: &Shape) -> Option<Follow> {
    let value = value(function, shape)?;
    match ok_type(value.ty) {
        Some(ok) => kind(ok),
        None if value.of_future => kind(value.ty),
        None if matches!(shape, Shape::Closure) && shape::is_impl_stream(Some(value.ty)) => {
            Some(Follow::Direct)
        }
        None => None,
    }
}

/// The type of the items of the `impl Stream` that the function's value is or holds, if the type is
/// given and has a name.
pub(crate) fn items<'a>(function: &'a Function, shape: &Shape) -> Option<&'a Type> {
    let ty = value(function, shape)?.ty;
    match ok_type(ty).unwrap_or(ty) {
        Type::ImplTrait(opaque) => {
            shape::assigned(&opaque.bounds, "Item").filter(|item| !shape::names(item, "impl"))
        }
        _ => None,
    }
}

/// What the function returns, or its future gives.
struct Value<'a> {
    ty: &'a Type,
    of_future: bool,
}

fn value<'a>(function: &'a Function, shape: &Shape) -> Option<Value<'a>> {
    let output = &function.sig.output;
    let returned = shape::returned(output)?;
    let (ty, of_future) = match shape {
        Shape::Async | Shape::AsyncKept => (returned, true),
        Shape::FutureClosure => (shape::plain(shape::future_output(output)?), true),
        Shape::InBox(_) => (boxed_output(returned)?, true),
        _ => (returned, false),
    };
    Some(Value { ty, of_future })
}

fn kind(ty: &Type) -> Option<Follow> {
    if shape::is_impl_stream(Some(ty)) {
        return Some(Follow::Opaque);
    }
    let last = shape::last_segment(ty)?;
    let boxed = match last.ident.to_string().as_str() {
        "BoxStream" | "LocalBoxStream" => true,
        "Pin" => shape::pinned(last).as_deref() == Some("Stream"),
        _ => false,
    };
    boxed.then_some(Follow::Boxed)
}

/// `T` of `Result<T, …>`.
fn ok_type(ty: &Type) -> Option<&Type> {
    let last = shape::last_segment(ty).filter(|last| last.ident == "Result")?;
    types(last).next()
}

/// `X` of `BoxFuture<'_, X>` and `Pin<Box<dyn Future<Output = X>>>`.
pub(crate) fn boxed_output(ty: &Type) -> Option<&Type> {
    let last = shape::last_segment(ty)?;
    if last.ident != "Pin" {
        return types(last).next();
    }
    let in_pin = types(last).next()?;
    let Type::TraitObject(object) = types(shape::last_segment(in_pin)?).next()? else {
        return None;
    };
    shape::assigned(&object.bounds, "Output").map(shape::plain)
}

/// The types among the arguments of a path's segment.
fn types(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let args = match &segment.arguments {
        PathArguments::AngleBracketed(args) => Some(&args.args),
        _ => None,
    };
    args.into_iter().flatten().filter_map(|arg| match arg {
        GenericArgument::Type(ty) => Some(shape::plain(ty)),
        _ => None,
    })
}

#[cfg(test)]
#[path = "returned_stream_tests.rs"]
mod tests;
