//! Annotated functions whose value holds a stream, in a `Result` or as the output of a future: the span lasts as long
//! as the stream.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::pin::Pin;

use futures_util::stream::{self, BoxStream, LocalBoxStream, Stream, TryStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use obs_runtime::testing::{Captured, capture};
use obs_runtime::{AttributeValue, trace::Outcome, traced};
use obs_tests::cases::{block_on, cancel, ended, tree, yield_now};

#[traced]
fn leaf() {}

fn make(n: u8) -> u8 {
    leaf();
    n
}

fn items<R>(captured: &Captured<R>, name: &str) -> Option<AttributeValue> {
    captured.span(name).attribute("obs.stream.items").cloned()
}

/// A function of each form; those that can fail do so for 0.
mod forms {
    use super::*;

    type Bytes = BoxStream<'static, u8>;
    pub(super) type Result<T, E = String> = std::result::Result<T, E>;

    #[traced]
    pub(super) fn opaque(n: u8) -> Result<impl Stream<Item = u8>, String> {
        if n == 0 {
            return Err("nothing".to_owned());
        }
        Ok(stream::iter(0..n).map(make))
    }
    #[traced(fields(n))]
    pub(super) fn boxed<'a>(n: &'a u8) -> Result<BoxStream<'a, u8>> {
        let n = n.checked_sub(1).ok_or("nothing")? + 1;
        Ok(stream::iter(0..n).map(make).boxed())
    }
    #[traced]
    pub(super) async fn later(n: u8) -> impl Stream<Item = u8> + Send {
        yield_now().await;
        stream::iter(0..n).map(make)
    }
    #[traced(err(Debug))]
    pub(super) async fn later_result(n: &u8) -> Result<impl Stream<Item = u8> + use<>, String> {
        yield_now().await;
        let n = n.checked_sub(1).ok_or("nothing")? + 1;
        Ok(stream::iter(0..n).map(make))
    }
    #[traced(timings)]
    pub(super) async fn later_local(n: u8) -> Result<LocalBoxStream<'static, u8>> {
        (n > 0).then_some(()).ok_or("nothing")?;
        Ok(stream::iter(0..n).map(make).boxed_local())
    }
    #[traced]
    pub(super) async fn later_pinned(n: u8) -> Pin<Box<dyn Stream<Item = u8> + Send + Sync>> {
        Box::pin(stream::iter(0..n).map(make))
    }
    #[traced]
    pub(super) fn future(n: u8) -> impl Future<Output = Result<impl Stream<Item = u8>, String>> {
        async move {
            yield_now().await;
            (n > 0).then_some(()).ok_or("nothing")?;
            Ok(stream::iter(0..n).map(make))
        }
    }
    #[traced]
    pub(super) fn boxed_future(
        n: u8,
    ) -> Pin<Box<dyn Future<Output = Result<Pin<Box<dyn Stream<Item = u8>>>, String>>>> {
        Box::pin(async move {
            (n > 0).then_some(()).ok_or("nothing")?;
            Ok(Box::pin(stream::iter(0..n).map(make)) as _)
        })
    }
    /// An alias hides the stream: `stream` says that there is one.
    #[traced(stream)]
    pub(super) async fn alias(n: u8) -> Result<Bytes> {
        (n > 0).then_some(()).ok_or("nothing")?;
        Ok(stream::iter(0..n).map(make).boxed())
    }

    #[async_trait::async_trait]
    pub(super) trait Source {
        async fn below(&self, n: u8) -> Result<BoxStream<'static, u8>>;
    }

    #[async_trait::async_trait]
    impl Source for () {
        #[traced]
        async fn below(&self, n: u8) -> Result<BoxStream<'static, u8>> {
            yield_now().await;
            (n > 0).then_some(()).ok_or("nothing")?;
            Ok(stream::iter(0..n).map(make).boxed())
        }
    }
}

type Made = forms::Result<LocalBoxStream<'static, u8>>;

fn local<S: Stream<Item = u8> + 'static>(made: forms::Result<S>) -> Made {
    made.map(|stream| stream.boxed_local())
}

const FORMS: &[(&str, fn(u8) -> Made)] = &[
    ("opaque", |n| local(forms::opaque(n))),
    ("boxed", |n| local(forms::boxed(Box::leak(Box::new(n))))),
    ("later", |n| local(Ok(block_on(forms::later(n))))),
    ("later_result", |n| local(block_on(forms::later_result(&n)))),
    ("later_local", |n| block_on(forms::later_local(n))),
    ("later_pinned", |n| {
        local(Ok(block_on(forms::later_pinned(n))))
    }),
    ("future", |n| local(block_on(forms::future(n)))),
    ("boxed_future", |n| local(block_on(forms::boxed_future(n)))),
    ("alias", |n| local(block_on(forms::alias(n)))),
    ("below", |n| local(block_on(forms::Source::below(&(), n)))),
];

// case: 67, 88
#[test]
fn the_span_lasts_as_long_as_the_stream_that_the_value_holds() {
    for (name, make) in FORMS {
        let captured = capture(|| {
            let stream = make(2).unwrap();
            assert_eq!(block_on(stream.collect::<Vec<_>>()), [0, 1], "{name}");
        });
        let leaf = format!("leaf < {name}");
        assert_eq!(tree(&captured), [&*leaf, &*leaf, &*format!("{name} < -")]);
        assert_eq!(captured.span(name).outcome, Outcome::Ok, "{name}");
        assert_eq!(items(&captured, name), Some(2.into()), "{name}");

        let captured = capture(|| {
            let mut stream = make(2).unwrap();
            assert_eq!(block_on(stream.next()), Some(0), "{name}");
        });
        assert_eq!(ended(&captured)[1..], [format!("{name} cancelled")]);
        assert_eq!(items(&captured, name), Some(1.into()), "{name}");
    }
}

// case: 1, 67, 88
#[test]
fn an_error_in_place_of_the_stream_ends_the_span_as_one() {
    for (name, make) in FORMS {
        let captured = capture(|| make(0).is_err());
        let outcome = if captured.value { "error" } else { "cancelled" };
        assert_eq!(ended(&captured), [format!("{name} {outcome}")]);
        let can_fail = !["later", "later_pinned"].contains(name);
        assert_eq!(captured.value, can_fail, "{name}");
        if can_fail {
            let error = captured.span(name).error.clone().unwrap();
            assert!(error.message.unwrap().contains("nothing"), "{name}");
            assert_eq!(items(&captured, name), None, "{name}");
        }
    }
    let captured = capture(|| cancel(forms::later(1)));
    assert_eq!(ended(&captured), ["later cancelled"]);
}

// case: 17, 31
#[test]
fn the_type_of_items_comes_from_the_signature() {
    #[traced]
    async fn empty() -> Result<impl Stream<Item = u8>, String> {
        Ok(stream::empty())
    }
    #[traced]
    fn early(given: bool) -> Result<impl Stream<Item = forms::Result<u8>>, String> {
        if given {
            return Ok(stream::iter(Vec::new()));
        }
        Ok(stream::iter(vec![]))
    }
    #[traced]
    async fn borrowed(items: &[u8]) -> impl Stream<Item = &u8> {
        stream::iter(items)
    }
    #[traced]
    async fn opaque_items() -> Result<impl Stream<Item = impl std::fmt::Debug>, ()> {
        Ok(stream::iter([1]))
    }
    #[traced]
    async fn generic<T, E>(item: Result<T, E>) -> Result<impl Stream<Item = T>, E> {
        let item = item?;
        Ok(stream::iter([item]))
    }
    let captured = capture(|| {
        assert_eq!(block_on(block_on(empty()).unwrap().count()), 0);
        assert_eq!(block_on(early(true).unwrap().count()), 0);
        assert_eq!(block_on(block_on(borrowed(&[1])).count()), 1);
        assert_eq!(block_on(block_on(opaque_items()).unwrap().count()), 1);
        assert_eq!(
            block_on(block_on(generic::<_, ()>(Ok(1))).unwrap().count()),
            1
        );
    });
    let expected = [
        "empty ok",
        "early ok",
        "borrowed ok",
        "opaque_items ok",
        "generic ok",
    ];
    assert_eq!(ended(&captured), expected);
}

// case: 94
#[test]
fn timings_go_on_in_the_stream() {
    let captured = capture(|| block_on(forms::later_local(3)).map(|s| block_on(s.count())));
    let span = captured.span("later_local");
    for key in ["busy_ns", "idle_ns"] {
        assert!(span.attribute(key).is_some(), "{key}");
    }
}

type Item = Result<u8, String>;

// case: 67, 112
#[test]
fn the_last_item_decides() {
    #[traced]
    async fn opened(
        items: Vec<Item>,
    ) -> Result<impl TryStream<Ok = u8, Error = String, Item = Item>, u8> {
        Ok(stream::iter(items))
    }
    let open = |items| block_on(opened(items)).unwrap();
    let captured = capture(|| {
        assert_eq!(block_on(open(vec![Err("no".into()), Ok(1)]).count()), 2);
        assert!(block_on(open(vec![Ok(1), Err("no".into())]).try_collect::<Vec<_>>()).is_err());
    });
    assert_eq!(ended(&captured), ["opened ok", "opened error"]);
}

// case: 114, 129
#[test]
fn arguments_that_look_at_the_value_look_at_the_items_only_if_told_so() {
    #[traced(ok_if = |opened| opened.is_ok())]
    async fn value() -> Result<impl Stream<Item = u8>, ()> {
        Ok(stream::iter([1]))
    }
    #[traced(stream, ok_if = |n| *n < 2, ret)]
    async fn of_items() -> Result<impl Stream<Item = u8>, ()> {
        Ok(stream::iter([1, 2]))
    }
    #[traced(stream = false)]
    async fn call() -> Result<impl Stream<Item = u8>, ()> {
        Ok(stream::iter([1]))
    }
    #[traced(stream = false)]
    fn direct() -> BoxStream<'static, u8> {
        stream::iter([1]).boxed()
    }
    #[traced(stream = false, ret)]
    fn direct_opaque() -> impl Stream<Item = u8> + std::fmt::Debug {
        stream::iter([1])
    }
    let captured = capture(|| {
        // Kept: a span that waited for its stream would not have ended.
        let streams = (value(), of_items(), call(), direct(), direct_opaque());
        let value = block_on(streams.0).unwrap();
        let call = block_on(streams.2).unwrap();
        assert_eq!(block_on(block_on(streams.1).unwrap().count()), 2);
        (value.count(), call.count(), streams.3, streams.4)
    });
    let mut ended = ended(&captured);
    ended.sort();
    let expected = [
        "call ok",
        "direct ok",
        "direct_opaque ok",
        "of_items error",
        "value ok",
    ];
    assert_eq!(ended, expected);
    let returned = |name| captured.span(name).attribute("return").cloned();
    assert_eq!(returned("of_items"), Some("2".into()));
    assert!(returned("direct_opaque").is_some());
    for name in ["value", "call", "direct", "direct_opaque"] {
        assert_eq!(items(&captured, name), None, "{name}");
    }
}

/// A trait and types of the same names as those of futures.
mod other {
    use super::*;

    pub(super) trait Stream {
        type Item;
        fn pop(&mut self) -> Option<Self::Item>;
    }

    pub(super) struct BoxStream<T>(pub(super) Vec<T>);

    impl<T> Stream for BoxStream<T> {
        type Item = T;
        fn pop(&mut self) -> Option<T> {
            self.0.pop()
        }
    }

    impl<T: Unpin> futures_util::Stream for BoxStream<T> {
        type Item = T;
        fn poll_next(
            mut self: Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<T>> {
            std::task::Poll::Ready(self.0.pop())
        }
    }

    #[traced]
    pub(super) async fn named_alike() -> Result<BoxStream<u8>, ()> {
        Ok(BoxStream(vec![1]))
    }

    struct Plain(u8);

    impl Stream for Plain {
        type Item = u8;
        fn pop(&mut self) -> Option<u8> {
            Some(self.0)
        }
    }

    #[traced]
    pub(super) async fn trait_alike() -> Result<impl Stream<Item = u8>, ()> {
        Ok(Plain(1))
    }

    #[traced]
    pub(super) async fn by_reference<'a>(
        items: &'a mut (dyn futures_util::Stream<Item = u8> + Unpin),
    ) -> Pin<&'a mut (dyn futures_util::Stream<Item = u8> + Unpin)> {
        Pin::new(items)
    }
}

// case: 73
#[test]
fn what_is_only_called_a_stream_ends_with_the_call() {
    use other::Stream as _;
    let captured = capture(|| {
        let mut one = block_on(other::named_alike()).unwrap();
        let mut two = block_on(other::trait_alike()).unwrap();
        assert_eq!((one.pop(), two.pop()), (Some(1), Some(1)));
        let mut items = stream::iter([3]);
        assert_eq!(
            block_on(block_on(other::by_reference(&mut items)).next()),
            Some(3)
        );
    });
    assert_eq!(
        ended(&captured),
        ["named_alike ok", "trait_alike ok", "by_reference ok"]
    );
}
