//! A global allocator that counts what the calling thread allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // No destructor and no lazy initialiser: safe to touch from inside the allocator.
    static COUNTS: Cell<Allocations> = const { Cell::new(Allocations { calls: 0, bytes: 0 }) };
    static FREED: Cell<u64> = const { Cell::new(0) };
}

/// Allocations of one thread since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// Calls of `alloc`, `alloc_zeroed` and `realloc`.
    pub calls: u64,
    /// Bytes asked for.
    pub bytes: u64,
}

/// Bytes that the calling thread has allocated and not freed; what another thread freed counts as not freed.
pub fn live() -> u64 {
    COUNTS.with(Cell::get).bytes - FREED.with(Cell::get)
}

/// What the calling thread has allocated so far.
pub fn so_far() -> Allocations {
    COUNTS.with(Cell::get)
}

impl std::ops::Sub for Allocations {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            calls: self.calls - earlier.calls,
            bytes: self.bytes - earlier.bytes,
        }
    }
}

fn count(bytes: usize) {
    // The thread-local may be gone while the thread ends.
    let _ = COUNTS.try_with(|c| {
        let Allocations { calls, bytes: sum } = c.get();
        c.set(Allocations {
            calls: calls + 1,
            bytes: sum + bytes as u64,
        });
    });
}

fn free(bytes: usize) {
    let _ = FREED.try_with(|freed| freed.set(freed.get() + bytes as u64));
}

struct Counting;

// SAFETY: every call is passed on to `System` unchanged; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's contract is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        free(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        free(layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

#[cfg(test)]
mod tests {
    #[test]
    fn counts_this_thread_only() {
        let before = super::so_far();
        drop(std::hint::black_box(Vec::<u8>::with_capacity(100)));
        let one = super::so_far() - before;
        assert_eq!((one.calls, one.bytes), (1, 100));
        let live = super::live();
        let mut kept = std::hint::black_box(Vec::<u8>::with_capacity(10));
        kept.reserve_exact(20);
        assert_eq!(super::live() - live, 20);
        drop(kept);
        assert_eq!(super::live(), live);
        std::thread::scope(|s| {
            s.spawn(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 20))));
        });
        assert!((super::so_far() - before).bytes < 1 << 20);
    }
}
