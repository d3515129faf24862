//! Attribute macros of somebody else above and below ours, and executors other than tokio's.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;

use obs_runtime::testing::capture;
use obs_runtime::{Instrument, SpanContext, traced};
use obs_tests::cases::{block_on, note, notes, yield_now};
use obs_tests_macros::{before, braces, fragment, identity, inlined};

// case: 57
#[test]
fn a_foreign_attribute_above_or_below() {
    #[identity]
    #[traced(fields(n))]
    fn above(n: u8) -> Result<u8, String> {
        if n == 0 {
            return Err("zero".into());
        }
        Ok(n)
    }
    #[traced(fields(n))]
    #[identity(with = "arguments")]
    fn below(n: u8) -> Result<u8, String> {
        Err("always")?;
        Ok(n)
    }
    #[identity]
    #[traced]
    #[inlined]
    #[identity]
    async fn between(n: u8) -> u8 {
        yield_now().await;
        n
    }
    #[inlined]
    #[traced]
    #[identity]
    fn boxed<'a>(n: &'a u8) -> Pin<Box<dyn Future<Output = u8> + 'a>> {
        Box::pin(async move { *n })
    }
    let captured = capture(|| {
        assert!(above(0).is_err() && below(1).is_err());
        assert_eq!(block_on(between(2)) + block_on(boxed(&3)), 5);
    });
    captured.assert_tree(
        "
        above [error: zero] n=0
        below [error: always] n=1
        between
        boxed
        ",
    );
}

// case: 57, 10
#[test]
fn attributes_that_rewrite_the_body() {
    #[before(note("above");)]
    #[traced(fields(text.len = text.len()))]
    fn above(text: String) -> usize {
        note("body");
        text.len()
    }
    #[traced(fields(text.len = text.len()))]
    #[before(note("below");)]
    fn below(text: String) -> usize {
        note("body");
        text.len()
    }
    #[before(note("async above");)]
    #[traced]
    async fn future_above(n: &u8) -> Result<u8, u8> {
        note("body");
        yield_now().await;
        Err(*n)
    }
    #[traced]
    #[before(note("async below");)]
    async fn future_below(n: &u8) -> Result<u8, u8> {
        note("body");
        yield_now().await;
        Ok(*n)
    }
    #[braces]
    #[traced]
    fn braced(n: u8) -> Option<impl Fn(u8) -> u8> {
        Some(move |m| m + n)
    }
    #[traced]
    #[braces]
    async fn future_braced(n: u8) -> u8 {
        n
    }
    let captured = capture(|| {
        assert_eq!(above("ab".into()) + below("abc".into()), 5);
        assert_eq!(block_on(future_above(&1)), Err(1));
        assert_eq!(block_on(future_below(&2)), Ok(2));
        assert_eq!(braced(1).unwrap()(2) + block_on(future_braced(3)), 6);
    });
    let expected = [
        "above",
        "body",
        "below",
        "body",
        "async above",
        "body",
        "async below",
        "body",
    ];
    assert_eq!(notes(), expected);
    captured.assert_tree(
        "
        above text.len=2
        below text.len=3
        future_above [error: 1]
        future_below
        braced
        future_braced
        ",
    );
}

// case: 57, 60
#[test]
fn an_item_in_an_invisible_group() {
    #[fragment]
    #[traced]
    fn above(n: u8) -> Result<u8, String> {
        Ok(n)
    }
    #[traced(fields(n))]
    #[fragment]
    async fn below(n: u8) -> u8 {
        n
    }
    let captured = capture(|| (above(1), block_on(below(2))));
    captured.assert_tree("above\nbelow n=2");
}

struct Store(Cell<u8>);

trait Load {
    async fn load(&self, n: u8) -> Result<u8, String>;
    fn peek(&self) -> u8;
}

impl Load for Store {
    #[before(note("load");)]
    #[traced(fields(n))]
    async fn load(&self, n: u8) -> Result<u8, String> {
        self.0.set(self.0.get() + n);
        yield_now().await;
        self.0
            .get()
            .checked_sub(3)
            .ok_or_else(|| "too few".to_owned())
    }
    #[identity]
    #[traced]
    #[before(note("peek");)]
    fn peek(&self) -> u8 {
        self.0.get()
    }
}

#[traced]
impl Store {
    #[before(note("method");)]
    fn method(&mut self) -> &mut u8 {
        self.0.get_mut()
    }
}

// case: 57
#[test]
fn methods_under_foreign_attributes() {
    let captured = capture(|| {
        let mut store = Store(Cell::new(1));
        assert!(block_on(store.load(1)).is_err());
        assert_eq!(block_on(store.load(2)), Ok(1));
        assert_eq!((*store.method(), store.peek()), (4, 4));
    });
    assert_eq!(notes(), ["load", "load", "method", "peek"]);
    captured.assert_tree("load [error: too few] n=1\nload n=2\nmethod\npeek");
}

#[traced(fields(n))]
async fn leaf(n: u8) -> u8 {
    yield_now().await;
    n
}

// case: 98
#[test]
fn the_pool_of_the_futures_crate() {
    #[traced]
    async fn outer() -> u8 {
        let (first, second) = futures_util::join!(leaf(1), leaf(2));
        first + second
    }
    let captured = capture(|| {
        let mut pool = futures_executor::LocalPool::new();
        pool.run_until(async {
            assert_eq!(outer().await, 3);
        });
        let threads = futures_executor::ThreadPool::builder()
            .pool_size(2)
            .create()
            .unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        for n in 3..5 {
            let sender = sender.clone();
            let task = async move { sender.send(leaf(n).await).unwrap() };
            threads.spawn_ok(task.in_current_span());
        }
        drop(sender);
        assert_eq!(receiver.iter().map(u32::from).sum::<u32>(), 7);
    });
    captured.assert_tree_in_any_order("outer\n  leaf n=1\n  leaf n=2\nleaf n=3\nleaf n=4");
}

// case: 98
#[test]
fn the_executor_of_smol() {
    #[traced]
    async fn outer(executor: &async_executor::Executor<'_>) -> u8 {
        assert!(SpanContext::current().is_some());
        let task = executor.spawn(leaf(1).in_current_span());
        let other = executor.spawn(leaf(2));
        // The executor runs the others between the polls of this one, outside of its span.
        task.await + other.in_current_span().await
    }
    let captured = capture(|| {
        let executor = async_executor::Executor::new();
        let work = outer(&executor);
        assert_eq!(futures_executor::block_on(executor.run(work)), 3);
    });
    captured.assert_tree("outer\n  leaf n=1\nleaf n=2");
}
