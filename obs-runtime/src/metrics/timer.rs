//! Measures how long something takes.

use std::sync::Arc;
use std::time::Duration;

use super::cells::Slot;
use super::histogram;
use super::series::Series;
use crate::trace::clock::Moment;

/// Observes the time since it was made when it is dropped; see [`Histogram::time`](super::Histogram::time).
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

    /// Observes the time now, and says it.
    #[allow(clippy::must_use_candidate, reason = "observing is what it is for")]
    pub fn stop(mut self) -> Duration {
        self.observe()
    }

    /// Observes nothing.
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

/// How many of a UCUM unit of time make a second; 1 for anything else.
pub(super) fn per_second(unit: &str) -> f64 {
    match unit {
        "ms" => 1e3,
        "us" => 1e6,
        "ns" => 1e9,
        "min" => 1.0 / 60.0,
        "h" => 1.0 / 3600.0,
        "d" => 1.0 / 86_400.0,
        _ => 1.0,
    }
}

#[cfg(test)]
#[path = "timer_tests.rs"]
mod tests;
