//! Calls of code that may panic: a user's, a dependency's, or that of obs where the host's thread runs it.

use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(feature = "pipeline")]
use crate::panics;

/// Calls code of a user or of a dependency; none if it panics.
#[inline]
pub(crate) fn guarded<R>(call: impl FnOnce() -> R) -> Option<R> {
    // What was thrown may panic again when it is dropped, outside of this.
    catch_unwind(AssertUnwindSafe(call))
        .map_err(core::mem::forget)
        .ok()
}

/// Calls code of a user; the error is what a panic of it said, as in `panicked: no disk`.
#[cfg(feature = "pipeline")]
pub(crate) fn caught<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let said = match panics::text(&*payload) {
            Some(text) => format!("panicked: {text}"),
            None => "panicked".to_owned(),
        };
        // As above.
        core::mem::forget(payload);
        said
    })
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
        #[cfg(feature = "pipeline")]
        assert_eq!(
            caught(|| std::panic::panic_any(Bomb)).map(|()| "no panic"),
            Err("panicked".to_owned())
        );
    }

    #[cfg(feature = "pipeline")]
    #[test]
    fn the_text_of_a_panic_is_kept() {
        let disk = "disk";
        let said = caught(|| panic!("no {disk}")).map(|()| "no panic");
        assert_eq!(said, Err("panicked: no disk".to_owned()));
        assert_eq!(caught(|| 7), Ok(7));
    }
}
