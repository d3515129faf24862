//! The plain data that a collection of metrics yields and every metric exporter reads.

use std::borrow::Cow;
use std::sync::Arc;

use super::exponential::either;
pub use super::exponential::{ExponentialBuckets, ExponentialHistogramPoint};
pub use super::labels::Labels;
pub use super::library::Library;
pub use super::points::Points;
#[cfg(feature = "serde")]
use crate::serialize::{float, float_or_null, floats};
use crate::trace::{SpanId, TraceId};

/// One metric with all its points, at one moment. Names and units follow OpenTelemetry
/// (`function.calls.duration`, `s`); exporters translate.
///
/// With the feature `serde` it is serialized as an object with `name`, `description`, `unit`, `type`
/// (`counter`, `up_down_counter`, …) and `points`. Infinity and NaN are the texts `"Infinity"`,
/// `"-Infinity"` and `"NaN"`, because JSON has no numbers for them.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MetricFamily {
    /// The OpenTelemetry name.
    pub name: Cow<'static, str>,
    /// One sentence of help; may be empty.
    pub description: Cow<'static, str>,
    /// The UCUM unit (`s`, `By`, `{call}`); may be empty.
    pub unit: Cow<'static, str>,
    /// The points, by kind.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub data: MetricData,
    /// The library that made it through OpenTelemetry's API; none for everything else.
    #[cfg_attr(
        feature = "serde",
        serde(
            skip_serializing_if = "Option::is_none",
            serialize_with = "super::library::serialize"
        )
    )]
    pub library: Option<Arc<Library>>,
}

impl MetricFamily {
    pub(crate) fn new(def: &crate::semconv::MetricDef, data: MetricData) -> Self {
        Self {
            name: def.name.into(),
            description: def.description.into(),
            unit: def.unit.into(),
            data,
            library: None,
        }
    }

    /// Returns a copy with further labels on every point; the value of a label that a point has
    /// already is replaced.
    ///
    /// ```
    /// # use obs_runtime::metrics::{MetricData, MetricsCollector};
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// let collector = MetricsCollector::new();
    /// collector.counter("rows").description("Rows").build()?.add(3);
    /// let family = collector.collect_all().remove(0).with_labels([("region", "eu")]);
    /// let MetricData::Counter(points) = &family.data else { return Ok(()) };
    /// assert_eq!(points[0].labels.get("region"), Some("eu"));
    /// assert_eq!(family.description, "Rows");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "the family itself stays as it is"]
    pub fn with_labels<K, V>(&self, labels: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<Cow<'static, str>>,
        V: Into<Cow<'static, str>>,
    {
        let more: Vec<(Cow<'static, str>, Cow<'static, str>)> = labels
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        let mut family = self.clone();
        for labels in family.data.labels_mut() {
            let own = labels
                .iter()
                .map(|(key, value)| (key.to_owned().into(), value));
            let more = more.iter().map(|(key, value)| (key.clone(), &**value));
            *labels = own.chain(more).collect();
        }
        family
    }
}

/// The points of a metric.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(tag = "type", content = "points", rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum MetricData {
    /// A sum that only grows.
    Counter(Points<NumberPoint>),
    /// A sum that goes up and down.
    UpDownCounter(Points<NumberPoint>),
    /// The last value.
    Gauge(Points<NumberPoint>),
    /// A distribution over fixed bounds.
    Histogram(Points<HistogramPoint>),
    /// A distribution over buckets whose width is a fixed part of their value.
    ExponentialHistogram(Points<ExponentialHistogramPoint>),
    /// A distribution that is shown by its quantiles.
    Summary(Points<SummaryPoint>),
}

impl MetricData {
    /// Returns how many points there are.
    pub(crate) fn points(&self) -> usize {
        match self {
            Self::Counter(points) | Self::UpDownCounter(points) | Self::Gauge(points) => {
                points.len()
            }
            Self::Histogram(points) => points.len(),
            Self::ExponentialHistogram(points) => points.len(),
            Self::Summary(points) => points.len(),
        }
    }

    /// Returns the labels of every point.
    fn labels_mut(&mut self) -> Vec<&mut Labels> {
        fn each<P: Clone>(all: &mut Points<P>, of: fn(&mut P) -> &mut Labels) -> Vec<&mut Labels> {
            all.make_mut().iter_mut().map(of).collect()
        }
        match self {
            Self::Counter(points) | Self::UpDownCounter(points) | Self::Gauge(points) => {
                each(points, |p| &mut p.labels)
            }
            Self::Histogram(points) => each(points, |p| &mut p.labels),
            Self::ExponentialHistogram(points) => each(points, |p| &mut p.labels),
            Self::Summary(points) => each(points, |p| &mut p.histogram.labels),
        }
    }

    /// Returns the labels, the sum and the count of each histogram or summary.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn distributions(&self) -> Vec<(&Labels, f64, u64)> {
        match self {
            Self::Counter(_) | Self::UpDownCounter(_) | Self::Gauge(_) => Vec::new(),
            Self::Histogram(points) => {
                let points = points.iter();
                points.map(|p| (&p.labels, p.sum, p.count)).collect()
            }
            Self::ExponentialHistogram(points) => {
                let points = points.iter();
                points.map(|p| (&p.labels, p.sum, p.count)).collect()
            }
            Self::Summary(points) => {
                let points = points.iter().map(|p| &p.histogram);
                points.map(|p| (&p.labels, p.sum, p.count)).collect()
            }
        }
    }
}

/// One series of a counter or gauge.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NumberPoint {
    /// The series' labels.
    pub labels: Labels,
    /// When counting began, in nanoseconds since the Unix epoch; the same for all of a series'
    /// life.
    pub start_unix_nanos: u64,
    /// The value.
    pub value: Number,
    /// An example with its trace; of counters only.
    pub exemplar: Option<Box<Exemplar>>,
}

/// A value: whole numbers stay exact.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
pub enum Number {
    /// A whole number that is not negative.
    U64(u64),
    /// A whole number.
    I64(i64),
    /// Any number.
    F64(#[cfg_attr(feature = "serde", serde(serialize_with = "float"))] f64),
}

impl Number {
    /// Returns the value as `f64`; whole numbers above 2^53 are rounded.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::U64(v) => v as f64,
            Self::I64(v) => v as f64,
            Self::F64(v) => v,
        }
    }
}

macro_rules! number_from {
    ($($variant:ident: $($t:ty),*;)*) => {
        $($(impl From<$t> for Number {
            #[inline]
            fn from(v: $t) -> Self {
                Self::$variant(v.into())
            }
        })*)*
    };
}

number_from! {
    U64: u8, u16, u32, u64;
    I64: i8, i16, i32, i64;
    F64: f32, f64;
}

impl From<usize> for Number {
    #[inline]
    fn from(v: usize) -> Self {
        Self::U64(v as u64)
    }
}

impl From<isize> for Number {
    #[inline]
    fn from(v: isize) -> Self {
        Self::I64(v as i64)
    }
}

/// One series of a histogram; cumulative since `start_unix_nanos`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct HistogramPoint {
    /// The series' labels.
    pub labels: Labels,
    /// When counting began, in nanoseconds since the Unix epoch.
    pub start_unix_nanos: u64,
    /// Upper bounds, ascending, without infinity. A value equal to a bound is in that bound's
    /// bucket.
    #[cfg_attr(feature = "serde", serde(serialize_with = "floats"))]
    pub bounds: Arc<[f64]>,
    /// Count of each bucket (not accumulated); one more than `bounds`, the last is above all
    /// bounds.
    pub counts: Vec<u64>,
    /// Number of values: the sum of `counts`.
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
    /// Examples with their trace, at most one for each bucket.
    pub exemplars: Vec<Exemplar>,
}

impl HistogramPoint {
    /// Returns the mean: the sum of the values by their number; `None` before the first value.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// Estimates the value below which `percent` (0 to 100) of the values lie: the
    /// [`quantile`](Self::quantile) of a hundredth.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        self.quantile(percent / 100.0)
    }

    /// Estimates the value below which the part `q` (0 to 1) of the values lie; `None` before the
    /// first value and for a `q` outside of 0 to 1.
    ///
    /// A histogram does not keep its values, so this is an estimate: values are taken as evenly
    /// spread within their bucket, as in PromQL's `histogram_quantile`, and the smallest and the
    /// largest value bound the result where they are known. The estimate is in the bucket of the
    /// value at that rank: the error is at most the width of a bucket, and for exponential buckets
    /// [`ExponentialHistogramPoint::relative_error`].
    ///
    /// ```
    /// # use obs_runtime::metrics::MetricsCollector;
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// let collector = MetricsCollector::new();
    /// let latency = collector.histogram("latency").buckets([10, 20, 50, 100]).build()?;
    /// for ms in 1..=100 {
    ///     latency.observe(ms);
    /// }
    /// assert_eq!(latency.quantile(0.5), Some(50.0));
    /// assert_eq!(latency.percentile(100.0), Some(100.0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if self.count == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        let rank = q * self.count as f64;
        let mut below = 0.0;
        for (index, count) in self.counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            let inside = *count as f64;
            if rank <= below + inside {
                let (low, high) = self.edges(index);
                return Some(low + (high - low) * ((rank - below) / inside));
            }
            below += inside;
        }
        // Rounding of `rank` put it above the last value.
        self.max.or_else(|| self.bounds.last().copied())
    }

    /// Returns the range of a bucket's values, as far as it is known.
    pub(crate) fn edges(&self, bucket: usize) -> (f64, f64) {
        let below = bucket
            .checked_sub(1)
            .and_then(|b| self.bounds.get(b))
            .copied();
        let bound = self.bounds.get(bucket).copied();
        let high = either(bound, self.max, f64::min).or(below).unwrap_or(0.0);
        // Like `histogram_quantile`: the first bucket begins at 0 unless its bound is below.
        let low = either(below, self.min, f64::max).unwrap_or(high.min(0.0));
        (low.min(high), high)
    }
}

/// One series of a summary; cumulative since its start.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryPoint {
    /// The labels, the count, the sum, and what the quantiles are estimated from.
    pub histogram: ExponentialHistogramPoint,
    /// Which quantiles are shown, from 0 to 1, ascending.
    pub quantiles: Arc<[f64]>,
}

impl SummaryPoint {
    /// Returns each quantile with its value; none before the first value.
    pub fn values(&self) -> Vec<(f64, f64)> {
        let explicit = self.histogram.to_explicit();
        let value = |q: &f64| Some((*q, explicit.quantile(*q)?));
        self.quantiles.iter().filter_map(value).collect()
    }
}

/// A value with the span that it was measured in.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Exemplar {
    /// The value.
    #[cfg_attr(feature = "serde", serde(serialize_with = "float"))]
    pub value: f64,
    /// When, in nanoseconds since the Unix epoch.
    pub unix_nanos: u64,
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
}

/// Anything that yields metrics when asked. Collecting must not block for long.
pub trait MetricSource: Send + Sync {
    /// Appends the source's families.
    fn collect(&self, out: &mut Vec<MetricFamily>);
}
