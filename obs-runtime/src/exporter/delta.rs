//! What was added since an exporter last sent, for receivers that want deltas.
//!
//! Sources always say totals. Each exporter that sends deltas remembers the totals of its own last
//! collection, so exporters of both kinds can run beside each other. What could not be delivered is
//! given back ([`Receipt`]) and is part of the next interval: nothing is lost and nothing piles up.

use core::mem::{Discriminant, discriminant};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::lock::lock;
use crate::metrics::snapshot::{ExponentialHistogramPoint, HistogramPoint, Labels, NumberPoint};
use crate::metrics::{Library, MetricData, MetricFamily, Number};

/// A series that is missing from so many collections in a row is forgotten. Not at once: what a source
/// could not say one time (a callback that panicked) would be sent again from its start.
const FORGET_AFTER: u64 = 16;

/// Whether sums and distributions are sent as totals or as what was added since the last time
/// (OpenTelemetry metrics exporter for OTLP, `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`).
///
/// Up-down counters and gauges are always sent as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Temporality {
    /// Totals since the start: what Prometheus and most receivers expect.
    #[default]
    Cumulative,
    /// What was added since the last time: Datadog, Dynatrace, New Relic.
    Delta,
    /// What needs the least memory in the program: here the same as `Delta`. Counters that report totals of
    /// somebody else (of a [`MetricSource`](crate::metrics::MetricSource), observable ones of OpenTelemetry's API)
    /// stay totals by the specification; obs sends what was added to them as well.
    LowMemory,
}

impl Temporality {
    pub(crate) const fn is_delta(self) -> bool {
        matches!(self, Self::Delta | Self::LowMemory)
    }
}

/// The value of a point that can be subtracted.
#[derive(Clone, Debug)]
enum Total {
    Number(Number),
    Explicit(HistogramPoint),
    Exponential(ExponentialHistogramPoint),
}

impl Total {
    /// Subtracts an earlier total; returns `None` if the two cannot be compared: the series began again.
    fn minus(&self, before: &Self) -> Option<Self> {
        match (self, before) {
            (Self::Number(Number::U64(now)), Self::Number(Number::U64(before))) => now
                .checked_sub(*before)
                .map(|n| Self::Number(Number::U64(n))),
            (Self::Number(now), Self::Number(before)) => {
                let (now, before) = (now.as_f64(), before.as_f64());
                // Sums of fractions are rounded.
                let falls = now < before - before.abs() * 1e-12;
                (!falls).then(|| Self::Number(Number::F64((now - before).max(0.0))))
            }
            (Self::Explicit(now), Self::Explicit(before)) => {
                let mut added = now.clone();
                let comparable = now.bounds == before.bounds && now.count >= before.count;
                let pairs = added.counts.iter_mut().zip(&before.counts);
                pairs.for_each(|(now, before)| *now = now.saturating_sub(*before));
                added.count = added.counts.iter().sum();
                added.sum -= before.sum;
                // Of the whole time, not of the interval.
                (added.min, added.max) = (None, None);
                comparable.then_some(Self::Explicit(added))
            }
            (Self::Exponential(now), Self::Exponential(before)) => {
                let mut added = now.clone();
                added.subtract(before);
                (now.count >= before.count).then_some(Self::Exponential(added))
            }
            _ => None,
        }
    }

    fn is_zero(&self) -> bool {
        match self {
            Self::Number(number) => number.as_f64() == 0.0,
            Self::Explicit(point) => point.count == 0,
            Self::Exponential(point) => point.count == 0,
        }
    }
}

/// A point of a kind that can be sent as a delta.
trait Point {
    fn labels(&self) -> &Labels;
    fn start(&self) -> u64;
    fn set_start(&mut self, unix_nanos: u64);
    fn total(&self) -> Total;
    fn set(&mut self, total: Total);
    fn keep_examples(&mut self, since: u64);
}

/// Makes a type a [`Point`]: `$total` is its variant of [`Total`], `$value` the place of what can be subtracted, and
/// `$forget` lets go of the examples from before `$since`.
macro_rules! point {
    ($point:ident as $total:ident: $this:ident => $value:expr, $since:ident => $forget:expr) => {
        impl Point for $point {
            fn labels(&self) -> &Labels {
                &self.labels
            }

            fn start(&self) -> u64 {
                self.start_unix_nanos
            }

            fn set_start(&mut self, unix_nanos: u64) {
                self.start_unix_nanos = unix_nanos;
            }

            fn total(&self) -> Total {
                let $this = self;
                Total::$total($value.clone())
            }

            fn set(&mut self, total: Total) {
                if let Total::$total(value) = total {
                    let $this = self;
                    $value = value;
                }
            }

            fn keep_examples(&mut self, $since: u64) {
                let $this = self;
                let _ = $forget;
            }
        }
    };
}

point! { NumberPoint as Number: p => p.value, since => p.exemplar.take_if(|e| e.unix_nanos < since) }
point! { HistogramPoint as Explicit: p => *p, since => p.exemplars.retain(|e| e.unix_nanos >= since) }
point! { ExponentialHistogramPoint as Exponential: p => *p, since => p.exemplars.retain(|e| e.unix_nanos >= since) }

/// What an exporter knows of a series.
#[derive(Debug)]
struct Known {
    /// When the series began: another one with its name and labels has another start.
    born: u64,
    total: Total,
    /// Until when it was collected.
    until: u64,
    /// The first and the last collection that it was in. Times say less: the clock may be set back.
    first: u64,
    seen: u64,
}

/// What tells metrics apart: a library may have several of one name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Metric {
    namespace: u32,
    name: Cow<'static, str>,
    unit: Cow<'static, str>,
    kind: Discriminant<MetricData>,
}

impl Metric {
    fn of(family: &MetricFamily) -> Self {
        let library = family.library.as_deref();
        Self {
            namespace: library.map_or(0, Library::namespace),
            name: family.name.clone(),
            unit: family.unit.clone(),
            kind: discriminant(&family.data),
        }
    }
}

/// The totals of the last collection.
#[derive(Debug, Default)]
pub(crate) struct Deltas {
    metrics: HashMap<Metric, HashMap<Labels, Known>>,
    collections: u64,
}

/// A series' part of a request.
#[derive(Debug)]
struct Taken {
    metric: Metric,
    labels: Labels,
    start: u64,
    added: Total,
}

impl Deltas {
    /// Turns totals into what was added since the last call; series to which nothing was added are
    /// left out.
    pub(crate) fn take(&mut self, families: &mut [MetricFamily], now: u64) {
        self.collections += 1;
        for family in families {
            let known = self.metrics.entry(Metric::of(family)).or_default();
            let at = (now, self.collections);
            match &mut family.data {
                MetricData::Counter(points) => {
                    points.make_mut().retain_mut(|p| take(known, p, at));
                }
                MetricData::Histogram(points) => {
                    points.make_mut().retain_mut(|p| take(known, p, at));
                }
                MetricData::ExponentialHistogram(points) => {
                    points.make_mut().retain_mut(|p| take(known, p, at));
                }
                MetricData::Summary(points) => {
                    let points = points.make_mut();
                    points.retain_mut(|p| take(known, &mut p.histogram, at));
                }
                MetricData::UpDownCounter(_) | MetricData::Gauge(_) => {}
            }
        }
        for known in self.metrics.values_mut() {
            known.retain(|_, known| known.seen + FORGET_AFTER > self.collections);
        }
        self.metrics.retain(|_, known| !known.is_empty());
    }

    fn give_back(&mut self, taken: &Taken, collection: u64) {
        let series = self.metrics.get_mut(&taken.metric);
        if let Some(known) = series.and_then(|series| series.get_mut(&taken.labels))
            && known.first <= collection
            && let Some(before) = known.total.minus(&taken.added)
        {
            known.total = before;
            known.until = known.until.min(taken.start);
        }
    }
}

/// Turns the total of a point into what was added since the last collection; returns false if that is nothing. The
/// collection has a moment and a number.
fn take(
    series: &mut HashMap<Labels, Known>,
    point: &mut impl Point,
    (now, seen): (u64, u64),
) -> bool {
    let (born, total) = (point.start(), point.total());
    let is_new = !total.is_zero();
    let fresh = Known {
        born,
        total,
        // The first interval begins with the series.
        until: if is_new { now } else { born },
        first: seen,
        seen,
    };
    let Some(known) = series.get_mut(point.labels()) else {
        series.insert(point.labels().clone(), fresh);
        return is_new;
    };
    let before = core::mem::replace(known, fresh);
    // A sum that has got an earlier part began earlier; a series that began again did so later.
    let same = (born <= before.born).then(|| known.total.minus(&before.total));
    let Some(added) = same.flatten() else {
        return is_new;
    };
    known.first = before.first;
    let is_zero = added.is_zero();
    point.set(added);
    point.set_start(before.until);
    point.keep_examples(before.until);
    if is_zero {
        // The next interval begins where this one did.
        known.until = before.until;
    }
    !is_zero
}

/// What a request has taken; given back if it is dropped without having been settled.
#[derive(Debug)]
pub(crate) struct Receipt {
    deltas: Arc<Mutex<Deltas>>,
    /// The collection that it is of.
    collection: u64,
    taken: Mutex<Vec<Taken>>,
}

impl Receipt {
    /// Notes what a request takes of the last collection.
    pub(crate) fn new(deltas: &Arc<Mutex<Deltas>>) -> Self {
        Self {
            collection: lock(deltas).collections,
            deltas: Arc::clone(deltas),
            taken: Mutex::default(),
        }
    }

    /// Notes that some points of a metric are in the request, as [`Deltas::take`] left them.
    pub(crate) fn add(&mut self, family: &MetricFamily, points: core::ops::Range<usize>) {
        fn of(metric: &Metric, point: &impl Point) -> Taken {
            Taken {
                metric: metric.clone(),
                labels: point.labels().clone(),
                start: point.start(),
                added: point.total(),
            }
        }
        let metric = &Metric::of(family);
        let taken = self.taken.get_mut();
        let taken = taken.unwrap_or_else(PoisonError::into_inner);
        match &family.data {
            MetricData::Counter(all) => taken.extend(all[points].iter().map(|p| of(metric, p))),
            MetricData::Histogram(all) => taken.extend(all[points].iter().map(|p| of(metric, p))),
            MetricData::ExponentialHistogram(all) => {
                taken.extend(all[points].iter().map(|p| of(metric, p)));
            }
            MetricData::Summary(all) => {
                taken.extend(all[points].iter().map(|p| of(metric, &p.histogram)));
            }
            MetricData::UpDownCounter(_) | MetricData::Gauge(_) => {}
        }
    }

    /// Gives back what was taken, unless it was delivered.
    pub(crate) fn settle(&self, delivered: bool) {
        let mut taken = lock(&self.taken);
        let taken = core::mem::take(&mut *taken);
        if delivered || taken.is_empty() {
            return;
        }
        let mut deltas = lock(&self.deltas);
        for taken in taken {
            deltas.give_back(&taken, self.collection);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.settle(false);
    }
}

#[cfg(test)]
#[path = "delta_tests.rs"]
mod tests;
