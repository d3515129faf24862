//! What is measured of a call while it lasts: `timings` and `track_concurrency`. Each is a layer on the judge.

use core::mem;
use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::judge::{Hooks, Judge, Layer};
use crate::metrics::BoundUpDownCounter;
use crate::private::metric_site::{MetricSite, SiteLabel};
use crate::semconv::{attribute, metric};
use crate::trace::suppress::is_suppressed;
use crate::trace::{current, gate};

/// `timings`, with what was measured before the value was there.
impl<T, K: Judge<T>> Layer<T, K> for Stopwatch {}

impl Hooks for Stopwatch {
    const TIMES: bool = true;

    #[inline]
    fn entered(&mut self) {
        if gate::gate() != 0 {
            self.enter(Instant::now());
        }
    }

    #[inline]
    fn left(&mut self) {
        if self.entered.is_some() {
            self.leave(Instant::now());
        }
    }

    #[cold]
    fn report(&mut self) {
        if let Some((busy, idle)) = mem::take(self).totals(Instant::now()) {
            let nanos = |duration: Duration| duration.as_nanos() as u64;
            current::set_attribute(attribute::BUSY_NS, nanos(busy));
            current::set_attribute(attribute::IDLE_NS, nanos(idle));
        }
    }
}

/// How long a call was worked on, of the time since its work began.
#[derive(Default)]
pub struct Stopwatch {
    /// When the call was entered first.
    began: Option<Instant>,
    entered: Option<Instant>,
    busy: Duration,
}

impl Stopwatch {
    /// For a call that begins with its first poll.
    #[inline]
    #[must_use]
    pub fn idle() -> Self {
        Self::default()
    }

    /// For a call that is worked on from now.
    #[inline]
    #[must_use]
    pub fn started() -> Self {
        let mut watch = Self::default();
        if gate::gate() != 0 {
            watch.enter(Instant::now());
        }
        watch
    }

    fn enter(&mut self, now: Instant) {
        self.began.get_or_insert(now);
        self.entered = Some(now);
    }

    fn leave(&mut self, now: Instant) {
        if let Some(entered) = self.entered.take() {
            self.busy += now.saturating_duration_since(entered);
        }
    }

    /// Busy and idle; nothing if the call never began.
    fn totals(mut self, now: Instant) -> Option<(Duration, Duration)> {
        self.leave(now);
        let total = now.saturating_duration_since(self.began?);
        Some((self.busy, total.saturating_sub(self.busy)))
    }
}

/// The series of a function with `track_concurrency`.
pub type InFlightSite = MetricSite<BoundUpDownCounter, 0>;

/// `track_concurrency`: the site for a function, which the labels name.
pub const fn in_flight_site(labels: &'static [SiteLabel; 2]) -> InFlightSite {
    MetricSite::own(&metric::FUNCTION_CALLS_CONCURRENT, labels)
}

/// A call that is counted as running until this is dropped.
pub struct InFlight(Option<Cow<'static, BoundUpDownCounter>>);

impl InFlight {
    /// Counts a call of the site's function, unless obs is off.
    #[inline]
    #[must_use]
    pub fn enter(site: &'static InFlightSite) -> Self {
        Self((gate::gate() != 0 && !is_suppressed()).then(|| {
            let series = site.bind([]);
            series.inc();
            series
        }))
    }
}

impl Drop for InFlight {
    #[inline]
    fn drop(&mut self) {
        if let Some(series) = &self.0 {
            series.dec();
        }
    }
}

impl Hooks for super::InFlight {}

/// `track_concurrency`, for a value that may go on after the function returned: the count ends with the judge.
impl<T, K: Judge<T>> Layer<T, K> for super::InFlight {}

#[cfg(test)]
#[path = "lasting_tests.rs"]
mod tests;
