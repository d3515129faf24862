//! Metrics as JSON text, written without a library.

use core::fmt;

use super::snapshot::{HistogramPoint, Labels, MetricData, MetricFamily, Number, SummaryPoint};

fn write(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = fmt::Write::write_fmt(out, text);
}

/// Appends `text` as a JSON string (RFC 8259, section 7).
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => write(out, format_args!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends a number; what JSON cannot say as a string, like the JSON form of Protocol Buffers.
pub(crate) fn float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("\"NaN\"");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        });
    } else if value != 0.0 && !(1e-6..1e17).contains(&value.abs()) {
        write(out, format_args!("{value:e}"));
    } else {
        write(out, format_args!("{value}"));
    }
}

fn member(out: &mut String, key: &str) {
    if !out.ends_with(['{', '[']) {
        out.push_str(", ");
    }
    string(out, key);
    out.push_str(": ");
}

fn begin_series(out: &mut String, labels: &Labels) {
    if !out.ends_with('[') {
        out.push_str(", ");
    }
    out.push('{');
    member(out, "labels");
    out.push('{');
    for (key, value) in labels {
        member(out, key);
        string(out, value);
    }
    out.push('}');
}

/// What histograms and summaries have in common.
fn distribution(out: &mut String, point: &HistogramPoint) {
    member(out, "count");
    write(out, format_args!("{}", point.count));
    member(out, "sum");
    float(out, point.sum);
    let derived = [
        ("min", point.min),
        ("max", point.max),
        ("mean", point.mean()),
        ("p50", point.percentile(50.0)),
        ("p95", point.percentile(95.0)),
        ("p99", point.percentile(99.0)),
    ];
    for (key, value) in derived {
        member(out, key);
        match value {
            Some(value) => float(out, value),
            None => out.push_str("null"),
        }
    }
}

fn summary(out: &mut String, point: &SummaryPoint) {
    distribution(out, &point.histogram.to_explicit());
    member(out, "quantiles");
    out.push('[');
    for (q, value) in point.values() {
        if !out.ends_with('[') {
            out.push_str(", ");
        }
        out.push('{');
        member(out, "quantile");
        float(out, q);
        member(out, "value");
        float(out, value);
        out.push('}');
    }
    out.push(']');
}

fn histogram(out: &mut String, point: &HistogramPoint) {
    distribution(out, point);
    member(out, "buckets");
    out.push('[');
    let mut below = 0;
    for (index, count) in point.counts.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        below += count;
        out.push('{');
        member(out, "le");
        float(
            out,
            point.bounds.get(index).copied().unwrap_or(f64::INFINITY),
        );
        member(out, "count");
        write(out, format_args!("{below}"));
        out.push('}');
    }
    out.push(']');
}

/// See `MetricsCollector::export`.
pub(super) fn export(families: &[MetricFamily]) -> String {
    let mut out = String::from("{");
    for family in families {
        member(&mut out, &family.name);
        out.push('{');
        let (kind, numbers) = match &family.data {
            MetricData::Counter(points) => ("counter", &points[..]),
            MetricData::UpDownCounter(points) => ("up_down_counter", &points[..]),
            MetricData::Gauge(points) => ("gauge", &points[..]),
            MetricData::Histogram(_) | MetricData::ExponentialHistogram(_) => {
                ("histogram", &[][..])
            }
            MetricData::Summary(_) => ("summary", &[][..]),
        };
        for (key, value) in [
            ("type", kind),
            ("description", &family.description),
            ("unit", &family.unit),
        ] {
            member(&mut out, key);
            string(&mut out, value);
        }
        member(&mut out, "series");
        out.push('[');
        for point in numbers {
            begin_series(&mut out, &point.labels);
            member(&mut out, "value");
            match point.value {
                Number::U64(v) => write(&mut out, format_args!("{v}")),
                Number::I64(v) => write(&mut out, format_args!("{v}")),
                Number::F64(v) => float(&mut out, v),
            }
            out.push('}');
        }
        let mut series = |labels: &Labels, write: &dyn Fn(&mut String)| {
            begin_series(&mut out, labels);
            write(&mut out);
            out.push('}');
        };
        match &family.data {
            MetricData::Histogram(points) => {
                for p in points {
                    series(&p.labels, &|out| histogram(out, p));
                }
            }
            MetricData::ExponentialHistogram(points) => {
                for p in points {
                    series(&p.labels, &|out| histogram(out, &p.to_explicit()));
                }
            }
            MetricData::Summary(points) => {
                for p in points {
                    series(&p.histogram.labels, &|out| summary(out, p));
                }
            }
            MetricData::Counter(_) | MetricData::UpDownCounter(_) | MetricData::Gauge(_) => {}
        }
        out.push_str("]}");
    }
    out.push('}');
    out
}
