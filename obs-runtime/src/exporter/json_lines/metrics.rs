//! `MetricsData` (opentelemetry/proto/metrics/v1/metrics.proto) as JSON.

use super::write::Json;
use crate::exporter::MetricBatch;
use crate::metrics::snapshot::{
    Exemplar, ExponentialBuckets, ExponentialHistogramPoint, HistogramPoint, Labels, NumberPoint,
};
use crate::metrics::{MetricData, MetricFamily, Number};

/// `AggregationTemporality`.
const DELTA: u8 = 1;
const CUMULATIVE: u8 = 2;

pub(super) fn line(batch: MetricBatch<'_>) -> Json {
    let names = ("resourceMetrics", "scopeMetrics", "metrics");
    Json::envelope(names, batch.resource, batch.families, |json, family| {
        metric(json, family, &batch);
    })
}

fn metric(json: &mut Json, family: &MetricFamily, batch: &MetricBatch<'_>) {
    let now = batch.unix_nanos;
    let temporality = if batch.temporality.is_delta() {
        DELTA
    } else {
        CUMULATIVE
    };
    let sum = |json: &mut Json, points: &[NumberPoint], temporality: u8, is_monotonic: bool| {
        json.key("sum").object(|json| {
            json.key("dataPoints")
                .array(points, |json, p| number(json, p, now));
            json.key("aggregationTemporality").plain(temporality);
            json.key("isMonotonic").plain(is_monotonic);
        });
    };
    json.object(|json| {
        json.key("name").string(&family.name);
        json.key("description").string(&family.description);
        json.key("unit").string(&family.unit);
        match &family.data {
            MetricData::Counter(points) => sum(json, points, temporality, true),
            MetricData::UpDownCounter(points) => sum(json, points, CUMULATIVE, false),
            MetricData::Gauge(points) => json.key("gauge").object(|json| {
                json.key("dataPoints")
                    .array(points, |json, p| number(json, p, now));
            }),
            MetricData::Histogram(points) => json.key("histogram").object(|json| {
                json.key("dataPoints")
                    .array(points, |json, p| histogram(json, p, now));
                json.key("aggregationTemporality").plain(temporality);
            }),
            MetricData::ExponentialHistogram(points) => {
                exponential(json, points.iter(), now, temporality);
            }
            // OTLP has summaries for old data alone.
            MetricData::Summary(points) => {
                exponential(json, points.iter().map(|p| &p.histogram), now, temporality);
            }
        }
    });
}

fn times(json: &mut Json, start: u64, now: u64) {
    json.key("startTimeUnixNano").quoted(start);
    json.key("timeUnixNano").quoted(now.max(start));
}

fn number(json: &mut Json, point: &NumberPoint, now: u64) {
    json.object(|json| {
        labels(json, &point.labels);
        times(json, point.start_unix_nanos, now);
        // `asInt` is signed: a count above 2^63 goes on as a double.
        match point.value {
            Number::I64(v) => json.key("asInt").quoted(v),
            Number::U64(v) => match i64::try_from(v) {
                Ok(v) => json.key("asInt").quoted(v),
                Err(_) => json.key("asDouble").double(v as f64),
            },
            Number::F64(v) => json.key("asDouble").double(v),
        }
        exemplars(json, point.exemplar.as_deref());
    });
}

fn histogram(json: &mut Json, point: &HistogramPoint, now: u64) {
    json.object(|json| {
        labels(json, &point.labels);
        times(json, point.start_unix_nanos, now);
        totals(json, (point.count, point.sum), (point.min, point.max));
        json.key("bucketCounts").array(&point.counts, Json::quoted);
        json.key("explicitBounds")
            .array(point.bounds.iter().copied(), Json::double);
        exemplars(json, &point.exemplars);
    });
}

fn exponential<'a>(
    json: &mut Json,
    points: impl Iterator<Item = &'a ExponentialHistogramPoint>,
    now: u64,
    temporality: u8,
) {
    let buckets = |json: &mut Json, key: &str, buckets: &ExponentialBuckets| {
        json.key(key).object(|json| {
            json.key("offset").plain(buckets.offset);
            json.key("bucketCounts")
                .array(&buckets.counts, Json::quoted);
        });
    };
    json.key("exponentialHistogram").object(|json| {
        json.key("dataPoints").array(points, |json, point| {
            json.object(|json| {
                labels(json, &point.labels);
                times(json, point.start_unix_nanos, now);
                totals(json, (point.count, point.sum), (point.min, point.max));
                json.key("scale").plain(point.scale);
                json.key("zeroCount").quoted(point.zero_count);
                buckets(json, "positive", &point.positive);
                buckets(json, "negative", &point.negative);
                exemplars(json, &point.exemplars);
            });
        });
        json.key("aggregationTemporality").plain(temporality);
    });
}

fn totals(json: &mut Json, (count, sum): (u64, f64), (min, max): (Option<f64>, Option<f64>)) {
    json.key("count").quoted(count);
    json.key("sum").double(sum);
    if let Some(min) = min {
        json.key("min").double(min);
    }
    if let Some(max) = max {
        json.key("max").double(max);
    }
}

fn exemplars<'a>(json: &mut Json, all: impl IntoIterator<Item = &'a Exemplar>) {
    let mut all = all.into_iter().peekable();
    if all.peek().is_none() {
        return;
    }
    json.key("exemplars").array(all, |json, e| {
        json.object(|json| {
            json.key("timeUnixNano").quoted(e.unix_nanos);
            json.key("asDouble").double(e.value);
            json.key("spanId").quoted(e.span_id);
            json.key("traceId").quoted(e.trace_id);
        });
    });
}

fn labels(json: &mut Json, labels: &Labels) {
    json.key("attributes")
        .array(labels.iter(), |json, (key, value)| {
            json.pair(key, |json| json.text_value(value));
        });
}
