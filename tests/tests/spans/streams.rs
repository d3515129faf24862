//! Annotated functions that return streams: the span lasts as long as the stream.

#![allow(
    clippy::all,
    clippy::pedantic,
    unused_braces,
    reason = "the code that users write is what is tested"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::stream::{self, BoxStream, FusedStream, LocalBoxStream, Stream, TryStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use obs_runtime::testing::{Captured, capture};
use obs_runtime::{AttributeValue, current, trace::Outcome, traced};
use obs_tests::cases::{block_on, ended, note, notes, tree, yield_now};

#[traced]
fn leaf() {}

fn make(n: u8) -> u8 {
    leaf();
    n
}

fn items<R>(captured: &Captured<R>, name: &str) -> Option<AttributeValue> {
    captured.span(name).attribute("obs.stream.items").cloned()
}

fn first<R>(captured: &Captured<R>, name: &str) -> Option<f64> {
    match captured
        .span(name)
        .attribute("obs.stream.time_to_first_item")?
    {
        AttributeValue::F64(seconds) => Some(*seconds),
        other => panic!("{other:?}"),
    }
}

mod shapes {
    use super::*;

    type Chunks = Pin<Box<dyn Stream<Item = u8>>>;

    #[traced]
    pub(super) fn opaque(n: u8) -> impl Stream<Item = u8> {
        stream::iter(0..n).map(make)
    }
    #[traced(fields(n))]
    pub(super) fn opaque_send<'a>(n: &'a u8) -> impl Stream<Item = u8> + Send + Unpin + 'a {
        stream::iter(0..*n).map(make)
    }
    #[traced]
    pub(super) fn early(n: u8) -> impl Stream<Item = u8> {
        let items = stream::iter(0..n).map(make);
        if n == 9 {
            return items;
        }
        items
    }
    #[traced]
    pub(super) fn pinned(n: u8) -> Pin<Box<dyn Stream<Item = u8> + Send>> {
        Box::pin(stream::iter(0..n).map(make))
    }
    #[traced]
    pub(super) fn pinned_sync(n: u8) -> Pin<Box<dyn Stream<Item = u8> + Send + Sync>> {
        Box::pin(stream::iter(0..n).map(make))
    }
    #[traced]
    pub(super) fn alias(n: u8) -> Chunks {
        Box::pin(stream::iter(0..n).map(make))
    }
    #[traced]
    pub(super) fn boxed<'a>(n: &'a u8) -> BoxStream<'a, u8> {
        stream::iter(0..*n).map(make).boxed()
    }
    #[traced]
    pub(super) fn boxed_local(n: &u8) -> LocalBoxStream<'_, u8> {
        stream::iter(0..*n).map(make).boxed_local()
    }
    #[traced]
    pub(super) fn generic<S: Stream<Item = u8>>(items: S) -> impl Stream<Item = S::Item> {
        items.map(make)
    }
    #[traced]
    pub(super) fn awaits(n: u8) -> impl Stream<Item = u8> {
        stream::iter(0..n).then(|n| async move {
            yield_now().await;
            make(n)
        })
    }
    #[traced]
    pub(super) fn of_futures(
        n: u8,
    ) -> Pin<Box<dyn Stream<Item = Pin<Box<dyn Future<Output = u8>>>>>> {
        Box::pin(stream::iter(0..n).map(|n| Box::pin(async move { make(n) }) as _))
    }
    #[traced]
    pub(super) fn inferred(given: bool) -> impl Stream<Item = Result<u8, String>> {
        let mut items = Vec::new();
        if given {
            items.push(Ok(1));
            items.push(Ok(2));
        }
        leaf();
        leaf();
        stream::iter(items)
    }
}

// case: 67
#[test]
fn the_span_covers_the_polls_of_every_shape() {
    type Make = fn() -> Pin<Box<dyn Stream<Item = u8>>>;
    let all: [(&str, Make); 12] = [
        ("opaque", || Box::pin(shapes::opaque(2))),
        ("opaque_send", || Box::pin(shapes::opaque_send(&2))),
        ("early", || Box::pin(shapes::early(2))),
        ("pinned", || shapes::pinned(2)),
        ("pinned_sync", || shapes::pinned_sync(2)),
        ("alias", || shapes::alias(2)),
        ("boxed", || shapes::boxed(&2)),
        ("boxed_local", || shapes::boxed_local(&2)),
        ("generic", || Box::pin(shapes::generic(stream::iter(0..2)))),
        ("awaits", || Box::pin(shapes::awaits(2))),
        ("of_futures", || {
            shapes::of_futures(2).buffered(1).boxed_local()
        }),
        ("inferred", || {
            Box::pin(shapes::inferred(true).map(|item| item.unwrap() - 1))
        }),
    ];
    for (name, make) in all {
        let captured = capture(|| {
            assert_eq!(block_on(make().collect::<Vec<_>>()), [0, 1], "{name}");
        });
        // An item that is a future runs where it is polled, which is outside.
        let parent = if name == "of_futures" { "-" } else { name };
        let leaf = format!("leaf < {parent}");
        assert_eq!(tree(&captured), [&*leaf, &*leaf, &*format!("{name} < -")]);
        assert_eq!(captured.span(name).outcome, Outcome::Ok, "{name}");
        assert_eq!(items(&captured, name), Some(2.into()), "{name}");
        assert!(first(&captured, name).is_some(), "{name}");

        let captured = capture(|| {
            let mut stream = make();
            assert_eq!(block_on(stream.next()), Some(0), "{name}");
        });
        let span = captured.span(name);
        assert_eq!(span.outcome, Outcome::Cancelled, "{name}");
        assert_eq!(items(&captured, name), Some(1.into()), "{name}");
    }
}

// case: 67
#[test]
fn a_stream_that_gives_nothing_has_no_first_item() {
    #[traced]
    fn empty() -> impl Stream<Item = u8> {
        stream::empty()
    }
    #[traced]
    fn never_polled() -> impl Stream<Item = u8> {
        note("made");
        stream::iter([1])
    }
    notes();
    let captured = capture(|| {
        assert_eq!(block_on(empty().count()), 0);
        drop(never_polled());
    });
    assert_eq!(notes(), ["made"]);
    assert_eq!(ended(&captured), ["empty ok", "never_polled cancelled"]);
    for name in ["empty", "never_polled"] {
        assert_eq!(items(&captured, name), Some(0.into()));
        assert_eq!(first(&captured, name), None);
    }
}

// case: 67
#[test]
fn the_time_to_the_first_item_is_in_seconds_and_ends_there() {
    const WORK: Duration = Duration::from_millis(2);
    #[traced]
    fn works() -> impl Stream<Item = u8> {
        stream::iter(0..2).map(|n| {
            let begun = Instant::now();
            while begun.elapsed() < WORK {}
            n
        })
    }
    let captured = capture(|| {
        let begun = Instant::now();
        let mut stream = works();
        block_on(stream.next());
        let first = begun.elapsed();
        block_on(stream.next());
        first
    });
    // Bounds that hold however slow the machine is: all are of one clock, one inside the other.
    let first = first(&captured, "works").unwrap();
    let bounds = WORK.as_secs_f64()..=captured.value.as_secs_f64();
    assert!(bounds.contains(&first), "{first} in {bounds:?}");
}

type Item = Result<u8, String>;

// case: 67
#[test]
fn the_last_item_decides_about_an_error() {
    #[traced]
    fn results(items: Vec<Item>) -> impl Stream<Item = Item> {
        stream::iter(items)
    }
    #[traced]
    fn boxed(items: Vec<Item>) -> BoxStream<'static, Item> {
        stream::iter(items).boxed()
    }
    #[traced]
    fn tried(items: Vec<Item>) -> impl TryStream<Ok = u8, Error = String, Item = Item> {
        stream::iter(items)
    }
    let failed = || Err("token=abc123 expired".to_owned());
    let captured = capture(|| {
        // An error in the middle is none of the call's.
        assert_eq!(block_on(results(vec![failed(), Ok(1)]).count()), 2);
        assert_eq!(block_on(results(vec![Ok(1), failed()]).count()), 2);
        assert_eq!(block_on(boxed(vec![Ok(1), failed()]).count()), 2);
        // Readers that stop at the error, though more would come.
        let collected = block_on(results(vec![failed(), Ok(1)]).try_collect::<Vec<_>>());
        assert!(collected.is_err());
        assert!(block_on(tried(vec![failed(), Ok(1)]).try_collect::<Vec<_>>()).is_err());
        // A reader that goes on after the error, and then stops.
        assert_eq!(
            block_on(
                results(vec![failed(), Ok(1), Ok(2)])
                    .take(2)
                    .collect::<Vec<_>>()
            )
            .len(),
            2
        );
    });
    let expected = [
        "results ok",
        "results error",
        "boxed error",
        "results error",
        "tried error",
        "results cancelled",
    ];
    assert_eq!(ended(&captured), expected);
    for span in captured
        .spans
        .iter()
        .filter(|s| s.outcome == Outcome::Error)
    {
        let error = span.error.as_ref().unwrap();
        assert_eq!(error.kind, "alloc::string::String");
        assert_eq!(error.message.as_deref(), Some("token=*** expired"));
    }
    assert_eq!(captured.spans[0].error, None);
}

// case: 67
#[test]
fn arguments_that_look_at_the_value_look_at_items() {
    #[traced(err = false)]
    fn forgiven() -> impl Stream<Item = Item> {
        stream::iter([Err("no".to_owned())])
    }
    #[traced(ok_if = |n| *n < 3)]
    fn judged(n: u8) -> impl Stream<Item = u8> {
        stream::iter(0..n)
    }
    #[traced(err(expected = Expected::End))]
    fn expected() -> BoxStream<'static, Result<u8, Expected>> {
        stream::iter([Ok(1), Err(Expected::End)]).boxed()
    }
    #[derive(Debug)]
    enum Expected {
        End,
    }
    #[traced(ret)]
    fn returns(n: u8) -> impl Stream<Item = u8> {
        stream::iter(0..n)
    }
    let captured = capture(|| {
        block_on(forgiven().count());
        block_on(judged(3).count());
        block_on(judged(4).count());
        block_on(expected().count());
        block_on(returns(3).count());
    });
    let outcomes = [
        "forgiven ok",
        "judged ok",
        "judged error",
        "expected ok",
        "returns ok",
    ];
    assert_eq!(ended(&captured), outcomes);
    assert_eq!(
        captured.span("returns").attribute("return"),
        Some(&"2".into())
    );
}

/// Panics in the poll after its last item, and says when it is dropped.
struct Bad(u8);

impl Stream for Bad {
    type Item = u8;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
        leaf();
        self.0 = self.0.checked_sub(1).expect("no more");
        Poll::Ready(Some(self.0))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.0), None)
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        current::add_event("dropped");
    }
}

// case: 67
#[test]
fn a_panic_in_a_poll_and_in_the_drop() {
    #[traced]
    fn bad(n: u8) -> impl Stream<Item = u8> {
        Bad(n)
    }
    struct BadDrop;
    impl Drop for BadDrop {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    #[traced]
    fn bad_drop() -> impl Stream<Item = u8> {
        let guard = BadDrop;
        stream::iter([1]).map(move |n| {
            let _ = &guard;
            n
        })
    }
    let captured = capture(|| {
        let mut stream = bad(1);
        assert_eq!(block_on(stream.next()), Some(0));
        let next = catch_unwind(AssertUnwindSafe(|| block_on(stream.next())));
        assert!(next.is_err());
        // The span has ended, and is not the context of what follows.
        leaf();
        drop(stream);
        assert!(catch_unwind(|| drop(bad_drop())).is_err());
        leaf();
    });
    let expected = ["leaf < bad", "leaf < bad", "bad < -", "leaf < -"];
    assert_eq!(tree(&captured)[..4], expected);
    assert_eq!(tree(&captured)[4..], ["bad_drop < -", "leaf < -"]);
    assert_eq!(captured.span("bad").outcome, Outcome::Panicked);
    assert_eq!(items(&captured, "bad"), Some(1.into()));
    assert_eq!(captured.span("bad_drop").outcome, Outcome::Panicked);
}

// case: 67
#[test]
fn what_the_stream_holds_is_dropped_inside_the_span() {
    #[traced]
    fn held() -> impl Stream<Item = u8> {
        Bad(3)
    }
    let captured = capture(|| {
        let mut stream = held();
        block_on(stream.next());
    });
    let span = captured.span("held");
    assert_eq!(span.outcome, Outcome::Cancelled);
    assert_eq!(span.events[0].name, "dropped");
}

// case: 67
#[test]
fn the_wrapped_stream_is_as_the_stream_was() {
    #[traced]
    fn hinted(n: u8) -> impl Stream<Item = u8> {
        Bad(n)
    }
    #[traced]
    fn fused(n: u8) -> impl FusedStream<Item = u8> + Unpin {
        stream::iter(0..n).fuse()
    }
    #[traced]
    fn local(n: std::rc::Rc<u8>) -> impl Stream<Item = u8> {
        stream::iter(0..*n)
    }
    fn is_send_and_sync<T: Send + Sync>(value: T) -> T {
        value
    }
    assert_eq!(is_send_and_sync(hinted(7)).size_hint(), (7, None));
    assert_eq!(block_on(local(std::rc::Rc::new(2)).count()), 2);
    let mut items = fused(1);
    assert!(!items.is_terminated());
    assert_eq!(block_on(items.by_ref().count()), 1);
    assert!(items.is_terminated());
    // Without a recorder the items are the same.
    assert_eq!(block_on(shapes::opaque(3).count()), 3);
}

// case: 67
#[test]
fn a_stream_trait_of_another_crate_is_a_value() {
    mod other {
        pub(super) trait Stream {
            type Item;
            fn pull(&mut self) -> Option<Self::Item>;
        }
        impl Stream for u8 {
            type Item = u8;
            fn pull(&mut self) -> Option<u8> {
                self.checked_sub(1)
            }
        }
    }
    use other::Stream as _;
    #[traced]
    fn foreign() -> impl other::Stream<Item = u8> {
        leaf();
        3_u8
    }
    let captured = capture(|| assert_eq!(foreign().pull(), Some(2)));
    assert_eq!(tree(&captured), ["leaf < foreign", "foreign < -"]);
    assert_eq!(items(&captured, "foreign"), None);
}

// case: 67
#[test]
fn a_stream_may_move_to_another_thread_between_items() {
    let captured = capture(|| {
        let mut stream = shapes::pinned(2);
        assert_eq!(block_on(stream.next()), Some(0));
        std::thread::spawn(move || assert_eq!(block_on(stream.count()), 1))
            .join()
            .unwrap();
        leaf();
    });
    let expected = ["leaf < pinned", "leaf < pinned", "pinned < -", "leaf < -"];
    let mut tree = tree(&captured);
    tree.sort();
    let mut sorted = expected.to_vec();
    sorted.sort();
    assert_eq!(tree, sorted);
    assert_eq!(items(&captured, "pinned"), Some(2.into()));
}
