//! Finds what belongs to label values without a lock: entries are only ever added.
//!
//! The entries lie in segments, each four times as large as the one before. A full segment stays as
//! it is and a larger one follows, so a reader never sees an entry move.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

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

#[derive(Debug)]
pub(crate) struct Index<T> {
    segments: [OnceLock<Segment<T>>; SEGMENTS],
    /// Segments that exist.
    used: AtomicUsize,
}

impl<T> Index<T> {
    pub(crate) const fn new() -> Self {
        Self {
            segments: [const { OnceLock::new() }; SEGMENTS],
            used: AtomicUsize::new(0),
        }
    }

    /// The item of this hash that `is` the one that is meant.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<&T> {
        // The newest segment has most of the entries.
        let used = self.used.load(Ordering::Acquire);
        let segments = self.segments[..used].iter().rev();
        segments
            .filter_map(OnceLock::get)
            .find_map(|segment| find_in(segment, hash, &is))
    }

    /// Adds an item that is not there; `len` is the number of those that are. Callers take turns.
    /// An item above the index's capacity is not added, and found never.
    pub(crate) fn insert(&self, hash: u64, item: T, len: usize) {
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
    }
}

const fn slots(segment: usize) -> usize {
    FIRST << (2 * segment)
}

/// The segment of the entry with this number: each takes three quarters of its slots, so that
/// probing ends soon.
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

#[inline]
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
