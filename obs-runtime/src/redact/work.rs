//! Counts the bytes that are read, so that tests and the fuzzer can tell that a text is read once: a clock cannot.
//! Every loop whose length the text decides reports it here. Nothing is counted in a program.

#[cfg(any(test, fuzzing))]
mod counted {
    use core::cell::Cell;

    std::thread_local! {
        static READ: Cell<usize> = const { Cell::new(0) };
    }

    /// `bytes` more were read.
    pub(crate) fn read(bytes: usize) {
        READ.set(READ.get().saturating_add(bytes));
    }

    /// What this thread has read since it asked last.
    pub(crate) fn take() -> usize {
        READ.take()
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) use counted::{read, take};

/// Costs nothing where nothing is counted.
#[cfg(not(any(test, fuzzing)))]
#[inline(always)]
pub(crate) const fn read(_: usize) {}
