//! What keeps the values of a cache.

use core::time::Duration;
use std::error::Error;

use super::CacheStats;

/// Why a store did not do what it was asked to do.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// What keeps the values of a [`Cache`](super::Cache): [`Memory`](super::Memory), or a store of the program's own,
/// such as a server that several processes share.
///
/// An error is counted, and the operation runs as if there were no cache. A store that may hang has a timeout of its
/// own: nobody else knows how long it may take.
///
/// ```
/// use std::time::Duration;
/// use obs_runtime::cache::{CacheStore, StoreError};
///
/// /// A cache that never has anything.
/// struct Nothing;
///
/// impl<K: Sync, V: Send + Sync> CacheStore<K, V> for Nothing {
///     async fn get(&self, _key: &K) -> Result<Option<V>, StoreError> {
///         Ok(None)
///     }
///
///     async fn put(&self, _key: &K, _value: &V, _ttl: Duration) -> Result<(), StoreError> {
///         Ok(())
///     }
/// }
/// ```
pub trait CacheStore<K, V>: Send + Sync {
    /// Returns the value of a key, if there is one that has not expired.
    ///
    /// # Errors
    /// Fails if the store cannot say.
    fn get(&self, key: &K) -> impl Future<Output = Result<Option<V>, StoreError>> + Send;

    /// Keeps a value of a key, in place of an older one, for the time `ttl`.
    ///
    /// # Errors
    /// Fails if the store does not keep it.
    fn put(
        &self,
        key: &K,
        value: &V,
        ttl: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Adds what the store knows to the account: its values, and those that it has removed. It may know nothing.
    fn account(&self, stats: &mut CacheStats) {
        let _ = stats;
    }
}
