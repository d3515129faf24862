//! Pauses between attempts that grow, and the random part that keeps many programs from coming back at once.

use core::time::Duration;
use std::hash::{BuildHasher as _, RandomState};

/// Returns `first`, doubled after each failed attempt but the first, and at most `longest`.
#[allow(
    dead_code,
    reason = "used by exporters, alerts and pipelines, which are features"
)]
pub(crate) fn doubled(first: Duration, failed: u32, longest: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(failed.saturating_sub(1));
    first.saturating_mul(factor).min(longest)
}

/// Returns a pause without a random part of it, which is at most the fraction `part` (0 to 1). `random` is from 0
/// to 1, as [`random`] draws it.
#[allow(
    dead_code,
    reason = "used by exporters, alerts and pipelines, which are features"
)]
pub(crate) fn shortened(pause: Duration, part: f64, random: f64) -> Duration {
    let kept = 1.0 - part * random.clamp(0.0, 1.0);
    // Neither does rounding make it longer, nor is the longest of all pauses too long for a duration.
    Duration::try_from_secs_f64(pause.as_secs_f64() * kept).map_or(pause, |short| short.min(pause))
}

/// Draws a number from 0 to 1 that differs between processes and calls.
pub(crate) fn random() -> f64 {
    // Each `RandomState` has other keys: enough for spreading, away from hot paths.
    let bits = RandomState::new().hash_one(0_u8);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
#[path = "backoff_tests.rs"]
mod tests;
