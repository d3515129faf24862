//! Histograms and summaries, which show how values are distributed.

use std::sync::Arc;

use super::Timer;
use super::cells::{self, Cells, Reader, Slot};
use super::instrument::Core;
use super::labels::Labels;
use super::methods::instrument;
use super::series::{Buckets, Series, Shared};
use super::snapshot::{HistogramPoint, Number};
use super::{exemplar, exponential, exponential_cells};
use crate::Error;
use crate::clock::unix_nanos;

// The cells of a series: the sum, the extremes, then a count for each bucket.
pub(super) const SUM: usize = 0;
pub(super) const MAX: usize = 1;
pub(super) const MIN: usize = 2;
pub(super) const COUNTS: usize = 3;

/// Examples of an exponential histogram: one for each power of two, modulo this.
const OCTAVES: usize = 16;

pub(super) const fn cells(bounds: usize) -> usize {
    COUNTS + bounds + 1
}

/// The distribution of values: durations, sizes, token counts.
///
/// ```
/// # use obs_runtime::metrics::MetricsCollector;
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// let latency = collector
///     .histogram("request.duration")
///     .unit("s")
///     .buckets([0.1, 0.5, 1.0])
///     .build()?;
/// latency.observe(0.25);
/// latency.observe(0.5);
/// latency.observe(1.5);
/// assert_eq!(latency.count(), 3);
/// assert_eq!(latency.mean(), Some(0.75));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Histogram {
    core: Arc<Core>,
    only: Option<BoundHistogram>,
}

/// One series of a [`Histogram`].
#[derive(Clone, Debug)]
pub struct BoundHistogram {
    slot: Slot,
    /// None of a handle that goes nowhere.
    series: Option<Arc<Series>>,
}

/// The quantiles of values: durations, sizes, token counts, wherever a scrape shall say "the 99th
/// percentile is 0.3" by itself. They are of all values since the start.
///
/// Prometheus cannot add up quantiles of several processes; where that matters, use an exponential
/// [`Histogram`], which is what OTLP gets of a summary as well.
///
/// ```
/// # use obs_runtime::metrics::MetricsCollector;
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// let latency = collector.summary("request.duration").unit("ms").quantiles([0.5, 0.99]).build()?;
/// for ms in 1..=100 {
///     latency.observe(ms);
/// }
/// let median = latency.quantile(0.5).unwrap_or_default();
/// assert!((50.0..=51.0).contains(&median));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Summary {
    core: Arc<Core>,
    only: Option<BoundSummary>,
}

/// One series of a [`Summary`].
#[derive(Clone, Debug)]
pub struct BoundSummary {
    slot: Slot,
    /// None of a handle that goes nowhere.
    series: Option<Arc<Series>>,
}

/// The methods that say something about the values, which end their documentation with `$of`.
macro_rules! statistics {
    ($type:ident, $of:literal) => {
        impl $type {
            #[doc = concat!("Returns the number of values", $of, ".")]
            pub fn count(&self) -> u64 {
                self.snapshot().count
            }

            #[doc = concat!("Returns the sum of the values", $of, ".")]
            pub fn sum(&self) -> f64 {
                self.snapshot().sum
            }

            #[doc = concat!("Returns the mean of the values", $of, "; `None` before the first value.")]
            pub fn mean(&self) -> Option<f64> {
                self.snapshot().mean()
            }

            #[doc = concat!("Estimates a percentile (0 to 100) of the values", $of, ".")]
            ///
            /// See [`HistogramPoint::percentile`].
            pub fn percentile(&self, percent: f64) -> Option<f64> {
                self.snapshot().percentile(percent)
            }

            #[doc = concat!("Estimates a quantile (0 to 1) of the values", $of, ".")]
            ///
            /// See [`HistogramPoint::quantile`].
            pub fn quantile(&self, q: f64) -> Option<f64> {
                self.snapshot().quantile(q)
            }
        }
    };
}

/// The methods of instruments that take values one by one.
macro_rules! distribution {
    ($instrument:ident, $bound:ident) => {
        instrument!($instrument, $bound, $instrument);
        statistics!($instrument, " of all series");
        statistics!($bound, "");

        impl $instrument {
            /// Takes a value for a metric without labels. Infinity and NaN are
            /// [`refused`](Self::refused), and so is every value if the metric has labels: use
            /// [`with`](Self::with).
            #[inline]
            pub fn observe(&self, value: impl Into<Number>) {
                match &self.only {
                    Some(only) => only.observe(value),
                    None => self.core.shared.refuse(),
                }
            }

            /// Observes the time until what it returns is dropped, in the metric's unit of time, or
            /// in seconds if it has none. [`refused`](Self::refused) if the metric has labels.
            ///
            /// ```
            /// # use obs_runtime::metrics::MetricsCollector;
            /// # fn main() -> Result<(), obs_runtime::Error> {
            /// let load = MetricsCollector::new().histogram("load.duration").unit("s").build()?;
            /// {
            ///     let _timer = load.time();
            ///     // … the work …
            /// }
            /// assert_eq!(load.count(), 1);
            /// # Ok(())
            /// # }
            /// ```
            pub fn time(&self) -> Timer {
                let Some(only) = &self.only else {
                    self.core.shared.refuse();
                    return Timer::start(None);
                };
                only.time()
            }

            /// Returns all series in one, without exemplars. The bounds of exponential buckets are
            /// those in use.
            pub fn snapshot(&self) -> HistogramPoint {
                self.core.merged()
            }

            /// Returns the series with these label values; without values if there is none, and
            /// reading does not create it.
            ///
            /// # Errors
            /// When the number of values is not that of the labels.
            #[allow(
                clippy::needless_pass_by_value,
                reason = "an array of values reads better without `&`"
            )]
            pub fn get<const N: usize, V: AsRef<str>>(
                &self,
                values: [V; N],
            ) -> Result<HistogramPoint, Error> {
                let series = self.core.find(&values.each_ref().map(AsRef::as_ref))?;
                Ok(match series {
                    Some(series) => read_explicit(&series, &Reader::new()),
                    None => empty(&self.core.shared),
                })
            }
        }

        impl $bound {
            /// Takes a value. Infinity and NaN are refused and counted
            #[doc = concat!("([`", stringify!($instrument), "::refused`]): they would spoil the sum for good.")]
            #[inline]
            pub fn observe(&self, value: impl Into<Number>) {
                if let Some(series) = &self.series {
                    observe(self.slot, series, value.into().as_f64());
                }
            }

            #[doc = concat!("See [`", stringify!($instrument), "::time`].")]
            pub fn time(&self) -> Timer {
                Timer::start(self.series.clone().map(|series| (self.slot, series)))
            }

            /// Returns the series' state.
            pub fn snapshot(&self) -> HistogramPoint {
                match &self.series {
                    Some(series) => read_explicit(series, &Reader::new()),
                    None => without_values(Arc::new([])),
                }
            }
        }
    };
}

distribution!(Histogram, BoundHistogram);
distribution!(Summary, BoundSummary);

#[inline]
pub(super) fn observe(slot: Slot, series: &Series, value: f64) {
    if !value.is_finite() {
        series.shared.refuse();
        return;
    }
    match &series.shared.buckets {
        Buckets::Explicit(bounds) => {
            // A value equal to a bound belongs to that bound's bucket (`le`).
            let bucket = bounds.partition_point(|bound| *bound < value);
            cells::update(slot, |cells| {
                cells.add(COUNTS + bucket, 1);
                cells.add_f64(SUM, value);
                raise_extremes(&cells, value);
            });
            if exemplar::is_wanted() {
                series.exemplars.offer(bounds.len() + 1, bucket, value);
            }
        }
        Buckets::Exponential => observe_exponential(slot, series, value),
    }
}

#[inline(never)]
fn observe_exponential(slot: Slot, series: &Series, value: f64) {
    cells::update(slot, |cells| exponential_cells::observe(&cells, value));
    if exemplar::is_wanted() {
        let octave = exponential::index_of(value.abs(), 0);
        let place = octave.rem_euclid(OCTAVES as i32) as usize;
        series.exemplars.offer(OCTAVES, place, value);
    }
}

#[inline]
pub(super) fn raise_extremes(cells: &Cells<'_>, value: f64) {
    cells.raise(MAX, ordered(value));
    cells.raise(MIN, !ordered(value));
}

/// Maps finite numbers to whole ones in the same order, none of them 0 or `u64::MAX`; so a cell
/// of 0 means that there was no value, for the largest and (inverted) for the smallest.
#[inline]
fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

fn unordered(cell: u64) -> f64 {
    f64::from_bits(if cell >> 63 == 1 {
        cell & !(1 << 63)
    } else {
        !cell
    })
}

/// Returns the value of a cell [`MAX`].
pub(super) fn largest(cell: u64) -> Option<f64> {
    (cell > 0).then(|| unordered(cell))
}

/// Returns the value of a cell [`MIN`].
pub(super) fn smallest(cell: u64) -> Option<f64> {
    (cell > 0).then(|| unordered(!cell))
}

/// Reads a series over explicit bounds, whatever its buckets are.
pub(super) fn read_explicit(series: &Series, reader: &Reader) -> HistogramPoint {
    match &series.shared.buckets {
        Buckets::Explicit(bounds) => read(series, bounds, reader),
        Buckets::Exponential => exponential_cells::read(series, reader).to_explicit(),
    }
}

pub(super) fn read(series: &Series, bounds: &Arc<[f64]>, reader: &Reader) -> HistogramPoint {
    let mut counts = vec![0; bounds.len() + 1];
    let (mut sum, mut max, mut min) = (0.0, 0, 0);
    for cells in reader.cells(series.slot()) {
        for (bucket, count) in counts.iter_mut().enumerate() {
            *count += cells.get(COUNTS + bucket);
        }
        sum += f64::from_bits(cells.get(SUM));
        max = max.max(cells.get(MAX));
        min = min.max(cells.get(MIN));
    }
    // A value that is written right now may be counted without being an extreme yet.
    let count = counts.iter().sum();
    HistogramPoint {
        labels: series.labels.clone(),
        start_unix_nanos: series.start_unix_nanos,
        bounds: Arc::clone(bounds),
        counts,
        count,
        sum,
        min: smallest(min).filter(|_| count > 0),
        max: largest(max).filter(|_| count > 0),
        exemplars: series.exemplars.read(),
    }
}

/// Returns a histogram without values.
pub(super) fn empty(shared: &Shared) -> HistogramPoint {
    let bounds = match &shared.buckets {
        Buckets::Explicit(bounds) => Arc::clone(bounds),
        Buckets::Exponential => Arc::new([]),
    };
    without_values(bounds)
}

fn without_values(bounds: Arc<[f64]>) -> HistogramPoint {
    HistogramPoint {
        labels: Labels::new(),
        start_unix_nanos: unix_nanos(),
        counts: vec![0; bounds.len() + 1],
        bounds,
        count: 0,
        sum: 0.0,
        min: None,
        max: None,
        exemplars: Vec::new(),
    }
}

/// Adds `more`, which has the same bounds.
pub(super) fn merge(all: &mut HistogramPoint, more: &HistogramPoint) {
    for (count, more) in all.counts.iter_mut().zip(&more.counts) {
        *count += more;
    }
    all.count += more.count;
    all.sum += more.sum;
    all.start_unix_nanos = all.start_unix_nanos.min(more.start_unix_nanos);
    all.min = exponential::either(all.min, more.min, f64::min);
    all.max = exponential::either(all.max, more.max, f64::max);
}

#[cfg(test)]
#[path = "histogram_tests.rs"]
mod tests;
