//! The chain of chunks of one thread: the thread writes at one end, the drain reads from the other.
//!
//! The thread writes through its [`Cursor`] without a lock. The drain reads with the drain's lock
//! held, one pass at a time. Nothing here knows what a record is. `loom/` runs this file and
//! `chunk.rs` through every interleaving of small programs, with its own atomics in the place of
//! `super::sync`.

use core::cell::Cell;
use core::ptr;

use super::chunk::{Chunk, HEADER, Pool};
use super::sync::{self, AtomicBool, AtomicPtr, Ordering};
use super::{CHUNK, FIRST};

/// A thread's place in its chain: where the next record goes. It is all null before the first
/// chunk.
#[derive(Debug)]
pub(crate) struct Cursor {
    write: Cell<*mut u8>,
    end: Cell<*mut u8>,
    chunk: Cell<*mut Chunk>,
}

impl Cursor {
    pub(crate) const fn new() -> Self {
        Self {
            write: Cell::new(ptr::null_mut()),
            end: Cell::new(ptr::null_mut()),
            chunk: Cell::new(ptr::null_mut()),
        }
    }

    /// Leaves the chunk for good and closes the chain: the thread records no more. Returns whether
    /// the drain should make a pass now, as many short threads leave much together.
    ///
    /// # Safety
    /// The chain is this thread's, and open; since the cursor was last clear it was used with this
    /// chain alone.
    pub(super) unsafe fn leave(&self, chain: &Chain, pool: &Pool) -> bool {
        let chunk = self.chunk.get();
        // SAFETY: the drain keeps the last chunk until its chain is closed, which happens below.
        let due = !chunk.is_null() && pool.count_filled(unsafe { (*chunk).size });
        self.clear();
        chain.close();
        due
    }

    /// Leaves the chunk, which stays in the chain.
    pub(crate) fn clear(&self) {
        self.write.set(ptr::null_mut());
        self.end.set(ptr::null_mut());
        self.chunk.set(ptr::null_mut());
    }

    /// Returns room for `size` bytes in this chunk, and its end, if there is enough.
    #[inline(always)]
    pub(super) fn room(&self, size: usize) -> Option<(*mut u8, *mut u8)> {
        let write = self.write.get();
        let end = write.wrapping_add(size);
        (end <= self.end.get()).then_some((write, end))
    }

    /// Goes on to a fresh chunk, and returns room for `size` bytes there.
    ///
    /// Returns null when the memory budget is used up. Calls `wake` when the drain should make a pass now.
    ///
    /// # Safety
    /// The chain is this thread's, and open; since the cursor was last clear it was used with this
    /// chain alone.
    pub(super) unsafe fn advance(
        &self,
        chain: &Chain,
        pool: &Pool,
        size: usize,
        wake: impl Fn(),
    ) -> *mut u8 {
        let old = self.chunk.get();
        let wanted = if old.is_null() && size <= FIRST - HEADER {
            FIRST
        } else {
            CHUNK
        };
        let chunk = pool.take(wanted, &wake);
        if chunk.is_null() {
            return ptr::null_mut();
        }
        let data = Chunk::data(chunk);
        self.write.set(data);
        self.end.set(chunk.cast::<u8>().wrapping_add(wanted));
        self.chunk.set(chunk);
        if old.is_null() {
            chain.first.store(chunk, Ordering::Release);
            return data;
        }
        // SAFETY: `old` is this thread's: the drain keeps a chunk until its `next` is set, which
        // happens here, after the last record of `old` was published. It is counted as filled
        // before that, so that the drain never counts it as read first.
        let due = unsafe {
            let due = pool.count_filled((*old).size);
            (*old).next.store(chunk, Ordering::Release);
            due
        };
        if due {
            wake();
        }
        data
    }

    /// Publishes the record that ends at `end`.
    ///
    /// # Safety
    /// The record's place came from `room` or `advance` for at least this many bytes, after the
    /// last record was published, and the record is written.
    #[inline(always)]
    pub(super) unsafe fn publish(&self, end: *mut u8) {
        self.write.set(end);
        // SAFETY: there is a chunk, since there was room; it stays until the thread goes on to the
        // next.
        unsafe { (*self.chunk.get()).committed.store(end, Ordering::Release) };
    }
}

/// The part of a queue that the thread and the drain share.
///
/// The thread uses it through a [`Cursor`]. The drain uses it, one pass at a time, through
/// [`limit`](Self::limit) and [`consume`](Self::consume).
#[derive(Debug)]
pub(crate) struct Chain {
    /// The drain's place: chunk and first unread byte. Only the holder of the drain's lock uses
    /// both.
    head: sync::Cell<*mut Chunk>,
    read: sync::Cell<*mut u8>,
    /// The thread's first chunk; null until the thread has one.
    first: AtomicPtr<Chunk>,
    /// The thread writes no more: once it is empty, the chain can go.
    closed: AtomicBool,
    /// The chain was closed and read to its end. Only the holder of the drain's lock uses it.
    done: sync::Cell<bool>,
}

// SAFETY: `head`, `read` and `done` are used by the holder of the drain's lock alone; the rest is
// atomic.
unsafe impl Send for Chain {}
// SAFETY: as above.
unsafe impl Sync for Chain {}

/// How far a chain may be read: what its thread had published when the pass began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    last: *mut Chunk,
    end: *mut u8,
    closed: bool,
}

/// Saves the drain's place even if the reader of a record panics, so that no record is read twice.
struct Place<'a> {
    read: &'a sync::Cell<*mut u8>,
    at: *mut u8,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.read.set(self.at);
    }
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self {
            head: sync::Cell::new(ptr::null_mut()),
            read: sync::Cell::new(ptr::null_mut()),
            first: AtomicPtr::new(ptr::null_mut()),
            closed: AtomicBool::new(false),
            done: sync::Cell::new(false),
        }
    }

    /// Marks that the thread writes no more.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Returns whether the chain was closed and read to its end. The caller holds the drain's lock.
    pub(crate) fn is_done(&self) -> bool {
        self.done.get()
    }

    /// Returns how far the thread has published by now. The caller holds the drain's lock.
    pub(crate) fn limit(&self) -> Limit {
        // Load this before the records: what was published before the chain closed is then seen
        // below.
        let closed = self.closed.load(Ordering::Acquire);
        let mut chunk = self.head.get();
        if chunk.is_null() {
            chunk = self.first.load(Ordering::Acquire);
            self.head.set(chunk);
            self.read.set(Chunk::data(chunk));
        }
        let mut end = ptr::null_mut();
        while !chunk.is_null() {
            // SAFETY: chunks from `head` on stay until the drain gives them back, in `consume`.
            let next = unsafe { (*chunk).next.load(Ordering::Acquire) };
            // SAFETY: as above. Load this after `next`: a chunk that has a successor is complete.
            end = unsafe { (*chunk).committed.load(Ordering::Acquire) };
            if next.is_null() {
                break;
            }
            chunk = next;
        }
        Limit {
            last: chunk,
            end,
            closed,
        }
    }

    /// Passes the start of every record before the limit to `each`, and gives back the chunks it
    /// has read. Returns whether it came to the limit: after each chunk it asks `goes_on`.
    ///
    /// `length` returns a record's length. The caller has held the drain's lock since before it
    /// asked for the limit.
    pub(crate) fn consume(
        &self,
        limit: Limit,
        pool: &Pool,
        length: impl Fn(*mut u8) -> usize,
        mut each: impl FnMut(*mut u8),
        goes_on: impl Fn() -> bool,
    ) -> bool {
        let mut chunk = self.head.get();
        while !chunk.is_null() {
            let end = if chunk == limit.last {
                limit.end
            } else {
                // SAFETY: the chunk is in the chain (see `limit`).
                unsafe { (*chunk).committed.load(Ordering::Acquire) }
            };
            let mut place = Place {
                read: &self.read,
                at: self.read.get(),
            };
            while place.at < end {
                let record = place.at;
                place.at = record.wrapping_add(length(record));
                each(record);
            }
            drop(place);
            if chunk == limit.last {
                break;
            }
            // SAFETY: as above; the thread has left this chunk, since it is not the last.
            let next = unsafe { (*chunk).next.load(Ordering::Acquire) };
            // SAFETY: as above.
            let size = unsafe { (*chunk).size };
            self.head.set(next);
            self.read.set(Chunk::data(next));
            // SAFETY: the chunk is no longer in the chain.
            unsafe { pool.give_back(chunk) };
            pool.count_read(size);
            chunk = next;
            if !goes_on() {
                return false;
            }
        }
        if limit.closed {
            // The thread is gone, and everything that it published was read above.
            if !chunk.is_null() {
                // SAFETY: this is the last chunk of a chain that nobody writes to.
                let size = unsafe { (*chunk).size };
                // SAFETY: as above.
                unsafe { pool.give_back(chunk) };
                pool.count_read(size);
            }
            self.head.set(ptr::null_mut());
            self.first.store(ptr::null_mut(), Ordering::Relaxed);
            self.done.set(true);
        }
        true
    }
}
