//! A forked child: the parent's threads are not there, and copies of its locks may be held for ever.
//!
//! Fork waits for the drain's pass, so that its lock is free on both sides; everything else of the parent is
//! left alone. The child records into buffers of its own, under ids of its own, and its first record there starts
//! a drain and exporters: nothing is started in a child that only goes on to `exec`. What the parent had not sent is
//! the parent's. Metrics, logs and a user's own exporters stay off: the child's copy of the counts is the parent's, and
//! an exporter cannot be made twice.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{MutexGuard, OnceLock, TryLockError};
use std::time::Duration;

use super::{DRAIN, Drain, Scope, add, spawn};
use crate::exporter::SpanSink;
use crate::processor::redact::span::SpanRedaction;
use crate::trace::{buffer, gate};

/// Not forked since obs was switched on.
const PARENT: u8 = 0;
/// Forked, and nothing recorded yet.
const OFF: u8 = 1;
/// Forked, with a drain of its own.
const RESTARTED: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(PARENT);

/// Makes the sinks of a child anew.
pub(crate) type Remake = Box<dyn Fn() -> Option<Box<dyn SpanSink>> + Send + Sync>;

/// How the sinks of the installed default are made anew; of the first that can.
static REMAKE: OnceLock<std::sync::RwLock<&'static [Remake]>> = OnceLock::new();

/// Whether this process was forked after obs was switched on: its locks may be held for ever.
pub(crate) fn in_child() -> bool {
    STATE.load(Ordering::Relaxed) != PARENT
}

/// Whether nothing is recorded here: a child that has no drain.
pub(crate) fn is_off() -> bool {
    STATE.load(Ordering::Relaxed) == OFF
}

fn remakes() -> &'static [Remake] {
    let place = REMAKE.get().and_then(|place| place.try_read().ok());
    place.map_or(&[], |all| *all)
}

/// What a child is to export to. It is kept for the life of the process.
pub(crate) fn remake_with(all: Vec<Remake>) {
    let place = REMAKE.get_or_init(|| std::sync::RwLock::new(&[]));
    let all: &'static [Remake] = Box::leak(all.into_boxed_slice());
    *place
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = all;
}

/// The first record of a thread: in a child, the one that has the rest start.
pub(crate) fn recorded() {
    if is_off() {
        restart();
    }
}

#[cold]
fn restart() {
    let won = STATE.compare_exchange(OFF, RESTARTED, Ordering::AcqRel, Ordering::Relaxed);
    if won.is_err() {
        return;
    }
    let sinks: Vec<_> = remakes().iter().filter_map(|make| make()).collect();
    // Attributes are masked here whatever the parent does: how it was configured is not known any more.
    let redaction = SpanRedaction::start(0, None);
    add(0, Scope::new(sinks, None, None, redaction));
    if spawn().is_err() {
        gate::close();
        STATE.store(OFF, Ordering::Relaxed);
    }
}

thread_local! {
    /// The drain's lock while this thread forks.
    static HELD: RefCell<Option<MutexGuard<'static, Option<Drain>>>> = const { RefCell::new(None) };
}

/// The drain's lock, for which a fork waits a second at most: this thread may hold it itself.
fn lock_to_fork() -> Option<MutexGuard<'static, Option<Drain>>> {
    for _ in 0..1000 {
        match DRAIN.try_lock() {
            Ok(drain) => return Some(drain),
            Err(TryLockError::Poisoned(drain)) => return Some(drain.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    None
}

#[cfg(unix)]
pub(super) fn register() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    extern "C" fn prepare() {
        let held = lock_to_fork();
        let _ = HELD.try_with(|place| place.replace(held));
    }
    extern "C" fn parent() {
        let _ = HELD.try_with(RefCell::take);
    }
    extern "C" fn child() {
        buffer::forget_after_fork();
        let held = HELD.try_with(RefCell::take).ok().flatten();
        match held {
            Some(mut drain) if !remakes().is_empty() => {
                // The sinks wait for threads that are not here: they are left alone, not dropped.
                core::mem::forget(drain.take());
            }
            _ => gate::close(),
        }
        STATE.store(OFF, Ordering::Relaxed);
    }
    ONCE.call_once(|| {
        // SAFETY: the handlers take and give back a lock on the thread that forks, store to atomics and to
        // this thread's words, and allocate, which libc allows there: glibc and musl hold their allocator's
        // locks over a fork.
        unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    });
}

#[cfg(not(unix))]
pub(super) fn register() {}
