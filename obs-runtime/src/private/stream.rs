//! The stream that carries its span.

use core::mem::{self, ManuallyDrop};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::time::Instant;

use futures_core::Stream;
use futures_core::stream::FusedStream;

use super::future::Poller;
use super::judge::{Hooks, Judge};
use crate::semconv::attribute;
use crate::trace::{FutureSpan, Outcome, SpanError, current};

/// A stream inside the span of its call, which lasts until the stream is exhausted or dropped.
///
/// The last item decides: after an `Err` the call has failed, whether the stream goes on to its end or the
/// reader stops there, as `try_next` and `try_collect` do.
#[must_use = "streams do nothing unless polled"]
pub struct TracedStream<S, K: Hooks, const N: usize> {
    /// Dropped by hand, inside the span and before its end.
    inner: ManuallyDrop<S>,
    judge: K,
    span: FutureSpan<N>,
    seen: Seen,
}

/// What came out of the stream.
struct Seen {
    items: u64,
    /// When the function gave the stream away, of a recorded call.
    made: Option<Instant>,
    first: Option<Duration>,
    /// The last item's.
    error: Option<SpanError>,
}

impl Seen {
    #[inline]
    fn item<T, K: Judge<T>>(&mut self, judge: &K, value: &T, recorded: bool) {
        self.items += 1;
        if self.first.is_none() {
            self.first = self.made.map(|made| made.elapsed());
        }
        self.error = judge.failed(value).then(|| judge.error(value, recorded));
    }
}

/// Ends the span as panicked unless it is told that the stream's code came back.
struct Inside<'a, K: Hooks, const N: usize> {
    poller: ManuallyDrop<Poller<'a, K, N>>,
    seen: &'a mut Seen,
}

impl<K: Hooks, const N: usize> Inside<'_, K, N> {
    /// Ends the span.
    #[cold]
    fn end(&mut self, outcome: Outcome) {
        let Self { poller, seen } = self;
        let recorded = poller.span.is_recording();
        let outcome = match (&seen.error, outcome) {
            (_, Outcome::Panicked) | (None, _) => outcome,
            (Some(_), _) => Outcome::Error,
        };
        if recorded {
            poller.span.poll(|| {
                current::set_attribute(attribute::OBS_STREAM_ITEMS, seen.items);
                if let Some(first) = seen.first {
                    let seconds = first.as_secs_f64();
                    current::set_attribute(attribute::OBS_STREAM_TIME_TO_FIRST_ITEM, seconds);
                }
            });
        }
        poller.report();
        let error = seen.error.take();
        poller.ended(outcome, error.as_ref());
        match error {
            Some(error) if outcome == Outcome::Error => poller.span.fail(error),
            _ if outcome == Outcome::Panicked => poller.span.panicked(),
            _ => poller.span.end(outcome),
        }
    }
}

impl<K: Hooks, const N: usize> Drop for Inside<'_, K, N> {
    #[cold]
    fn drop(&mut self) {
        self.end(Outcome::Panicked);
    }
}

/// Wraps a stream whose span has begun.
pub(super) fn follow<S: Stream, K: Judge<S::Item>, const N: usize>(
    span: FutureSpan<N>,
    mut judge: K,
    inner: S,
) -> TracedStream<S, K, N> {
    if K::TIMES {
        judge.left();
        judge.handed_over();
    }
    TracedStream {
        inner: ManuallyDrop::new(inner),
        judge,
        seen: Seen {
            items: 0,
            made: span.is_recording().then(Instant::now),
            first: None,
            error: None,
        },
        span,
    }
}

impl<S: Stream, K: Judge<S::Item>, const N: usize> Stream for TracedStream<S, K, N> {
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        // SAFETY: `inner` stays where it is until it is dropped; the other fields are not pinned.
        let Self {
            inner,
            judge,
            span,
            seen,
        } = unsafe { self.get_unchecked_mut() };
        // SAFETY: `inner` is pinned because `self` was.
        let inner = unsafe { Pin::new_unchecked(&mut **inner) };
        let mut inside = Inside {
            poller: ManuallyDrop::new(Poller::begin(span, judge)),
            seen,
        };
        let mut polled = if inside.poller.judge.has_stopped() {
            Poll::Ready(None)
        } else {
            inside.poller.span.poll(|| inner.poll_next(cx))
        };
        inside.poller.left();
        if polled.is_pending()
            && let Some(last) = inside.poller.judge.pending(cx)
        {
            polled = Poll::Ready(Some(last));
        }
        match &polled {
            Poll::Ready(Some(item)) => {
                let Poller { span, judge } = &mut *inside.poller;
                let recorded = span.is_recording();
                if K::OBSERVES {
                    span.poll(|| judge.observe(item, recorded));
                }
                if K::OBSERVES || span.is_live() {
                    inside.seen.item(&**judge, item, recorded);
                }
            }
            Poll::Ready(None) => inside.end(Outcome::Ok),
            Poll::Pending => {}
        }
        mem::forget(inside);
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.judge.has_stopped() {
            return (0, Some(0));
        }
        self.inner.size_hint()
    }
}

impl<S: FusedStream, K: Judge<S::Item>, const N: usize> FusedStream for TracedStream<S, K, N> {
    fn is_terminated(&self) -> bool {
        self.judge.has_stopped() || self.inner.is_terminated()
    }
}

impl<S, K: Hooks, const N: usize> Drop for TracedStream<S, K, N> {
    fn drop(&mut self) {
        let Self {
            inner,
            judge,
            span,
            seen,
        } = self;
        if !span.is_live() {
            // SAFETY: nobody uses it after this, and it was not moved.
            unsafe { ManuallyDrop::drop(inner) };
            if K::OBSERVES {
                // What is counted without a span; it knows whether it has ended.
                let outcome = match seen.error {
                    Some(_) => Outcome::Error,
                    None => Outcome::Cancelled,
                };
                judge.ended(outcome, seen.error.as_ref(), false);
            }
            return;
        }
        let mut inside = Inside {
            poller: ManuallyDrop::new(Poller::begin(span, judge)),
            seen,
        };
        // SAFETY: as above; a panic leaves by the guard, which does not know it.
        inside
            .poller
            .span
            .poll(|| unsafe { ManuallyDrop::drop(inner) });
        inside.end(Outcome::Cancelled);
        mem::forget(inside);
    }
}
