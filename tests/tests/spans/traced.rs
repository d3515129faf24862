//! What `#[traced]` records of functions of every shape.

#![allow(
    clippy::ignored_unit_patterns,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "functions that exist to be traced"
)]

use std::future::Future;
use std::pin::Pin;

use obs_runtime::testing::{Captured, capture, capture_async};
use obs_runtime::{AttributeValue, trace::Outcome, traced};
use obs_tests::cases::{Broken, message};

fn outcome<R>(captured: &Captured<R>, name: &str) -> Outcome {
    captured.span(name).outcome
}

#[tokio::test]
async fn async_functions_record_their_result() {
    #[traced]
    async fn divide(a: i32, b: i32) -> Result<i32, Broken> {
        tokio::task::yield_now().await;
        if b == 0 {
            return Err(Broken(1));
        }
        Ok(a / b)
    }
    let good = capture_async(divide(6, 3)).await;
    assert_eq!(good.value, Ok(2));
    assert_eq!(outcome(&good, "divide"), Outcome::Ok);
    let bad = capture_async(divide(6, 0)).await;
    assert_eq!(bad.value, Err(Broken(1)));
    assert_eq!(outcome(&bad, "divide"), Outcome::Error);
    assert_eq!(message(bad.span("divide")), Some("broken 1"));
    let kind = &bad.span("divide").error.as_ref().unwrap().kind;
    assert!(kind.ends_with("Broken"), "{kind}");
}

#[test]
fn sync_functions_record_their_result() {
    #[traced]
    fn parse(text: &str) -> Result<i32, std::num::ParseIntError> {
        let n: i32 = text.parse()?;
        Ok(n + 1)
    }
    assert_eq!(outcome(&capture(|| parse("1")), "parse"), Outcome::Ok);
    let bad = capture(|| parse("x"));
    assert!(bad.value.is_err());
    assert_eq!(
        message(bad.span("parse")),
        Some("invalid digit found in string")
    );
}

#[test]
fn an_alias_of_result_is_seen_by_type() {
    type Outcome2 = Result<u8, Broken>;
    #[traced]
    fn hidden() -> Outcome2 {
        Err(Broken(2))
    }
    assert_eq!(outcome(&capture(hidden), "hidden"), Outcome::Error);
}

#[test]
fn errors_without_display_or_debug() {
    struct Mute;
    #[derive(Debug)]
    struct Loud;
    #[traced]
    fn mute() -> Result<(), Mute> {
        Err(Mute)
    }
    #[traced]
    fn loud() -> Result<(), Loud> {
        Err(Loud)
    }
    #[traced]
    fn generic<E>(error: E) -> Result<(), E> {
        Err(error)
    }
    let mute = capture(|| drop(mute()));
    assert_eq!(message(mute.span("mute")), None);
    assert_eq!(outcome(&mute, "mute"), Outcome::Error);
    assert_eq!(message(capture(|| drop(loud())).span("loud")), Some("Loud"));
    let generic = capture(|| drop(generic(Loud)));
    assert_eq!(message(generic.span("generic")), None);
    assert_eq!(outcome(&generic, "generic"), Outcome::Error);
}

#[test]
fn panics_are_recorded_and_go_on() {
    #[traced]
    fn guard() {
        panic!("guard");
    }
    #[traced]
    fn closure() -> Result<(), Broken> {
        panic!("closure");
    }
    let captured = capture(|| {
        let first = std::panic::catch_unwind(guard).unwrap_err();
        assert_eq!(first.downcast_ref::<&str>(), Some(&"guard"));
        assert!(std::panic::catch_unwind(closure).is_err());
    });
    assert_eq!(outcome(&captured, "guard"), Outcome::Panicked);
    assert_eq!(outcome(&captured, "closure"), Outcome::Panicked);
}

#[tokio::test]
async fn a_panic_in_a_poll_is_recorded() {
    #[traced]
    async fn explode() {
        tokio::task::yield_now().await;
        panic!("explode");
    }
    let captured = capture_async(async {
        let mut future = Box::pin(explode());
        std::future::poll_fn(|cx| {
            let poll = std::panic::AssertUnwindSafe(|| future.as_mut().poll(cx));
            std::panic::catch_unwind(poll).map_or(std::task::Poll::Ready(()), |p| p)
        })
        .await;
    })
    .await;
    assert_eq!(outcome(&captured, "explode"), Outcome::Panicked);
}

#[tokio::test]
async fn a_dropped_future_is_cancelled_and_drops_inside_its_span() {
    use obs_runtime::{SpanContext, current, trace::TraceFlags};
    struct Local;
    impl Drop for Local {
        fn drop(&mut self) {
            current::set_attribute("dropped", true);
            let drop_of_local = obs_runtime::span!("drop of local");
            drop(drop_of_local);
        }
    }
    #[traced(fields(n), parent = parent)]
    async fn wait(n: u8, parent: Option<SpanContext>) {
        let _local = Local;
        std::future::pending::<()>().await;
    }
    let ids = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let remote = SpanContext::remote(
        ids.0.parse().unwrap(),
        ids.1.parse().unwrap(),
        TraceFlags::SAMPLED,
    );
    let captured = capture_async(async {
        for parent in [None, remote] {
            let before = SpanContext::current();
            let mut future = Box::pin(wait(1, parent));
            std::future::poll_fn(|cx| {
                assert!(future.as_mut().poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            drop(future);
            assert_eq!(SpanContext::current(), before);
            drop(wait(2, parent));
        }
    })
    .await;
    let names: Vec<_> = captured.spans.iter().map(|s| &*s.name).collect();
    assert_eq!(names, ["drop of local", "wait", "drop of local", "wait"]);
    for pair in captured.spans.chunks(2) {
        let [inner, wait] = pair else { unreachable!() };
        assert_eq!(wait.outcome, Outcome::Cancelled);
        assert_eq!(inner.parent_id, Some(wait.span_id));
        assert_eq!(inner.trace_id, wait.trace_id);
        assert_eq!(wait.attribute("n"), Some(&AttributeValue::I64(1)));
        assert_eq!(wait.attribute("dropped"), Some(&AttributeValue::Bool(true)));
    }
    let parents = [&captured.spans[1], &captured.spans[3]];
    assert_eq!(parents.map(|s| s.parent_is_remote), [false, true]);
    assert_eq!(parents[1].trace_id.to_string(), ids.0);
}

#[tokio::test]
async fn children_have_parents_across_shapes() {
    #[traced]
    fn leaf() {}
    #[traced]
    fn middle() -> Result<(), Broken> {
        leaf();
        Ok(())
    }
    #[traced]
    async fn top() {
        tokio::task::yield_now().await;
        let _ = middle();
    }
    let captured = capture_async(top()).await;
    let (leaf, middle, top) = (
        captured.span("leaf"),
        captured.span("middle"),
        captured.span("top"),
    );
    assert_eq!(leaf.parent_id, Some(middle.span_id));
    assert_eq!(middle.parent_id, Some(top.span_id));
    assert_eq!(top.parent_id, None);
    assert_eq!(leaf.trace_id, top.trace_id);
}

mod returned_futures {
    use super::*;

    type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

    #[traced]
    fn in_box(n: u8) -> Pin<Box<dyn Future<Output = Result<u8, Broken>> + Send>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if n == 0 { Err(Broken(3)) } else { Ok(n) }
        })
    }

    #[traced(fields(n))]
    fn alias(n: u8) -> Boxed<'static, Result<u8, Broken>> {
        if n == 0 {
            return Box::pin(async { Err(Broken(4)) });
        }
        in_box(n)
    }

    #[traced(fields(n))]
    fn opaque(n: u8) -> impl Future<Output = Result<u8, Broken>> + Send {
        async move {
            tokio::task::yield_now().await;
            if n == 0 { Err(Broken(5)) } else { Ok(n) }
        }
    }

    #[traced(fields(text = %text))]
    fn lends<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + 'a>> {
        Box::pin(async move { text.len() })
    }

    #[tokio::test]
    async fn the_span_covers_the_polls() {
        let captured = capture_async(async {
            assert_eq!(in_box(0).await, Err(Broken(3)));
            assert_eq!(opaque(0).await, Err(Broken(5)));
            assert_eq!(opaque(1).await, Ok(1));
            assert_eq!(lends("abc").await, 3);
        })
        .await;
        assert_eq!(message(captured.span("in_box")), Some("broken 3"));
        let opaque: Vec<_> = captured
            .spans
            .iter()
            .filter(|s| s.name == "opaque")
            .collect();
        assert_eq!(message(opaque[0]), Some("broken 5"));
        assert_eq!(opaque[0].attribute("n"), Some(&AttributeValue::I64(0)));
        assert_eq!(opaque[1].outcome, Outcome::Ok);
        assert_eq!(
            captured.span("lends").attribute("text").cloned(),
            Some("abc".into())
        );
    }

    #[tokio::test]
    async fn an_alias_of_a_boxed_future_is_seen_by_type() {
        let captured = capture_async(async {
            assert_eq!(alias(0).await, Err(Broken(4)));
        })
        .await;
        assert_eq!(message(captured.span("alias")), Some("broken 4"));
        assert_eq!(
            captured.span("alias").attribute("n"),
            Some(&AttributeValue::I64(0))
        );
        let captured = capture_async(alias(2)).await;
        assert_eq!(captured.value, Ok(2));
        let inner = captured.span("in_box");
        assert_eq!(inner.parent_id, Some(captured.span("alias").span_id));
    }
}

#[test]
fn impl_blocks_trace_their_methods() {
    struct Store;
    #[traced(level = "debug")]
    impl Store {
        const LIMIT: usize = 3;
        const fn limit() -> usize {
            Self::LIMIT
        }
        fn load(&self) -> usize {
            self.hidden();
            Self::limit()
        }
        #[traced(skip)]
        fn hidden(&self) {}
        #[traced(name = "own")]
        fn named(&self) {}
    }
    let captured = capture(|| {
        Store.load();
        Store.named();
    });
    let names: Vec<_> = captured.spans.iter().map(|s| &*s.name).collect();
    assert_eq!(names, ["load", "own"]);
}

mod async_trait_methods {
    use super::*;
    use async_trait::async_trait;

    #[async_trait]
    trait Load: Sync {
        async fn below(&self, n: u8) -> Result<u8, Broken>;
        async fn above(&self, n: u8) -> Result<u8, Broken>;
        #[traced(fields(n))]
        async fn provided(&self, n: u8) -> u8 {
            tokio::task::yield_now().await;
            n
        }
    }
    struct Below(u8);
    #[async_trait]
    impl Load for Below {
        #[traced(fields(n, self.0))]
        async fn below(&self, n: u8) -> Result<u8, Broken> {
            tokio::task::yield_now().await;
            if n == 0 {
                return Err(Broken(self.0));
            }
            Ok(n)
        }
        #[traced]
        async fn above(&self, n: u8) -> Result<u8, Broken> {
            self.below(n).await
        }
    }
    struct Above;
    #[traced(fields(n))]
    #[async_trait]
    impl Load for Above {
        async fn below(&self, n: u8) -> Result<u8, Broken> {
            Ok(n)
        }
        async fn above(&self, n: u8) -> Result<u8, Broken> {
            tokio::task::yield_now().await;
            Err(Broken(n))
        }
    }

    #[tokio::test]
    async fn both_orders_cover_the_polls() {
        let captured = capture_async(async {
            let first: &dyn Load = &Below(6);
            assert_eq!(first.above(0).await, Err(Broken(6)));
            assert_eq!(Above.above(7).await, Err(Broken(7)));
            assert_eq!(first.provided(8).await, 8);
        })
        .await;
        let below = captured.span("below");
        assert_eq!(message(below), Some("broken 6"));
        assert_eq!(below.attribute("self.0"), Some(&AttributeValue::I64(6)));
        let found: Vec<_> = captured
            .spans
            .iter()
            .map(|s| (&*s.name, s.outcome, s.attribute("n").cloned()))
            .collect();
        let n = |n: i64| Some(AttributeValue::I64(n));
        let expected = [
            ("below", Outcome::Error, n(0)),
            ("above", Outcome::Error, None),
            ("above", Outcome::Error, n(7)),
            ("provided", Outcome::Ok, n(8)),
        ];
        assert_eq!(found, expected);
        assert_eq!(below.parent_id, Some(captured.spans[1].span_id));
    }
}
