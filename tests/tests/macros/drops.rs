//! Evaluation and drops around the body of an annotated function.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Mutex;

use obs_runtime::testing::capture;
use obs_runtime::traced;
use obs_tests::cases::{Noisy, block_on, cancel, ended, notes, yield_now};

// case: 12, 13
#[test]
fn the_body_is_there_once_and_runs_once() {
    use std::sync::atomic::{AtomicU8, Ordering};
    thread_local! { static EVALUATED: Cell<u8> = const { Cell::new(0) }; }
    fn argument() -> u8 {
        EVALUATED.set(EVALUATED.get() + 1);
        EVALUATED.get()
    }
    #[traced(fields(n))]
    fn sync(n: u8) -> Result<u8, ()> {
        static CALLS: AtomicU8 = AtomicU8::new(0);
        let _ = n;
        Ok(CALLS.fetch_add(1, Ordering::Relaxed) + 1)
    }
    #[traced(fields(n))]
    async fn future(n: u8) -> u8 {
        static CALLS: AtomicU8 = AtomicU8::new(0);
        let _ = n;
        CALLS.fetch_add(1, Ordering::Relaxed) + 1
    }
    // Off, then recorded: the same `static` counts both.
    assert_eq!(sync(argument()), Ok(1));
    assert_eq!(block_on(future(argument())), 1);
    let captured = capture(|| {
        assert_eq!(sync(argument()), Ok(2));
        let lazy = future(argument());
        assert_eq!(EVALUATED.get(), 4);
        assert_eq!(block_on(lazy), 2);
        drop(future(0));
    });
    assert_eq!(ended(&captured), ["sync ok", "future ok"]);
    assert_eq!(EVALUATED.get(), 4);
}

// case: 14
#[test]
fn the_value_is_moved() {
    struct NothingButMoved(Box<u8>);
    #[traced]
    fn guard(at: Box<u8>) -> Result<NothingButMoved, NothingButMoved> {
        if *at == 0 {
            return Err(NothingButMoved(at));
        }
        Ok(NothingButMoved(at))
    }
    #[traced]
    async fn future(at: Box<u8>) -> NothingButMoved {
        NothingButMoved(at)
    }
    #[traced]
    fn pinned(list: &mut Vec<Box<u8>>) -> Option<Box<u8>> {
        list.pop()
    }
    let value = Box::new(7);
    let address = std::ptr::from_ref(&*value);
    let value = guard(value).unwrap_or_else(|error| error).0;
    let value = block_on(future(value)).0;
    let value = pinned(&mut vec![value]).unwrap();
    assert_eq!(address, std::ptr::from_ref(&*value));
}

// case: 15
#[test]
fn locks_of_the_body_are_free_when_the_span_ends() {
    static LOCK: Mutex<u8> = Mutex::new(0);
    struct Error;
    impl std::fmt::Display for Error {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "free: {}", LOCK.try_lock().is_ok())
        }
    }
    #[traced]
    fn sync() -> Result<(), Error> {
        let _guard = LOCK.lock().map_err(|_| Error)?;
        Err(Error)
    }
    #[traced]
    #[allow(clippy::await_holding_lock)]
    async fn future() -> Result<(), Error> {
        let _guard = LOCK.lock().map_err(|_| Error)?;
        yield_now().await;
        Err(Error)
    }
    let captured = capture(|| {
        assert!(sync().is_err());
        assert!(block_on(future()).is_err());
    });
    for span in &captured.spans {
        let error = span.error.as_ref().unwrap();
        assert_eq!(
            error.message.as_deref(),
            Some("free: true"),
            "{}",
            span.name
        );
    }
    assert_eq!(captured.spans.len(), 2);
}

// case: 16
#[test]
fn a_formatter_that_panics_does_not_reach_the_caller() {
    #[derive(Clone, Copy)]
    struct Explosive;
    impl std::fmt::Debug for Explosive {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("formatter")
        }
    }
    #[traced(fields(?bomb), ret)]
    fn sync(bomb: Explosive) -> Result<Explosive, Explosive> {
        Ok(bomb)
    }
    #[traced(fields(?bomb))]
    async fn future(bomb: Explosive) -> Result<(), Explosive> {
        Err(bomb)
    }
    let captured = capture(|| {
        assert!(sync(Explosive).is_ok());
        assert!(block_on(future(Explosive)).is_err());
    });
    assert_eq!(ended(&captured), ["sync ok", "future error"]);
    let text = captured.span("sync").attribute("bomb").cloned();
    assert_eq!(text, Some("<panicked while formatting>".into()));
}

struct Three {
    a: Noisy,
    b: Noisy,
    c: Noisy,
}

// case: 36, 37, 87 (more of the order: shapes.rs)
#[test]
fn what_is_left_of_moved_arguments_drops_in_the_plain_order() {
    macro_rules! both {
        ($(#[$attr:meta])* $mod:ident) => {
            mod $mod {
                use super::*;
                impl Three {
                    $(#[$attr])*
                    pub(super) fn $mod(self, Three { a, .. }: Three, _: Noisy, last: Noisy) -> Result<(), Noisy> {
                        let b = self.b;
                        drop(a);
                        if last.0.is_empty() { return Err(b); }
                        Ok(())
                    }
                }
                $(#[$attr])*
                pub(super) async fn future(Three { a, .. }: Three, whole: Three, _: Noisy, last: Noisy) {
                    let b = whole.b;
                    drop(a);
                    yield_now().await;
                    drop(last);
                    drop(b);
                }
            }
        };
    }
    both!(plain);
    both!(
        #[traced]
        annotated
    );
    let three = || Three {
        a: Noisy("a"),
        b: Noisy("b"),
        c: Noisy("c"),
    };
    notes();
    assert!(three().plain(three(), Noisy("_"), Noisy("last")).is_ok());
    let plain = notes();
    assert!(
        three()
            .annotated(three(), Noisy("_"), Noisy("last"))
            .is_ok()
    );
    assert_eq!((plain.len(), notes()), (8, plain));
    for run in [
        |f: Pin<Box<dyn Future<Output = ()>>>| block_on(f),
        |f| cancel(f),
        |f| drop(f),
    ] {
        run(Box::pin(plain::future(
            three(),
            three(),
            Noisy("_"),
            Noisy("last"),
        )));
        let plain = notes();
        run(Box::pin(annotated::future(
            three(),
            three(),
            Noisy("_"),
            Noisy("last"),
        )));
        assert_eq!((plain.len(), notes()), (8, plain));
    }
    let Three { a, b, c } = three();
    drop((a, b, c));
}
