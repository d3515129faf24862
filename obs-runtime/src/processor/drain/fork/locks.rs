//! The locks that a thread holds while it forks, so that the child finds them free.

use std::any::Any;
use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, RwLock, TryLockError};
use std::time::Duration;

use super::super::{DRAIN, Drain};
use super::BESIDE;

/// A lock that is held while this thread forks.
pub(crate) type Held = Box<dyn Any>;

/// Takes a lock without waiting.
pub(crate) fn hold<T>(lock: &'static Mutex<T>) -> Option<Held> {
    match lock.try_lock() {
        Ok(held) => Some(Box::new(held)),
        Err(TryLockError::Poisoned(held)) => Some(Box::new(held.into_inner())),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Takes a lock for writing without waiting.
pub(crate) fn hold_all<T>(lock: &'static RwLock<T>) -> Option<Held> {
    match lock.try_write() {
        Ok(held) => Some(Box::new(held)),
        Err(TryLockError::Poisoned(held)) => Some(Box::new(held.into_inner())),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// The locks that a child takes, the drain's aside: each is held for moments, and under none the drain's is taken.
const LOCKS: &[fn() -> Option<Held>] = &[
    || hold(&BESIDE),
    crate::logs::hold,
    crate::processor::redact::custom::hold,
    crate::trace::propagation::remembered::hold,
    crate::self_log::hold,
    #[cfg(feature = "tracing")]
    crate::tracing::hold,
    #[cfg(feature = "opentelemetry")]
    crate::opentelemetry::hold,
];

pub(super) struct Locks {
    pub(super) drain: MutexGuard<'static, Option<Drain>>,
    pub(super) others: Vec<Held>,
}

thread_local! {
    /// The locks while this thread forks.
    pub(super) static HELD: RefCell<Option<Locks>> = const { RefCell::new(None) };
}

/// The locks, for which a fork waits a second at most: this thread may hold one itself.
pub(super) fn lock_to_fork() -> Option<Locks> {
    let mut tries = 0..1000;
    let mut wait = || {
        std::thread::sleep(Duration::from_millis(1));
        tries.next()
    };
    // The drain's first: a pass takes the others.
    let drain = loop {
        match DRAIN.try_lock() {
            Ok(drain) => break drain,
            Err(TryLockError::Poisoned(drain)) => break drain.into_inner(),
            Err(TryLockError::WouldBlock) => wait()?,
        };
    };
    let mut others = Vec::with_capacity(LOCKS.len());
    for lock in LOCKS {
        others.push(loop {
            match lock() {
                Some(held) => break held,
                None => wait()?,
            };
        });
    }
    Some(Locks { drain, others })
}
