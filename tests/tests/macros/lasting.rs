//! `timings` and `track_concurrency`: what is measured of a call while it lasts.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, Stream};
use obs_runtime::metrics::{MetricData, MetricFamily};
use obs_runtime::testing::{Captured, capture, capture_async};
use obs_runtime::{AttributeValue, propagation, trace::Outcome, traced};
use obs_tests::cases::{block_on, cancel, yield_now};

const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// `busy_ns` and `idle_ns`.
fn times<R>(captured: &Captured<R>, span: &str) -> Option<(i64, i64)> {
    let span = captured.span(span);
    let nanos = |key| match span.attribute(key) {
        Some(AttributeValue::I64(nanos)) => Some(*nanos),
        None => None,
        other => panic!("{other:?}"),
    };
    let (busy, idle) = (nanos("busy_ns"), nanos("idle_ns"));
    assert_eq!(busy.is_some(), idle.is_some());
    Some((busy?, idle?))
}

/// A measured call: it was busy for a while, and for no longer than it lasted.
fn measured<R>(captured: &Captured<R>, span: &str) {
    let (busy, idle) = times(captured, span).unwrap_or_else(|| panic!("{span} has no times"));
    assert!(busy > 0 && idle >= 0, "{span}: {busy} {idle}");
}

mod timed {
    use super::*;

    #[traced(timings)]
    pub(super) async fn later() -> Result<u8, String> {
        yield_now().await;
        Ok(1)
    }
    #[traced(timings)]
    pub(super) fn opaque() -> impl Future<Output = u8> {
        async { 1 }
    }
    #[traced(timings)]
    pub(super) fn boxed() -> Pin<Box<dyn Future<Output = u8> + Send>> {
        Box::pin(async move { 1 })
    }
    #[traced(timings)]
    pub(super) fn reboxed() -> Pin<Box<dyn Future<Output = u8> + Send>> {
        let future = later();
        Box::pin(async { future.await.unwrap() })
    }
    #[traced(timings)]
    pub(super) fn items() -> BoxStream<'static, u8> {
        stream::iter([1, 2]).boxed()
    }
    #[traced(timings)]
    pub(super) fn opaque_items() -> impl Stream<Item = u8> {
        stream::iter([1, 2])
    }
    #[traced(timings, ret)]
    #[tokio::test]
    async fn below_another_macro() {
        yield_now().await;
    }
    pub(super) type Alias = Result<u8, String>;
    #[traced(timings)]
    pub(super) fn alias() -> Alias {
        Ok(1)
    }
    #[traced(timings)]
    pub(super) async fn explodes() {
        yield_now().await;
        panic!("boom")
    }
    #[traced(timings)]
    pub(super) async fn never() -> ! {
        std::future::pending().await
    }
    #[traced(timings = false)]
    pub(super) async fn off() {}
}

// case: 94 (the sums: private/lasting_tests.rs)
#[tokio::test]
async fn busy_and_idle_are_recorded_however_the_call_ends() {
    let captured = capture_async(async {
        timed::later().await.unwrap();
        timed::opaque().await;
        timed::boxed().await;
        timed::items().count().await;
        timed::opaque_items().next().await;
        timed::alias().unwrap();
        timed::off().await;
        cancel(timed::never());
        catch_unwind(AssertUnwindSafe(|| block_on(timed::explodes()))).unwrap_err();
    })
    .await;
    let names = [
        "later",
        "opaque",
        "boxed",
        "items",
        "opaque_items",
        "alias",
        "never",
        "explodes",
    ];
    for name in names {
        measured(&captured, name);
    }
    assert_eq!(captured.span("never").outcome, Outcome::Cancelled);
    assert_eq!(captured.span("explodes").outcome, Outcome::Panicked);
    assert_eq!(captured.span("opaque_items").outcome, Outcome::Cancelled);
    assert_eq!(times(&captured, "off"), None);
    measured(&capture_async(timed::reboxed()).await, "reboxed");
}

#[test]
fn a_call_that_is_not_recorded_leaves_the_span_around_it_alone() {
    #[traced(timings, level = "trace")]
    async fn hidden() {
        yield_now().await;
    }
    #[traced(timings, parent = propagation::extract(&[("traceparent", UNSAMPLED)][..]))]
    async fn unsampled() {
        hidden().await;
    }
    #[traced]
    async fn around() {
        unsampled().await;
    }
    let captured = capture(|| block_on(around()));
    assert_eq!(captured.spans.len(), 1);
    assert!(captured.span("around").attributes.is_empty());
    // Nobody records.
    block_on(hidden());
}

/// The running calls of a function; `None` if there is no series.
fn running(metrics: &[MetricFamily], function: &str) -> Option<f64> {
    let family = metrics
        .iter()
        .find(|family| family.name == "function.calls.concurrent")?;
    assert_eq!(
        (&*family.unit, family.description.is_empty()),
        ("{call}", false)
    );
    let MetricData::UpDownCounter(points) = &family.data else {
        panic!("an up-down counter")
    };
    let of_function = |labels: &obs_runtime::metrics::snapshot::Labels| {
        let module = labels.get("module");
        assert!(module.is_some_and(|module| module.starts_with(module_path!())));
        labels.get("function") == Some(function)
    };
    points
        .iter()
        .find(|p| of_function(&p.labels))
        .map(|p| p.value.as_f64())
}

mod tracked {
    use super::*;

    #[traced(track_concurrency)]
    pub(super) fn guard(inner: &dyn Fn()) {
        inner();
    }
    #[traced(track_concurrency)]
    pub(super) fn closure(inner: &dyn Fn()) -> Result<(), String> {
        inner();
        Ok(())
    }
    #[traced(track_concurrency, labels(kind = "x"), fields(kind = "y"))]
    pub(super) async fn later() {
        yield_now().await;
    }
    #[traced(track_concurrency)]
    pub(super) fn items() -> BoxStream<'static, u8> {
        stream::iter([1, 2]).boxed()
    }
}

// case: 88, 89
#[test]
fn calls_that_panic_or_are_cancelled_come_down() {
    let captured = capture(|| {
        for _ in 0..3 {
            cancel(tracked::later());
            let explode = || tracked::guard(&|| panic!("boom"));
            assert!(catch_unwind(explode).is_err());
            let explode = || tracked::closure(&|| panic!("boom"));
            assert!(catch_unwind(explode).is_err());
            drop(tracked::items());
        }
        // The last one ends on another thread.
        let items = tracked::items();
        std::thread::spawn(move || block_on(items.count()))
            .join()
            .unwrap();
    });
    for function in ["later", "guard", "closure", "items"] {
        assert_eq!(
            running(&captured.metrics, function),
            Some(0.0),
            "{function}"
        );
    }
}

#[test]
fn a_call_that_is_not_sampled_counts_and_one_that_nobody_records_does_not() {
    #[traced(parent = propagation::extract(&[("traceparent", UNSAMPLED)][..]))]
    fn root() {
        tracked::guard(&|| ());
    }
    let captured = capture(root);
    assert!(captured.spans.is_empty());
    assert_eq!(running(&captured.metrics, "guard"), Some(0.0));
    tracked::guard(&|| ());
    assert_eq!(running(&capture(|| ()).metrics, "guard"), None);
}
