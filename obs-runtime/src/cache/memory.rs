//! The store in memory.

use core::fmt;
use core::hash::Hash;
use core::sync::atomic::Ordering;
use core::time::Duration;
use std::sync::Arc;

use moka::notification::RemovalCause;
use moka::ops::compute::Op;
use moka::sync::Cache as Moka;
use tokio::time::Instant;

use super::stats::{CacheStats, Removed, add};
use super::{CacheStore, StoreError};

/// Values that are kept if the program says nothing else.
const ENTRIES: u64 = 10_000;
/// moka refuses more than a thousand years.
const LONGEST: Duration = Duration::from_secs(900 * 365 * 86_400);

/// A store in memory, with a limit of values. What is used seldom goes first (TinyLFU, by the crate `moka`).
///
/// The age of a value is measured by tokio's clock, so a test that pauses it decides what has expired. `moka` removes
/// by its own clock what nobody asks for any more.
pub struct Memory<K, V> {
    values: Moka<K, Kept<V>>,
    removed: Arc<Removed>,
}

#[derive(Clone)]
struct Kept<V> {
    value: V,
    since: Instant,
    ttl: Duration,
}

impl<V> Kept<V> {
    /// A value is as old as its lifetime when it expires, not later.
    fn has_expired(&self) -> bool {
        self.since.elapsed() >= self.ttl
    }
}

/// By which time moka removes a value that is not asked for.
struct Lifetime;

impl<K, V> moka::Expiry<K, Kept<V>> for Lifetime {
    fn expire_after_create(
        &self,
        _key: &K,
        kept: &Kept<V>,
        _now: std::time::Instant,
    ) -> Option<Duration> {
        Some(kept.ttl.min(LONGEST))
    }

    fn expire_after_update(
        &self,
        _key: &K,
        kept: &Kept<V>,
        _now: std::time::Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.ttl.min(LONGEST))
    }
}

impl<K, V> Memory<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Creates a store of at most so many values.
    pub fn new(max_entries: u64) -> Self {
        let removed = Arc::new(Removed::default());
        let count = Arc::clone(&removed);
        let values = Moka::builder()
            .max_capacity(max_entries)
            .expire_after(Lifetime)
            .eviction_listener(move |_, _, cause| match cause {
                RemovalCause::Expired => add(&count.expired),
                RemovalCause::Size => add(&count.evicted),
                _ => {}
            })
            .build();
        Self { values, removed }
    }

    /// Removes the value of a key, and returns whether there was one.
    pub fn evict(&self, key: &K) -> bool {
        self.values.remove(key).is_some()
    }

    /// Removes every value that has expired, and returns their number.
    pub fn evict_expired(&self) -> usize {
        let expired = self.values.iter().filter(|(_, kept)| kept.has_expired());
        let keys: Vec<K> = expired.map(|(key, _)| (*key).clone()).collect();
        keys.iter().filter(|key| self.expire(key)).count()
    }

    /// Removes everything, and returns how many values there were.
    pub fn clear(&self) -> usize {
        let keys: Vec<K> = self.values.iter().map(|(key, _)| (*key).clone()).collect();
        keys.iter().filter(|key| self.evict(key)).count()
    }

    /// Returns how many values are kept.
    pub fn len(&self) -> usize {
        self.values.run_pending_tasks();
        usize::try_from(self.values.entry_count()).unwrap_or(usize::MAX)
    }

    /// Returns whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes the value of a key if it has expired: another call may have put a new one in its place meanwhile.
    fn expire(&self, key: &K) -> bool {
        let is_old = |kept: &Kept<V>| kept.has_expired();
        let result = self.values.entry_by_ref(key).and_compute_with(|entry| {
            match entry.map(moka::Entry::into_value) {
                Some(kept) if is_old(&kept) => Op::Remove,
                _ => Op::Nop,
            }
        });
        let removed = matches!(result, moka::ops::compute::CompResult::Removed(_));
        if removed {
            add(&self.removed.expired);
        }
        removed
    }
}

impl<K, V> Default for Memory<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new(ENTRIES)
    }
}

impl<K, V> CacheStore<K, V> for Memory<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    async fn get(&self, key: &K) -> Result<Option<V>, StoreError> {
        let kept = self.values.get(key);
        if kept.as_ref().is_some_and(Kept::has_expired) {
            self.expire(key);
            return Ok(None);
        }
        Ok(kept.map(|kept| kept.value))
    }

    async fn put(&self, key: &K, value: &V, ttl: Duration) -> Result<(), StoreError> {
        let kept = Kept {
            value: value.clone(),
            since: Instant::now(),
            ttl,
        };
        self.values.insert(key.clone(), kept);
        Ok(())
    }

    fn account(&self, stats: &mut CacheStats) {
        stats.entries = Some(self.len() as u64);
        stats.expirations = Some(self.removed.expired.load(Ordering::Relaxed));
        stats.evictions = Some(self.removed.evicted.load(Ordering::Relaxed));
    }
}

impl<K, V> fmt::Debug for Memory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither keys nor values: they are the program's data.
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
