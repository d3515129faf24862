//! Histograms: how values are distributed over buckets.

use std::sync::Arc;

use super::cells::{self, Reader, Slot};
use super::instrument::{Core, instrument};
use super::series::{Series, Shared, unix_nanos};
use super::snapshot::{HistogramPoint, Number};
use crate::Error;

// The cells of a series: the sum, the extremes, then a count for each bucket.
const SUM: usize = 0;
const MAX: usize = 1;
const MIN: usize = 2;
const COUNTS: usize = 3;

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
    series: Arc<Series>,
}

instrument!(Histogram, BoundHistogram, Histogram);

impl Histogram {
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

    /// The number of values in all series.
    pub fn count(&self) -> u64 {
        self.core.merged().count
    }

    /// The sum of the values of all series.
    pub fn sum(&self) -> f64 {
        self.core.merged().sum
    }

    /// The mean over all series; `None` before the first value.
    pub fn mean(&self) -> Option<f64> {
        self.core.merged().mean()
    }

    /// A percentile (0 to 100) over all series, see [`HistogramPoint::percentile`].
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        self.core.merged().percentile(percent)
    }

    /// All series in one.
    pub fn snapshot(&self) -> HistogramPoint {
        self.core.merged()
    }

    /// The series with these label values; without values if there is none, and reading does not
    /// create it.
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
            Some(series) => read(&series, &Reader::new()),
            None => empty(&self.core.shared),
        })
    }
}

impl BoundHistogram {
    /// Takes a value. Infinity and NaN are refused and counted ([`Histogram::refused`]): they
    /// would spoil the sum for good.
    #[inline]
    pub fn observe(&self, value: impl Into<Number>) {
        let value = value.into().as_f64();
        if !value.is_finite() {
            self.series.shared.refuse();
            return;
        }
        let bounds = &*self.series.shared.bounds;
        // A value equal to a bound belongs to that bound's bucket (`le`).
        let bucket = bounds.partition_point(|bound| *bound < value);
        cells::update(self.slot, |cells| {
            cells.add(COUNTS + bucket, 1);
            cells.add_f64(SUM, value);
            cells.raise(MAX, ordered(value));
            cells.raise(MIN, !ordered(value));
        });
    }

    /// The series' state.
    pub fn snapshot(&self) -> HistogramPoint {
        read(&self.series, &Reader::new())
    }

    /// The number of values.
    pub fn count(&self) -> u64 {
        self.snapshot().count
    }

    /// The sum of the values.
    pub fn sum(&self) -> f64 {
        self.snapshot().sum
    }

    /// The mean; `None` before the first value.
    pub fn mean(&self) -> Option<f64> {
        self.snapshot().mean()
    }

    /// A percentile (0 to 100), see [`HistogramPoint::percentile`].
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        self.snapshot().percentile(percent)
    }
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

pub(super) fn read(series: &Series, reader: &Reader) -> HistogramPoint {
    let bounds = &series.shared.bounds;
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
        labels: Arc::clone(&series.labels),
        start_unix_nanos: series.start_unix_nanos,
        bounds: Arc::clone(bounds),
        counts,
        count,
        sum,
        min: (count > 0 && min > 0).then(|| unordered(!min)),
        max: (count > 0 && max > 0).then(|| unordered(max)),
        exemplars: Vec::new(),
    }
}

/// A histogram without values.
pub(super) fn empty(shared: &Shared) -> HistogramPoint {
    HistogramPoint {
        labels: Arc::new([]),
        start_unix_nanos: unix_nanos(),
        bounds: Arc::clone(&shared.bounds),
        counts: vec![0; shared.bounds.len() + 1],
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
    let pick = |a: Option<f64>, b: Option<f64>, f: fn(f64, f64) -> f64| match (a, b) {
        (Some(a), Some(b)) => Some(f(a, b)),
        (a, b) => a.or(b),
    };
    all.min = pick(all.min, more.min, f64::min);
    all.max = pick(all.max, more.max, f64::max);
}

#[cfg(test)]
#[path = "histogram_tests.rs"]
mod tests;
