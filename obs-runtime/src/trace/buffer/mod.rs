//! The buffers between the instrumented threads and the drain.
//!
//! Each thread owns a queue: a chain of chunks that the thread fills and the drain empties. One
//! `Release` store of the chunk's `committed` pointer publishes a record. Nobody ever waits: when
//! the byte budget is used up, records are counted as lost.
//!
//! This file holds the thread's side and what all threads share. `chain.rs` and `chunk.rs` are the
//! unsafe part; `loom/` runs them through their interleavings.

mod chain;
mod chunk;
mod queue;

use core::ptr;
use core::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::thread::Thread;

use crate::callsite::Callsite;
use crate::fork::{self, PerProcess};
use crate::inside::Inside;
use crate::lock::lock;
use crate::trace::local::{Local, local};
use crate::trace::view::Outcome;
use crate::trace::{gate, sampler};
use crate::{memory, self_obs};
use chunk::{HEADER, Pool};

pub(crate) use chain::Cursor;
pub(crate) use queue::{Limits, Overflow, Queue, limits};

/// The primitives that `chain` and `chunk` are built on. `loom/` replaces them with its own.
mod sync {
    pub(super) use core::cell::Cell;
    pub(super) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
    pub(super) use std::alloc::{alloc, dealloc};
    pub(super) use std::sync::{Mutex, MutexGuard};
}

/// The size of a thread's first chunk. It is small, because many threads record only a few spans.
const FIRST: usize = 4 << 10;
/// The size of every later chunk.
const CHUNK: usize = 32 << 10;
/// The drain is woken when this many bytes are filled and not read: about the size of a core's
/// cache.
const WAKE: usize = 1 << 20;
/// How many bytes of empty chunks are kept for the next burst.
const KEEP: usize = 2 << 20;
/// The size of the largest record; longer strings stay in boxes of their own.
pub(crate) const LARGEST: usize = FIRST - HEADER;

/// The state that all threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    queues: Mutex<Vec<Arc<Queue>>>,
    pool: Pool,
    drain: Mutex<Option<Thread>>,
    /// The queue with which a pass begins.
    first: AtomicUsize,
}

static SHARED: PerProcess<Shared> = PerProcess::new(|| {
    memory::start();
    fork::in_child(leave_to_parent);
    Shared::new()
});

/// Returns the shared part. The first caller creates it, and it is never freed.
pub(crate) fn shared() -> &'static Shared {
    &SHARED
}

/// Lets go of the buffers in a forked child: they belong to the parent.
fn leave_to_parent() {
    local().leave_to_parent();
}

/// Sets the thread that reads the buffers; with none, the memory that was kept for bursts is freed.
pub(crate) fn set_drain(thread: Option<Thread>) {
    let _inside = Inside::enter();
    if thread.is_none() {
        shared().pool.release();
    }
    *lock(&shared().drain) = thread;
}

impl Shared {
    fn new() -> Self {
        Self {
            queues: Mutex::default(),
            pool: Pool::new(),
            drain: Mutex::default(),
            first: AtomicUsize::new(0),
        }
    }

    /// Returns whether a pass is already due.
    pub(crate) fn is_behind(&self) -> bool {
        self.pool.is_behind()
    }

    /// Wakes the drain for a pass now.
    pub(crate) fn wake(&self) {
        if let Some(thread) = &*lock(&self.drain) {
            thread.unpark();
        }
    }
}

/// Closes the thread's queue when the thread ends. It is separate from [`Local`], which must have
/// no destructor.
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

#[cold]
fn leave_queue(local: &Local) {
    let _inside = Inside::enter();
    let queue = local.queue.replace(ptr::null());
    if queue.is_null() {
        return;
    }
    // SAFETY: `attach` made the pointer from an `Arc` that the thread keeps alive until here.
    let queue = unsafe { Arc::from_raw(queue) };
    let shared = shared();
    // SAFETY: the chain is this thread's, and the only one that the cursor was used with.
    if unsafe { local.cursor.leave(&queue.chain, &shared.pool) } {
        shared.wake();
    }
}

/// Returns the thread's queue. The thread's first call creates it. The thread is inside of obs.
fn queue(local: &Local) -> &Queue {
    if local.queue.get().is_null() {
        attach(local);
    }
    // SAFETY: `attach` left a pointer to a queue that lives until `leave_queue`, which only the end
    // of this thread calls; the reference is used within one call.
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

/// Returns whether nobody records the call: it began before a fork and ends in a child that has not
/// installed obs.
fn is_nobodys(scope: u16) -> bool {
    fork::is_child() && !sampler::scope_records(scope)
}

/// Returns room for `size` bytes, or null when the memory budget is used up.
#[inline(always)]
pub(crate) fn reserve(local: &Local, size: usize) -> *mut u8 {
    match local.cursor.room(size) {
        Some((at, _)) => at,
        None => refill(local, size),
    }
}

/// Returns room for `size` bytes, and its end, if the thread's chunk has it.
///
/// A thread whose destructor has run keeps no chunk from one record to the next.
#[inline(always)]
pub(crate) fn room(local: &Local, size: usize) -> Option<(*mut u8, *mut u8)> {
    local.cursor.room(size)
}

/// Publishes the record that ends at `end`.
///
/// # Safety
/// [`room`] returned `end` for the record, which is written.
#[inline(always)]
pub(crate) unsafe fn publish(local: &Local, end: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { local.cursor.publish(end) };
}

#[cold]
#[inline(never)]
fn refill(local: &Local, size: usize) -> *mut u8 {
    // Within another refill, or while the lists of the buffers are being changed.
    let Some(_inside) = Inside::first() else {
        return ptr::null_mut();
    };
    if is_nobodys(local.scope()) {
        gate::close();
        return ptr::null_mut();
    }
    let shared = shared();
    let chain = &queue(local).chain;
    let wake = || shared.wake();
    // SAFETY: the chain is this thread's; when the thread leaves its queue, the cursor is cleared.
    unsafe { local.cursor.advance(chain, &shared.pool, size, wake) }
}

/// Takes bytes from the memory budget for what lies beside a record, until the drain has read it.
/// Returns whether they are there.
pub(crate) fn hold_beside(bytes: usize) -> bool {
    let shared = shared();
    let is_held = memory::hold(bytes);
    // One long text that finds no room is no reason to stop others.
    if !is_held || shared.pool.count_filled(bytes) {
        shared.wake();
    }
    is_held
}

/// Gives back what was held beside a record.
pub(crate) fn release_beside(bytes: usize) {
    if bytes > 0 {
        memory::release(bytes);
        shared().pool.count_read(bytes);
    }
}

/// Counts a call for which there is no room.
pub(crate) fn count_unrecorded(
    local: &Local,
    scope: u16,
    site: &'static Callsite,
    outcome: Outcome,
    nanos: u64,
    lost_span: bool,
) {
    let Some(_inside) = Inside::first() else {
        return self_obs::count_reentrant_call();
    };
    if is_nobodys(scope) {
        return;
    }
    queue(local).count_unrecorded(scope, site, outcome, nanos, lost_span);
    if local.exited.get() {
        // As in `commit`.
        leave_queue(local);
    }
}

/// Publishes the record at `at`, which is `size` bytes long.
///
/// # Safety
/// `reserve` returned `at` for `size` bytes, and the record is written.
#[inline(always)]
pub(crate) unsafe fn commit(local: &Local, at: *mut u8, size: usize) {
    // SAFETY: the caller's promise.
    unsafe { local.cursor.publish(at.wrapping_add(size)) };
    if local.exited.get() {
        // Behind the thread's destructor nobody would close the queue later.
        leave_queue(local);
    }
}

#[cfg(test)]
#[path = "buffer_tests.rs"]
mod tests;
