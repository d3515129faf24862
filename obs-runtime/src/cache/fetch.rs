//! A cache around an operation.

use core::fmt;
use core::hash::Hash;
use core::time::Duration;
use std::borrow::Cow;

use super::flight::{Flights, Landed, Part};
use super::stats::{CacheStats, Counters, Lookup, add};
use super::{CacheStore, Memory};
use crate::Error;
use crate::scope::{self, known};
use crate::semconv::{attribute, metric};
use crate::trace::current;

/// A cache of what an operation gives: `K` is its key, `V` its value and `E` its error.
///
/// - Calls of one key that come while the operation runs wait for its value.
/// - Errors are not kept. If the operation fails, those that waited call it themselves, unless the error may be
///   [shared](Self::share_errors).
/// - A value is too old when its lifetime has passed, to the nanosecond. `None`, `false` and the like are values.
/// - A hit gives a clone, so what a caller does with it changes no other's. `Arc` values are shared.
///
/// Each lookup is counted in `obs.cache.lookups`, by name and outcome, and said on the entered span.
pub struct Cache<K, V, E, S = Memory<K, V>> {
    name: Cow<'static, str>,
    ttl: Duration,
    store: S,
    flights: Flights<K, V, Shareable<E>>,
    counters: Counters,
    share: Option<fn(&E) -> E>,
    /// Whether lookups are said on the entered span.
    is_said: bool,
}

/// What a store failed to do.
const READ: &str = "read";
const WRITE: &str = "write";

/// An error that waits for those that wait. Only what was cloned by the program's own rule is in it.
struct Shareable<E> {
    error: E,
    clone: fn(&E) -> E,
}

impl<E> Clone for Shareable<E> {
    fn clone(&self) -> Self {
        Self {
            error: (self.clone)(&self.error),
            clone: self.clone,
        }
    }
}

impl<K, V, E> Cache<K, V, E>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync,
{
    /// Creates a cache in memory of at most 10,000 values, each for the time `ttl`. The name is a label of its
    /// metrics, so it is one of few.
    ///
    /// # Errors
    /// Fails if the time is zero: nothing would ever be found.
    pub fn new(name: impl Into<Cow<'static, str>>, ttl: Duration) -> Result<Self, Error> {
        Self::with_store(name, ttl, Memory::default())
    }

    /// Returns the store in memory, to evict what is known to be wrong.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use obs_runtime::cache::Cache;
    ///
    /// let cache: Cache<&str, u32, String> = Cache::new("prices", Duration::from_secs(60))?;
    /// let _ = cache.fetch(Some("bread"), || async { Ok(3) }).await;
    /// assert!(cache.memory().evict(&"bread"));
    /// # Ok::<(), obs_runtime::Error>(()) }).unwrap();
    /// ```
    pub fn memory(&self) -> &Memory<K, V> {
        &self.store
    }

    /// Sets the most values that are kept, in place of 10,000.
    #[must_use]
    pub fn max_entries(mut self, max: u64) -> Self {
        self.store = Memory::new(max);
        self
    }
}

impl<K, V, E, S> Cache<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync,
    V: Clone + Send + Sync,
    E: Send + Sync,
    S: CacheStore<K, V>,
{
    /// Creates a cache over a store of the program's own.
    ///
    /// # Errors
    /// As [`new`](Cache::new).
    pub fn with_store(
        name: impl Into<Cow<'static, str>>,
        ttl: Duration,
        store: S,
    ) -> Result<Self, Error> {
        let name = name.into();
        if ttl.is_zero() {
            return Err(Error::config(format!(
                "the cache `{name}` would keep nothing: its ttl is 0, give it a longer one"
            )));
        }
        for lookup in Lookup::ALL {
            let labels = [
                (attribute::CACHE, &*name),
                (attribute::OUTCOME, lookup.as_str()),
            ];
            known::tell(&metric::OBS_CACHE_LOOKUPS, &labels);
        }
        for access in [READ, WRITE] {
            let labels = [(attribute::CACHE, &*name), (attribute::ACCESS, access)];
            known::tell(&metric::OBS_CACHE_STORE_FAILURES, &labels);
        }
        Ok(Self {
            name,
            ttl,
            store,
            flights: Flights::default(),
            counters: Counters::default(),
            share: None,
            is_said: true,
        })
    }

    /// Gives the error of an operation to the calls that waited for its value, too: they do not call it again.
    #[must_use]
    pub fn share_errors(mut self) -> Self
    where
        E: Clone,
    {
        self.share = Some(E::clone);
        self
    }

    /// Leaves it to the caller to say of a lookup on a span, as there may be none of its own.
    #[cfg(feature = "pipeline")]
    pub(crate) fn unsaid(mut self) -> Self {
        self.is_said = false;
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what became of the lookups since the cache was made.
    pub fn stats(&self) -> CacheStats {
        let mut stats = self.counters.stats();
        self.store.account(&mut stats);
        stats
    }

    /// Returns the value of a key, and how it was come by: from the store, from a call that runs already, or by running
    /// the operation. Without a key the operation runs, and nothing is read or written.
    ///
    /// If this is dropped while the operation runs, one of those that wait runs it.
    pub async fn fetch<F>(&self, key: Option<K>, run: impl FnOnce() -> F) -> (Result<V, E>, Lookup)
    where
        F: Future<Output = Result<V, E>>,
    {
        let Some(key) = key else {
            self.tell(Lookup::NoKey);
            return (run().await, Lookup::NoKey);
        };
        let ended = self.flights.ended();
        if let Some(value) = self.get(&key).await {
            return self.found(value, Lookup::Hit);
        }
        match self.flights.join(&key).await {
            Part::Waited(Landed::Value(value)) => self.found(value, Lookup::Shared),
            Part::Waited(Landed::Failed(Some(shared))) => {
                self.tell(Lookup::Shared);
                (Err(shared.error), Lookup::Shared)
            }
            Part::Waited(Landed::Failed(None)) => {
                self.tell(Lookup::Miss);
                let value = run().await;
                self.keep(&key, &value).await;
                (value, Lookup::Miss)
            }
            Part::Lead(leader) => {
                // Another call may have left it since the store was asked.
                if self.flights.ended() != ended
                    && let Some(value) = self.get(&key).await
                {
                    leader.value(value.clone());
                    return self.found(value, Lookup::Hit);
                }
                self.tell(Lookup::Miss);
                let value = run().await;
                self.keep(&key, &value).await;
                match &value {
                    Ok(value) => leader.value(value.clone()),
                    Err(error) => leader.failed(self.share.map(|clone| Shareable {
                        error: clone(error),
                        clone,
                    })),
                }
                (value, Lookup::Miss)
            }
        }
    }

    fn found(&self, value: V, lookup: Lookup) -> (Result<V, E>, Lookup) {
        self.tell(lookup);
        (Ok(value), lookup)
    }

    async fn get(&self, key: &K) -> Option<V> {
        match self.store.get(key).await {
            Ok(value) => value,
            Err(error) => {
                self.broken(READ, &*error);
                None
            }
        }
    }

    async fn keep(&self, key: &K, value: &Result<V, E>) {
        if let Ok(value) = value
            && let Err(error) = self.store.put(key, value, self.ttl).await
        {
            self.broken(WRITE, &*error);
        }
    }

    fn tell(&self, lookup: Lookup) {
        self.counters.count(lookup);
        if self.is_said {
            current::set_attribute(attribute::OBS_CACHE_LOOKUP, lookup.as_str());
        }
        let labels = [
            (attribute::CACHE, &*self.name),
            (attribute::OUTCOME, lookup.as_str()),
        ];
        let metrics = &scope::current().metrics;
        metrics.count(&metric::OBS_CACHE_LOOKUPS, &labels, 1);
    }

    /// The store failed: the operation runs without it.
    fn broken(&self, what: &'static str, error: &(dyn std::error::Error + 'static)) {
        add(&self.counters.store_failures);
        let said = crate::causes::WithCauses::of(error).text;
        let said = crate::trace::local::redact(&said).into_owned();
        current::add_event_with(
            "cache store failed",
            ((attribute::ACCESS, what), (attribute::ERROR_MESSAGE, said)),
        );
        let labels = [(attribute::CACHE, &*self.name), (attribute::ACCESS, what)];
        let metrics = &scope::current().metrics;
        metrics.count(&metric::OBS_CACHE_STORE_FAILURES, &labels, 1);
    }
}

impl<K, V, E, S> fmt::Debug for Cache<K, V, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("name", &self.name)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
