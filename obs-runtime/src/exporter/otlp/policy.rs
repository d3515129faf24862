//! How long to wait before a request is tried again (OTLP specification, "OTLP/HTTP Throttling"
//! and "Failures").

use std::time::Duration;

use crate::backoff;
use crate::exporter::otlp::config::Limits;
use crate::exporter::otlp::transport::Retry;

/// Returns the pause after failed attempt number `attempt` (from 1), `elapsed` after the first one
/// began; `None` if it should be given up. `random` is from 0 to 1.
pub(super) fn pause(
    limits: &Limits,
    retry: Retry,
    attempt: u32,
    elapsed: Duration,
    random: f64,
) -> Option<Duration> {
    let own = backoff(limits, attempt, random);
    let pause = match retry {
        Retry::Never => return None,
        // A receiver that asks for no pause at all, or for one that is over, is not tried in a loop.
        Retry::After(asked) => asked.max(own),
        Retry::Backoff => own,
    };
    (elapsed.saturating_add(pause) <= limits.retry_for).then_some(pause)
}

/// Returns the growing pause after failed attempt number `attempt`.
pub(super) fn backoff(limits: &Limits, attempt: u32, random: f64) -> Duration {
    let longest = backoff::doubled(limits.backoff, attempt, limits.max_backoff);
    backoff::shortened(longest, 0.5, random)
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
