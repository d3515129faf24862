//! `stream`: functions whose value gives a stream, at once or later, in a `Result` or not. The span of the call
//! lasts until the stream has ended.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ops::Deref;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::Stream;

use super::future::{LaterLocal, LaterSend, LaterSync, Poller};
use super::kind::{Abandon, Kind};
use super::probe::{AnyProbe, BoxedStream, IsResult, Probe};
use super::stream::{BoxedItems, Items, TracedStream, follow};
use crate::callsite::Callsite;
use crate::trace::{FutureSpan, Outcome, SyncSpan};

/// The value is the stream.
#[derive(Debug)]
pub struct Direct;

/// The `Ok` value is the stream.
#[derive(Debug)]
pub struct InOk;

/// How the stream comes: `W` says what it is, `P` where it is.
pub struct Flow<W, P>(PhantomData<fn(W, P)>);

/// Stands for the type `S` of a stream that is where `P` says.
pub struct SourceProbe<S, P>(AnySource<S, P>);

/// The tier of any stream.
pub struct AnySource<S, P>(NoSource<S, P>);

/// The last tier: no stream.
pub struct NoSource<S, P>(PhantomData<fn(S, P)>);

/// In place of the items of what is no stream.
#[derive(Debug)]
pub struct NoItems;

impl<W, P> Flow<W, P> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S, P> SourceProbe<S, P> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    const fn new() -> Self {
        Self(AnySource(NoSource(PhantomData)))
    }
}

macro_rules! debug {
    ($($name:ident),*) => {
        $(impl<A, B> fmt::Debug for $name<A, B> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })*
    };
}

debug!(Flow, SourceProbe, AnySource, NoSource);

impl<T: IsResult> Probe<T> {
    /// The stream is the `Ok` value.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn __obs_source(&self) -> SourceProbe<T::Ok, InOk> {
        SourceProbe::new()
    }
}

impl<T> AnyProbe<T> {
    /// The stream is the value.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn __obs_source(&self) -> SourceProbe<T, Direct> {
        SourceProbe::new()
    }
}

impl<S: BoxedStream, P> SourceProbe<S, P> {
    /// A boxed stream, in another box.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn __obs_flow(&self) -> Flow<S::Items, P> {
        Flow::new()
    }

    /// As `__obs_flow`, where other streams cannot be wrapped.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn __obs_boxed_flow(&self) -> Flow<S::Items, P> {
        Flow::new()
    }
}

impl<S: Stream, P> AnySource<S, P> {
    /// Any stream, in a wrapper.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn __obs_flow(&self) -> Flow<Items<S>, P> {
        Flow::new()
    }
}

impl<S, P> NoSource<S, P> {
    /// No stream: where one was asked for, [`check_source`] says so, and nothing else does.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn __obs_flow(&self) -> Flow<NoItems, P> {
        Flow::new()
    }

    /// No boxed stream.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn __obs_boxed_flow(&self) -> Flow<NoItems, P> {
        Flow::new()
    }
}

impl<S, P> Deref for SourceProbe<S, P> {
    type Target = AnySource<S, P>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deref(&self) -> &AnySource<S, P> {
        &self.0
    }
}

impl<S, P> Deref for AnySource<S, P> {
    type Target = NoSource<S, P>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn deref(&self) -> &NoSource<S, P> {
        &self.0
    }
}

/// A value that is or holds a stream.
#[diagnostic::on_unimplemented(
    message = "`stream` needs a function that returns a stream, or a `Result` of one",
    label = "the value is no `futures_core::Stream`",
    note = "a boxed future of a stream is followed where `Box::pin(…)` is the function's last expression"
)]
pub trait IsSource {}

#[diagnostic::do_not_recommend]
impl<S: Stream, P> IsSource for Flow<Items<S>, P> {}
#[diagnostic::do_not_recommend]
impl<T, B, P> IsSource for Flow<BoxedItems<T, B>, P> {}

/// Refuses what is no stream.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn check_source<W: IsSource>(_: &W) {}

/// What the items are.
pub trait GivesItems {
    /// Their type.
    type Item;
}

impl<S: Stream, P> GivesItems for Flow<Items<S>, P> {
    type Item = S::Item;
}

impl<T, B, P> GivesItems for Flow<BoxedItems<T, B>, P> {
    type Item = T;
}

impl<P> GivesItems for Flow<NoItems, P> {
    type Item = ();
}

/// A probe of the items' type.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn probe_items<W: GivesItems>(_: &W) -> Probe<W::Item> {
    Probe::new()
}

/// Whose items are of the type `T`, or what is no stream.
pub trait GivesItemsOf<T> {}

impl<S: Stream<Item = T>, T, P> GivesItemsOf<T> for Flow<Items<S>, P> {}
impl<T, B, P> GivesItemsOf<T> for Flow<BoxedItems<T, B>, P> {}
impl<T, P> GivesItemsOf<T> for Flow<NoItems, P> {}

/// As [`probe_items`], of a type that is known: the stream's own may not be, of one that is empty.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn probe_items_of<T, W: GivesItemsOf<T>>(_: &W) -> Probe<T> {
    Probe::new()
}

/// What becomes of a value that is or holds a stream. `O` is the kind of the value, `K` that of the items.
pub trait Source<T, O, K, const N: usize> {
    /// The value with the stream in its span.
    type Out;
    /// Goes on with the span in the stream.
    fn deliver(span: FutureSpan<N>, outer: &O, kind: K, value: T) -> Self::Out;
}

impl<S: Stream, O, K: Kind<S::Item>, const N: usize> Source<S, O, K, N> for Flow<Items<S>, Direct> {
    type Out = TracedStream<S, K, N>;

    fn deliver(span: FutureSpan<N>, _: &O, kind: K, value: S) -> Self::Out {
        follow(span, kind, value)
    }
}

impl<T, O, K, const N: usize> Source<T, O, K, N> for Flow<NoItems, Direct> {
    type Out = T;

    /// Where only the words of the type said that it is a stream: another crate's, perhaps.
    fn deliver(mut span: FutureSpan<N>, _: &O, _: K, value: T) -> T {
        span.end(Outcome::Ok);
        value
    }
}

macro_rules! boxed {
    ($($when:ident: $($auto:ident),*;)*) => {
        $(impl<'a, T, O, K, const N: usize> Source<Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>, O, K, N>
            for Flow<BoxedItems<T, $when>, Direct>
        where
            T: 'a,
            K: Kind<T> $(+ $auto)* + 'a,
        {
            type Out = Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>;

            fn deliver(
                span: FutureSpan<N>,
                _: &O,
                kind: K,
                value: Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>,
            ) -> Self::Out {
                Box::pin(follow(span, kind, value))
            }
        })*
    };
}

boxed! {
    LaterLocal: ;
    LaterSend: Send;
    LaterSync: Send, Sync;
}

impl<S, E, W, O, K, const N: usize> Source<Result<S, E>, O, K, N> for Flow<W, InOk>
where
    Flow<W, Direct>: Source<S, O, K, N>,
    O: Kind<Result<S, E>>,
    K: Abandon,
{
    type Out = Result<<Flow<W, Direct> as Source<S, O, K, N>>::Out, E>;

    fn deliver(mut span: FutureSpan<N>, outer: &O, mut kind: K, value: Result<S, E>) -> Self::Out {
        if value.is_err() {
            let recorded = span.is_recording();
            let error = outer.failed(&value).then(|| outer.error(&value, recorded));
            let outcome = match error {
                Some(_) => Outcome::Error,
                None => Outcome::Ok,
            };
            if K::OBSERVES {
                span.poll(|| kind.ended(outcome, error.as_ref(), recorded));
            }
            if K::TIMES && recorded {
                span.poll(|| kind.report());
            }
            match error {
                Some(error) => span.fail(error),
                None => span.end(outcome),
            }
        }
        value.map(|stream| {
            <Flow<W, Direct> as Source<S, O, K, N>>::deliver(span, outer, kind, stream)
        })
    }
}

/// Goes on with the span of a call in the stream that it gave.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn finish_source<T, O, K, W: Source<T, O, K, N>, const N: usize>(
    _: W,
    site: &'static Callsite,
    span: SyncSpan<N>,
    outer: O,
    kind: K,
    value: T,
) -> W::Out {
    W::deliver(FutureSpan::adopt(site, span), &outer, kind, value)
}

/// A future whose value is or holds a stream: the span goes on in that.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct TracedSource<F, O, K: Abandon, W, const N: usize> {
    inner: F,
    outer: O,
    /// `None` once the stream has it.
    kind: Option<K>,
    span: FutureSpan<N>,
    flow: PhantomData<fn(W)>,
}

impl<F, O, K: Abandon, W, const N: usize> fmt::Debug for TracedSource<F, O, K, W, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedSource").finish_non_exhaustive()
    }
}

/// Wraps a future whose span begins with the first poll.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn future_source<F: Future, O, K: Abandon, W: Source<F::Output, O, K, N>, const N: usize>(
    _: W,
    site: &'static Callsite,
    outer: O,
    kind: K,
    inner: F,
) -> TracedSource<F, O, K, W, N> {
    source(FutureSpan::new(site), outer, kind, inner)
}

/// Wraps a future whose span began with the call that made it.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn finish_future_source<F, O, K, W, const N: usize>(
    _: W,
    site: &'static Callsite,
    span: SyncSpan<N>,
    outer: O,
    mut kind: K,
    inner: F,
) -> TracedSource<F, O, K, W, N>
where
    F: Future,
    K: Abandon,
    W: Source<F::Output, O, K, N>,
{
    if K::TIMES {
        kind.left();
    }
    source(FutureSpan::adopt(site, span), outer, kind, inner)
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn source<F, O, K: Abandon, W, const N: usize>(
    span: FutureSpan<N>,
    outer: O,
    kind: K,
    inner: F,
) -> TracedSource<F, O, K, W, N> {
    TracedSource {
        inner,
        outer,
        kind: Some(kind),
        span,
        flow: PhantomData,
    }
}

impl<F, O, K, W, const N: usize> Future for TracedSource<F, O, K, W, N>
where
    F: Future,
    K: Abandon,
    W: Source<F::Output, O, K, N>,
{
    type Output = W::Out;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Out> {
        // SAFETY: `inner` stays where it is until it is dropped; the other fields are not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let Some(kind) = &mut this.kind else {
            // Polled again after it was ready, which futures may answer like this.
            return Poll::Pending;
        };
        // SAFETY: `inner` is pinned because `self` was.
        let inner = unsafe { Pin::new_unchecked(&mut this.inner) };
        let span = &mut this.span;
        let mut poller = Poller::begin(span, kind);
        let polled = poller.span.poll(|| inner.poll(cx));
        poller.left();
        mem::forget(poller);
        match (polled, this.kind.take()) {
            (Poll::Ready(value), Some(kind)) => {
                Poll::Ready(W::deliver(this.span.take(), &this.outer, kind, value))
            }
            (_, kind) => {
                this.kind = kind;
                Poll::Pending
            }
        }
    }
}

impl<F, O, K: Abandon, W, const N: usize> Drop for TracedSource<F, O, K, W, N> {
    fn drop(&mut self) {
        if self.span.is_live() {
            if K::TIMES
                && self.span.is_recording()
                && let Some(kind) = &mut self.kind
            {
                self.span.poll(|| kind.report());
            }
            // Left, and ended as cancelled, by the drop of the field.
            self.span.enter_to_drop();
        }
    }
}
