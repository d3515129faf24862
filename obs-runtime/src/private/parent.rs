//! `parent = expression`.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::trace::propagation::IntoParent;
use crate::trace::{Attached, SpanContext};

/// Evaluates `parent`.
pub fn parent<T: IntoParent + ?Sized>(value: &T) -> Option<SpanContext> {
    value.parent()
}

/// What begins on this thread is a child of the given span until the guard is dropped.
pub fn enter_parent<T: IntoParent + ?Sized>(value: &T) -> Attached {
    Attached::new(value.parent().as_ref())
}

/// A future under the given parent. Its span begins in the first poll; the parent is entered in each
/// one, for the future that is not recorded and whose calls have no other parent.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Under<F> {
    parent: Option<SpanContext>,
    inner: F,
}

impl<F> fmt::Debug for Under<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Under").finish_non_exhaustive()
    }
}

/// Puts a future under a parent.
pub fn under<F: Future>(parent: Option<SpanContext>, inner: F) -> Under<F> {
    Under { parent, inner }
}

impl<F: Future> Future for Under<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `inner` stays where it is until it is dropped; `parent` is not pinned.
        let Self { parent, inner } = unsafe { self.get_unchecked_mut() };
        let _attached = Attached::new(parent.as_ref());
        // SAFETY: `inner` is pinned because `self` was.
        unsafe { Pin::new_unchecked(inner) }.poll(cx)
    }
}
