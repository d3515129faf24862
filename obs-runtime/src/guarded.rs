//! Calls of code that may panic: a user's, a dependency's, or that of obs where the host's thread runs it.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls code of a user or of a dependency; none if it panics.
#[inline]
pub(crate) fn guarded<R>(call: impl FnOnce() -> R) -> Option<R> {
    // What was thrown may panic again when it is dropped, outside of this.
    catch_unwind(AssertUnwindSafe(call))
        .map_err(core::mem::forget)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_thrown_may_panic_when_it_is_dropped() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("the second panic");
            }
        }
        let outcome: Option<()> = guarded(|| std::panic::panic_any(Bomb));
        assert!(outcome.is_none());
    }
}
