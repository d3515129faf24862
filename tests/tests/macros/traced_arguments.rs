//! What the arguments of `#[traced]` change.

#![allow(
    clippy::ignored_unit_patterns,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "functions that exist to be traced"
)]

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use obs_runtime::testing::{capture, capture_async};
use obs_runtime::{AttributeValue, Level, SpanKind, trace::Outcome, traced};
use obs_tests::cases::{Broken, message};

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
    let site = obs_runtime::registry::callsites()
        .find(|site| site.function() == "configured" && site.file() == file!())
        .unwrap();
    assert_eq!(site.name(), NAME);
    assert_eq!(site.kind(), SpanKind::Client);
    assert_eq!(site.level(), Level::Debug);
    assert_eq!(site.target(), "my::target");
    assert!(!site.metrics());
    assert!(site.file().ends_with("traced_arguments.rs"));
    let captured = capture(|| Request { id: 7 }.configured(Pair { x: 1 }));
    let span = captured.span(NAME);
    let expected: &[(&str, AttributeValue)] = &[
        ("fixed", "x".into()),
        ("count", 3.into()),
        ("self.id", 7.into()),
        ("a", 1.into()),
        ("b", 2.into()),
        ("c", "<1>".into()),
        ("a.x", "1".into()),
        (KEY, 1.5.into()),
        ("quoted key", 1.into()),
        ("type", true.into()),
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
    assert_eq!(found, [Some("Some(1)".into()), Some("2".into()), None]);
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
