//! Locks that a panic does not spoil, and waits under them: what a lock of obs guards is whole between any two statements,
//! so that the next one who takes it may go on.

use std::sync::{
    Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::Instant;

/// Takes a lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a lock to read.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a lock to write.
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `done`, or until the given moment.
pub(crate) fn wait<'a, S>(
    changed: &Condvar,
    state: MutexGuard<'a, S>,
    until: Option<Instant>,
    done: impl Fn(&S) -> bool,
) -> MutexGuard<'a, S> {
    let goes_on = |state: &mut S| !done(state);
    let Some(until) = until else {
        let waited = changed.wait_while(state, goes_on);
        return waited.unwrap_or_else(PoisonError::into_inner);
    };
    let left = until.saturating_duration_since(Instant::now());
    let waited = changed.wait_timeout_while(state, left, goes_on);
    waited.unwrap_or_else(PoisonError::into_inner).0
}
