//! `parent = expression`.

use core::cell::Cell;

use super::probe::below;
use crate::trace::propagation::IntoParent;
use crate::trace::{Attached, InContext, SpanContext};

/// Holds the value of the expression. Its value stays, but for what can be converted only once.
pub struct ParentProbe<T>(TheirParent<T>);

/// The tier of what names a span of `tracing`.
pub struct TheirParent<T>(AnyParent<T>);

/// The last tier: any type.
pub struct AnyParent<T>(Cell<Option<T>>);

below! {
    ParentProbe<T> => TheirParent,
    TheirParent<T> => AnyParent
}

/// A probe of the value.
#[inline]
pub fn parent<T>(value: T) -> ParentProbe<T> {
    ParentProbe(TheirParent(AnyParent(Cell::new(Some(value)))))
}

/// `__obs_context` is the parent of a call that begins later. `__obs_entered` makes it the parent of what begins on this
/// thread until the guard is dropped.
impl<T: IntoParent> ParentProbe<T> {
    pub fn __obs_context(&self) -> Option<SpanContext> {
        self.context()
    }

    pub fn __obs_entered(&self) -> Attached {
        Attached::new(self.context().as_ref())
    }
}

impl<T> ParentProbe<T> {
    /// Returns what is left of the value, for it to live as long as the call does.
    pub fn __obs_rest(self) -> Option<T> {
        self.0.0.0.into_inner()
    }
}

#[cfg(feature = "tracing")]
impl<T: Into<Option<::tracing::Id>>> TheirParent<T> {
    pub fn __obs_context(&self) -> Option<SpanContext> {
        let id: Option<::tracing::Id> = self.take()?.into();
        id.parent()
    }

    pub fn __obs_entered(&self) -> Attached {
        Attached::new(self.__obs_context().as_ref())
    }
}

impl<T> AnyParent<T> {
    /// Refuses the value, since it is for what is no parent.
    pub fn __obs_context(&self) -> Option<SpanContext>
    where
        T: IntoParent,
    {
        self.context()
    }

    /// Refuses the value.
    pub fn __obs_entered(&self) -> Attached
    where
        T: IntoParent,
    {
        Attached::new(self.context().as_ref())
    }

    #[cfg(feature = "tracing")]
    fn take(&self) -> Option<T> {
        self.0.take()
    }

    fn context(&self) -> Option<SpanContext>
    where
        T: IntoParent,
    {
        let value = self.0.take();
        let parent = value.parent();
        self.0.set(value);
        parent
    }
}

/// Puts a future under a parent.
///
/// Its span begins in the first poll; the parent is entered in each one, for the future that is not
/// recorded and whose calls have no other parent.
pub fn under<F: Future>(parent: Option<SpanContext>, inner: F) -> InContext<F> {
    InContext::new(inner, parent, None)
}
