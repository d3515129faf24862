//! `parent = expression`.

use crate::trace::propagation::IntoParent;
use crate::trace::{Attached, InContext, SpanContext};

/// Evaluates `parent`.
pub fn parent<T: IntoParent + ?Sized>(value: &T) -> Option<SpanContext> {
    value.parent()
}

/// What begins on this thread is a child of the given span until the guard is dropped.
pub fn enter_parent<T: IntoParent + ?Sized>(value: &T) -> Attached {
    Attached::new(value.parent().as_ref())
}

/// Puts a future under a parent.
///
/// Its span begins in the first poll; the parent is entered in each one, for the future that is not
/// recorded and whose calls have no other parent.
pub fn under<F: Future>(parent: Option<SpanContext>, inner: F) -> InContext<F> {
    InContext::new(inner, parent, None)
}
