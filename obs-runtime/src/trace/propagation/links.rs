//! The types that the argument `links = expression` of the macros takes.

use super::RemoteContext;
use crate::trace::{Span, SpanContext};

/// Types that the argument `links` of the macros takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` gives no links",
    label = "expected `SpanContext`s, `RemoteContext`s or `Span`s: one, an `Option`, an array, or what can be gone through",
    note = "`tracing`'s `Span` and `Id` give links with the feature `tracing`"
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

/// Links the callers of a batch of messages.
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
