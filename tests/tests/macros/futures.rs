//! Annotated functions that return futures, streams and iterators.

#![allow(
    clippy::all,
    clippy::pedantic,
    unused_braces,
    reason = "the code that users write is what is tested"
)]

use std::cell::Cell;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{self, Stream, StreamExt as _};
use futures_util::{FutureExt as _, future::BoxFuture, future::LocalBoxFuture};
use obs_runtime::testing::{capture, capture_async};
use obs_runtime::{Instrument as _, span, traced};
use obs_tests::cases::{block_on, cancel, ended, note, notes, tree, yield_now};

#[traced]
fn leaf() {}

// case: 62
#[test]
fn an_async_fn_is_lazy_and_its_span_lasts_to_the_end() {
    #[traced]
    async fn lazy() -> u8 {
        note("runs");
        leaf();
        yield_now().await;
        leaf();
        1
    }
    notes();
    let captured = capture(|| {
        let never = lazy();
        let later = lazy();
        assert_eq!(notes(), [""; 0]);
        span!("between").in_scope(|_| leaf());
        assert_eq!(block_on(later), 1);
        assert_eq!(notes(), ["runs"]);
        drop(never);
    });
    let expected = [
        "leaf < between",
        "between < -",
        "leaf < lazy",
        "leaf < lazy",
        "lazy < -",
    ];
    assert_eq!(tree(&captured), expected);
    // The span begins with the first poll, after what happened since the call.
    assert!(captured.span("lazy").start_unix_nanos >= captured.span("between").end_unix_nanos);
}

mod tails {
    use super::*;

    type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

    async fn inner(n: u8) -> Result<u8, u8> {
        yield_now().await;
        leaf();
        if n == 0 { Err(n) } else { Ok(n) }
    }

    #[traced]
    pub(super) fn literal(n: u8) -> Boxed<Result<u8, u8>> {
        Box::pin(async move { inner(n).await })
    }
    #[traced]
    pub(super) fn call(n: u8) -> Boxed<Result<u8, u8>> {
        Box::pin(inner(n))
    }
    #[traced(fields(n))]
    pub(super) fn variable(n: u8) -> Boxed<Result<u8, u8>> {
        let future = async move { inner(n).await };
        Box::pin(future)
    }
    #[traced]
    pub(super) fn method(n: u8) -> BoxFuture<'static, Result<u8, u8>> {
        inner(n).boxed()
    }
    #[traced]
    pub(super) fn method_local(n: u8) -> LocalBoxFuture<'static, Result<u8, u8>> {
        inner(n).boxed_local()
    }
    #[traced]
    pub(super) fn returned(n: u8) -> Boxed<Result<u8, u8>> {
        return Box::pin(inner(n));
    }
    #[traced]
    pub(super) fn branches(n: u8) -> Boxed<Result<u8, u8>> {
        if n == 0 {
            Box::pin(inner(n))
        } else {
            Box::pin(async move { Ok(n) })
        }
    }
    #[traced]
    pub(super) fn nested(n: u8) -> Boxed<Result<u8, u8>> {
        { Box::pin(inner(n)) }
    }
    #[traced]
    pub(super) fn delegated(n: u8) -> Boxed<Result<u8, u8>> {
        branches(n)
    }
    #[traced]
    pub(super) fn opaque(n: u8) -> impl Future<Output = Result<u8, u8>> + Send {
        inner(n)
    }
    #[traced(fields(n))]
    pub(super) fn opaque_early(n: u8) -> impl Future<Output = Result<u8, u8>> {
        let future = inner(n);
        if n == 9 {
            return future;
        }
        future
    }
}

// case: 63
#[test]
fn the_span_covers_the_polls_whatever_the_tail_looks_like() {
    let all: [(
        &str,
        fn(u8) -> Pin<Box<dyn Future<Output = Result<u8, u8>>>>,
    ); 11] = [
        ("literal", |n| tails::literal(n)),
        ("call", |n| tails::call(n)),
        ("variable", |n| tails::variable(n)),
        ("method", |n| tails::method(n)),
        ("method_local", |n| tails::method_local(n)),
        ("returned", |n| tails::returned(n)),
        ("branches", |n| tails::branches(n)),
        ("nested", |n| tails::nested(n)),
        ("delegated", |n| tails::delegated(n)),
        ("opaque", |n| Box::pin(tails::opaque(n))),
        ("opaque_early", |n| Box::pin(tails::opaque_early(n))),
    ];
    for (name, make) in all {
        let captured = capture(|| {
            assert_eq!(block_on(make(0)), Err(0), "{name}");
        });
        let inner = if name == "delegated" {
            "branches"
        } else {
            name
        };
        assert_eq!(tree(&captured)[0], format!("leaf < {inner}"));
        assert_eq!(*ended(&captured).last().unwrap(), format!("{name} error"));
        let cancelled = capture(|| cancel(make(0)));
        assert_eq!(
            *ended(&cancelled).last().unwrap(),
            format!("{name} cancelled")
        );
    }
}

// case: 64, 65
#[test]
fn what_stands_before_the_future_runs_once_at_the_call() {
    type Boxed = Pin<Box<dyn Future<Output = u8>>>;
    #[traced]
    fn boxed(n: u8) -> Boxed {
        note("charge");
        let twice = n * 2;
        Box::pin(async move {
            note("later");
            twice
        })
    }
    #[traced(fields(n = { note("field"); n }))]
    fn opaque(n: u8) -> impl Future<Output = u8> {
        note("charge");
        async move {
            note("later");
            n
        }
    }
    #[traced]
    fn local_async_fn(n: u8) -> Boxed {
        async fn inner(n: u8) -> u8 {
            note("later");
            n
        }
        note("charge");
        Box::pin(inner(n))
    }
    notes();
    let captured = capture(|| {
        let future = boxed(1);
        assert_eq!(notes(), ["charge"]);
        assert_eq!((block_on(future), notes()), (2, vec!["later".to_owned()]));
        let future = opaque(3);
        assert_eq!(notes(), ["field", "charge"]);
        assert_eq!((block_on(future), notes()), (3, vec!["later".to_owned()]));
        assert_eq!(block_on(local_async_fn(4)), 4);
        assert_eq!(notes(), ["charge", "later"]);
    });
    assert_eq!(captured.span("opaque").attribute("n"), Some(&3.into()));
    assert_eq!(
        ended(&captured),
        ["boxed ok", "opaque ok", "local_async_fn ok"]
    );
}

// case: 66
#[test]
fn a_span_per_poll_and_per_item() {
    struct Twice(u8);
    impl Future for Twice {
        type Output = u8;
        #[traced]
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u8> {
            self.0 += 1;
            if self.0 < 3 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(self.0)
        }
    }
    impl Iterator for Twice {
        type Item = u8;
        #[traced]
        fn next(&mut self) -> Option<u8> {
            self.0 = self.0.checked_sub(1)?;
            Some(self.0)
        }
    }
    struct Later(u8);
    impl IntoFuture for Later {
        type Output = u8;
        type IntoFuture = BoxFuture<'static, u8>;
        #[traced]
        fn into_future(self) -> Self::IntoFuture {
            Box::pin(async move {
                yield_now().await;
                self.0
            })
        }
    }
    impl Stream for Later {
        type Item = u8;
        #[traced]
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
            let Some(rest) = self.0.checked_sub(1) else {
                return Poll::Ready(None);
            };
            self.0 = rest;
            Poll::Ready(Some(rest))
        }
    }
    let captured = capture(|| {
        assert_eq!(block_on(Twice(0)), 3);
        assert_eq!(Twice(1).count(), 1);
        assert_eq!(block_on(async { Later(4).await }), 4);
        assert_eq!(block_on(Later(1).collect::<Vec<_>>()), [0]);
    });
    let expected = [
        "poll ok",
        "poll ok",
        "poll ok",
        "next ok",
        "next ok",
        "into_future ok",
        "poll_next ok",
        "poll_next ok",
    ];
    assert_eq!(ended(&captured), expected);
}

// case: 67, 68 (an iterator, and a stream inside another type than a `Result`: a span for the call only; the way out is
// in the attribute's page)
#[test]
fn streams_and_iterators_stay_on_demand() {
    thread_local! { static MADE: Cell<u8> = const { Cell::new(0) }; }
    fn make(n: u8) -> u8 {
        MADE.set(MADE.get() + 1);
        leaf();
        n
    }
    #[traced]
    fn opaque(n: u8) -> impl Stream<Item = u8> + Unpin {
        stream::iter(0..n).map(make)
    }
    #[traced]
    async fn in_result(n: u8) -> Result<impl Stream<Item = u8>, u8> {
        if n == 0 {
            return Err(n);
        }
        Ok(stream::iter(0..n).map(make))
    }
    #[traced]
    async fn in_option(n: u8) -> Option<impl Stream<Item = u8>> {
        Some(stream::iter(0..n).map(make))
    }
    #[traced]
    fn iterator(n: u8) -> impl Iterator<Item = u8> {
        (0..n).map(make)
    }
    /// The way out: a span that is entered for each poll, from the first to the last item.
    fn covered(n: u8) -> impl Stream<Item = u8> {
        let span = span!("covered");
        stream::iter(0..n).map(move |n| span.in_scope(|_| make(n)))
    }
    let captured = capture(|| {
        let mut items = opaque(3);
        assert_eq!(MADE.get(), 0);
        assert_eq!(block_on(items.next()), Some(0));
        assert_eq!(MADE.get(), 1);
        drop(items);
        assert!(block_on(in_result(0)).is_err());
        assert_eq!(block_on(block_on(in_result(1)).unwrap().count()), 1);
        assert_eq!(block_on(block_on(in_option(1)).unwrap().count()), 1);
        assert_eq!(iterator(3).take(2).count(), 2);
        assert_eq!(MADE.get(), 5);
        assert_eq!(block_on(covered(1).count()), 1);
    });
    let expected = [
        "leaf < opaque",
        "opaque < -",
        "in_result < -",
        "leaf < in_result",
        "in_result < -",
        "in_option < -",
        "leaf < -",
        "iterator < -",
        "leaf < -",
        "leaf < -",
        "leaf < covered",
        "covered < -",
    ];
    assert_eq!(tree(&captured), expected);
}

// case: 69
#[test]
fn a_future_that_gives_a_future() {
    #[traced]
    async fn outer(n: u8) -> impl Future<Output = u8> {
        yield_now().await;
        inner(n)
    }
    #[traced]
    async fn inner(n: u8) -> u8 {
        yield_now().await;
        n
    }
    #[traced]
    async fn boxed(n: u8) -> BoxFuture<'static, u8> {
        Box::pin(inner(n))
    }
    let captured = capture(|| {
        assert_eq!(block_on(block_on(outer(1))), 1);
        assert_eq!(block_on(async { boxed(2).await.await }), 2);
    });
    // Two phases, side by side: the first was over when the second began.
    assert_eq!(
        tree(&captured),
        ["outer < -", "inner < -", "boxed < -", "inner < -"]
    );
}

// case: 70 (attributes on closures and blocks are not stable: a span by hand)
#[tokio::test]
async fn blocks_and_async_closures_by_hand() {
    let captured = capture_async(async {
        let block = async {
            yield_now().await;
            leaf();
            1
        };
        let closure = async |n: u8| {
            leaf();
            n
        };
        let one = block.instrument(span!("block")).await;
        one + closure(2).instrument(span!("closure")).await
    })
    .await;
    assert_eq!(captured.value, 3);
    let expected = ["leaf < block", "block < -", "leaf < closure", "closure < -"];
    assert_eq!(tree(&captured), expected);
}
