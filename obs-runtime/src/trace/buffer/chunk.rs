//! Chunks of memory, and the pool that hands them out within a budget.
//!
//! A thread takes a chunk when its last one is full; the drain gives it back when it has read it.
//! The pool's lock is held for a push or a pop only. `loom/` runs this file together with
//! `chain.rs`.

use std::alloc::Layout;

use super::sync::{
    AtomicBool, AtomicPtr, AtomicUsize, Mutex, MutexGuard, Ordering, alloc, dealloc,
};
use super::{CHUNK, KEEP, WAKE, memory};
use core::ptr;
use std::sync::PoisonError;

pub(super) const HEADER: usize = size_of::<Chunk>();

/// The head of a chunk; the records follow it.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The end of what the thread has published.
    pub(super) committed: AtomicPtr<u8>,
    /// The chunk that the thread went on to, set after the last record of this one.
    pub(super) next: AtomicPtr<Chunk>,
    pub(super) size: usize,
}

impl Chunk {
    fn layout(size: usize) -> Option<Layout> {
        Layout::from_size_align(size, align_of::<Self>()).ok()
    }

    /// Returns where the first record lies. It reads nothing.
    pub(super) fn data(chunk: *mut Self) -> *mut u8 {
        chunk.cast::<u8>().wrapping_add(HEADER)
    }

    fn allocate(size: usize) -> *mut Self {
        let Some(layout) = Self::layout(size) else {
            return ptr::null_mut();
        };
        #[allow(
            clippy::cast_ptr_alignment,
            reason = "the layout has this type's alignment"
        )]
        // SAFETY: the layout is not empty: every size is larger than the header.
        let chunk = unsafe { alloc(layout) }.cast::<Self>();
        if !chunk.is_null() {
            Self::reset(chunk, size);
        }
        chunk
    }

    fn reset(chunk: *mut Self, size: usize) {
        // SAFETY: `chunk` is an allocation of `size` bytes that nobody else uses: fresh, or taken
        // from the pool, where only emptied chunks lie.
        unsafe {
            chunk.write(Self {
                committed: AtomicPtr::new(Self::data(chunk)),
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

/// The memory of the chunks of all threads.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Empty chunks of the usual size.
    free: Mutex<Vec<Pooled>>,
    /// Is set when the memory budget is used up, so that a burst does not fight for the pool. The drain
    /// clears it.
    exhausted: AtomicBool,
    /// The bytes of the chunks that the threads have left and the drain has not read.
    filled: AtomicUsize,
}

#[derive(Debug)]
struct Pooled(*mut Chunk);
// SAFETY: a pooled chunk belongs to the pool alone.
unsafe impl Send for Pooled {}

impl Pool {
    pub(crate) fn new() -> Self {
        Self {
            // As large as it gets: nothing is allocated under the lock, where an allocator that
            // is annotated would come back.
            free: Mutex::new(Vec::with_capacity(KEEP / CHUNK)),
            exhausted: AtomicBool::new(false),
            filled: AtomicUsize::new(0),
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<Pooled>> {
        // The list is consistent between any two statements.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns an empty chunk of this size, or null when the memory budget is used up.
    ///
    /// Calls `exhausted` in the first caller that finds it used up.
    pub(super) fn take(&self, size: usize, exhausted: impl FnOnce()) -> *mut Chunk {
        if self.exhausted.load(Ordering::Relaxed) {
            return ptr::null_mut();
        }
        if size == CHUNK
            && let Some(Pooled(chunk)) = self.free().pop()
        {
            Chunk::reset(chunk, CHUNK);
            return chunk;
        }
        if memory::hold(size) {
            let chunk = Chunk::allocate(size);
            if !chunk.is_null() {
                return chunk;
            }
            memory::release(size);
        }
        if !self.exhausted.swap(true, Ordering::Relaxed) {
            exhausted();
        }
        ptr::null_mut()
    }

    /// Takes back a chunk that was read to its end.
    ///
    /// # Safety
    /// `chunk` came from [`take`](Self::take), and nobody uses it any more.
    pub(super) unsafe fn give_back(&self, chunk: *mut Chunk) {
        // SAFETY: the caller's promise; the size was set when it was allocated.
        let size = unsafe { (*chunk).size };
        if size == CHUNK {
            let mut free = self.free();
            if free.len() < KEEP / CHUNK {
                free.push(Pooled(chunk));
                return;
            }
        }
        memory::release(size);
        // SAFETY: the caller's promise.
        unsafe { Chunk::free(chunk) };
    }

    /// Frees the empty chunks that were kept for the next burst.
    pub(crate) fn release(&self) {
        while let Some(Pooled(chunk)) = { self.free().pop() } {
            memory::release(CHUNK);
            // SAFETY: it came from `allocate`, and was the pool's alone.
            unsafe { Chunk::free(chunk) };
        }
    }

    /// Counts a chunk that a thread is about to leave, or what lies beside a record, and returns
    /// whether the drain should be woken.
    pub(super) fn count_filled(&self, bytes: usize) -> bool {
        let before = self.filled.fetch_add(bytes, Ordering::Relaxed);
        before < WAKE && before + bytes >= WAKE
    }

    /// Counts what the drain has read, after it was counted as filled.
    pub(super) fn count_read(&self, bytes: usize) {
        self.filled.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Lets threads ask for memory again, because a pass is about to free some.
    pub(crate) fn ask_again(&self) {
        self.exhausted.store(false, Ordering::Relaxed);
    }

    /// Returns whether a pass is already due.
    ///
    /// What was filled during the last pass may never have crossed the mark at which a thread wakes
    /// the drain.
    pub(crate) fn is_behind(&self) -> bool {
        self.filled.load(Ordering::Relaxed) >= WAKE
    }
}
