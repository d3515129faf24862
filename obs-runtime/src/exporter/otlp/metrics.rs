//! `Metric` (opentelemetry/proto/metrics/v1/metrics.proto): sums, gauges and histograms of both
//! kinds from a snapshot. A summary goes as an exponential histogram: OTLP has summaries for old
//! data alone.

use crate::exporter::otlp::attributes::key_value;
use crate::exporter::otlp::batch::{Batch, Envelope, ITEMS, Open};
use crate::exporter::otlp::library::Library;
use crate::semconv::INTEGER_LABELS;
use std::sync::{Arc, Mutex};

use crate::exporter::delta::{Deltas, Receipt};
use crate::exporter::otlp::protobuf::{bytes, fixed64, len_tag, message, text, uint, varint};
use crate::metrics::snapshot::{
    Exemplar, ExponentialBuckets, ExponentialHistogramPoint, HistogramPoint, Labels, MetricFamily,
    NumberPoint,
};
use crate::metrics::{MetricData, Number};
use crate::trace::ValueRef;

/// Of `Metric`.
const NAME: u32 = 1;
const DESCRIPTION: u32 = 2;
const UNIT: u32 = 3;
const GAUGE: u32 = 5;
const SUM: u32 = 7;
const HISTOGRAM: u32 = 9;
const EXPONENTIAL_HISTOGRAM: u32 = 10;

/// Of `Gauge`, `Sum`, `Histogram`.
const DATA_POINTS: u32 = 1;
const TEMPORALITY: u32 = 2;
const DELTA: u64 = 1;
const CUMULATIVE: u64 = 2;
const IS_MONOTONIC: u32 = 3;

/// Of `NumberDataPoint` and `HistogramDataPoint`.
const START: u32 = 2;
const TIME: u32 = 3;
/// Of `NumberDataPoint`.
const AS_DOUBLE: u32 = 4;
const AS_INT: u32 = 6;
const NUMBER_EXEMPLARS: u32 = 5;
const NUMBER_ATTRIBUTES: u32 = 7;
/// Of `HistogramDataPoint`.
const COUNT: u32 = 4;
const VALUE_SUM: u32 = 5;
const BUCKET_COUNTS: u32 = 6;
const EXPLICIT_BOUNDS: u32 = 7;
const EXEMPLARS: u32 = 8;
const HISTOGRAM_ATTRIBUTES: u32 = 9;
const MIN: u32 = 11;
const MAX: u32 = 12;
/// Of `ExponentialHistogramDataPoint`.
const EXPONENTIAL_ATTRIBUTES: u32 = 1;
const SCALE: u32 = 6;
const ZERO_COUNT: u32 = 7;
const POSITIVE: u32 = 8;
const NEGATIVE: u32 = 9;
const EXPONENTIAL_EXEMPLARS: u32 = 11;
const EXPONENTIAL_MIN: u32 = 12;
const EXPONENTIAL_MAX: u32 = 13;
/// Of its `Buckets`.
const OFFSET: u32 = 1;
const COUNTS: u32 = 2;
/// Of `Exemplar`.
const EXEMPLAR_TIME: u32 = 2;
const EXEMPLAR_AS_DOUBLE: u32 = 3;
const EXEMPLAR_SPAN_ID: u32 = 4;
const EXEMPLAR_TRACE_ID: u32 = 5;

/// What a metric adds behind its points, and what lengths in front of them take more than a byte.
const METRIC_ROOM: usize = 32;

/// Encodes a collection as requests of at most `batch_bytes`, unless a single point is longer. Metrics without points are
/// left out, one with very many goes on in the next request. With `deltas` the values are what they took.
pub(super) fn batches(
    envelope: &Envelope,
    families: &[MetricFamily],
    unix_nanos: u64,
    batch_bytes: usize,
    deltas: Option<&Arc<Mutex<Deltas>>>,
) -> Vec<Batch> {
    let temporality = match deltas {
        Some(_) => DELTA,
        None => CUMULATIVE,
    };
    let mut done = Vec::new();
    let mut open = envelope.begin(Vec::new());
    let mut receipt = deltas.map(Receipt::new);
    let mut finish = |open, receipt: &mut Option<Receipt>| {
        let mut batch = envelope.finish(open);
        batch.receipt = core::mem::replace(receipt, deltas.map(Receipt::new));
        done.push(batch);
    };
    for family in families {
        let library = Library::of_metric(family);
        let points = family.data.points();
        let mut from = 0;
        while from < points {
            let mut part = Part {
                from,
                end: batch_bytes.saturating_sub(METRIC_ROOM),
                must_begin: open.items == 0,
                now: unix_nanos,
                temporality,
            };
            put(&mut open, family, library.as_ref(), &mut part);
            if part.from > from
                && let Some(receipt) = &mut receipt
            {
                receipt.add(family, from..part.from);
            }
            open.items += (part.from - from) as u64;
            from = part.from;
            if from < points {
                let full = core::mem::replace(&mut open, envelope.begin(Vec::new()));
                finish(full, &mut receipt);
            }
        }
    }
    if open.items > 0 {
        finish(open, &mut receipt);
    }
    done
}

/// Appends the points of a metric that there is room for.
fn put(open: &mut Open, family: &MetricFamily, library: Option<&Library>, part: &mut Part) {
    let from = part.from;
    if let Some(library) = library {
        open.put(library, |items, others| {
            part.end = items.len() + part.end.saturating_sub(others);
            metric(items, family, part);
            part.from > from
        });
        return;
    }
    let before = open.own_len();
    part.end = part.end.saturating_sub(open.len() - open.out.len());
    metric(&mut open.out, family, part);
    if part.from == from {
        open.truncate(before);
    }
}

/// Which points of a metric go into a request.
struct Part {
    /// The next point.
    from: usize,
    /// Where the request must end.
    end: usize,
    /// Whether the next point goes in even if it is longer: no other has been written.
    must_begin: bool,
    /// When the points were collected.
    now: u64,
    /// Of counters and distributions.
    temporality: u64,
}

impl Part {
    /// Writes the points that there is room for.
    fn write<P>(&mut self, out: &mut Vec<u8>, points: &[P], point: impl Fn(&mut Vec<u8>, &P, u64)) {
        for p in &points[self.from..] {
            let before = out.len();
            point(out, p, self.now);
            if out.len() > self.end && !self.must_begin {
                out.truncate(before);
                break;
            }
            self.must_begin = false;
            self.from += 1;
        }
    }
}

fn metric(out: &mut Vec<u8>, family: &MetricFamily, part: &mut Part) {
    message(out, ITEMS, |out| {
        text(out, NAME, &family.name);
        text(out, DESCRIPTION, &family.description);
        text(out, UNIT, &family.unit);
        match &family.data {
            MetricData::Counter(points) => sum(out, points, true, part),
            MetricData::UpDownCounter(points) => sum(out, points, false, part),
            MetricData::Gauge(points) => message(out, GAUGE, |out| {
                part.write(out, points, number_point);
            }),
            MetricData::Histogram(points) => message(out, HISTOGRAM, |out| {
                part.write(out, points, histogram_point);
                uint(out, TEMPORALITY, part.temporality);
            }),
            MetricData::ExponentialHistogram(points) => {
                message(out, EXPONENTIAL_HISTOGRAM, |out| {
                    part.write(out, points, exponential_point);
                    uint(out, TEMPORALITY, part.temporality);
                });
            }
            MetricData::Summary(points) => message(out, EXPONENTIAL_HISTOGRAM, |out| {
                part.write(out, points, |out, p, now| {
                    exponential_point(out, &p.histogram, now);
                });
                uint(out, TEMPORALITY, part.temporality);
            }),
        }
    });
}

fn sum(out: &mut Vec<u8>, points: &[NumberPoint], is_monotonic: bool, part: &mut Part) {
    message(out, SUM, |out| {
        part.write(out, points, number_point);
        // What goes up and down is always a total.
        let temporality = if is_monotonic {
            part.temporality
        } else {
            CUMULATIVE
        };
        uint(out, TEMPORALITY, temporality);
        if is_monotonic {
            uint(out, IS_MONOTONIC, 1);
        }
    });
}

fn number_point(out: &mut Vec<u8>, point: &NumberPoint, now: u64) {
    message(out, DATA_POINTS, |out| {
        times(out, point.start_unix_nanos, now);
        // `as_int` is signed: a count above 2^63 goes on as a double.
        match point.value {
            Number::I64(v) => fixed64(out, AS_INT, v as u64),
            Number::U64(v) => match i64::try_from(v) {
                Ok(v) => fixed64(out, AS_INT, v as u64),
                Err(_) => fixed64(out, AS_DOUBLE, (v as f64).to_bits()),
            },
            Number::F64(v) => fixed64(out, AS_DOUBLE, v.to_bits()),
        }
        if let Some(e) = &point.exemplar {
            exemplar(out, NUMBER_EXEMPLARS, e);
        }
        labels(out, NUMBER_ATTRIBUTES, &point.labels);
    });
}

fn histogram_point(out: &mut Vec<u8>, point: &HistogramPoint, now: u64) {
    message(out, DATA_POINTS, |out| {
        times(out, point.start_unix_nanos, now);
        fixed64(out, COUNT, point.count);
        fixed64(out, VALUE_SUM, point.sum.to_bits());
        packed(out, BUCKET_COUNTS, point.counts.iter().copied());
        packed(
            out,
            EXPLICIT_BOUNDS,
            point.bounds.iter().map(|b| b.to_bits()),
        );
        for e in &point.exemplars {
            exemplar(out, EXEMPLARS, e);
        }
        labels(out, HISTOGRAM_ATTRIBUTES, &point.labels);
        optional(out, MIN, point.min);
        optional(out, MAX, point.max);
    });
}

fn exponential_point(out: &mut Vec<u8>, point: &ExponentialHistogramPoint, now: u64) {
    message(out, DATA_POINTS, |out| {
        labels(out, EXPONENTIAL_ATTRIBUTES, &point.labels);
        times(out, point.start_unix_nanos, now);
        fixed64(out, COUNT, point.count);
        fixed64(out, VALUE_SUM, point.sum.to_bits());
        uint(out, SCALE, zigzag(point.scale));
        if point.zero_count > 0 {
            fixed64(out, ZERO_COUNT, point.zero_count);
        }
        buckets(out, POSITIVE, &point.positive);
        buckets(out, NEGATIVE, &point.negative);
        for e in &point.exemplars {
            exemplar(out, EXPONENTIAL_EXEMPLARS, e);
        }
        optional(out, EXPONENTIAL_MIN, point.min);
        optional(out, EXPONENTIAL_MAX, point.max);
    });
}

fn times(out: &mut Vec<u8>, start: u64, now: u64) {
    fixed64(out, START, start);
    // The system's clock may have been set back since.
    fixed64(out, TIME, now.max(start));
}

fn optional(out: &mut Vec<u8>, field: u32, value: Option<f64>) {
    if let Some(value) = value {
        fixed64(out, field, value.to_bits());
    }
}

fn buckets(out: &mut Vec<u8>, field: u32, buckets: &ExponentialBuckets) {
    if buckets.counts.is_empty() {
        return;
    }
    message(out, field, |out| {
        uint(out, OFFSET, zigzag(buckets.offset));
        let mut counts = Vec::new();
        for count in &buckets.counts {
            varint(&mut counts, *count);
        }
        bytes(out, COUNTS, &counts);
    });
}

/// Returns the number of a `sint32`: small numbers of either sign are short.
fn zigzag(value: i32) -> u64 {
    u64::from((value << 1 ^ value >> 31) as u32)
}

/// Appends eight-byte numbers of one field in one piece.
fn packed(out: &mut Vec<u8>, field: u32, values: impl ExactSizeIterator<Item = u64>) {
    if values.len() == 0 {
        return;
    }
    out.push(len_tag(field));
    varint(out, values.len() as u64 * 8);
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn exemplar(out: &mut Vec<u8>, field: u32, exemplar: &Exemplar) {
    message(out, field, |out| {
        fixed64(out, EXEMPLAR_TIME, exemplar.unix_nanos);
        fixed64(out, EXEMPLAR_AS_DOUBLE, exemplar.value.to_bits());
        bytes(out, EXEMPLAR_SPAN_ID, &exemplar.span_id.to_bytes());
        bytes(out, EXEMPLAR_TRACE_ID, &exemplar.trace_id.to_bytes());
    });
}

fn labels(out: &mut Vec<u8>, field: u32, labels: &Labels) {
    for (key, value) in labels {
        let number = INTEGER_LABELS.contains(&key).then(|| value.parse().ok());
        let value = number.flatten().map_or(ValueRef::Str(value), ValueRef::I64);
        key_value(out, field, key, value);
    }
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
