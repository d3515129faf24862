//! Futures whose value is or holds a stream: the span goes on in that.

use core::marker::PhantomData;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::flow::Ready;
use super::future::Poller;
use super::judge::{Hooks, Judge};
use crate::callsite::Callsite;
use crate::trace::{FutureSpan, SyncSpan};

/// A future inside the span of its call, which goes on in the value.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct TracedFlow<F, O, K: Hooks, W, const N: usize> {
    inner: F,
    outer: O,
    /// `None` once the stream has it.
    judge: Option<K>,
    span: FutureSpan<N>,
    flow: PhantomData<fn(W)>,
}

/// Wraps a future whose span begins with the first poll.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn future_flow<F: Future, O, K: Hooks, W: Ready<F::Output, O, K, N>, const N: usize>(
    _: W,
    site: &'static Callsite,
    outer: O,
    judge: K,
    inner: F,
) -> TracedFlow<F, O, K, W, N> {
    flow(FutureSpan::new(site), outer, judge, inner)
}

/// Wraps a future whose span began with the call that made it.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn finish_future_flow<F, O, K, W, const N: usize>(
    _: W,
    site: &'static Callsite,
    span: SyncSpan<N>,
    outer: O,
    mut judge: K,
    inner: F,
) -> TracedFlow<F, O, K, W, N>
where
    F: Future,
    K: Hooks,
    W: Ready<F::Output, O, K, N>,
{
    if K::TIMES {
        judge.left();
    }
    flow(FutureSpan::adopt(site, span), outer, judge, inner)
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn flow<F, O, K: Hooks, W, const N: usize>(
    span: FutureSpan<N>,
    outer: O,
    judge: K,
    inner: F,
) -> TracedFlow<F, O, K, W, N> {
    TracedFlow {
        inner,
        outer,
        judge: Some(judge),
        span,
        flow: PhantomData,
    }
}

impl<F, O, K, W, const N: usize> Future for TracedFlow<F, O, K, W, N>
where
    F: Future,
    O: Judge<F::Output>,
    K: Hooks,
    W: Ready<F::Output, O, K, N>,
{
    type Output = W::Out;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Out> {
        // SAFETY: `inner` stays where it is until it is dropped; the other fields are not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let Some(judge) = &mut this.judge else {
            // Polled again after it was ready, which futures may answer like this.
            return Poll::Pending;
        };
        // SAFETY: `inner` is pinned because `self` was.
        let inner = unsafe { Pin::new_unchecked(&mut this.inner) };
        let span = &mut this.span;
        let mut poller = Poller::begin(span, judge);
        let mut polled = poller.span.poll(|| inner.poll(cx));
        poller.left();
        mem::forget(poller);
        if polled.is_pending()
            && let Some(last) = this.outer.pending(cx)
        {
            polled = Poll::Ready(last);
        }
        match (polled, this.judge.take()) {
            (Poll::Ready(value), Some(judge)) => {
                Poll::Ready(W::resume(this.span.take(), &this.outer, judge, value))
            }
            (_, judge) => {
                this.judge = judge;
                Poll::Pending
            }
        }
    }
}

impl<F, O, K: Hooks, W, const N: usize> Drop for TracedFlow<F, O, K, W, N> {
    fn drop(&mut self) {
        if self.span.is_live() {
            if K::TIMES
                && self.span.is_recording()
                && let Some(judge) = &mut self.judge
            {
                self.span.poll(|| judge.report());
            }
            // Left, and ended as cancelled, by the drop of the field.
            self.span.enter_to_drop();
        }
    }
}
