//! The gate: the first thing that a call looks at.

use core::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::callsite::Level;

/// The most verbose level that any scope records; 0 while nothing records, so that one load and one
/// branch are all that a call costs then.
static GATE: AtomicU8 = AtomicU8::new(0);
static LEVELS: Mutex<Vec<(u16, Level)>> = Mutex::new(Vec::new());

#[inline(always)]
pub(crate) fn gate() -> u8 {
    if cfg!(not(any(feature = "record", test))) {
        return 0;
    }
    GATE.load(Ordering::Relaxed)
}

/// Sets the level of a scope, or takes the scope away.
pub(crate) fn set(scope: u16, level: Option<Level>) {
    let mut levels = LEVELS.lock().unwrap_or_else(PoisonError::into_inner);
    levels.retain(|(s, _)| *s != scope);
    levels.extend(level.map(|level| (scope, level)));
    let most = levels.iter().map(|(_, level)| *level as u8).max();
    GATE.store(most.unwrap_or(0), Ordering::Relaxed);
}

/// In a forked child: without its locks.
pub(crate) fn close() {
    GATE.store(0, Ordering::Relaxed);
}
