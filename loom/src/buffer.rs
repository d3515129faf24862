//! The files of obs-runtime, with tiny chunks.

#[path = "../../obs-runtime/src/trace/buffer/chain.rs"]
mod chain;
#[path = "../../obs-runtime/src/trace/buffer/chunk.rs"]
mod chunk;

use std::ptr;

pub(crate) use chain::{Chain, Cursor};
use chunk::HEADER;
pub(crate) use chunk::Pool;

use crate::memory::{self, SLOT, Slot};

mod sync {
    pub(super) use crate::memory::{alloc, dealloc};
    pub(super) use loom::cell::Cell;
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
    pub(super) use loom::sync::{Mutex, MutexGuard};
}

/// One record in the first chunk, two in every later one.
pub(crate) const FIRST: usize = HEADER + SLOT;
pub(crate) const CHUNK: usize = HEADER + 2 * SLOT;
/// Any filled chunk that is not read is one too many: `is_behind` says whether the sum is zero.
const WAKE: usize = 1;
/// One chunk waits in the pool, the next is freed.
pub(crate) const KEEP: usize = CHUNK;
/// Where the slots of a chunk begin.
pub(crate) const SLOTS: usize = HEADER;

/// A thread that records, as `trace/buffer/mod.rs` of obs-runtime does.
pub(crate) struct Producer<'a> {
    cursor: Cursor,
    chain: &'a Chain,
    pool: &'a Pool,
}

impl<'a> Producer<'a> {
    pub(crate) fn new(chain: &'a Chain, pool: &'a Pool, budget: usize) -> Self {
        memory::set_limit(budget);
        Self {
            cursor: Cursor::new(),
            chain,
            pool,
        }
    }

    /// Writes a record; false if there is no room.
    pub(crate) fn record(&self, value: u64) -> bool {
        let at = self.cursor.room(SLOT).map_or_else(
            || {
                // SAFETY: the chain is this producer's alone.
                unsafe { self.cursor.advance(self.chain, self.pool, SLOT, || ()) }
            },
            |(at, _)| at,
        );
        if at.is_null() {
            return false;
        }
        // SAFETY: there is room for a slot, and slots are made with the chunk.
        unsafe {
            (*at.cast::<Slot>()).with_mut(|to| ptr::write(to, value));
            self.cursor.publish(at.wrapping_add(SLOT));
        }
        true
    }

    pub(crate) fn end(self) {
        // SAFETY: as above.
        unsafe { self.cursor.leave(self.chain, self.pool) };
    }
}

/// A pass of the drain over one chain; the caller holds the drain's lock.
pub(crate) fn pass(chain: &Chain, pool: &Pool, read: &mut Vec<u64>) {
    pool.ask_again();
    let limit = chain.limit();
    chain.consume(
        limit,
        pool,
        |_| SLOT,
        // SAFETY: a published record lies there.
        |at| read.push(unsafe { (*at.cast::<Slot>()).with(|from| ptr::read(from)) }),
        || true,
    );
}
