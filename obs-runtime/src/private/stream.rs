//! The stream that carries its span, and functions whose value is a stream.

use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::time::Instant;

use futures_core::Stream;
use futures_core::stream::FusedStream;

use super::future::{LaterLocal, LaterSend, LaterSync, Looks, Now, Poller, When};
use super::kind::{Abandon, Kind};
use crate::callsite::Callsite;
use crate::semconv::attribute;
use crate::trace::{FutureSpan, Outcome, SpanError, SyncSpan, current};

/// A stream inside the span of its call, which lasts until the stream is exhausted or dropped.
///
/// The last item decides: after an `Err` the call has failed, whether the stream goes on to its end or the
/// reader stops there, as `try_next` and `try_collect` do.
#[must_use = "streams do nothing unless polled"]
pub struct TracedStream<S, K: Abandon, const N: usize> {
    /// Dropped by hand, inside the span and before its end.
    inner: ManuallyDrop<S>,
    kind: K,
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
    fn item<T, K: Kind<T>>(&mut self, kind: &K, value: &T, recorded: bool) {
        self.items += 1;
        if self.first.is_none() {
            self.first = self.made.map(|made| made.elapsed());
        }
        self.error = kind.failed(value).then(|| kind.error(value, recorded));
    }
}

/// Ends the span as panicked unless it is told that the stream's code came back.
struct Inside<'a, K: Abandon, const N: usize> {
    poller: ManuallyDrop<Poller<'a, K, N>>,
    seen: &'a mut Seen,
}

impl<K: Abandon, const N: usize> Inside<'_, K, N> {
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
        if K::OBSERVES {
            let Poller { span, kind } = &mut **poller;
            span.poll(|| kind.ended(outcome, error.as_ref(), recorded));
        }
        match error {
            Some(error) if outcome == Outcome::Error => poller.span.fail(error),
            _ => poller.span.end(outcome),
        }
    }
}

impl<K: Abandon, const N: usize> Drop for Inside<'_, K, N> {
    #[cold]
    fn drop(&mut self) {
        self.end(Outcome::Panicked);
    }
}

impl<S, K: Abandon, const N: usize> fmt::Debug for TracedStream<S, K, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedStream").finish_non_exhaustive()
    }
}

/// Wraps a stream whose span began with the call that made it.
fn traced<S: Stream, K: Kind<S::Item>, const N: usize>(
    site: &'static Callsite,
    span: SyncSpan<N>,
    kind: K,
    inner: S,
) -> TracedStream<S, K, N> {
    follow(FutureSpan::adopt(site, span), kind, inner)
}

/// Wraps a stream whose span has begun.
pub(super) fn follow<S: Stream, K: Kind<S::Item>, const N: usize>(
    span: FutureSpan<N>,
    mut kind: K,
    inner: S,
) -> TracedStream<S, K, N> {
    if K::TIMES {
        kind.left();
    }
    TracedStream {
        inner: ManuallyDrop::new(inner),
        kind,
        seen: Seen {
            items: 0,
            made: span.is_recording().then(Instant::now),
            first: None,
            error: None,
        },
        span,
    }
}

impl<S: Stream, K: Kind<S::Item>, const N: usize> Stream for TracedStream<S, K, N> {
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        // SAFETY: `inner` stays where it is until it is dropped; the other fields are not pinned.
        let Self {
            inner,
            kind,
            span,
            seen,
        } = unsafe { self.get_unchecked_mut() };
        // SAFETY: `inner` is pinned because `self` was.
        let inner = unsafe { Pin::new_unchecked(&mut **inner) };
        let mut inside = Inside {
            poller: ManuallyDrop::new(Poller::begin(span, kind)),
            seen,
        };
        let polled = inside.poller.span.poll(|| inner.poll_next(cx));
        inside.poller.left();
        match &polled {
            Poll::Ready(Some(item)) => {
                let Poller { span, kind } = &mut *inside.poller;
                let recorded = span.is_recording();
                if K::OBSERVES {
                    span.poll(|| kind.observe(item, recorded));
                }
                if K::OBSERVES || span.is_live() {
                    inside.seen.item(&**kind, item, recorded);
                }
            }
            Poll::Ready(None) => inside.end(Outcome::Ok),
            Poll::Pending => {}
        }
        mem::forget(inside);
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<S: FusedStream, K: Kind<S::Item>, const N: usize> FusedStream for TracedStream<S, K, N> {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}

impl<S, K: Abandon, const N: usize> Drop for TracedStream<S, K, N> {
    fn drop(&mut self) {
        let Self {
            inner,
            kind,
            span,
            seen,
        } = self;
        if !span.is_live() {
            // SAFETY: nobody uses it after this, and it was not moved.
            unsafe { ManuallyDrop::drop(inner) };
            if K::OBSERVES {
                // What is counted without a span; it knows whether it has ended.
                kind.ended(Outcome::Cancelled, seen.error.as_ref(), false);
            }
            return;
        }
        let mut inside = Inside {
            poller: ManuallyDrop::new(Poller::begin(span, kind)),
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

/// The values are the items of the stream `S` that the function returns.
pub struct Items<S>(PhantomData<fn(S)>);

/// The values are the items of the boxed stream that the function returns; `B` is the box.
pub struct BoxedItems<T, B>(PhantomData<fn(T, B)>);

impl<S> fmt::Debug for Items<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}

impl<T, B> fmt::Debug for BoxedItems<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxedItems")
    }
}

impl<S> Items<S> {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T, B> BoxedItems<T, B> {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Stream> Looks for Items<S> {
    type At = S::Item;
}

impl<T, B> Looks for BoxedItems<T, B> {
    type At = T;
}

/// What a function that declares `impl Stream` gives back.
pub trait Wrap<T, K, const N: usize> {
    /// The stream in its span.
    type Out;
    /// Goes on with the span in the value, or ends it if the value is no stream.
    fn wrap(site: &'static Callsite, span: SyncSpan<N>, kind: K, value: T) -> Self::Out;
}

impl<S: Stream, K: Kind<S::Item>, const N: usize> Wrap<S, K, N> for Items<S> {
    type Out = TracedStream<S, K, N>;

    fn wrap(site: &'static Callsite, span: SyncSpan<N>, kind: K, value: S) -> Self::Out {
        traced(site, span, kind, value)
    }
}

impl<T, K: Kind<T>, const N: usize> Wrap<T, K, N> for Now<T> {
    type Out = T;

    fn wrap(site: &'static Callsite, span: SyncSpan<N>, kind: K, value: T) -> T {
        Self::finish(site, span, kind, value)
    }
}

macro_rules! boxed_items {
    ($($when:ident: $($auto:ident),*;)*) => {
        $(impl<'a, T, K> When<Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>, K> for BoxedItems<T, $when>
        where
            T: 'a,
            K: Kind<T> $(+ $auto)* + 'a,
        {
            fn finish<const N: usize>(
                site: &'static Callsite,
                span: SyncSpan<N>,
                kind: K,
                value: Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>,
            ) -> Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>> {
                Box::pin(traced(site, span, kind, value))
            }
        })*
    };
}

boxed_items! {
    LaterLocal: ;
    LaterSend: Send;
    LaterSync: Send, Sync;
}

/// Goes on with the span in a stream whose type has no name.
#[inline(always)]
pub fn finish_stream<T, K, W: Wrap<T, K, N>, const N: usize>(
    _: W,
    site: &'static Callsite,
    span: SyncSpan<N>,
    kind: K,
    value: T,
) -> W::Out {
    W::wrap(site, span, kind, value)
}
