//! What is measured of a call while it lasts: `timings` and `track_concurrency`. Each wraps a kind in another.

use core::fmt;
use core::mem;
use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::kind::{Abandon, Kind, forward};
use crate::Error;
use crate::metrics::bound::Bound;
use crate::metrics::{BoundUpDownCounter, MetricsCollector, UpDownCounter};
use crate::private::metric_site::{MetricSite, SiteLabel};
use crate::semconv::{attribute, metric};
use crate::trace::{Outcome, SpanError, current, gate};

/// `timings`
#[derive(Debug)]
pub struct Timed<K> {
    kind: K,
    watch: Stopwatch,
}

/// `timings`, with what was measured before the value was there.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn timed<K>(kind: K, watch: Stopwatch) -> Timed<K> {
    Timed { kind, watch }
}

forward! {
    Timed;
    abandon {
        const TIMES: bool = true;

        #[inline]
        fn entered(&mut self) {
            if gate::gate() != 0 {
                self.watch.enter(Instant::now());
            }
        }

        #[inline]
        fn left(&mut self) {
            if self.watch.entered.is_some() {
                self.watch.leave(Instant::now());
            }
        }

        #[cold]
        fn report(&mut self) {
            if let Some((busy, idle)) = mem::take(&mut self.watch).totals(Instant::now()) {
                let nanos = |duration: Duration| duration.as_nanos() as u64;
                current::set_attribute(attribute::BUSY_NS, nanos(busy));
                current::set_attribute(attribute::IDLE_NS, nanos(idle));
            }
        }
    }
    kind {
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn failed(&self, value: &T) -> bool {
            self.kind.failed(value)
        }

        #[cold]
        fn error(&self, value: &T, recorded: bool) -> SpanError {
            self.kind.error(value, recorded)
        }
    }
}

/// How long a call was worked on, of the time since its work began.
#[derive(Clone, Copy, Debug, Default)]
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
pub type InFlightSite = MetricSite<Running, 0>;

/// A series of `function.calls.concurrent`.
#[derive(Clone, Debug)]
pub struct Running(BoundUpDownCounter);

impl Bound for Running {
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
pub struct InFlight(Option<Cow<'static, Running>>);

impl InFlight {
    /// Counts a call of the site's function, unless obs is off.
    #[inline]
    #[must_use]
    pub fn enter(site: &'static InFlightSite) -> Self {
        Self((gate::gate() != 0).then(|| {
            let running = site.bind([]);
            running.0.inc();
            running
        }))
    }
}

impl Drop for InFlight {
    #[inline]
    fn drop(&mut self) {
        if let Some(running) = &self.0 {
            running.0.dec();
        }
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight").finish_non_exhaustive()
    }
}

/// `track_concurrency`, for a value that may go on after the function returned.
#[derive(Debug)]
pub struct Tracked<K> {
    kind: K,
    _in_flight: super::InFlight,
}

/// `track_concurrency`
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn tracked<K>(kind: K, in_flight: super::InFlight) -> Tracked<K> {
    Tracked {
        kind,
        _in_flight: in_flight,
    }
}

forward! {
    Tracked;
    abandon {
        const TIMES: bool = K::TIMES;

        #[cfg_attr(not(debug_assertions), inline(always))]
        fn entered(&mut self) {
            self.kind.entered();
        }

        #[cfg_attr(not(debug_assertions), inline(always))]
        fn left(&mut self) {
            self.kind.left();
        }

        #[cfg_attr(not(debug_assertions), inline(always))]
        fn report(&mut self) {
            self.kind.report();
        }
    }
    kind {
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn failed(&self, value: &T) -> bool {
            self.kind.failed(value)
        }

        #[cold]
        fn error(&self, value: &T, recorded: bool) -> SpanError {
            self.kind.error(value, recorded)
        }
    }
}

#[cfg(test)]
#[path = "lasting_tests.rs"]
mod tests;
