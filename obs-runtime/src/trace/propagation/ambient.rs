//! The current baggage of a thread or a task.
//!
//! Spans do not carry it; the guard, the future or the `tower` layer that set it puts the old one
//! back.

use core::cell::RefCell;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use super::Baggage;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Baggage>>> = const { RefCell::new(None) };
}

/// Sets the current baggage and returns the one before. While the thread ends there is none.
fn replace(baggage: Option<Arc<Baggage>>) -> Option<Arc<Baggage>> {
    CURRENT.try_with(|c| c.replace(baggage)).unwrap_or_default()
}

pub(crate) fn current() -> Option<Arc<Baggage>> {
    CURRENT.try_with(|c| c.borrow().clone()).unwrap_or_default()
}

/// A guard: the baggage is the current one on this thread until the guard is dropped.
#[derive(Debug)]
#[must_use = "the baggage is left when the guard is dropped"]
pub struct AttachedBaggage {
    outer: Option<Arc<Baggage>>,
    /// The baggage before must be put back on this thread.
    not_send: PhantomData<*const ()>,
}

impl AttachedBaggage {
    pub(crate) fn new(baggage: Arc<Baggage>) -> Self {
        Self {
            outer: replace(Some(baggage)),
            not_send: PhantomData,
        }
    }
}

impl Drop for AttachedBaggage {
    fn drop(&mut self) {
        drop(replace(self.outer.take()));
    }
}

/// A future with baggage, see [`Baggage::scope`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct WithBaggage<F> {
    /// The future is in a box, so that it can be polled wherever this is moved.
    inner: Pin<Box<F>>,
    baggage: Arc<Baggage>,
}

impl<F: Future> Future for WithBaggage<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _inside = AttachedBaggage::new(Arc::clone(&self.baggage));
        self.inner.as_mut().poll(cx)
    }
}

impl Baggage {
    /// Returns the baggage of the request that is worked on here; it is empty if nobody set one.
    ///
    /// [`attach`](Self::attach), [`scope`](Self::scope) and the layer of `obs_runtime::interop::tower` set
    /// it. It does not follow a task that is spawned: use `Baggage::current().scope(task)` there.
    pub fn current() -> Self {
        current().map_or_else(Self::new, |baggage| (*baggage).clone())
    }

    /// Makes this the [`current`](Self::current) baggage of the thread until the guard is dropped.
    ///
    /// It is sent only by [`inject`](Self::inject) and by a client that was told which hosts may
    /// have it.
    ///
    /// ```
    /// use obs_runtime::propagation::Baggage;
    ///
    /// let baggage = Baggage::from_header("tenant=7");
    /// let guard = baggage.attach();
    /// assert_eq!(Baggage::current().get("tenant"), Some("7"));
    /// drop(guard);
    /// assert!(Baggage::current().is_empty());
    /// ```
    pub fn attach(self) -> AttachedBaggage {
        AttachedBaggage::new(Arc::new(self))
    }

    /// Runs a future with this as the [`current`](Self::current) baggage.
    ///
    /// ```
    /// use obs_runtime::propagation::Baggage;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let task = async { Baggage::current().get("tenant").map(str::to_owned) };
    /// let task = tokio::spawn(Baggage::from_header("tenant=7").scope(task));
    /// assert_eq!(task.await.unwrap().as_deref(), Some("7"));
    /// # });
    /// ```
    pub fn scope<F: Future>(self, future: F) -> WithBaggage<F> {
        WithBaggage {
            inner: Box::pin(future),
            baggage: Arc::new(self),
        }
    }
}

#[cfg(test)]
#[path = "ambient_tests.rs"]
mod tests;
