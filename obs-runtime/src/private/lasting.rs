//! What is measured of a call while it lasts: `timings` and `track_concurrency`. Each is a layer on the judge.

use core::mem;
use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::judge::{Hooks, Judge, Layer};
use crate::Error;
use crate::metrics::bound::Bound;
use crate::metrics::{BoundUpDownCounter, MetricsCollector, UpDownCounter};
use crate::private::metric_site::{MetricSite, SiteLabel};
use crate::semconv::{attribute, metric};
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
pub type InFlightSite = MetricSite<InFlightSeries, 0>;

/// A series of `function.calls.concurrent`.
#[derive(Clone, Debug)]
pub struct InFlightSeries(BoundUpDownCounter);

impl Bound for InFlightSeries {
    type Instrument = UpDownCounter;

    fn instrument(
        collector: &MetricsCollector,
        name: &'static str,
        labels: &[&str],
    ) -> Result<UpDownCounter, Error> {
        let keys = labels.iter().map(|key| (*key).to_owned());
        collector
            .up_down_counter(name)
            .description(metric::FUNCTION_CALLS_CONCURRENT.description)
            .unit(metric::FUNCTION_CALLS_CONCURRENT.unit)
            .labels(keys)
            .build()
    }

    fn order(instrument: &UpDownCounter, labels: &[&str]) -> Box<[usize]> {
        <BoundUpDownCounter as Bound>::order(instrument, labels)
    }

    fn bind(instrument: &UpDownCounter, values: &[&str]) -> Result<Self, Error> {
        <BoundUpDownCounter as Bound>::bind(instrument, values).map(Self)
    }

    fn declare(instrument: &UpDownCounter, at: usize, all: &[&'static str]) {
        BoundUpDownCounter::declare(instrument, at, all);
    }

    fn detached(name: &'static str) -> Self {
        Self(BoundUpDownCounter::detached(name))
    }
}

/// `track_concurrency`: the site for a function, which the labels name.
pub const fn in_flight_site(labels: &'static [SiteLabel; 2]) -> InFlightSite {
    MetricSite::new(metric::FUNCTION_CALLS_CONCURRENT.name, labels)
}

/// A call that is counted as running until this is dropped.
pub struct InFlight(Option<Cow<'static, InFlightSeries>>);

impl InFlight {
    /// Counts a call of the site's function, unless obs is off.
    #[inline]
    #[must_use]
    pub fn enter(site: &'static InFlightSite) -> Self {
        Self((gate::gate() != 0).then(|| {
            let series = site.bind([]);
            series.0.inc();
            series
        }))
    }
}

impl Drop for InFlight {
    #[inline]
    fn drop(&mut self) {
        if let Some(series) = &self.0 {
            series.0.dec();
        }
    }
}

impl Hooks for super::InFlight {}

/// `track_concurrency`, for a value that may go on after the function returned: the count ends with the judge.
impl<T, K: Judge<T>> Layer<T, K> for super::InFlight {}

#[cfg(test)]
#[path = "lasting_tests.rs"]
mod tests;
