//! What a collection of metrics yields: plain data that every metric exporter reads.

use std::borrow::Cow;
use std::sync::Arc;

use crate::TraceId;
use crate::trace::SpanId;

/// One metric with all its points, at one moment. Names and units follow OpenTelemetry
/// (`function.calls.duration`, `s`); exporters translate.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricFamily {
    /// The OpenTelemetry name.
    pub name: Cow<'static, str>,
    /// One sentence of help; may be empty.
    pub description: Cow<'static, str>,
    /// The UCUM unit (`s`, `By`, `{call}`); may be empty.
    pub unit: Cow<'static, str>,
    /// The points, by kind.
    pub data: MetricData,
}

/// The points of a metric.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MetricData {
    /// A sum that only grows.
    Counter(Vec<NumberPoint>),
    /// A sum that goes up and down.
    UpDownCounter(Vec<NumberPoint>),
    /// The last value.
    Gauge(Vec<NumberPoint>),
    /// A distribution over fixed bounds.
    Histogram(Vec<HistogramPoint>),
}

/// Labels of one series: sorted by key, no key twice.
pub type Labels = Arc<[(Cow<'static, str>, Cow<'static, str>)]>;

/// One series of a counter or gauge.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberPoint {
    /// The series' labels.
    pub labels: Labels,
    /// When counting began, in nanoseconds since the Unix epoch; the same for all of a series' life.
    pub start_unix_nanos: u64,
    /// The value.
    pub value: Number,
}

/// A value: whole numbers stay exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number that is not negative.
    U64(u64),
    /// A whole number.
    I64(i64),
    /// Any number.
    F64(f64),
}

impl Number {
    /// The value as `f64`; whole numbers above 2^53 are rounded.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::U64(v) => v as f64,
            Self::I64(v) => v as f64,
            Self::F64(v) => v,
        }
    }
}

/// One series of a histogram; cumulative since `start_unix_nanos`.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramPoint {
    /// The series' labels.
    pub labels: Labels,
    /// When counting began, in nanoseconds since the Unix epoch.
    pub start_unix_nanos: u64,
    /// Upper bounds, ascending, without infinity. A value equal to a bound is in that bound's bucket.
    pub bounds: Arc<[f64]>,
    /// Count of each bucket (not accumulated); one more than `bounds`, the last is above all bounds.
    pub counts: Vec<u64>,
    /// Number of values: the sum of `counts`.
    pub count: u64,
    /// Sum of the values.
    pub sum: f64,
    /// Smallest value, if known.
    pub min: Option<f64>,
    /// Largest value, if known.
    pub max: Option<f64>,
    /// Examples with their trace, at most one for each bucket.
    pub exemplars: Vec<Exemplar>,
}

/// A value with the span that it was measured in.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// The value.
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
