//! What a thread or a task works with beside its span: its baggage, its workflow.
//!
//! Spans do not carry it; the guard, the future or the `tower` layer that set it puts the old one
//! back.

use core::cell::RefCell;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;
use std::thread::LocalKey;

use super::Baggage;

/// Where a thread keeps the current one.
pub(crate) type Slot<T> = RefCell<Option<Arc<T>>>;

/// A type of which each thread has a current value.
pub trait Ambient: Sized + 'static {
    /// Where the thread keeps it.
    #[doc(hidden)]
    fn slot() -> &'static LocalKey<RefCell<Option<Arc<Self>>>>;
}

thread_local! {
    static CURRENT: Slot<Baggage> = const { RefCell::new(None) };
}

impl Ambient for Baggage {
    fn slot() -> &'static LocalKey<Slot<Self>> {
        &CURRENT
    }
}

/// Sets the current value and returns the one before. While the thread ends there is none.
fn replace<T: Ambient>(value: Option<Arc<T>>) -> Option<Arc<T>> {
    T::slot().try_with(|c| c.replace(value)).unwrap_or_default()
}

pub(crate) fn current<T: Ambient>() -> Option<Arc<T>> {
    T::slot()
        .try_with(|c| c.borrow().clone())
        .unwrap_or_default()
}

/// A guard: the value is the current one on this thread until the guard is dropped.
#[derive(Debug)]
#[must_use = "the value is left when the guard is dropped"]
pub struct AttachedValue<T: Ambient> {
    outer: Option<Arc<T>>,
    /// The value before must be put back on this thread.
    not_send: PhantomData<*const ()>,
}

/// A guard: the baggage is the current one on this thread until the guard is dropped.
pub type AttachedBaggage = AttachedValue<Baggage>;

impl<T: Ambient> AttachedValue<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self {
            outer: replace(Some(value)),
            not_send: PhantomData,
        }
    }
}

impl<T: Ambient> Drop for AttachedValue<T> {
    fn drop(&mut self) {
        drop(replace(self.outer.take()));
    }
}

/// A future with a value that is current while it is polled.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Within<F, T> {
    /// The future is in a box, so that it can be polled wherever this is moved.
    inner: Pin<Box<F>>,
    value: Arc<T>,
}

/// A future with baggage, see [`Baggage::scope`].
pub type WithBaggage<F> = Within<F, Baggage>;

impl<F, T> Within<F, T> {
    pub(crate) fn new(inner: F, value: Arc<T>) -> Self {
        Self {
            inner: Box::pin(inner),
            value,
        }
    }
}

impl<F: Future, T: Ambient> Future for Within<F, T> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _inside = AttachedValue::new(Arc::clone(&self.value));
        self.inner.as_mut().poll(cx)
    }
}

impl Baggage {
    /// Returns the baggage of the request that is worked on here; it is empty if nobody set one.
    ///
    /// [`attach`](Self::attach), [`scope`](Self::scope) and the layer of `obs_runtime::interop::tower` set
    /// it. It does not follow a task that is spawned: use `Baggage::current().scope(task)` there.
    pub fn current() -> Self {
        current::<Self>().map_or_else(Self::new, |baggage| (*baggage).clone())
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
        Within::new(future, Arc::new(self))
    }
}

#[cfg(test)]
#[path = "ambient_tests.rs"]
mod tests;
