//! Values of `fields(…)`, and names that a call decides.

use core::fmt::{Debug, Display};

use crate::trace::propagation::RemoteContext;
use crate::trace::{Capture, Span, SpanContext, Value, current};

/// `key = value`
#[inline(always)]
pub fn capture<T: Capture + ?Sized>(value: &T) -> Value {
    value.capture()
}

/// `key = %value`
#[inline]
pub fn display<T: Display + ?Sized>(value: &T) -> Value {
    Value::format(format_args!("{value}"))
}

/// `key = ?value`
#[inline]
pub fn debug<T: Debug + ?Sized>(value: &T) -> Value {
    Value::format(format_args!("{value:?}"))
}

/// `name = expression`: generated code calls it inside a span that is recorded.
pub fn set_name<T: AsRef<str> + ?Sized>(name: &T) {
    current::set_name(name.as_ref().to_owned());
}

/// The values of `span!`.
pub fn values<const N: usize>(values: [Value; N]) -> Vec<Value> {
    Vec::from(values)
}

/// `span!(expression)`
pub fn rename<T: AsRef<str> + ?Sized>(span: &Span, name: &T) {
    span.set_name(name.as_ref().to_owned());
}

/// `links = expression`: called inside a span that is recorded.
pub fn add_links<T: Links + ?Sized>(links: &T) {
    links.each(&mut current::add_link);
}

/// What `links` takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` gives no links",
    label = "expected `SpanContext`s, `RemoteContext`s or `Span`s: one, an `Option`, an array, a slice or a `Vec`"
)]
pub trait Links {
    /// Calls `add` with each context.
    fn each(&self, add: &mut dyn FnMut(SpanContext));
}

impl Links for SpanContext {
    fn each(&self, add: &mut dyn FnMut(SpanContext)) {
        add(*self);
    }
}

/// The callers of a batch of messages.
impl Links for RemoteContext {
    fn each(&self, add: &mut dyn FnMut(SpanContext)) {
        self.context().each(add);
    }
}

impl Links for Span {
    fn each(&self, add: &mut dyn FnMut(SpanContext)) {
        self.context().each(add);
    }
}

impl<T: Links> Links for [T] {
    fn each(&self, add: &mut dyn FnMut(SpanContext)) {
        for link in self {
            link.each(add);
        }
    }
}

impl<T: Links> Links for Option<T> {
    fn each(&self, add: &mut dyn FnMut(SpanContext)) {
        self.as_slice().each(add);
    }
}

impl<T: Links> Links for Vec<T> {
    fn each(&self, add: &mut dyn FnMut(SpanContext)) {
        self.as_slice().each(add);
    }
}

impl<T: Links, const N: usize> Links for [T; N] {
    fn each(&self, add: &mut dyn FnMut(SpanContext)) {
        self.as_slice().each(add);
    }
}

impl<T: Links + ?Sized> Links for &T {
    fn each(&self, add: &mut dyn FnMut(SpanContext)) {
        (**self).each(add);
    }
}
