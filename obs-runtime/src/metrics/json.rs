//! Metrics as JSON, see `MetricsCollector::export`.

use core::borrow::Borrow;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::snapshot::{
    HistogramPoint, Labels, MetricData, MetricFamily, Number, NumberPoint, SummaryPoint,
};
use crate::json::{self, Each, Entries, Field, Float, Members, Object};

/// See `MetricsCollector::export`.
pub(super) fn export(families: &[MetricFamily]) -> String {
    let families = families.iter();
    json::spaced(&Entries(families.map(|f| (&*f.name, Object(Family(f))))))
}

struct Family<'a>(&'a MetricFamily);

impl Members for Family<'_> {
    fn write<M: SerializeMap>(&self, object: &mut M) -> Result<(), M::Error> {
        let Self(family) = *self;
        let about = |kind| {
            (
                Field("type", kind),
                Field("description", &*family.description),
                Field("unit", &*family.unit),
            )
        };
        match &family.data {
            MetricData::Counter(points) => (about("counter"), series(points, number)).write(object),
            MetricData::UpDownCounter(points) => {
                (about("up_down_counter"), series(points, number)).write(object)
            }
            MetricData::Gauge(points) => (about("gauge"), series(points, number)).write(object),
            MetricData::Histogram(points) => {
                let series = series(points, |p| Object((labels(&p.labels), Histogram(p))));
                (about("histogram"), series).write(object)
            }
            MetricData::ExponentialHistogram(points) => {
                let series = series(points, |p| {
                    Object((labels(&p.labels), Histogram(p.to_explicit())))
                });
                (about("histogram"), series).write(object)
            }
            MetricData::Summary(points) => {
                let series = series(points, |p| {
                    Object((labels(&p.histogram.labels), Summary(p)))
                });
                (about("summary"), series).write(object)
            }
        }
    }
}

fn series<'a, P, T: Serialize>(
    points: &'a [P],
    point: impl Fn(&'a P) -> T + Clone,
) -> Field<'static, impl Serialize> {
    Field("series", Each(points.iter().map(point)))
}

fn labels(labels: &Labels) -> Field<'static, impl Serialize> {
    Field("labels", Entries(labels))
}

fn number(point: &NumberPoint) -> impl Serialize {
    Object((labels(&point.labels), Field("value", Value(point.value))))
}

struct Value(Number);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Number::U64(v) => serializer.serialize_u64(v),
            Number::I64(v) => serializer.serialize_i64(v),
            Number::F64(v) => Float(v).serialize(serializer),
        }
    }
}

/// What histograms and summaries have in common.
fn distribution(point: &HistogramPoint) -> impl Members {
    (
        Field("count", point.count),
        Field("sum", Float(point.sum)),
        Field("min", point.min.map(Float)),
        Field("max", point.max.map(Float)),
        Field("mean", point.mean().map(Float)),
        Field("p50", point.percentile(50.0).map(Float)),
        Field("p95", point.percentile(95.0).map(Float)),
        Field("p99", point.percentile(99.0).map(Float)),
    )
}

struct Histogram<P>(P);

impl<P: Borrow<HistogramPoint>> Members for Histogram<P> {
    fn write<M: SerializeMap>(&self, object: &mut M) -> Result<(), M::Error> {
        let point = self.0.borrow();
        let bounds = point.bounds.iter().copied().chain([f64::INFINITY]);
        let below = point.counts.iter().scan(0, |below, count| {
            *below += count;
            Some(*below)
        });
        let bucket = |(le, below)| Object((Field("le", Float(le)), Field("count", below)));
        let buckets = bounds.zip(below).map(bucket);
        (distribution(point), Field("buckets", Each(buckets))).write(object)
    }
}

struct Summary<'a>(&'a SummaryPoint);

impl Members for Summary<'_> {
    fn write<M: SerializeMap>(&self, object: &mut M) -> Result<(), M::Error> {
        let quantile =
            |(q, value)| Object((Field("quantile", Float(q)), Field("value", Float(value))));
        let values = self.0.values();
        let quantiles = values.iter().copied().map(quantile);
        distribution(&self.0.histogram.to_explicit()).write(object)?;
        Field("quantiles", Each(quantiles)).write(object)
    }
}
