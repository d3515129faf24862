//! `track_concurrency` while calls run, with the installed default.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, Stream};
use obs_runtime::metrics::UpDownCounter;
use obs_runtime::{Observability, traced};
use obs_tests::cases::{block_on, yield_now};
use obs_tests::own_process;

#[traced(track_concurrency)]
fn guard(inner: &dyn Fn()) {
    inner();
}
#[traced(track_concurrency)]
fn closure(inner: &dyn Fn()) -> Result<(), String> {
    inner();
    Ok(())
}
#[traced(track_concurrency)]
async fn later() {
    yield_now().await;
}
#[traced(track_concurrency, timings)]
fn opaque() -> impl Future<Output = ()> {
    yield_now()
}
#[traced(track_concurrency)]
fn boxed() -> Pin<Box<dyn Future<Output = ()>>> {
    let future = yield_now();
    Box::pin(future)
}
#[traced(track_concurrency)]
fn in_box() -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move { yield_now().await })
}
#[traced(track_concurrency)]
fn items() -> impl Stream<Item = u8> {
    stream::iter([1, 2])
}
#[traced(track_concurrency)]
fn boxed_items() -> BoxStream<'static, u8> {
    stream::iter([1, 2]).boxed()
}

// bug: S8 (what is counted before a call and not after one that fails).
#[test]
fn a_call_counts_from_its_begin_to_its_end() {
    own_process!();
    let obs = Observability::builder().console(false).install().unwrap();
    guard(&|| ());
    let metrics = obs.metrics();
    let running: UpDownCounter = metrics
        .up_down_counter("function.calls.concurrent")
        .labels(["function", "module"])
        .build()
        .unwrap();
    let now = |function: &str| running.get([function, module_path!()]).unwrap();

    guard(&|| {
        assert_eq!(now("guard"), 1.0);
        guard(&|| assert_eq!(now("guard"), 2.0));
        assert_eq!(now("guard"), 1.0);
    });
    assert_eq!(now("guard"), 0.0);
    closure(&|| assert_eq!(now("closure"), 1.0)).unwrap();
    assert_eq!(now("closure"), 0.0);

    // An async function runs from its first poll.
    let mut context = Context::from_waker(Waker::noop());
    drop(later());
    let mut running_later = pin!(later());
    assert_eq!(now("later"), 0.0);
    assert!(running_later.as_mut().poll(&mut context).is_pending());
    assert_eq!(now("later"), 1.0);
    assert_eq!(running_later.as_mut().poll(&mut context), Poll::Ready(()));
    assert_eq!(now("later"), 0.0);
    let mut running_box = in_box();
    assert_eq!(now("in_box"), 0.0);
    assert!(running_box.as_mut().poll(&mut context).is_pending());
    assert_eq!(now("in_box"), 1.0);
    drop(running_box);
    assert_eq!(now("in_box"), 0.0);

    // Other functions run from their call, until what they gave has ended.
    let (futures, streams) = ((opaque(), boxed()), (items(), boxed_items()));
    for function in ["opaque", "boxed", "items", "boxed_items"] {
        assert_eq!(now(function), 1.0, "{function}");
    }
    block_on(futures.0);
    drop(futures.1);
    assert_eq!(block_on(streams.0.count()), 2);
    drop(streams.1);
    for function in ["opaque", "boxed", "items", "boxed_items"] {
        assert_eq!(now(function), 0.0, "{function}");
    }
}
