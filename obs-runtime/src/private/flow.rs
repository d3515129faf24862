//! How a call goes on after its function has returned: not at all, in a boxed future, or in a stream.
//!
//! A [`ValueFlow`] is chosen by the type of the value (`probe.rs`). [`Yields`] says what is judged then: the
//! value, the output of the future, or each item. [`Ready`] ends the span, or goes on with it in the value.

use core::marker::PhantomData;
use core::mem;
use core::pin::Pin;

use futures_core::Stream;

use super::call::finish;
use super::future::{Poller, Traced};
use super::judge::{Hooks, Judge};
use super::probe::Probe;
use super::stream::{TracedStream, follow};
use crate::callsite::Callsite;
use crate::trace::{FutureSpan, Outcome, SyncSpan};

/// How the call goes on: `W` says in what, `P` where in the value that is.
pub struct ValueFlow<W, P = Direct>(PhantomData<fn(W, P)>);

impl<W, P> ValueFlow<W, P> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// It does not: the value is no future and no stream that is followed.
pub struct Now<T>(PhantomData<T>);

/// In a boxed future of `O`; `B` is the box.
pub struct Later<O, B>(PhantomData<(O, B)>);

/// In the stream `S`.
pub struct Items<S>(PhantomData<S>);

/// In a boxed stream of `T`; `B` is the box.
pub struct BoxedItems<T, B>(PhantomData<(T, B)>);

/// In the value itself.
pub struct Direct;

/// In the `Ok` value.
pub struct InOk;

/// A box of what need not be `Send`.
pub struct LocalBox;
/// A box of what is `Send`.
pub struct SendBox;
/// A box of what is `Send` and `Sync`.
pub struct SyncBox;

/// What is judged.
pub trait Yields {
    /// Its type.
    type Value;
}

impl<T, P> Yields for ValueFlow<Now<T>, P> {
    type Value = T;
}

impl<O, B> Yields for ValueFlow<Later<O, B>> {
    type Value = O;
}

impl<S: Stream, P> Yields for ValueFlow<Items<S>, P> {
    type Value = S::Item;
}

impl<T, B, P> Yields for ValueFlow<BoxedItems<T, B>, P> {
    type Value = T;
}

/// A probe of what is judged.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn probe_when<W: Yields>(_: &W) -> Probe<W::Value> {
    Probe::new()
}

/// Of a stream of `T`, or of what is no stream.
pub trait YieldsItems<T> {
    /// The type of what is judged.
    type Value;
}

impl<S: Stream<Item = T>, T, P> YieldsItems<T> for ValueFlow<Items<S>, P> {
    type Value = T;
}

impl<T, B, P> YieldsItems<T> for ValueFlow<BoxedItems<T, B>, P> {
    type Value = T;
}

impl<T, V, P> YieldsItems<T> for ValueFlow<Now<V>, P> {
    type Value = V;
}

/// As [`probe_when`], for items whose type is known: the stream's own may not be, of one that is empty.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn probe_items_of<T, W: YieldsItems<T>>(_: &W) -> Probe<W::Value> {
    Probe::new()
}

/// A value that is or holds a stream.
#[diagnostic::on_unimplemented(
    message = "`stream` needs a function that returns a stream, or a `Result` of one",
    label = "the value is no `futures_core::Stream`",
    note = "a boxed future of a stream is followed where `Box::pin(…)` is the function's last expression"
)]
pub trait IsStream {}

#[diagnostic::do_not_recommend]
impl<S: Stream, P> IsStream for ValueFlow<Items<S>, P> {}
#[diagnostic::do_not_recommend]
impl<T, B, P> IsStream for ValueFlow<BoxedItems<T, B>, P> {}

/// Refuses what is no stream.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn check_stream<W: IsStream>(_: &W) {}

/// Ends the span of a call that gave the value `T`, or goes on with it. `O` judges the value that holds a stream, `K`
/// what is judged otherwise.
pub trait Ready<T, O, K, const N: usize> {
    /// The value, or what carries the span on.
    type Out;

    /// Takes a span that need not be entered.
    fn resume(span: FutureSpan<N>, outer: &O, judge: K, value: T) -> Self::Out;

    /// Takes the span of a function that returns now.
    #[inline]
    fn finish(
        site: &'static Callsite,
        span: &mut SyncSpan<N>,
        outer: &O,
        judge: K,
        value: T,
    ) -> Self::Out {
        let span = mem::replace(span, SyncSpan::idle());
        Self::resume(FutureSpan::adopt(site, span), outer, judge, value)
    }
}

impl<T, O, K: Judge<T>, const N: usize> Ready<T, O, K, N> for ValueFlow<Now<T>> {
    type Out = T;

    fn resume(mut span: FutureSpan<N>, _: &O, mut judge: K, value: T) -> T {
        Poller::begin(&mut span, &mut judge).end(&value);
        value
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn finish(_: &'static Callsite, span: &mut SyncSpan<N>, _: &O, judge: K, value: T) -> T {
        finish(span, judge, value)
    }
}

impl<S: Stream, O, K: Judge<S::Item>, const N: usize> Ready<S, O, K, N> for ValueFlow<Items<S>> {
    type Out = TracedStream<S, K, N>;

    fn resume(span: FutureSpan<N>, _: &O, judge: K, value: S) -> Self::Out {
        follow(span, judge, value)
    }
}

/// A future in a box whose type is known: it is put in another, with its span.
pub trait BoxedFuture {
    /// Of the output and the box.
    type Later;
}

/// A stream in a box whose type is known.
pub trait BoxedStream {
    /// Of the items and the box.
    type Items;
}

macro_rules! boxed {
    ($($box:ident: $($auto:ident),*;)*) => {
        $(
            impl<'a, O> BoxedFuture for Pin<Box<dyn Future<Output = O> $(+ $auto)* + 'a>> {
                type Later = Later<O, $box>;
            }

            impl<'a, T> BoxedStream for Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>> {
                type Items = BoxedItems<T, $box>;
            }

            impl<'a, V, O, K, const N: usize>
                Ready<Pin<Box<dyn Future<Output = V> $(+ $auto)* + 'a>>, O, K, N>
                for ValueFlow<Later<V, $box>>
            where
                V: 'a,
                K: Judge<V> $(+ $auto)* + 'a,
            {
                type Out = Pin<Box<dyn Future<Output = V> $(+ $auto)* + 'a>>;

                #[inline]
                fn resume(
                    span: FutureSpan<N>,
                    _: &O,
                    judge: K,
                    value: Pin<Box<dyn Future<Output = V> $(+ $auto)* + 'a>>,
                ) -> Self::Out {
                    Box::pin(Traced::resume(span, judge, value))
                }
            }

            impl<'a, T, O, K, const N: usize>
                Ready<Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>, O, K, N>
                for ValueFlow<BoxedItems<T, $box>>
            where
                T: 'a,
                K: Judge<T> $(+ $auto)* + 'a,
            {
                type Out = Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>;

                fn resume(
                    span: FutureSpan<N>,
                    _: &O,
                    judge: K,
                    value: Pin<Box<dyn Stream<Item = T> $(+ $auto)* + 'a>>,
                ) -> Self::Out {
                    Box::pin(follow(span, judge, value))
                }
            }
        )*
    };
}

boxed! {
    LocalBox: ;
    SendBox: Send;
    SyncBox: Send, Sync;
}

impl<S, E, W, O, K, const N: usize> Ready<Result<S, E>, O, K, N> for ValueFlow<W, InOk>
where
    ValueFlow<W>: Ready<S, O, K, N>,
    O: Judge<Result<S, E>>,
    K: Hooks,
{
    type Out = Result<<ValueFlow<W> as Ready<S, O, K, N>>::Out, E>;

    fn resume(mut span: FutureSpan<N>, outer: &O, mut judge: K, value: Result<S, E>) -> Self::Out {
        if value.is_err() {
            let recorded = span.is_recording();
            if O::OBSERVES {
                span.poll(|| outer.observe(&value, recorded));
            }
            let error = outer.failed(&value).then(|| outer.error(&value, recorded));
            let outcome = match error {
                Some(_) => Outcome::Error,
                None => Outcome::Ok,
            };
            if K::OBSERVES {
                span.poll(|| judge.ended(outcome, error.as_ref(), recorded));
            }
            if K::TIMES && recorded {
                span.poll(|| judge.report());
            }
            match error {
                Some(error) => span.fail(error),
                None => span.end(outcome),
            }
        }
        value.map(|stream| <ValueFlow<W> as Ready<S, O, K, N>>::resume(span, outer, judge, stream))
    }
}

/// Ends the span of a function that returns, or goes on with it in the value. The guard stays where it is unless the
/// call goes on.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn finish_flow<T, O, K, W: Ready<T, O, K, N>, const N: usize>(
    _: W,
    site: &'static Callsite,
    span: &mut SyncSpan<N>,
    outer: O,
    judge: K,
    value: T,
) -> W::Out {
    W::finish(site, span, &outer, judge, value)
}
