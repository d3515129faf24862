//! Memory whose every record is a cell that loom watches: a read or a write that does not happen after the last
//! one of another thread fails the model.

use std::alloc::Layout;
use std::cell::{Cell, RefCell};

use loom::cell::UnsafeCell;

use crate::buffer::SLOTS;

/// The place of a record.
pub(crate) type Slot = UnsafeCell<u64>;
pub(crate) const SLOT: usize = size_of::<Slot>();

#[derive(Default)]
struct Blocks {
    live: Vec<(*mut u8, Layout)>,
    /// Freed in the model; the memory stays until its end, so that a mistake is found by loom.
    freed: Vec<(*mut u8, Layout)>,
}

thread_local! {
    // loom runs the threads of a model on one thread.
    static BLOCKS: RefCell<Blocks> = RefCell::default();
    static HELD: Cell<usize> = const { Cell::new(0) };
    static LIMIT: Cell<usize> = const { Cell::new(0) };
}

fn slots(memory: *mut u8, layout: Layout) -> impl Iterator<Item = *mut Slot> {
    (SLOTS..layout.size())
        .step_by(SLOT)
        .map(move |offset| memory.wrapping_add(offset).cast())
}

pub(crate) unsafe fn alloc(layout: Layout) -> *mut u8 {
    // SAFETY: the caller's promise.
    let memory = unsafe { std::alloc::alloc(layout) };
    assert!(!memory.is_null());
    for slot in slots(memory, layout) {
        // SAFETY: inside the block, and aligned as its header is.
        unsafe { slot.write(Slot::new(0)) };
    }
    BLOCKS.with_borrow_mut(|blocks| blocks.live.push((memory, layout)));
    memory
}

pub(crate) unsafe fn dealloc(memory: *mut u8, layout: Layout) {
    for slot in slots(memory, layout) {
        // SAFETY: the slots were made in `alloc`.
        unsafe { (*slot).with_mut(|_| ()) };
    }
    BLOCKS.with_borrow_mut(|blocks| {
        let at = blocks
            .live
            .iter()
            .position(|block| *block == (memory, layout));
        blocks
            .live
            .swap_remove(at.expect("freed once, with its own size"));
        blocks.freed.push((memory, layout));
    });
}

/// Bytes that are in use.
pub(crate) fn in_use() -> usize {
    BLOCKS.with_borrow(|blocks| blocks.live.iter().map(|(_, layout)| layout.size()).sum())
}

/// Sets the memory budget of the model.
pub(crate) fn set_limit(bytes: usize) {
    LIMIT.set(bytes);
}

/// Takes bytes from the budget, as `memory.rs` of obs-runtime does.
pub(crate) fn hold(bytes: usize) -> bool {
    let is_held = HELD.get() + bytes <= LIMIT.get();
    HELD.set(HELD.get() + if is_held { bytes } else { 0 });
    is_held
}

pub(crate) fn release(bytes: usize) {
    HELD.set(HELD.get() - bytes);
}

/// Frees everything at the end of a run of the model, or what one that failed left behind.
pub(crate) fn clear() {
    let blocks = BLOCKS.take();
    HELD.set(0);
    for (memory, layout) in blocks.live.into_iter().chain(blocks.freed) {
        // SAFETY: allocated with this layout, and the run is over.
        unsafe { std::alloc::dealloc(memory, layout) };
    }
}
