//! What became of the lookups of a cache.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::words::words;

words! {
    /// How a value was come by.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Lookup {
        /// The store had it.
        Hit => "hit",
        /// Another call of the same key was running, and this one waited for its value.
        Shared => "shared",
        /// The operation ran.
        Miss => "miss",
        /// The operation ran, because there was no key: nothing was read or written.
        NoKey => "no_key",
    }
}

impl Lookup {
    /// Returns whether the operation was spared.
    ///
    /// ```
    /// use obs_runtime::cache::Lookup;
    /// assert!(Lookup::Shared.is_spared() && !Lookup::Miss.is_spared());
    /// ```
    pub const fn is_spared(self) -> bool {
        matches!(self, Self::Hit | Self::Shared)
    }
}

/// The account of a cache since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CacheStats {
    /// Lookups whose value the store had.
    pub hits: u64,
    /// Lookups that waited for the value of another call.
    pub shared: u64,
    /// Lookups after which the operation ran.
    pub misses: u64,
    /// Calls without a key, which neither read nor wrote.
    pub without_key: u64,
    /// Times that the store failed to read or to write.
    pub store_failures: u64,
    /// Values that were found too old, or were removed for their age; `None` if the store does not say.
    pub expirations: Option<u64>,
    /// Values that were removed because there were too many; `None` if the store does not say.
    pub evictions: Option<u64>,
    /// Values that the store has; `None` if it does not say.
    pub entries: Option<u64>,
}

impl CacheStats {
    /// Returns the part of the lookups that spared the operation, from 0 to 1; `None` before the first one.
    ///
    /// ```
    /// use obs_runtime::cache::CacheStats;
    /// assert_eq!(CacheStats::default().hit_rate(), None);
    /// ```
    pub fn hit_rate(&self) -> Option<f64> {
        let spared = self.hits + self.shared;
        let all = spared + self.misses;
        (all > 0).then(|| spared as f64 / all as f64)
    }
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    hits: AtomicU64,
    shared: AtomicU64,
    misses: AtomicU64,
    without_key: AtomicU64,
    pub(super) store_failures: AtomicU64,
}

/// The counters of values that are removed.
#[derive(Debug, Default)]
pub(super) struct Removed {
    pub(super) expired: AtomicU64,
    pub(super) evicted: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    pub(super) fn count(&self, lookup: Lookup) {
        add(match lookup {
            Lookup::Hit => &self.hits,
            Lookup::Shared => &self.shared,
            Lookup::Miss => &self.misses,
            Lookup::NoKey => &self.without_key,
        });
    }

    pub(super) fn stats(&self) -> CacheStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheStats {
            hits: read(&self.hits),
            shared: read(&self.shared),
            misses: read(&self.misses),
            without_key: read(&self.without_key),
            store_failures: read(&self.store_failures),
            ..CacheStats::default()
        }
    }
}
