//! When metrics are exported.

use std::time::{Duration, Instant};

use crate::clock::LONGEST_WAIT;
use crate::exporter::delta::Temporality;

/// When a [`MetricExporter`](crate::exporter::MetricExporter) is called.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "it does nothing until an `Observability` has it"]
pub struct ExportSchedule {
    interval: Duration,
    pace: Pace,
    pub(super) deadline: Duration,
    pub(super) temporality: Temporality,
}

/// What keeps the processes of a fleet from sending all at once.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    /// Each interval is shorter or longer by up to this part.
    Jitter(f64),
    /// The first interval is shorter; the others are equal, so that a server which sums up intervals
    /// of its own finds one export in each.
    Steady,
}

impl Default for ExportSchedule {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            pace: Pace::Jitter(0.1),
            deadline: Duration::from_secs(30),
            temporality: Temporality::Cumulative,
        }
    }
}

impl ExportSchedule {
    /// Creates a schedule of every minute, give or take a tenth, with totals.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time between two exports, 1 ms to 34 years; 60 s by default.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.clamp(Duration::from_millis(1), LONGEST_WAIT);
        self
    }

    /// Sets by which part (0 to 1) an interval may be shorter or longer, so that the processes of a fleet do not all
    /// send at once; 0.1 by default.
    pub fn jitter(mut self, part: f64) -> Self {
        let part = if part.is_finite() { part } else { 0.0 };
        self.pace = Pace::Jitter(part.clamp(0.0, 1.0));
        self
    }

    /// Sets how long one export may take, 30 s by default: the exporter is told
    /// ([`MetricBatch::deadline`](crate::exporter::MetricBatch::deadline)), and one that takes longer is said on
    /// standard error.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.min(LONGEST_WAIT);
        self
    }

    /// Sets whether sums are totals (the default) or what was added since the last export.
    pub fn temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = temporality;
        self
    }

    /// Takes the jitter away: the processes of a fleet differ in when they begin.
    #[allow(dead_code, reason = "used by exporters behind features")]
    pub(crate) fn steady(mut self) -> Self {
        self.pace = Pace::Steady;
        self
    }

    /// Returns when the first export is due; `random` is from 0 to 1.
    pub(super) fn first(&self, now: Instant, random: f64) -> Instant {
        match self.pace {
            Pace::Jitter(part) => now + self.vary(part, random),
            Pace::Steady => now + self.interval.mul_f64(0.5 + 0.5 * random),
        }
    }

    /// Returns when the export after that of `due` is due. Those that took longer than the interval do not pile up.
    pub(super) fn next(&self, due: Instant, now: Instant, random: f64) -> Instant {
        match self.pace {
            Pace::Jitter(part) => now + self.vary(part, random),
            // Somebody asked for one in between.
            Pace::Steady if due > now => due,
            Pace::Steady => (due + self.interval).max(now),
        }
    }

    fn vary(&self, part: f64, random: f64) -> Duration {
        let varied = self.interval.mul_f64(1.0 + part * (2.0 * random - 1.0));
        varied.max(Duration::from_millis(1))
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
