//! Counts the bytes that the redaction reads, for tests and the fuzzer.
//!
//! They must see that a text is read once, which a clock cannot show. Every loop whose length
//! depends on the text reports here. In a program nothing is counted.

#[cfg(any(test, fuzzing))]
mod counted {
    use core::cell::Cell;

    std::thread_local! {
        static READ: Cell<usize> = const { Cell::new(0) };
    }

    /// Adds to the count of bytes that were read.
    pub(crate) fn read(bytes: usize) {
        READ.set(READ.get().saturating_add(bytes));
    }

    /// Returns how many bytes this thread has read since the last call.
    pub(crate) fn take() -> usize {
        READ.take()
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) use counted::{read, take};

/// Does nothing, at no cost, where nothing is counted.
#[cfg(not(any(test, fuzzing)))]
#[inline(always)]
pub(crate) const fn read(_: usize) {}
