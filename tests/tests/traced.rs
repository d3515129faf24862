//! What `#[traced]` records of functions of every shape.

#![allow(
    clippy::ignored_unit_patterns,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "functions that exist to be traced"
)]

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use obs_runtime::testing::{Captured, capture, capture_async};
use obs_runtime::{AttributeValue, Level, Outcome, SpanKind, SpanRecord, traced};

#[derive(Debug, PartialEq)]
struct Broken(u8);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken {}", self.0)
    }
}

fn outcome<R>(captured: &Captured<R>, name: &str) -> Outcome {
    captured.span(name).outcome
}

fn message(span: &SpanRecord) -> Option<&str> {
    span.error.as_ref()?.message.as_deref()
}

fn text(value: &'static str) -> Option<AttributeValue> {
    Some(AttributeValue::from(value))
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
    use obs_runtime::{SpanContext, TraceFlags, current};
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
            text("abc")
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
fn every_setting_reaches_the_callsite() {
    const NAME: &str = "constant name";
    const KEY: &str = "const.key";
    struct Request {
        id: u64,
    }
    impl Request {
        #[traced(name = NAME, kind = "client", level = "debug", target = "my::target",
            metrics = false, root, skip_all, skip(self, a),
            fields(fixed = "x", count = 3, self.id, a, b = a + 1, c = %a, ?a.x, {KEY} = 1.5,
                   "quoted key" = a, type = true, none = None::<u8>))]
        fn configured(&self, a: Pair) {}
    }
    #[derive(Clone, Copy, Debug)]
    struct Pair {
        x: u8,
    }
    impl obs_runtime::Capture for Pair {
        fn capture(&self) -> obs_runtime::trace::Value {
            self.x.capture()
        }
    }
    impl std::ops::Add<u8> for Pair {
        type Output = u8;
        fn add(self, other: u8) -> u8 {
            self.x + other
        }
    }
    impl fmt::Display for Pair {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "<{}>", self.x)
        }
    }
    let site = obs_runtime::callsites()
        .find(|site| site.function() == "configured")
        .unwrap();
    assert_eq!(site.name(), NAME);
    assert_eq!(site.kind(), SpanKind::Client);
    assert_eq!(site.level(), Level::Debug);
    assert_eq!(site.target(), "my::target");
    assert!(!site.metrics());
    assert!(site.file().ends_with("traced.rs"));
    let captured = capture(|| Request { id: 7 }.configured(Pair { x: 1 }));
    let span = captured.span(NAME);
    let expected: &[(&str, AttributeValue)] = &[
        ("fixed", "x".into()),
        ("count", 3.into()),
        (KEY, 1.5.into()),
        ("type", true.into()),
        ("self.id", 7.into()),
        ("a", 1.into()),
        ("b", 2.into()),
        ("c", "<1>".into()),
        ("a.x", "1".into()),
        ("quoted key", 1.into()),
    ];
    let found: Vec<_> = span
        .attributes
        .iter()
        .map(|(k, v)| (&**k, v.clone()))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_call_may_decide_the_name() {
    #[traced(name = format!("load {table}"))]
    fn guard(table: &str) {}
    #[traced(name = table)]
    async fn future(table: &str) {
        tokio::task::yield_now().await;
    }
    #[traced(name = table, fields(rows = 3u64 + table.len() as u64))]
    fn closure(table: String) -> Result<(), Broken> {
        drop(table);
        Ok(())
    }
    let captured = capture_async(async {
        guard("a");
        future("b").await;
        closure("cc".to_owned()).unwrap();
    })
    .await;
    let names: Vec<_> = captured
        .spans
        .iter()
        .map(|s| (&*s.name, s.function))
        .collect();
    assert_eq!(
        names,
        [("load a", "guard"), ("b", "future"), ("cc", "closure")]
    );
    assert_eq!(captured.span("b").attributes, []);
    assert_eq!(
        captured.span("cc").attribute("rows"),
        Some(&AttributeValue::I64(5))
    );
}

#[tokio::test]
async fn what_counts_as_an_error_can_be_said() {
    #[traced(err = false)]
    fn quiet() -> Result<(), Broken> {
        Err(Broken(1))
    }
    #[traced(err(Debug))]
    async fn debug() -> Result<(), Broken> {
        Err(Broken(2))
    }
    #[traced(error_if = |status| *status >= 500)]
    fn status(code: u16) -> u16 {
        code
    }
    #[traced(ok_if = |result| matches!(result, Err(Broken(9)) | Ok(_)))]
    async fn expected(n: u8) -> Result<(), Broken> {
        Err(Broken(n))
    }
    #[traced(err(expected = Broken(3 | 4), Debug))]
    fn pattern(n: u8) -> Result<u8, Broken> {
        if n == 0 { Ok(n) } else { Err(Broken(n)) }
    }
    let captured = capture_async(async {
        assert_eq!(pattern(0), Ok(0));
        pattern(4).unwrap_err();
        pattern(5).unwrap_err();
        quiet().unwrap_err();
        debug().await.unwrap_err();
        status(200);
        status(503);
        expected(9).await.unwrap_err();
        expected(8).await.unwrap_err();
    })
    .await;
    let found: Vec<_> = captured
        .spans
        .iter()
        .map(|s| (&*s.name, s.outcome, message(s)))
        .collect();
    let expected = [
        ("pattern", Outcome::Ok, None),
        ("pattern", Outcome::Ok, None),
        ("pattern", Outcome::Error, Some("Broken(5)")),
        ("quiet", Outcome::Ok, None),
        ("debug", Outcome::Error, Some("Broken(2)")),
        ("status", Outcome::Ok, None),
        ("status", Outcome::Error, None),
        ("expected", Outcome::Ok, None),
        ("expected", Outcome::Error, Some("broken 8")),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn returned_values_are_recorded_when_asked() {
    #[traced(ret)]
    fn debug(n: u8) -> Option<u8> {
        Some(n)
    }
    #[traced(ret(Display))]
    async fn display(n: u8) -> Result<u8, Broken> {
        if n == 0 { Err(Broken(0)) } else { Ok(n) }
    }
    let captured = capture_async(async {
        debug(1);
        let _ = display(2).await;
        let _ = display(0).await;
    })
    .await;
    let found: Vec<_> = captured
        .spans
        .iter()
        .map(|s| s.attribute("return").cloned())
        .collect();
    assert_eq!(found, [text("Some(1)"), text("2"), None]);
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

#[tokio::test]
async fn links_to_other_spans() {
    use obs_runtime::{SpanContext, span};
    #[traced(links = others)]
    async fn follows(others: Vec<SpanContext>) -> usize {
        tokio::task::yield_now().await;
        others.len()
    }
    #[traced(follows_from = [other, other], links = other.context())]
    fn twice(other: &obs_runtime::Span) {}
    let captured = capture_async(async {
        let first = span!("first");
        let context = first.context().unwrap();
        assert_eq!(follows(vec![context]).await, 1);
        twice(&first);
        context.span_id()
    })
    .await;
    let linked = |name| -> Vec<_> {
        let links = captured.span(name).links.iter();
        links.map(|link| link.context.span_id()).collect()
    };
    assert_eq!(linked("follows"), [captured.value]);
    assert_eq!(linked("twice"), [captured.value; 3]);
}

#[tokio::test]
async fn another_parent_than_the_entered_span() {
    use obs_runtime::{Span, SpanContext, span};
    struct Job {
        context: Option<SpanContext>,
    }
    impl Job {
        #[traced(parent = self.context)]
        fn guard(&self) {}
        #[traced(parent = self.context, fields(owned))]
        async fn future(&self, owned: String) -> usize {
            tokio::task::yield_now().await;
            drop(owned);
            child();
            1
        }
    }
    #[traced(parent = span)]
    fn closure(span: &Span, owned: String) -> Result<(), Broken> {
        drop(owned);
        child();
        Ok(())
    }
    #[traced(parent = job.context)]
    fn boxed(job: Job) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move { job.guard() })
    }
    #[traced(parent = _job.context)]
    async fn by_value(_job: Job) {}
    #[traced(parent = None)]
    fn none() {}
    #[traced]
    fn child() {}
    let captured = capture_async(async {
        let other = span!("other");
        let job = Job {
            context: other.context(),
        };
        let entered = span!("entered");
        let future = entered.in_scope(|_| {
            closure(&other, String::new()).unwrap();
            none();
            child();
            job.future(String::new())
        });
        assert_eq!(future.await, 1);
        let context = job.context;
        boxed(job).await;
        by_value(Job { context }).await;
    })
    .await;
    let id = |name: &str| Some(captured.span(name).span_id);
    for name in ["closure", "future", "boxed", "by_value"] {
        assert_eq!(captured.span(name).parent_id, id("other"), "{name}");
    }
    assert_eq!(captured.span("none").parent_id, None);
    let children = captured.spans.iter().filter(|s| s.name == "child");
    let parents: Vec<_> = children.map(|s| s.parent_id).collect();
    assert_eq!(parents, [id("closure"), id("entered"), id("future")]);
}
