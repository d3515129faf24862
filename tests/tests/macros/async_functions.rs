//! Annotated async functions under executors: auto traits, wakers, cancellation, panics, nesting.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, UnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use obs_runtime::testing::{capture, capture_async};
use obs_runtime::{Instrument as _, SpanContext, traced};
use obs_tests::cases::{block_on, cancel, ended, tree, yield_now};

#[traced]
fn leaf() {}

// case: 80
#[tokio::test]
async fn auto_traits_are_those_of_the_plain_future() {
    fn thread_safe<T: Send + Sync + UnwindSafe + 'static>(value: T) -> T {
        value
    }
    #[traced(fields(n), ret)]
    async fn owned(n: u8) -> Result<u8, String> {
        Ok(n)
    }
    #[traced]
    async fn borrowed(text: &str) -> usize {
        yield_now().await;
        text.len()
    }
    #[traced]
    async fn local(rc: Rc<Cell<u8>>) -> u8 {
        tokio::task::yield_now().await;
        rc.get()
    }
    #[traced(fields(n))]
    fn boxed(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send + Sync>> {
        Box::pin(async move { n })
    }
    fn send<T: Send + Sync>(value: T) -> T {
        value
    }
    assert_eq!(thread_safe(owned(1)).await, Ok(1));
    assert_eq!(send(borrowed(&String::from("ab"))).await, 2);
    assert_eq!(send(boxed(3)).await, 3);
    let set = tokio::task::LocalSet::new();
    let joined = set.run_until(async {
        let task = tokio::task::spawn_local(local(Rc::new(Cell::new(4))));
        task.await.unwrap()
    });
    assert_eq!(joined.await, 4);
}

struct CountWakes(AtomicUsize);

impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

// case: 82
#[test]
fn the_waker_is_passed_through() {
    #[traced]
    async fn waits(given: &Waker) -> u8 {
        let mut polled = 0;
        std::future::poll_fn(|cx| {
            assert!(cx.waker().will_wake(given));
            polled += 1;
            if polled == 3 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        1
    }
    let count = Arc::new(CountWakes(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    let captured = capture(|| {
        let mut future = Box::pin(waits(&waker));
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(1));
        let again = catch_unwind(AssertUnwindSafe(|| {
            future.as_mut().poll(&mut context).is_ready()
        }));
        let message = again.unwrap_err().downcast::<&'static str>();
        message.map_or_else(
            |other| *other.downcast::<String>().unwrap(),
            |text| (*text).to_owned(),
        )
    });
    assert!(
        captured.value.contains("resumed after completion"),
        "{}",
        captured.value
    );
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
    assert_eq!(captured.spans[0].outcome.as_str(), "ok");
}

// case: 83
#[test]
fn the_future_is_hardly_larger() {
    async fn plain(block: [u8; 4096]) -> u8 {
        yield_now().await;
        block[0]
    }
    #[traced]
    async fn annotated(block: [u8; 4096]) -> u8 {
        yield_now().await;
        block[0]
    }
    #[traced(fields(first = block[0]))]
    async fn with_field(block: [u8; 4096]) -> u8 {
        yield_now().await;
        block[0]
    }
    let plain = size_of_val(&plain([0; 4096]));
    let (annotated, with_field) = (annotated([0; 4096]), with_field([0; 4096]));
    assert!(
        size_of_val(&annotated) <= plain + 64,
        "{} {plain}",
        size_of_val(&annotated)
    );
    assert!(
        size_of_val(&with_field) <= plain + 128,
        "{} {plain}",
        size_of_val(&with_field)
    );
}

// case: 85
#[test]
fn deep_recursion_fits_the_stack_of_a_thread() {
    #[traced]
    fn deep(n: u32) -> Result<u32, String> {
        if n == 0 {
            return Ok(0);
        }
        Ok(deep(n - 1)? + 1)
    }
    let thread = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(|| deep(2000));
    assert_eq!(thread.unwrap().join().unwrap(), Ok(2000));
}

trait Walk {
    fn walk(&self, n: u8) -> impl Future<Output = u8>;
}

impl Walk for u8 {
    #[traced(name = "walk")]
    async fn walk(&self, n: u8) -> u8 {
        if n == 0 {
            *self
        } else {
            Box::pin(self.walk(n - 1)).await
        }
    }
}

// case: 86
#[test]
fn async_recursion() {
    #[traced]
    async fn even(n: u8) -> bool {
        if n == 0 {
            true
        } else {
            Box::pin(odd(n - 1)).await
        }
    }
    #[traced]
    async fn odd(n: u8) -> bool {
        if n == 0 {
            false
        } else {
            Box::pin(even(n - 1)).await
        }
    }
    let captured = capture(|| {
        assert!(block_on(even(2)));
        assert_eq!(block_on(7.walk(1)), 7);
    });
    let expected = ["even ok", "odd ok", "even ok", "walk ok", "walk ok"];
    assert_eq!(ended(&captured), expected);
    assert_eq!(captured.spans[0].parent_id, Some(captured.spans[1].span_id));
}

// case: 88
#[tokio::test]
async fn cancellation_is_recorded_once() {
    #[traced]
    async fn outer() -> Result<(), String> {
        inner().await
    }
    #[traced]
    async fn inner() -> Result<(), String> {
        std::future::pending().await
    }
    #[traced]
    async fn finished() -> u8 {
        1
    }
    let captured = capture_async(async {
        for _ in 0..3 {
            cancel(outer());
        }
        drop(outer());
        let mut done = Box::pin(finished());
        assert_eq!(done.as_mut().await, 1);
        drop(done);
    })
    .await;
    let mut expected = ["inner cancelled", "outer cancelled"].repeat(3);
    expected.push("finished ok");
    assert_eq!(ended(&captured), expected);
    for span in &captured.spans {
        assert!(span.end_unix_nanos >= span.start_unix_nanos);
    }
}

// case: 89
#[test]
fn a_panic_keeps_its_payload() {
    struct Payload(u8);
    struct InDrop;
    impl Drop for InDrop {
        #[traced(name = "unwinding")]
        fn drop(&mut self) {
            leaf();
        }
    }
    #[traced]
    fn sync(n: &Cell<u8>) -> Result<(), String> {
        let _in_drop = InDrop;
        std::panic::panic_any(Payload(n.get()))
    }
    #[traced]
    async fn future(n: &Cell<u8>) {
        yield_now().await;
        std::panic::panic_any(Payload(n.get()))
    }
    let captured = capture(|| {
        let n = Cell::new(7);
        let sync = catch_unwind(AssertUnwindSafe(|| sync(&n))).unwrap_err();
        let future = catch_unwind(AssertUnwindSafe(|| block_on(future(&n)))).unwrap_err();
        let payload = |any: Box<dyn std::any::Any + Send>| any.downcast::<Payload>().unwrap().0;
        assert_eq!((payload(sync), payload(future)), (7, 7));
        leaf();
    });
    let expected = [
        "leaf < unwinding",
        "unwinding < sync",
        "sync < -",
        "future < -",
        "leaf < -",
    ];
    assert_eq!(tree(&captured), expected);
    assert_eq!(ended(&captured)[2..4], ["sync panicked", "future panicked"]);
}

// case: 90, 93
#[tokio::test(start_paused = true)]
async fn with_the_tools_of_tokio() {
    #[traced]
    async fn slow() -> u8 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        1
    }
    #[traced]
    async fn quick() -> u8 {
        tokio::task::yield_now().await;
        2
    }
    #[traced]
    fn blocking() -> u8 {
        3
    }
    #[traced]
    async fn detached() {}
    #[traced]
    async fn parent() {
        tokio::spawn(detached()).await.unwrap();
        tokio::spawn(quick().in_current_span()).await.unwrap();
        let context = SpanContext::current();
        let on_thread = tokio::task::spawn_blocking(move || {
            let _entered = context.as_ref().map(SpanContext::attach);
            blocking()
        });
        assert_eq!(on_thread.await.unwrap(), 3);
    }
    let captured = capture_async(async {
        let first = tokio::select! {
            _ = slow() => 0,
            n = quick() => n,
        };
        assert_eq!((first, tokio::join!(quick(), quick())), (2, (2, 2)));
        let late = tokio::time::timeout(Duration::from_secs(1), slow()).await;
        assert!(late.is_err());
        let mut set = tokio::task::JoinSet::new();
        set.spawn(slow().in_current_span());
        tokio::task::yield_now().await;
        set.shutdown().await;
        parent().await;
    })
    .await;
    let names = tree(&captured);
    let count = |name: &str| names.iter().filter(|line| *line == name).count();
    assert_eq!(count("quick < -"), 3);
    assert_eq!(count("quick < parent"), 1);
    assert_eq!(count("blocking < parent"), 1);
    // What is spawned without the context belongs to nothing here.
    assert!(!names.iter().any(|line| line.starts_with("detached")));
    let slow: Vec<_> = ended(&captured)
        .into_iter()
        .filter(|l| l.starts_with("slow"))
        .collect();
    assert!(
        slow.iter().all(|line| line == "slow cancelled") && slow.len() >= 2,
        "{slow:?}"
    );
}

// case: 91
#[test]
fn interleaved_tasks_keep_their_children() {
    #[traced]
    async fn left() {
        for _ in 0..3 {
            left_child();
            yield_now().await;
        }
    }
    #[traced]
    async fn right() {
        for _ in 0..3 {
            right_child().await;
            yield_now().await;
        }
    }
    #[traced]
    fn left_child() {}
    #[traced]
    async fn right_child() {
        yield_now().await;
    }
    let captured = capture(|| {
        let (mut left, mut right) = (pin!(left()), pin!(right()));
        let mut context = Context::from_waker(Waker::noop());
        let (mut left_done, mut right_done) = (false, false);
        while !(left_done && right_done) {
            left_done = left_done || left.as_mut().poll(&mut context).is_ready();
            assert!(SpanContext::current().is_none());
            right_done = right_done || right.as_mut().poll(&mut context).is_ready();
            leaf();
        }
    });
    for line in tree(&captured) {
        let fits = match line.split_once(" < ").unwrap() {
            ("left_child", parent) => parent == "left",
            ("right_child", parent) => parent == "right",
            (_, parent) => parent == "-",
        };
        assert!(fits, "{line}");
    }
    let children = captured.spans.iter().filter(|s| s.name.ends_with("_child"));
    assert_eq!(children.count(), 6);
}

// case: 92
#[test]
fn polled_on_different_threads() {
    #[traced]
    async fn travels() -> usize {
        for _ in 0..3 {
            leaf();
            yield_now().await;
        }
        3
    }
    #[traced]
    fn home() -> Pin<Box<dyn Future<Output = usize> + Send>> {
        Box::pin(travels())
    }
    let captured = capture(|| {
        let mut future = home();
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        for _ in 0..2 {
            let thread = std::thread::spawn(move || {
                let mut context = Context::from_waker(Waker::noop());
                assert!(future.as_mut().poll(&mut context).is_pending());
                assert!(SpanContext::current().is_none());
                future
            });
            future = thread.join().unwrap();
        }
        assert_eq!(block_on(future), 3);
    });
    let mut lines = tree(&captured);
    lines.sort();
    let expected = [
        "home < -",
        "leaf < travels",
        "leaf < travels",
        "leaf < travels",
        "travels < home",
    ];
    assert_eq!(lines, expected);
}

// case: 94 (the duration is wall time; busy time is not recorded)
#[test]
fn the_duration_includes_the_waiting() {
    #[traced]
    async fn waits() {
        yield_now().await;
    }
    let captured = capture(|| {
        let mut future = pin!(waits());
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        leaf();
        assert!(future.as_mut().poll(&mut context).is_ready());
    });
    let (waits, leaf) = (captured.span("waits"), captured.span("leaf"));
    assert!(waits.start_unix_nanos <= leaf.start_unix_nanos);
    assert!(waits.end_unix_nanos >= leaf.end_unix_nanos);
    assert_eq!(leaf.parent_id, None);
}
