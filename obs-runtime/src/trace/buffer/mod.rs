//! The buffers between the instrumented threads and the drain.
//!
//! Each thread owns a queue: a chain of chunks that it fills and the drain empties. A record is
//! published by one `Release` store of the chunk's `committed` pointer. Nothing is ever waited for:
//! when the byte budget is used up, records are counted as lost.
//!
//! This file is the thread's side, and what all threads share.

mod chain;
mod chunk;
mod queue;

use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use crate::fork::{self, PerProcess};
use crate::trace::local::{Local, local};
use crate::trace::{gate, sampler};
use chunk::{HEADER, Pool};

pub(crate) use chain::Cursor;
pub(crate) use queue::{Overflow, Queue, limits};

/// What `chain` and `chunk` are made of; `loom/` has its own.
mod sync {
    pub(super) use core::cell::Cell;
    pub(super) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
    pub(super) use std::alloc::{alloc, dealloc};
    pub(super) use std::sync::{Mutex, MutexGuard};
}

/// The first chunk of a thread: many threads record only a few spans.
const FIRST: usize = 4 << 10;
/// Every later chunk.
const CHUNK: usize = 32 << 10;
/// The drain is woken when this much is filled and not read: about the size of a core's cache.
const WAKE: usize = 1 << 20;
/// Empty chunks kept for the next burst.
const KEEP: usize = 2 << 20;
/// The largest record; longer strings stay in boxes of their own.
pub(crate) const LARGEST: usize = FIRST - HEADER;

/// What all threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    queues: Mutex<Vec<Arc<Queue>>>,
    pool: Pool,
    drain: Mutex<Option<Thread>>,
}

static SHARED: PerProcess<Shared> = PerProcess::new(|| {
    fork::in_child(leave_to_parent);
    Shared::new()
});
static BUDGET: AtomicUsize = AtomicUsize::new(64 << 20);

/// The shared part; made by the first caller and never freed.
pub(crate) fn shared() -> &'static Shared {
    &SHARED
}

/// In a forked child: the buffers are its parent's.
fn leave_to_parent() {
    local().leave_to_parent();
}

pub(crate) fn set_budget(bytes: usize) {
    BUDGET.store(bytes.max(2 * CHUNK), Ordering::Relaxed);
}

pub(crate) fn set_drain(thread: Option<Thread>) {
    *lock(&shared().drain) = thread;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these mutexes guard is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn new() -> Self {
        Self {
            queues: Mutex::default(),
            pool: Pool::new(),
            drain: Mutex::default(),
        }
    }

    /// Whether a pass is due already.
    pub(crate) fn is_behind(&self) -> bool {
        self.pool.is_behind()
    }

    /// Has the drain make a pass now.
    pub(crate) fn wake(&self) {
        if let Some(thread) = &*lock(&self.drain) {
            thread.unpark();
        }
    }
}

/// Closes the thread's queue when the thread ends. Kept apart from [`Local`], which must have no destructor.
struct AtExit;

impl Drop for AtExit {
    fn drop(&mut self) {
        let local = local();
        local.exited.set(true);
        leave_queue(local);
    }
}

thread_local! {
    static AT_EXIT: AtExit = const { AtExit };
}

fn leave_queue(local: &Local) {
    let queue = local.queue.replace(ptr::null());
    local.cursor.clear();
    if !queue.is_null() {
        // SAFETY: `attach` made the pointer of an `Arc` that the thread keeps alive until here.
        let queue = unsafe { Arc::from_raw(queue) };
        queue.chain.close();
    }
}

/// The thread's queue; made by its first call.
pub(crate) fn queue(local: &Local) -> &Queue {
    if local.queue.get().is_null() {
        attach(local);
    }
    // SAFETY: `attach` left a pointer to a queue that lives until `leave_queue`, which only the end of
    // this thread calls; the reference is used within one call.
    unsafe { &*local.queue.get() }
}

#[cold]
fn attach(local: &Local) {
    let queue = Arc::new(Queue::new());
    lock(&shared().queues).push(Arc::clone(&queue));
    local.queue.set(Arc::into_raw(queue));
    if !local.exited.get() && AT_EXIT.try_with(|_| ()).is_err() {
        local.exited.set(true);
    }
}

/// Whether a call is nobody's: it began before a fork, and its end is in a child that has not installed
/// obs.
fn is_nobodys(scope: u16) -> bool {
    fork::is_child() && !sampler::scope_records(scope)
}

/// Room for `size` bytes, or null when the budget is used up.
#[inline(always)]
pub(crate) fn reserve(local: &Local, size: usize) -> *mut u8 {
    match local.cursor.room(size) {
        Some(room) => room,
        None => refill(local, size),
    }
}

#[cold]
#[inline(never)]
fn refill(local: &Local, size: usize) -> *mut u8 {
    if is_nobodys(local.scope()) {
        gate::close_in_child();
        return ptr::null_mut();
    }
    let shared = shared();
    let chain = &queue(local).chain;
    let budget = BUDGET.load(Ordering::Relaxed);
    let wake = || shared.wake();
    // SAFETY: the chain is this thread's; where the thread leaves its queue, the cursor is cleared.
    unsafe {
        local
            .cursor
            .advance(chain, &shared.pool, size, budget, wake)
    }
}

/// Publishes a record that lies at `at` and is `size` bytes long.
///
/// # Safety
/// `reserve` gave `at` for `size` bytes, and the record is written.
#[inline(always)]
pub(crate) unsafe fn commit(local: &Local, at: *mut u8, size: usize) {
    // SAFETY: the caller's promise.
    unsafe { local.cursor.publish(at.wrapping_add(size)) };
    if local.exited.get() {
        leave_after_exit(local);
    }
}

/// A record that was written after the thread's destructor ran: nobody would close its queue later.
#[cold]
fn leave_after_exit(local: &Local) {
    leave_queue(local);
}

#[cfg(test)]
#[path = "buffer_tests.rs"]
mod tests;
