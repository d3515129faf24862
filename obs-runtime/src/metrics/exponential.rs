//! Base-2 exponential histograms: buckets whose width is a fixed part of their value.
//!
//! OpenTelemetry metrics data model, "`ExponentialHistogram`": bucket `i` at scale `s` holds the
//! values in `(base^i, base^(i+1)]`, where `base = 2^(2^-s)`. One scale less joins two buckets into
//! one, so nothing is lost but resolution.

use super::snapshot::{Exemplar, HistogramPoint, Labels};
#[cfg(feature = "serde")]
use crate::serialize::{float, float_or_null};

/// Time series of Prometheus that an exponential histogram of values over a factor of a million
/// comes to: four classic buckets for each doubling, and what every histogram has.
pub(crate) const EXPONENTIAL_TIME_SERIES: usize = 4 * 20 + 4;

/// The finest scale (OpenTelemetry metrics SDK, "Base2 exponential bucket histogram aggregation").
pub(crate) const MAX_SCALE: i32 = 20;
/// Most buckets of each sign (ibidem).
pub(crate) const MAX_SIZE: usize = 160;

/// Returns the bucket of a positive normal number.
#[inline]
pub(super) fn index_of(value: f64, scale: i32) -> i32 {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1023;
    let fraction = bits & ((1 << 52) - 1);
    // A power of two is the upper bound of its bucket.
    let is_power = fraction == 0;
    if scale <= 0 {
        return (exponent - i32::from(is_power)) >> -scale;
    }
    if is_power {
        return (exponent << scale) - 1;
    }
    // The mantissa alone, so that the rounding of the logarithm does not grow with the exponent.
    let mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    let parts = f64::from(1 << scale);
    let within = (mantissa.log2() * parts).ceil() as i32 - 1;
    (exponent << scale) + within.clamp(0, (1 << scale) - 1)
}

/// Returns `base^index`, which is the lower bound of a bucket, and the upper bound of the one
/// before.
pub(super) fn bound_of(index: i32, scale: i32) -> f64 {
    if scale <= 0 {
        return 2_f64.powi(index.saturating_mul(1 << -scale));
    }
    let within = index & ((1 << scale) - 1);
    let part = f64::from(within) / f64::from(1 << scale);
    part.exp2() * 2_f64.powi(index >> scale)
}

/// Consecutive buckets of one sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ExponentialBuckets {
    /// The index of the first bucket.
    pub offset: i32,
    /// The count of each bucket; empty if there is no value.
    pub counts: Vec<u64>,
}

impl ExponentialBuckets {
    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the first and the last index.
    fn range(&self) -> Option<(i64, i64)> {
        let last = self.counts.len().checked_sub(1)?;
        let first = i64::from(self.offset);
        Some((first, first + last as i64))
    }

    /// Joins buckets until they are `shift` scales coarser.
    fn coarsen(&mut self, shift: u32) {
        let Some((first, last)) = self.range().filter(|_| shift > 0) else {
            return;
        };
        let (first, last) = (first >> shift, last >> shift);
        let mut counts = vec![0; (last - first) as usize + 1];
        for (at, count) in self.counts.iter().enumerate() {
            let index = (i64::from(self.offset) + at as i64) >> shift;
            counts[(index - first) as usize] += count;
        }
        *self = Self {
            offset: first as i32,
            counts,
        };
    }

    /// Adds buckets of the same scale.
    fn add(&mut self, more: &Self) {
        let (Some((first, last)), Some(other)) = (self.range(), more.range()) else {
            if self.counts.is_empty() {
                self.clone_from(more);
            }
            return;
        };
        let (low, high) = (first.min(other.0), last.max(other.1));
        let mut counts = vec![0; (high - low) as usize + 1];
        for buckets in [&*self, more] {
            let skip = (i64::from(buckets.offset) - low) as usize;
            for (sum, count) in counts[skip..].iter_mut().zip(&buckets.counts) {
                *sum += count;
            }
        }
        *self = Self {
            offset: low as i32,
            counts,
        };
    }

    /// Takes away buckets of the same scale that were counted before, and what is empty then.
    fn subtract(&mut self, before: &Self) {
        for (at, count) in before.counts.iter().enumerate() {
            let index = i64::from(before.offset) + at as i64 - i64::from(self.offset);
            let here = usize::try_from(index).ok();
            if let Some(here) = here.and_then(|at| self.counts.get_mut(at)) {
                *here = here.saturating_sub(*count);
            }
        }
        let last = self.counts.iter().rposition(|count| *count > 0);
        self.counts.truncate(last.map_or(0, |last| last + 1));
        let first = self.counts.iter().position(|count| *count > 0).unwrap_or(0);
        self.counts.drain(..first);
        self.offset = self.offset.saturating_add(first as i32);
    }
}

/// One series of an exponential histogram; cumulative since `start_unix_nanos`.
///
/// ```
/// # use obs_runtime::metrics::{MetricData, MetricsCollector};
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// let latency = collector.histogram("latency").unit("s").exponential().build()?;
/// for value in [0.5, 1.0, 2.0] {
///     latency.observe(value);
/// }
/// let Some(family) = collector.get("latency") else { return Ok(()) };
/// let MetricData::ExponentialHistogram(points) = &family.data else { return Ok(()) };
/// assert_eq!(points[0].count, 3);
/// // Two powers of two apart with 160 buckets: each is at most 1.1 % wide.
/// assert!(points[0].relative_error() < 0.011);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ExponentialHistogramPoint {
    /// The series' labels.
    pub labels: Labels,
    /// When counting began, in nanoseconds since the Unix epoch.
    pub start_unix_nanos: u64,
    /// The resolution: a bucket's bounds are `2^(2^-scale)` apart.
    pub scale: i32,
    /// How many values were 0.
    pub zero_count: u64,
    /// The values above 0.
    pub positive: ExponentialBuckets,
    /// The values below 0, by their magnitude.
    pub negative: ExponentialBuckets,
    /// Number of values.
    pub count: u64,
    /// Sum of the values.
    #[cfg_attr(feature = "serde", serde(serialize_with = "float"))]
    pub sum: f64,
    /// Smallest value, if known.
    #[cfg_attr(feature = "serde", serde(serialize_with = "float_or_null"))]
    pub min: Option<f64>,
    /// Largest value, if known.
    #[cfg_attr(feature = "serde", serde(serialize_with = "float_or_null"))]
    pub max: Option<f64>,
    /// Examples with their trace.
    pub exemplars: Vec<Exemplar>,
}

impl ExponentialHistogramPoint {
    /// Creates a point without values, at the finest scale.
    pub(crate) fn empty(labels: Labels, start_unix_nanos: u64) -> Self {
        Self {
            labels,
            start_unix_nanos,
            scale: MAX_SCALE,
            zero_count: 0,
            positive: ExponentialBuckets::default(),
            negative: ExponentialBuckets::default(),
            count: 0,
            sum: 0.0,
            min: None,
            max: None,
            exemplars: Vec::new(),
        }
    }

    /// Returns how far an estimated quantile can be from the value at its rank, as a part of it:
    /// the width of a bucket, `2^(2^-scale) - 1`.
    ///
    /// The 160 buckets share the range between the smallest and the largest magnitude: 0.5 % if
    /// the largest is 2 times the smallest, 4.5 % for a factor of 1,000, 9.1 % for a million.
    pub fn relative_error(&self) -> f64 {
        (f64::from(-self.scale).exp2()).exp2() - 1.0
    }

    /// Returns the mean: the sum of the values by their number; `None` before the first value.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// Estimates the value below which the part `q` (0 to 1) of the values lie; `None` before the
    /// first value and for a `q` outside of 0 to 1. The estimate is in the bucket of the value at
    /// that rank, so it is off by at most [`relative_error`](Self::relative_error).
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.to_explicit().quantile(q)
    }

    /// Joins buckets until the scale is at most `scale`.
    pub(crate) fn coarsen(&mut self, scale: i32) {
        let shift = u32::try_from(self.scale - scale).unwrap_or(0);
        self.positive.coarsen(shift);
        self.negative.coarsen(shift);
        self.scale = self.scale.min(scale);
    }

    /// Adds what another point counted, at the finest scale that has room for both. Its examples
    /// are not kept: there is one for a bucket.
    pub(crate) fn merge(&mut self, more: &Self) {
        let mut more = more.clone();
        let scale = self.scale.min(more.scale);
        self.coarsen(scale);
        more.coarsen(scale);
        let shift = |a: &ExponentialBuckets, b: &ExponentialBuckets| match (a.range(), b.range()) {
            (Some(a), Some(b)) => excess(a.0.min(b.0), a.1.max(b.1)),
            _ => 0,
        };
        let positive = shift(&self.positive, &more.positive);
        let shift = positive.max(shift(&self.negative, &more.negative));
        self.coarsen(scale - shift as i32);
        more.coarsen(scale - shift as i32);
        self.positive.add(&more.positive);
        self.negative.add(&more.negative);
        self.zero_count += more.zero_count;
        self.count += more.count;
        self.sum += more.sum;
        self.start_unix_nanos = self.start_unix_nanos.min(more.start_unix_nanos);
        self.min = either(self.min, more.min, f64::min);
        self.max = either(self.max, more.max, f64::max);
    }

    /// Takes away what was counted before. The extremes of the rest are not known.
    pub(crate) fn subtract(&mut self, before: &Self) {
        let mut before = before.clone();
        let scale = self.scale.min(before.scale);
        before.coarsen(scale);
        self.coarsen(scale);
        self.positive.subtract(&before.positive);
        self.negative.subtract(&before.negative);
        self.zero_count = self.zero_count.saturating_sub(before.zero_count);
        self.count = self.zero_count + self.positive.total() + self.negative.total();
        self.sum -= before.sum;
        (self.min, self.max) = (None, None);
    }

    /// Returns the same values over explicit bounds, which are those of the buckets between the
    /// smallest and the largest value. (A negative value that is exactly a bound counts in the next
    /// bucket: the one kind of buckets has its upper bound, the other that of the larger
    /// magnitude.)
    pub fn to_explicit(&self) -> HistogramPoint {
        let mut edges = Edges::default();
        let bound = |index: i32| bound_of(index, self.scale);
        let negative = &self.negative;
        for (at, count) in negative.counts.iter().enumerate().rev() {
            let index = negative.offset.saturating_add(at as i32);
            edges.push(-bound(index.saturating_add(1)), -bound(index), *count);
        }
        if self.zero_count > 0 || !negative.counts.is_empty() {
            edges.push(-f64::MIN_POSITIVE, 0.0, self.zero_count);
        }
        for (at, count) in self.positive.counts.iter().enumerate() {
            let index = self.positive.offset.saturating_add(at as i32);
            edges.push(bound(index), bound(index.saturating_add(1)), *count);
        }
        edges.counts.push(edges.above);
        HistogramPoint {
            labels: self.labels.clone(),
            start_unix_nanos: self.start_unix_nanos,
            bounds: edges.bounds.into(),
            counts: edges.counts,
            count: self.count,
            sum: self.sum,
            min: self.min,
            max: self.max,
            exemplars: self.exemplars.clone(),
        }
    }
}

/// Explicit bounds as they are found, in ascending order.
#[derive(Default)]
struct Edges {
    bounds: Vec<f64>,
    counts: Vec<u64>,
    /// Of the bucket that has no upper bound.
    above: u64,
}

impl Edges {
    /// Adds a bucket from `low` to `high`; what lies between it and the one before is empty.
    fn push(&mut self, low: f64, high: f64, count: u64) {
        for (bound, count) in [(low, 0), (high, count)] {
            if bound == f64::INFINITY {
                self.above += count;
            } else if bound.is_finite() && self.bounds.last().is_none_or(|last| *last < bound) {
                self.bounds.push(bound);
                self.counts.push(count);
            } else if let Some(last) = self.counts.last_mut() {
                *last += count;
            }
        }
    }
}

pub(super) fn either(a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64) -> Option<f64> {
    a.into_iter().chain(b).reduce(pick)
}

/// Returns how much coarser buckets from `first` to `last` must be for [`MAX_SIZE`] of them to do.
pub(super) fn excess(mut first: i64, mut last: i64) -> u32 {
    let mut shift = 0;
    while last - first >= MAX_SIZE as i64 {
        (first, last, shift) = (first >> 1, last >> 1, shift + 1);
    }
    shift
}

#[cfg(test)]
#[path = "exponential_tests.rs"]
mod tests;
