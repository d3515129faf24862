//! `MetricsData` (opentelemetry/proto/metrics/v1/metrics.proto) as JSON.

use serde::ser::{Serialize, SerializeMap};

use super::write::{Value, envelope, key_value};
use crate::exporter::MetricBatch;
use crate::json::{Each, Field, Float, Members, Object, Text};
use crate::metrics::snapshot::{
    Exemplar, ExponentialBuckets, ExponentialHistogramPoint, HistogramPoint, Labels, NumberPoint,
};
use crate::metrics::{MetricData, MetricFamily, Number};

/// `AggregationTemporality`.
const DELTA: u8 = 1;
const CUMULATIVE: u8 = 2;

pub(super) fn line(batch: MetricBatch<'_>) -> impl Serialize {
    let names = ("resourceMetrics", "scopeMetrics", "metrics");
    let metric = move |family: &MetricFamily| {
        let family = family.with_library_labels().into_owned();
        Object(Metric { family, batch })
    };
    let all = Each(batch.families.iter().map(metric));
    envelope(names, batch.resource, all)
}

struct Metric<'a> {
    family: MetricFamily,
    batch: MetricBatch<'a>,
}

impl Members for Metric<'_> {
    fn write<M: SerializeMap>(&self, object: &mut M) -> Result<(), M::Error> {
        let MetricFamily {
            name,
            description,
            unit,
            data,
            library: _,
        } = &self.family;
        let about = (
            Field("name", &**name),
            Field("description", &**description),
            Field("unit", &**unit),
        );
        about.write(object)?;
        let now = self.batch.unix_nanos;
        let number = |p| number(p, now);
        let kind = if self.batch.temporality.is_delta() {
            DELTA
        } else {
            CUMULATIVE
        };
        match data {
            MetricData::Counter(points) => {
                let sum = (
                    points_of(points, number),
                    temporality(kind),
                    monotonic(true),
                );
                Field("sum", Object(sum)).write(object)
            }
            MetricData::UpDownCounter(points) => {
                let kind = temporality(CUMULATIVE);
                let sum = (points_of(points, number), kind, monotonic(false));
                Field("sum", Object(sum)).write(object)
            }
            MetricData::Gauge(points) => {
                Field("gauge", Object(points_of(points, number))).write(object)
            }
            MetricData::Histogram(points) => {
                let points = points_of(points, |p| histogram(p, now));
                Field("histogram", Object((points, temporality(kind)))).write(object)
            }
            MetricData::ExponentialHistogram(points) => {
                let points = points_of(points, |p| exponential(p, now));
                Field("exponentialHistogram", Object((points, temporality(kind)))).write(object)
            }
            // OTLP has summaries for old data alone.
            MetricData::Summary(points) => {
                let points = points_of(points, |p| exponential(&p.histogram, now));
                Field("exponentialHistogram", Object((points, temporality(kind)))).write(object)
            }
        }
    }
}

fn points_of<'a, P, T: Serialize>(
    points: &'a [P],
    point: impl Fn(&'a P) -> T + Clone,
) -> Field<'static, impl Serialize> {
    Field("dataPoints", Each(points.iter().map(point)))
}

fn temporality(kind: u8) -> Field<'static, u8> {
    Field("aggregationTemporality", kind)
}

fn monotonic(is_monotonic: bool) -> Field<'static, bool> {
    Field("isMonotonic", is_monotonic)
}

fn times(start: u64, now: u64) -> impl Members {
    (
        Field("startTimeUnixNano", Text(start)),
        Field("timeUnixNano", Text(now.max(start))),
    )
}

fn number(point: &NumberPoint, now: u64) -> impl Serialize {
    let int = match point.value {
        Number::I64(v) => Some(v),
        Number::U64(v) => i64::try_from(v).ok(),
        Number::F64(_) => None,
    };
    // `asInt` is signed: a count above 2^63 goes on as a double.
    let double = int.is_none().then(|| Float(point.value.as_f64()));
    Object((
        labels(&point.labels),
        times(point.start_unix_nanos, now),
        int.map(|v| Field("asInt", Text(v))),
        double.map(|v| Field("asDouble", v)),
        exemplars(point.exemplar.as_slice()),
    ))
}

fn histogram(point: &HistogramPoint, now: u64) -> impl Serialize {
    let bounds = point.bounds.iter().copied().map(Float);
    Object((
        labels(&point.labels),
        times(point.start_unix_nanos, now),
        totals((point.count, point.sum), (point.min, point.max)),
        bucket_counts(&point.counts),
        Field("explicitBounds", Each(bounds)),
        exemplars(&point.exemplars),
    ))
}

fn exponential(point: &ExponentialHistogramPoint, now: u64) -> impl Serialize {
    Object((
        labels(&point.labels),
        times(point.start_unix_nanos, now),
        totals((point.count, point.sum), (point.min, point.max)),
        Field("scale", point.scale),
        Field("zeroCount", Text(point.zero_count)),
        Field("positive", buckets(&point.positive)),
        Field("negative", buckets(&point.negative)),
        exemplars(&point.exemplars),
    ))
}

fn totals((count, sum): (u64, f64), (min, max): (Option<f64>, Option<f64>)) -> impl Members {
    (
        Field("count", Text(count)),
        Field("sum", Float(sum)),
        min.map(|min| Field("min", Float(min))),
        max.map(|max| Field("max", Float(max))),
    )
}

fn buckets(buckets: &ExponentialBuckets) -> impl Serialize {
    Object((
        Field("offset", buckets.offset),
        bucket_counts(&buckets.counts),
    ))
}

fn bucket_counts(counts: &[u64]) -> Field<'static, impl Serialize> {
    Field("bucketCounts", Each(counts.iter().map(Text)))
}

fn exemplars<E: core::borrow::Borrow<Exemplar>>(all: &[E]) -> impl Members {
    let exemplars = all.iter().map(|e| {
        let e = e.borrow();
        Object((
            Field("timeUnixNano", Text(e.unix_nanos)),
            Field("asDouble", Float(e.value)),
            Field("spanId", Text(e.span_id)),
            Field("traceId", Text(e.trace_id)),
        ))
    });
    (!all.is_empty()).then_some(Field("exemplars", Each(exemplars)))
}

fn labels(labels: &Labels) -> Field<'static, impl Serialize> {
    let pairs = labels.iter();
    let pairs = pairs.map(|(key, value)| key_value(key, Value::Text(value)));
    Field("attributes", Each(pairs))
}
