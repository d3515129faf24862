//! Values that were computed before: bounded, with a lifetime, and one computation for a key at a time.
//!
//! A [`Cache`] asks its [`CacheStore`] for a value and runs the operation if there is none. It keeps values in
//! [`Memory`], unless it is given another store. What a cache must never do is fail a program that would work without
//! it: a store that fails and a key that cannot be computed are counted, and the operation runs.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! use std::time::Duration;
//! use obs_runtime::cache::{Cache, Lookup};
//!
//! let cache: Cache<u32, String, String> = Cache::new("pages", Duration::from_secs(60))?;
//! let (page, lookup) = cache.fetch(Some(7), || async { Ok("seven".to_owned()) }).await;
//! assert_eq!((page.as_deref(), lookup), (Ok("seven"), Lookup::Miss));
//! let (page, lookup) = cache.fetch(Some(7), || async { Err("is not asked".to_owned()) }).await;
//! assert_eq!((page.as_deref(), lookup), (Ok("seven"), Lookup::Hit));
//! assert_eq!(cache.stats().hit_rate(), Some(0.5));
//! # Ok::<(), obs_runtime::Error>(()) }).unwrap();
//! ```

mod fetch;
mod flight;
mod memory;
mod stats;
mod store;

pub use fetch::Cache;
pub use memory::Memory;
pub use stats::{CacheStats, Lookup};
pub use store::{CacheStore, StoreError};
