//! The buffers between the instrumented threads and the drain.
//!
//! Each thread owns a queue: a chain of chunks that it fills and the drain empties. A record is
//! published by one `Release` store of the chunk's `committed` pointer. Nothing is ever waited for:
//! when the byte budget is used up, records are counted as lost.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::alloc::{Layout, alloc, dealloc};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use crate::callsite::Callsite;
use crate::metrics::function::FunctionMetrics;
use crate::processor::drain::fork;
use crate::trace::local::{Local, local};
use crate::trace::view::Outcome;

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

const HEADER: usize = size_of::<Chunk>();

/// Head of a chunk; the records follow it.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Chunk {
    /// End of what the thread has published.
    pub(crate) committed: AtomicPtr<u8>,
    /// The chunk that the thread went on to; set after the last record of this one.
    next: AtomicPtr<Chunk>,
    size: usize,
}

impl Chunk {
    fn layout(size: usize) -> Option<Layout> {
        Layout::from_size_align(size, align_of::<Self>()).ok()
    }

    fn allocate(size: usize) -> *mut Self {
        let Some(layout) = Self::layout(size) else {
            return ptr::null_mut();
        };
        #[allow(
            clippy::cast_ptr_alignment,
            reason = "the layout has this type's alignment"
        )]
        // SAFETY: the layout is not empty: every size is above the header's.
        let chunk = unsafe { alloc(layout) }.cast::<Self>();
        if !chunk.is_null() {
            Self::reset(chunk, size);
        }
        chunk
    }

    fn reset(chunk: *mut Self, size: usize) {
        // SAFETY: `chunk` is an allocation of `size` bytes that nobody else uses: fresh, or taken from
        // the pool, where only emptied chunks lie.
        unsafe {
            chunk.write(Self {
                committed: AtomicPtr::new(chunk.cast::<u8>().add(HEADER)),
                next: AtomicPtr::new(ptr::null_mut()),
                size,
            });
        }
    }

    /// # Safety
    /// `chunk` came from `allocate` and nobody uses it any more.
    unsafe fn free(chunk: *mut Self) {
        // SAFETY: the caller's promise; the size was stored when it was allocated.
        unsafe {
            let size = (*chunk).size;
            if let Some(layout) = Self::layout(size) {
                dealloc(chunk.cast(), layout);
            }
        }
    }
}

/// Calls of one scope that found no room.
#[derive(Debug, Default)]
pub(crate) struct Overflow {
    pub(crate) metrics: FunctionMetrics,
    pub(crate) lost_spans: u64,
}

/// The queue of one thread.
#[derive(Debug)]
pub(crate) struct Queue {
    /// The drain's place: chunk and first unread byte. Only the holder of the drain's lock uses it.
    head: Cell<*mut Chunk>,
    read: Cell<*mut u8>,
    /// The thread's first chunk; null until there is one.
    first: AtomicPtr<Chunk>,
    /// Nothing is written any more: once empty, the queue can go.
    closed: AtomicBool,
    /// Emptied for good; only the holder of the drain's lock uses it.
    done: Cell<bool>,
    /// By scope; most programs have one.
    overflow: Mutex<Vec<(u16, Overflow)>>,
}

// SAFETY: `head`, `read` and `done` are used by the holder of the drain's lock alone; the rest is atomic or
// behind a mutex.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    fn new() -> Self {
        Self {
            head: Cell::new(ptr::null_mut()),
            read: Cell::new(ptr::null_mut()),
            first: AtomicPtr::new(ptr::null_mut()),
            closed: AtomicBool::new(false),
            done: Cell::new(false),
            overflow: Mutex::default(),
        }
    }

    /// Counts a call for which there is no room.
    pub(crate) fn count_unrecorded(
        &self,
        scope: u16,
        site: &'static Callsite,
        outcome: Outcome,
        nanos: u64,
        lost_span: bool,
    ) {
        let mut all = lock(&self.overflow);
        let at = if let Some(at) = all.iter().position(|(s, _)| *s == scope) {
            at
        } else {
            all.push((scope, Overflow::default()));
            all.len() - 1
        };
        let overflow = &mut all[at].1;
        if site.metrics() {
            overflow.metrics.record(site, outcome, nanos, None);
        }
        overflow.lost_spans += u64::from(lost_span);
    }

    pub(crate) fn take_overflow(&self) -> Vec<(u16, Overflow)> {
        std::mem::take(&mut *lock(&self.overflow))
    }
}

/// What all threads share. A forked child gets a fresh one: the locks of the old one may be held
/// by threads that do not exist there.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    queues: Mutex<Vec<Arc<Queue>>>,
    /// Emptied chunks of the usual size.
    pool: Mutex<Vec<Pooled>>,
    allocated: AtomicUsize,
    /// Set when the budget is used up, so that a burst does not fight for the pool; cleared by the drain.
    exhausted: AtomicBool,
    filled: AtomicUsize,
    drain: Mutex<Option<Thread>>,
}

#[derive(Debug)]
struct Pooled(*mut Chunk);
// SAFETY: a pooled chunk belongs to the pool alone.
unsafe impl Send for Pooled {}

static SHARED: AtomicPtr<Shared> = AtomicPtr::new(ptr::null_mut());
static BUDGET: AtomicUsize = AtomicUsize::new(64 << 20);

/// The shared part; made by the first caller and never freed.
pub(crate) fn shared() -> &'static Shared {
    let mut here = SHARED.load(Ordering::Acquire);
    if here.is_null() {
        let fresh = Box::into_raw(Box::<Shared>::default());
        here = match SHARED.compare_exchange(
            ptr::null_mut(),
            fresh,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => fresh,
            Err(other) => {
                // SAFETY: `fresh` was just made here and nobody saw it.
                drop(unsafe { Box::from_raw(fresh) });
                other
            }
        };
    }
    // SAFETY: made by `Box::into_raw` and never freed.
    unsafe { &*here }
}

/// In a forked child: leaves everything to the parent.
pub(crate) fn forget_after_fork() {
    local().forget_after_fork();
    // Allocating is allowed in the child handler: glibc and musl hold their allocator's locks over a fork.
    SHARED.store(Box::into_raw(Box::default()), Ordering::Release);
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
    fn take_chunk(&self, size: usize) -> *mut Chunk {
        if self.exhausted.load(Ordering::Relaxed) {
            return ptr::null_mut();
        }
        if size == CHUNK
            && let Some(Pooled(chunk)) = lock(&self.pool).pop()
        {
            Chunk::reset(chunk, CHUNK);
            return chunk;
        }
        let before = self.allocated.fetch_add(size, Ordering::Relaxed);
        let chunk = if before + size <= BUDGET.load(Ordering::Relaxed) {
            Chunk::allocate(size)
        } else {
            ptr::null_mut()
        };
        if chunk.is_null() {
            self.allocated.fetch_sub(size, Ordering::Relaxed);
            self.exhausted.store(true, Ordering::Relaxed);
            self.wake();
        }
        chunk
    }

    fn give_back(&self, chunk: *mut Chunk) {
        // SAFETY: the caller took the chunk out of its queue; the size was set when it was allocated.
        let size = unsafe { (*chunk).size };
        if size == CHUNK {
            let mut pool = lock(&self.pool);
            if pool.len() < KEEP / CHUNK {
                pool.push(Pooled(chunk));
                return;
            }
        }
        self.allocated.fetch_sub(size, Ordering::Relaxed);
        // SAFETY: nobody else has the chunk (see above).
        unsafe { Chunk::free(chunk) };
    }

    fn count_filled(&self, bytes: usize) {
        let before = self.filled.fetch_add(bytes, Ordering::Relaxed);
        if before < WAKE && before + bytes >= WAKE {
            self.wake();
        }
    }

    /// Whether a pass is due already: what was filled during the last one may never have crossed the mark
    /// at which a thread wakes the drain.
    pub(crate) fn is_behind(&self) -> bool {
        self.filled.load(Ordering::Relaxed) >= WAKE
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
    local.write.set(ptr::null_mut());
    local.end.set(ptr::null_mut());
    local.chunk.set(ptr::null_mut());
    if !queue.is_null() {
        // SAFETY: `attach` made the pointer of an `Arc` that the thread keeps alive until here.
        let queue = unsafe { Arc::from_raw(queue) };
        queue.closed.store(true, Ordering::Release);
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
    fork::recorded();
    let queue = Arc::new(Queue::new());
    lock(&shared().queues).push(Arc::clone(&queue));
    local.queue.set(Arc::into_raw(queue));
    if !local.exited.get() && AT_EXIT.try_with(|_| ()).is_err() {
        local.exited.set(true);
    }
}

/// Room for `size` bytes, or null when the budget is used up.
#[inline(always)]
pub(crate) fn reserve(local: &Local, size: usize) -> *mut u8 {
    let write = local.write.get();
    if (local.end.get() as usize).wrapping_sub(write as usize) >= size {
        return write;
    }
    refill(local, size)
}

#[cold]
#[inline(never)]
fn refill(local: &Local, size: usize) -> *mut u8 {
    let queue = queue(local);
    let shared = shared();
    let old = local.chunk.get();
    let chunk = shared.take_chunk(if old.is_null() && size <= FIRST - HEADER {
        FIRST
    } else {
        CHUNK
    });
    if chunk.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: `chunk` is fresh and `old` is this thread's: the drain keeps a chunk until its `next` is
    // set, which happens here, after the last record of `old` was published.
    unsafe {
        let data = chunk.cast::<u8>().add(HEADER);
        local.write.set(data);
        local.end.set(chunk.cast::<u8>().add((*chunk).size));
        local.chunk.set(chunk);
        if old.is_null() {
            queue.first.store(chunk, Ordering::Release);
        } else {
            let filled = (*old).size;
            (*old).next.store(chunk, Ordering::Release);
            shared.count_filled(filled);
        }
        data
    }
}

/// Publishes a record that lies at `at` and is `size` bytes long.
#[inline(always)]
pub(crate) fn commit(local: &Local, at: *mut u8, size: usize) {
    let end = at.wrapping_add(size);
    local.write.set(end);
    // SAFETY: `reserve` gave `at` out of this chunk, which stays until the thread goes on to the next.
    unsafe { (*local.chunk.get()).committed.store(end, Ordering::Release) };
    if local.exited.get() {
        leave_after_exit(local);
    }
}

/// A record that was written after the thread's destructor ran: nobody would close its queue later.
#[cold]
fn leave_after_exit(local: &Local) {
    leave_queue(local);
}

/// The queues and how far each may be read: the drain's view at the start of a pass.
pub(crate) struct Limits {
    queues: Vec<(Arc<Queue>, *mut Chunk, *mut u8, bool)>,
}

/// Notes what every thread has published so far. The caller holds the drain's lock.
pub(crate) fn limits() -> Limits {
    let shared = shared();
    shared.exhausted.store(false, Ordering::Relaxed);
    let queues = lock(&shared.queues).clone();
    let queues = queues
        .into_iter()
        .map(|queue| {
            // Before the records: what is published before the queue closes is seen below.
            let closed = queue.closed.load(Ordering::Acquire);
            let mut chunk = queue.head.get();
            if chunk.is_null() {
                chunk = queue.first.load(Ordering::Acquire);
                queue.head.set(chunk);
                queue.read.set(chunk.cast::<u8>().wrapping_add(HEADER));
            }
            let mut end = ptr::null_mut();
            while !chunk.is_null() {
                // SAFETY: chunks from `head` on stay until the drain gives them back, in `consume`.
                let next = unsafe { (*chunk).next.load(Ordering::Acquire) };
                // SAFETY: as above. After `next`: a chunk that has a successor is complete.
                end = unsafe { (*chunk).committed.load(Ordering::Acquire) };
                if next.is_null() {
                    break;
                }
                chunk = next;
            }
            (queue, chunk, end, closed)
        })
        .collect();
    Limits { queues }
}

impl Limits {
    /// Hands every published record before the limits to `each`, and gives read chunks back.
    ///
    /// `each` takes the start of a record and the end of what is published in its chunk, and returns
    /// the record's length.
    pub(crate) fn consume(
        self,
        mut each: impl FnMut(*mut u8) -> usize,
        mut overflow: impl FnMut(u16, Overflow),
    ) {
        let shared = shared();
        let mut ended = false;
        for (queue, last, limit, closed) in &self.queues {
            for (scope, lost) in queue.take_overflow() {
                overflow(scope, lost);
            }
            let mut chunk = queue.head.get();
            while !chunk.is_null() {
                let end = if chunk == *last {
                    *limit
                } else {
                    // SAFETY: the chunk is in the queue (see `limits`).
                    unsafe { (*chunk).committed.load(Ordering::Acquire) }
                };
                let mut at = queue.read.get();
                while at < end {
                    at = at.wrapping_add(each(at));
                }
                queue.read.set(at);
                if chunk == *last {
                    break;
                }
                // SAFETY: as above; the thread has left this chunk, since it is not the last.
                let next = unsafe { (*chunk).next.load(Ordering::Acquire) };
                // SAFETY: as above.
                let size = unsafe { (*chunk).size };
                queue.head.set(next);
                queue.read.set(next.cast::<u8>().wrapping_add(HEADER));
                shared.give_back(chunk);
                let before = shared.filled.load(Ordering::Relaxed);
                shared.filled.fetch_sub(size.min(before), Ordering::Relaxed);
                chunk = next;
            }
            if *closed {
                // The thread is gone and everything it published was read above.
                if !chunk.is_null() {
                    shared.give_back(chunk);
                }
                queue.head.set(ptr::null_mut());
                queue.first.store(ptr::null_mut(), Ordering::Relaxed);
                queue.done.set(true);
                ended = true;
            }
        }
        if ended {
            lock(&shared.queues).retain(|queue| !queue.done.get());
        }
    }
}
