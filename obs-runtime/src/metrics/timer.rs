//! The timer that measures how long something takes.

use std::sync::Arc;
use std::time::Duration;

use super::cells::Slot;
use super::histogram;
use super::series::Series;
use crate::clock::Moment;

/// Observes the time since it was made when it is dropped; see
/// [`Histogram::time`](super::Histogram::time).
#[derive(Debug)]
#[must_use = "the time is observed when the timer is dropped, which is at once if it has no name"]
pub struct Timer {
    /// None if there is nothing to observe any more.
    series: Option<(Slot, Arc<Series>)>,
    began: Moment,
}

impl Timer {
    pub(super) fn start(series: Option<(Slot, Arc<Series>)>) -> Self {
        Self {
            series,
            began: Moment::now(),
        }
    }

    /// Observes the time now, and returns it.
    #[allow(clippy::must_use_candidate, reason = "observing is what it is for")]
    pub fn stop(mut self) -> Duration {
        self.observe()
    }

    /// Ends the timer without observing anything.
    pub fn discard(mut self) {
        self.series = None;
    }

    fn observe(&mut self) -> Duration {
        let elapsed = self.began.elapsed();
        if let Some((slot, series)) = self.series.take() {
            let value = elapsed.as_secs_f64() * series.shared.per_second;
            histogram::observe(slot, &series, value);
        }
        elapsed
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.observe();
    }
}

/// Returns how many of a UCUM unit of time make a second; 1 for anything else.
pub(super) fn per_second(unit: &str) -> f64 {
    nanos(unit).map_or(1.0, |nanos| 1e9 / nanos)
}

/// Returns a UCUM unit of time in nanoseconds.
pub(crate) fn nanos(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "min" => 60e9,
        "h" => 3_600e9,
        "d" => 86_400e9,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "timer_tests.rs"]
mod tests;
