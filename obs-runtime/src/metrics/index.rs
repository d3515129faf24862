//! A set that finds what belongs to label values without a lock, up to a limit of items.
//!
//! Items are only ever added. They lie in segments, each four times as large as the one before. A
//! full segment stays as it is and a larger one follows, so a reader never sees an item move.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, TryLockError};

use crate::fork;
use crate::lock::lock;

/// Slots of the first segment; a power of two.
const FIRST: usize = 32;
/// With the last one there is room for more series than cells exist.
const SEGMENTS: usize = 9;

#[derive(Debug)]
struct Entry<T> {
    hash: u64,
    item: T,
}

type Segment<T> = Box<[OnceLock<Entry<T>>]>;

/// Items by the hash of their label values.
#[derive(Debug)]
pub(crate) struct Index<T> {
    segments: [OnceLock<Segment<T>>; SEGMENTS],
    /// Segments that exist.
    used: AtomicUsize,
    len: AtomicUsize,
    /// The most items.
    limit: usize,
    /// Writers take turns with it.
    writers: Mutex<()>,
}

impl<T> Index<T> {
    /// Creates an index that takes so many items.
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            segments: [const { OnceLock::new() }; SEGMENTS],
            used: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            limit,
            writers: Mutex::new(()),
        }
    }

    /// Returns how many items there are.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Returns whether the limit is reached.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    /// Finds the item of this hash that `is` the one that is meant.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<&T> {
        // The newest segment has most of the entries.
        let used = self.used.load(Ordering::Acquire);
        // A loop, because chains of iterators become a function of their own here.
        for segment in self.segments[..used].iter().rev() {
            let found = find_in(segment.get()?, hash, &is);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Finds an item, or adds the one that `make` gives. Returns `None` where it would be one more
    /// than the limit allows, and where `make` gives none.
    pub(crate) fn find_or_insert(
        &self,
        hash: u64,
        is: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Option<T>,
    ) -> Option<&T> {
        // At the limit no lock is taken.
        if self.is_full() {
            return self.find(hash, is);
        }
        let _turn = match self.writers.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            // In a forked child a thread of its parent may hold the lock for ever.
            Err(TryLockError::WouldBlock) if fork::is_child() => return self.find(hash, is),
            Err(TryLockError::WouldBlock) => lock(&self.writers),
        };
        // Another thread may have been faster.
        let found = self.find(hash, &is);
        if found.is_some() || self.is_full() {
            return found;
        }
        self.insert(hash, make()?);
        self.find(hash, is)
    }

    /// Adds an item that is not there. An item above the capacity is not added, and found never.
    fn insert(&self, hash: u64, item: T) {
        let len = self.len();
        let Some(at) = segment_of(len) else {
            return;
        };
        let slots = slots(at);
        let segment =
            self.segments[at].get_or_init(|| (0..slots).map(|_| OnceLock::new()).collect());
        let mut entry = Entry { hash, item };
        for slot in probe(hash, slots) {
            match segment[slot].set(entry) {
                Ok(()) => break,
                Err(back) => entry = back,
            }
        }
        self.used.store(at + 1, Ordering::Release);
        self.len.store(len + 1, Ordering::Release);
    }
}

const fn slots(segment: usize) -> usize {
    FIRST << (2 * segment)
}

/// Returns the segment of the entry with this number: each takes three quarters of its slots, so
/// that probing ends soon.
fn segment_of(entry: usize) -> Option<usize> {
    let mut before = 0;
    (0..SEGMENTS).find(|segment| {
        before += slots(*segment) / 4 * 3;
        entry < before
    })
}

#[inline]
fn probe(hash: u64, slots: usize) -> impl Iterator<Item = usize> {
    (0..slots).map(move |step| (hash as usize).wrapping_add(step) & (slots - 1))
}

#[inline(always)]
fn find_in<'a, T>(
    segment: &'a [OnceLock<Entry<T>>],
    hash: u64,
    is: &impl Fn(&T) -> bool,
) -> Option<&'a T> {
    for slot in probe(hash, segment.len()) {
        // An empty slot ends the search: an item would have been put there.
        let entry = segment.get(slot)?.get()?;
        if entry.hash == hash && is(&entry.item) {
            return Some(&entry.item);
        }
    }
    None
}
