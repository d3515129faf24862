//! The types that the argument `parent = expression` of the macros takes.

use super::RemoteContext;
use crate::trace::{Span, SpanContext};

/// Types that the argument `parent` of the macros takes.
///
/// ```
/// use obs_runtime::{SpanContext, testing, traced};
///
/// #[traced(parent = caller)]
/// fn work(caller: Option<SpanContext>) {}
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let caller = SpanContext::from_traceparent(header);
/// let captured = testing::capture(|| work(caller.ok()));
/// assert!(captured.span("work").parent_is_remote);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no parent of a span",
    label = "expected a `SpanContext`, a `Span`, a `RemoteContext`, or an `Option` of one",
    note = "`http::HeaderMap` is one with the feature `http-headers`, and `tracing`'s `Span` and `Id` with the feature \
            `tracing`; `propagation::extract` reads other carriers"
)]
pub trait IntoParent {
    /// Returns the parent; none begins a trace.
    fn parent(&self) -> Option<SpanContext>;
}

impl IntoParent for SpanContext {
    fn parent(&self) -> Option<SpanContext> {
        Some(*self)
    }
}

impl IntoParent for RemoteContext {
    fn parent(&self) -> Option<SpanContext> {
        self.context()
    }
}

impl IntoParent for Span {
    fn parent(&self) -> Option<SpanContext> {
        self.context()
    }
}

impl<T: IntoParent> IntoParent for Option<T> {
    fn parent(&self) -> Option<SpanContext> {
        self.as_ref().and_then(T::parent)
    }
}

impl<T: IntoParent + ?Sized> IntoParent for &T {
    fn parent(&self) -> Option<SpanContext> {
        (**self).parent()
    }
}
