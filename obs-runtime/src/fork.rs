//! What a forked child may touch, and what belongs to its parent.
//!
//! `fork` copies the memory of a process but only the thread that called it. A lock that another
//! thread held stays locked in the child for ever, an exporter waits for a thread that is not there,
//! and a random generator repeats its parent's numbers. So nothing of the parent is used in a child:
//! a [`PerProcess`] static is made anew there, what remembers the [`Process`] that made it stays shut,
//! and the [`in_child`] hooks clear what the forking thread itself carries. The child records nothing
//! until it calls `install`, like any process that has not installed obs.

use core::ops::Deref;
use core::ptr;
#[cfg(unix)]
use core::sync::atomic::AtomicBool;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::sync::OnceLock;

/// The number of forks between the process that began and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The process that something was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(u32);

impl Process {
    /// Returns the running process.
    #[inline]
    pub(crate) fn current() -> Self {
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Returns whether this is the running process. What another one made may be locked for ever.
    #[inline]
    pub(crate) fn is_current(self) -> bool {
        self == Self::current()
    }
}

/// Returns whether this process was forked after obs was first used in its parent.
pub(crate) fn is_child() -> bool {
    FORKS.load(Ordering::Relaxed) != 0
}

/// A static value of which each process has its own. It is made at the first use and never freed; a
/// child leaves its parent's alone, since the parent's may be locked.
#[derive(Debug)]
pub(crate) struct PerProcess<T: 'static> {
    made: AtomicPtr<Made<T>>,
    make: fn() -> T,
}

#[derive(Debug)]
struct Made<T> {
    process: Process,
    value: T,
}

impl<T: Send + Sync> PerProcess<T> {
    pub(crate) const fn new(make: fn() -> T) -> Self {
        Self {
            made: AtomicPtr::new(ptr::null_mut()),
            make,
        }
    }

    #[cold]
    #[inline(never)]
    fn make(&self, mut known: *mut Made<T>) -> &'static T {
        // First of all: a fork that is not noticed would leave the child the parent's value.
        register();
        let process = Process::current();
        let fresh = Box::leak(Box::new(Made {
            process,
            value: (self.make)(),
        }));
        let fresh: *mut Made<T> = fresh;
        loop {
            let exchanged =
                self.made
                    .compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire);
            let Err(other) = exchanged else {
                // SAFETY: `fresh` was leaked above, so it is valid for ever and only shared from now on.
                return unsafe { &(*fresh).value };
            };
            // SAFETY: a pointer in `made` comes from a leaked box, which is never changed.
            let other_made = unsafe { &*other };
            if other_made.process == process {
                // SAFETY: nobody else has seen `fresh`, which came from a box.
                drop(unsafe { Box::from_raw(fresh) });
                return &other_made.value;
            }
            known = other;
        }
    }
}

impl<T: Send + Sync> Deref for PerProcess<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        let made = self.made.load(Ordering::Acquire);
        if !made.is_null() {
            // SAFETY: a pointer in `made` comes from a leaked box, which is never changed.
            let made = unsafe { &*made };
            if made.process.is_current() {
                return &made.value;
            }
        }
        self.make(made)
    }
}

/// What runs in a child before `fork` returns there.
static HOOKS: [OnceLock<fn()>; 8] = [const { OnceLock::new() }; 8];

/// Has `hook` run in each forked child before `fork` returns there. A hook may store to atomics and
/// to the words of its thread; it must take no lock. Giving the same hook again changes nothing.
pub(crate) fn in_child(hook: fn()) {
    let place = HOOKS.iter().find(|place| {
        let known = place.get_or_init(|| hook);
        core::ptr::fn_addr_eq(*known, hook)
    });
    debug_assert!(place.is_some(), "more hooks than places");
    register();
}

#[cfg(unix)]
fn register() {
    static DONE: AtomicBool = AtomicBool::new(false);
    extern "C" fn child() {
        FORKS.fetch_add(1, Ordering::Relaxed);
        for hook in HOOKS.iter().filter_map(OnceLock::get) {
            hook();
        }
    }
    if !DONE.load(Ordering::Acquire) {
        // SAFETY: the handler stores to atomics and to this thread's words only, which is allowed
        // between `fork` and its return in a process that had several threads.
        unsafe { libc::pthread_atfork(None, None, Some(child)) };
        // Not before: another thread may fork meanwhile. Two registrations count a fork twice, which
        // does no harm.
        DONE.store(true, Ordering::Release);
    }
}

#[cfg(not(unix))]
fn register() {
    // Such a system has no `fork`.
}

#[cfg(test)]
#[path = "fork_tests.rs"]
mod tests;
