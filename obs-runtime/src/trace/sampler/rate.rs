//! The rate limit of a sampler: at most so many traces per second.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;
use std::time::Instant;

const SECOND: f64 = 1e9;
/// The slowest rate that is told apart from none: one trace in about three years.
const LEAST: f64 = 1e-8;

/// A token bucket in one word, which says when the bucket would be full again (GCRA, ITU-T I.371).
///
/// The bucket holds the tokens of one second, and at least one.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) per_second: f64,
    /// Nanoseconds that one token takes to come.
    interval: u64,
    /// Nanoseconds that `full_at` may be ahead of the time.
    burst: u64,
    full_at: AtomicU64,
}

impl Bucket {
    pub(super) fn new(per_second: f64) -> Self {
        let interval = (SECOND / per_second.max(LEAST)) as u64;
        let tokens = per_second.max(1.0);
        Self {
            per_second,
            interval,
            burst: (interval as f64 * (tokens - 1.0)) as u64,
            full_at: AtomicU64::new(0),
        }
    }

    /// Returns whether the rate is a number that can be kept.
    pub(super) fn is_usable(&self) -> bool {
        self.per_second.is_finite() && self.per_second >= 0.0
    }

    /// Takes a token now, and returns whether there was one.
    pub(super) fn take(&self) -> bool {
        static EPOCH: OnceLock<Instant> = OnceLock::new();
        let since = EPOCH.get_or_init(Instant::now).elapsed();
        self.take_at(since.as_nanos() as u64)
    }

    /// Takes a token at a time in nanoseconds, and returns whether there was one.
    fn take_at(&self, now: u64) -> bool {
        if self.per_second < LEAST {
            return false;
        }
        let take = |full_at: u64| {
            let from = full_at.max(now);
            (from - now <= self.burst).then(|| from.saturating_add(self.interval))
        };
        self.full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

impl PartialEq for Bucket {
    /// Compares the rates: two buckets are equal if they let the same number through.
    fn eq(&self, other: &Self) -> bool {
        self.per_second == other.per_second
    }
}

#[cfg(test)]
#[path = "rate_tests.rs"]
mod tests;
