//! A global allocator that counts what the calling thread allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // No destructor and no lazy initialiser: safe to touch from inside the allocator.
    static COUNTS: Cell<Allocations> = const { Cell::new(Allocations { calls: 0, bytes: 0 }) };
}

/// Allocations of one thread since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// Calls of `alloc`, `alloc_zeroed` and `realloc`.
    pub calls: u64,
    /// Bytes asked for.
    pub bytes: u64,
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
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
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
        std::thread::scope(|s| {
            s.spawn(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 20))));
        });
        assert!((super::so_far() - before).bytes < 1 << 20);
    }
}
