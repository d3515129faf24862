//! `labels(…)`: function metrics by values that the compiler knows.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use obs_runtime::metrics::{MetricData, MetricFamily};
use obs_runtime::testing::{Captured, capture, capture_async};
use obs_runtime::{Label, SpanContext, propagation, traced};
use obs_tests::cases::{block_on, cancel, yield_now};

#[derive(Clone, Copy, Label)]
enum Region {
    Eu,
    Us,
}

/// `key=value … count` of each series of a function that was called.
fn calls<R>(captured: &Captured<R>, function: &str) -> Vec<String> {
    let family = |name: &str| -> MetricFamily {
        let found = captured.metrics.iter().find(|family| family.name == name);
        found.expect("the family is there").clone()
    };
    let of_function =
        |labels: &obs_runtime::metrics::snapshot::Labels| labels.get("function") == Some(function);
    let text = |labels: &obs_runtime::metrics::snapshot::Labels| {
        let own = ["function", "module", "result"];
        let given = labels
            .iter()
            .filter(|(key, _)| *key == "result" || !own.contains(key));
        given
            .map(|(key, value)| format!("{key}={value} "))
            .collect::<String>()
    };
    let MetricData::Counter(points) = family("function.calls").data else {
        panic!("a counter")
    };
    let points = points
        .iter()
        .filter(|p| of_function(&p.labels) && p.value.as_f64() > 0.0);
    let calls: Vec<_> = points
        .map(|p| format!("{}{}", text(&p.labels), p.value.as_f64()))
        .collect();
    let MetricData::Histogram(points) = family("function.calls.duration").data else {
        panic!("a histogram")
    };
    // Each labelled series has its durations.
    let durations: u64 = points
        .iter()
        .filter(|p| of_function(&p.labels))
        .map(|p| p.count)
        .sum();
    let total: f64 = calls
        .iter()
        .filter_map(|c| c.rsplit(' ').next()?.parse::<f64>().ok())
        .sum();
    assert_eq!(durations as f64, total);
    calls
}

#[test]
fn calls_are_counted_by_their_labels() {
    #[traced(labels(region, express = order.express, kind = "web", tier = tier(order)))]
    fn buy(region: Region, order: &Order) -> Result<(), String> {
        if order.express {
            Ok(())
        } else {
            Err("slow".to_owned())
        }
    }
    struct Order {
        express: bool,
    }
    fn tier(order: &Order) -> &'static str {
        if order.express { "gold" } else { "" }
    }
    let captured = capture(|| {
        let _ = buy(Region::Eu, &Order { express: true });
        let _ = buy(Region::Eu, &Order { express: true });
        let _ = buy(Region::Us, &Order { express: false });
    });
    assert_eq!(
        calls(&captured, "buy"),
        [
            "express=false kind=web region=us result=error 1",
            "express=true kind=web region=eu result=ok tier=gold 2",
        ]
    );
    // Labels are the metrics' alone.
    assert!(captured.spans.iter().all(|span| span.attributes.is_empty()));
}

mod shapes {
    use super::*;

    pub(super) struct Shop {
        pub(super) region: Region,
    }

    impl Shop {
        #[traced(labels(region = self.region))]
        pub(super) fn guard(&self, _owned: String) {}

        #[traced(labels(region = self.region))]
        pub(super) async fn consuming(self) -> u8 {
            yield_now().await;
            1
        }

        #[traced(labels(region = self.region))]
        #[track_caller]
        pub(super) fn tracked(&self) -> Result<u8, u8> {
            Ok(1)
        }
    }

    #[async_trait::async_trait]
    pub(super) trait Remote {
        async fn call(&self, region: Region) -> Result<u8, String>;
        async fn only_named(&self, region: Region, id: u8, cause: Option<SpanContext>);
    }

    #[async_trait::async_trait]
    #[deny(unused_variables)]
    impl Remote for Shop {
        // What the arguments name is used, though the body does not.
        #[traced(labels(region), fields(id), parent = cause)]
        async fn only_named(&self, region: Region, id: u8, cause: Option<SpanContext>) {}

        #[traced(labels(region, own = self.region))]
        async fn call(&self, region: Region) -> Result<u8, String> {
            let _ = region;
            yield_now().await;
            Ok(1)
        }
    }

    #[traced(labels(region))]
    pub(super) fn items(region: Region) -> impl Stream<Item = u8> {
        let _ = region;
        stream::iter([1, 2])
    }

    #[traced(labels(region))]
    pub(super) fn boxed(region: Region) -> Pin<Box<dyn Future<Output = u8>>> {
        let _ = region;
        let future = async { 1 };
        Box::pin(future)
    }

    #[traced(labels(region))]
    pub(super) fn opaque(region: Region) -> impl Future<Output = u8> {
        async move {
            let _ = region;
            1
        }
    }

    #[traced(labels(kind = "x"))]
    #[tokio::test]
    async fn below_another_macro() {
        yield_now().await;
    }

    #[traced(labels(value))]
    pub(super) fn generic<L: Label + Copy>(value: L) {
        let _ = value;
    }
}

#[tokio::test]
async fn every_shape_has_them() {
    use shapes::{Remote as _, Shop};
    let shop = |region| Shop { region };
    let captured = capture_async(async {
        shop(Region::Eu).guard(String::new());
        shop(Region::Us).consuming().await;
        shop(Region::Us).tracked().unwrap();
        shop(Region::Us).call(Region::Eu).await.unwrap();
        shop(Region::Us).only_named(Region::Eu, 1, None).await;
        assert_eq!(shapes::items(Region::Eu).count().await, 2);
        shapes::boxed(Region::Eu).await;
        shapes::opaque(Region::Us).await;
        shapes::generic(true);
        shapes::generic(Region::Eu);
    })
    .await;
    let calls = |function| calls(&captured, function);
    assert_eq!(calls("guard"), ["region=eu result=ok 1"]);
    assert_eq!(calls("consuming"), ["region=us result=ok 1"]);
    assert_eq!(calls("tracked"), ["region=us result=ok 1"]);
    assert_eq!(calls("call"), ["own=us region=eu result=ok 1"]);
    assert_eq!(calls("only_named"), ["region=eu result=ok 1"]);
    assert_eq!(calls("items"), ["region=eu result=ok 1"]);
    assert_eq!(calls("boxed"), ["region=eu result=ok 1"]);
    assert_eq!(calls("opaque"), ["region=us result=ok 1"]);
    assert_eq!(
        calls("generic"),
        ["result=ok value=eu 1", "result=ok value=true 1"]
    );
}

#[test]
fn panics_and_cancelled_calls_have_them_too() {
    #[traced(labels(region))]
    async fn endless(region: Region) {
        let _ = region;
        std::future::pending().await
    }
    #[traced(labels(region))]
    fn explode(region: Region) -> Vec<u8> {
        let _ = region;
        panic!("boom")
    }
    let captured = capture(|| {
        cancel(endless(Region::Eu));
        drop(endless(Region::Us));
        assert!(catch_unwind(AssertUnwindSafe(|| explode(Region::Us))).is_err());
    });
    assert_eq!(
        calls(&captured, "endless"),
        ["region=eu result=cancelled 1"]
    );
    assert_eq!(calls(&captured, "explode"), ["region=us result=error 1"]);
}

#[test]
fn calls_that_are_not_sampled_have_them() {
    #[traced(labels(region), parent = propagation::extract(&[("traceparent", UNSAMPLED)][..]))]
    fn root(region: Region) {
        inner(region);
        block_on(later(region));
    }
    #[traced(labels(region))]
    fn inner(region: Region) {
        let _ = region;
    }
    #[traced(labels(region))]
    async fn later(region: Region) {
        let _ = region;
    }
    const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let captured = capture(|| root(Region::Us));
    assert!(captured.spans.is_empty());
    for function in ["root", "inner", "later"] {
        assert_eq!(calls(&captured, function), ["region=us result=ok 1"]);
    }
}

// case: 13
#[test]
fn values_are_asked_for_once_and_only_while_something_records() {
    thread_local! { static ASKED: Cell<u32> = const { Cell::new(0) }; }
    fn asked() -> bool {
        ASKED.set(ASKED.get() + 1);
        true
    }
    #[traced(labels(asked = asked()))]
    fn sync() {
        assert_eq!(ASKED.get(), 1);
    }
    #[traced(labels(asked = asked()))]
    async fn later() {
        yield_now().await;
    }
    capture(sync);
    assert_eq!(ASKED.take(), 1);
    capture(|| block_on(later()));
    assert_eq!(ASKED.take(), 1);
}

/// Names in the user's scope are the user's.
mod hostile {
    #![no_implicit_prelude]
    pub(super) mod std {}
    pub(super) mod core {}
    #[allow(non_upper_case_globals)]
    const label: bool = true;
    #[::obs_runtime::traced(labels(label))]
    pub(super) async fn run(#[allow(unused)] n: u8) {}
}

#[test]
fn nothing_of_the_scope_is_named() {
    let captured = capture(|| block_on(hostile::run(1)));
    assert_eq!(calls(&captured, "run"), ["label=true result=ok 1"]);
}
