//! The future that carries its span.

use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::judge::{Hooks, Judge};
use crate::callsite::Callsite;
use crate::trace::{FutureSpan, Outcome, SpanError, SyncSpan};

/// A future inside the span of its call: the state is outside of the coroutine.
///
/// The fields are dropped in their order: what the future holds goes first, inside the span. A
/// `ManuallyDrop` would do as well, but add two types to each level of a chain of calls, and the compiler
/// gives up at a fixed depth.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Traced<F, K: Hooks, const N: usize> {
    inner: F,
    judge: K,
    span: FutureSpan<N>,
}

/// Wraps a future whose span begins with the first poll.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn future<F: Future, K: Judge<F::Output>, const N: usize>(
    site: &'static Callsite,
    judge: K,
    inner: F,
) -> Traced<F, K, N> {
    Traced {
        span: FutureSpan::new(site),
        judge,
        inner,
    }
}

/// Wraps a future whose span began with the call that made it.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn finish_future<F: Future, K: Judge<F::Output>, const N: usize>(
    site: &'static Callsite,
    span: SyncSpan<N>,
    judge: K,
    inner: F,
) -> Traced<F, K, N> {
    Traced::resume(FutureSpan::adopt(site, span), judge, inner)
}

impl<F, K: Hooks, const N: usize> Traced<F, K, N> {
    /// Wraps a future whose span has begun.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn resume(span: FutureSpan<N>, mut judge: K, inner: F) -> Self {
        if K::TIMES {
            judge.left();
        }
        Self { inner, judge, span }
    }
}

/// Ends the span as panicked unless it is told what the poll gave.
///
/// Knows nothing of the future, so that functions of the same type share its code.
pub(super) struct Poller<'a, K: Hooks, const N: usize> {
    pub(super) span: &'a mut FutureSpan<N>,
    pub(super) judge: &'a mut K,
}

impl<'a, K: Hooks, const N: usize> Poller<'a, K, N> {
    /// A poll begins.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn begin(span: &'a mut FutureSpan<N>, judge: &'a mut K) -> Self {
        if K::TIMES {
            judge.entered();
        }
        Self { span, judge }
    }

    /// The stream or future came back.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn left(&mut self) {
        if K::TIMES {
            self.judge.left();
        }
    }

    /// The last poll is over.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn report(&mut self) {
        if K::TIMES && self.span.is_recording() {
            self.span.poll(|| self.judge.report());
        }
    }

    /// Ends the call by the value that it gave.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn end<T>(mut self, value: &T)
    where
        K: Judge<T>,
    {
        self.done(value);
        mem::forget(self);
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn done<T>(&mut self, value: &T)
    where
        K: Judge<T>,
    {
        self.report();
        if K::OBSERVES {
            let recorded = self.span.is_recording();
            self.span.poll(|| self.judge.observe(value, recorded));
        }
        if self.judge.failed(value) {
            let error = self.judge.error(value, self.span.is_recording());
            self.ended(Outcome::Error, Some(&error));
            self.span.fail(error);
        } else {
            self.ended(Outcome::Ok, None);
            self.span.end(Outcome::Ok);
        }
    }

    /// Tells the judge how the call has ended.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn ended(&mut self, outcome: Outcome, error: Option<&SpanError>) {
        if K::OBSERVES {
            let recorded = self.span.is_recording();
            self.span
                .poll(|| self.judge.ended(outcome, error, recorded));
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn polled<T>(mut self, polled: &Poll<T>)
    where
        K: Judge<T>,
    {
        self.left();
        if let Poll::Ready(value) = polled {
            self.done(value);
        }
        mem::forget(self);
    }
}

impl<K: Hooks, const N: usize> Drop for Poller<'_, K, N> {
    #[cold]
    fn drop(&mut self) {
        self.report();
        if K::OBSERVES {
            // Nothing is said of it on the span, which tells of the panic.
            let judge = &*self.judge;
            self.span
                .poll(|| judge.ended(Outcome::Panicked, None, false));
        }
        self.span.panicked();
    }
}

impl<F: Future, K: Judge<F::Output>, const N: usize> Future for Traced<F, K, N> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `inner` stays where it is until it is dropped; the other fields are not pinned.
        let Self { span, judge, inner } = unsafe { self.get_unchecked_mut() };
        // SAFETY: `inner` is pinned because `self` was.
        let inner = unsafe { Pin::new_unchecked(inner) };
        let poller = Poller::begin(span, judge);
        // No closure: that would be two functions more to compile for each annotated one.
        let polled = match poller.span.enter() {
            Some((_inside, _told)) => inner.poll(cx),
            None => inner.poll(cx),
        };
        poller.polled(&polled);
        polled
    }
}

impl<F, K: Hooks, const N: usize> Drop for Traced<F, K, N> {
    #[inline]
    fn drop(&mut self) {
        if self.span.is_live() {
            if K::TIMES && self.span.is_recording() {
                self.span.poll(|| self.judge.report());
            }
            // Left, and ended as cancelled, by the drop of the field.
            self.span.enter_to_drop();
        }
    }
}
