//! Whether a thread is inside of obs: an allocator that counts is called from there too.
//!
//! A program may annotate its global allocator, or count in it. Where obs allocates while it holds a
//! lock, or while it makes what the same call would need, that allocator comes back into obs. So
//! each part that allocates, and that an instrumented function can reach, is [`Inside`] meanwhile;
//! and each slow path of counting and recording gives way there. It counts the calls and values that
//! are lost by it; an example of a value, the labels of a call, and a call of a test's own scope are
//! lost uncounted. What the usual path of a call does needs neither a lock nor memory, and goes on.

use core::cell::Cell;
use core::marker::PhantomData;

thread_local! {
    // A plain word without a destructor: an allocator may read it at any time.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Returns whether this thread is inside of obs.
pub(crate) fn is_inside() -> bool {
    DEPTH.get() != 0
}

/// The thread is inside of obs until this is dropped.
pub(crate) struct Inside(PhantomData<*const ()>);

impl Inside {
    /// Goes inside, also if the thread is there already.
    pub(crate) fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self(PhantomData)
    }

    /// Goes inside; `None` if the thread is there already, so that it must give way.
    pub(crate) fn first() -> Option<Self> {
        (!is_inside()).then(Self::enter)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
