//! Nobody records: a process of its own, with an allocator that counts.

#![allow(
    clippy::all,
    clippy::pedantic,
    reason = "the code that users write is what is tested"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use obs_runtime::traced;
use obs_tests::cases::{block_on, yield_now};

thread_local! { static ALLOCATIONS: Cell<usize> = const { Cell::new(0) }; }

/// Counts what a thread allocates.
struct Counting;

// SAFETY: all work is the system allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

#[traced]
fn leaf() {}

// case: 97
#[test]
fn nothing_is_allocated_while_nobody_records() {
    #[traced(fields(n, text = text.to_uppercase()))]
    fn sync(n: u8, text: &str) -> Result<u8, String> {
        let _ = text;
        Ok(n)
    }
    #[traced(fields(n), name = format!("{n}"))]
    async fn future(n: u8) -> u8 {
        yield_now().await;
        n
    }
    let run = || (leaf(), sync(1, "text"), block_on(future(2)));
    drop(run());
    let before = ALLOCATIONS.get();
    assert_eq!(run(), ((), Ok(1), 2));
    assert_eq!(ALLOCATIONS.get(), before);
    assert!(ALLOCATIONS.get() > 0);
}
