//! Annotated functions in odd moments: a thread that ends, a formatter, nobody who records.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use obs_runtime::testing::capture;
use obs_runtime::traced;
use obs_tests::cases::{block_on, note, notes, yield_now};

#[traced]
fn leaf() {}

// case: 95
#[test]
fn called_while_a_thread_ends() {
    #[traced]
    fn late(n: u8) -> Result<u8, String> {
        Ok(n)
    }
    #[traced]
    async fn late_async() -> u8 {
        leaf();
        1
    }
    struct AtEnd(Arc<AtomicUsize>);
    impl Drop for AtEnd {
        fn drop(&mut self) {
            let sum = usize::from(late(2).unwrap_or(0)) + usize::from(block_on(late_async()));
            self.0.fetch_add(sum, Ordering::Relaxed);
        }
    }
    thread_local! { static KEPT: Cell<Option<AtEnd>> = const { Cell::new(None) }; }
    let sum = Arc::new(AtomicUsize::new(0));
    let captured = capture(|| {
        let context_before = Arc::clone(&sum);
        let before = std::thread::spawn(move || {
            // Set before the first traced call: dropped after what that call made.
            KEPT.set(Some(AtEnd(context_before)));
            late(0).map_err(|_| ())
        });
        assert_eq!(before.join().unwrap(), Ok(0));
        let after = Arc::clone(&sum);
        let panics = std::thread::spawn(move || {
            let _ = late(0);
            KEPT.set(Some(AtEnd(after)));
            panic!("the thread");
        });
        assert!(panics.join().is_err());
    });
    assert_eq!(sum.load(Ordering::Relaxed), 6);
    drop(captured);
}

// case: 96
#[test]
fn recorded_values_may_call_annotated_functions() {
    struct Reentrant;
    impl std::fmt::Display for Reentrant {
        #[traced(name = "display")]
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            leaf();
            f.write_str("shown")
        }
    }
    #[traced(fields(%value), ret(Display))]
    fn sync(value: Reentrant) -> Result<Reentrant, Reentrant> {
        Ok(value)
    }
    #[traced(fields(%value))]
    async fn future(value: Reentrant) -> Result<(), Reentrant> {
        Err(value)
    }
    let captured = capture(|| {
        assert!(sync(Reentrant).is_ok());
        assert!(block_on(future(Reentrant)).is_err());
    });
    let (sync, future) = (captured.span("sync"), captured.span("future"));
    assert_eq!(sync.attribute("value"), Some(&"shown".into()));
    assert_eq!(sync.attribute("return"), Some(&"shown".into()));
    assert_eq!(
        future.error.as_ref().unwrap().message.as_deref(),
        Some("shown")
    );
    assert_eq!(future.outcome.as_str(), "error");
}

// case: 97, 98 (the executor is `block_on` of our own)
#[test]
fn nothing_is_evaluated_while_nobody_records() {
    #[traced(fields(n = { note("field"); 1 }), name = { note("name"); "x" })]
    fn sync() -> Result<u8, String> {
        Ok(1)
    }
    #[traced(level = "trace", fields(n = { note("field"); 1 }))]
    async fn future() -> u8 {
        yield_now().await;
        1
    }
    notes();
    assert_eq!((sync(), block_on(future())), (Ok(1), 1));
    assert_eq!(notes(), [""; 0]);
    let captured = capture(|| (sync(), block_on(future())));
    assert_eq!((captured.spans.len(), notes().len()), (2, 3));
}
