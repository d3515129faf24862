//! Running the body of a synchronous function, and ending its span.
//!
//! Inlined in optimized builds only: in others each inlined move keeps a place of its own in the
//! frame of the annotated function, and deep recursion runs out of stack (2,208 bytes a call, now 512).

use crate::private::Judge;
use crate::trace::{Outcome, SyncSpan};

/// Runs a body. The bound makes the closure `FnOnce`, so that what it borrowed from a `&mut`
/// argument may be returned.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// As [`call`], for a body that records fields.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn call_with<const N: usize, R>(
    span: &mut SyncSpan<N>,
    body: impl FnOnce(&mut SyncSpan<N>) -> R,
) -> R {
    body(span)
}

/// As [`call`], for a body that makes a future of a known output.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn call_future<T, F: Future<Output = T>>(body: impl FnOnce() -> F) -> F {
    body()
}

/// As [`call_future`], for a body that records fields.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn call_future_with<const N: usize, F: Future>(
    span: &mut SyncSpan<N>,
    body: impl FnOnce(&mut SyncSpan<N>) -> F,
) -> F {
    body(span)
}

/// Ends the span by what the value is, and gives the value back.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn finish<T, K: Judge<T>, const N: usize>(span: &mut SyncSpan<N>, mut judge: K, value: T) -> T {
    if K::TIMES && span.is_recording() {
        judge.report();
    }
    judge.observe(&value, span.is_recording());
    if judge.failed(&value) {
        fail(span, &judge, &value);
    } else {
        if K::OBSERVES {
            judge.ended(Outcome::Ok, None, span.is_recording());
        }
        span.end(Outcome::Ok);
    }
    value
}

/// Apart, so that the error has no room in the frame of the annotated function.
#[cold]
#[inline(never)]
fn fail<T, K: Judge<T>, const N: usize>(span: &mut SyncSpan<N>, judge: &K, value: &T) {
    let recorded = span.is_recording();
    let error = judge.error(value, recorded);
    judge.ended(Outcome::Error, Some(&error), recorded);
    span.fail(error);
}

/// The argument itself. A call, because clippy takes `let _x = x;` for a statement without effect.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn arg<T>(argument: T) -> T {
    argument
}

/// Tells an async block the type of its value; never called.
#[cold]
pub fn absurd<T>() -> T {
    unreachable!("generated code calls this under `if false`")
}

/// Names the type `!`, which has no name of its own on stable: `<fn() -> ! as FnRet>::Ret`.
pub trait FnRet {
    /// What the function pointer returns.
    type Ret;
}

impl<R> FnRet for fn() -> R {
    type Ret = R;
}
