//! Metrics as tables for people.

use core::fmt::Write as _;
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

use crate::Error;
use crate::error::ErrorKind;
use crate::exporter::{MetricBatch, MetricExporter};
use crate::metrics::{HistogramPoint, Labels, MetricData, MetricFamily, Number, SummaryPoint};
use crate::rfc3339::rfc3339;
use crate::terminal::text::{clean, duration, pad, width};

/// Columns of a name or a label's value.
const TEXT: usize = 64;

pub(super) struct ConsoleMetrics<W> {
    out: W,
}

impl<W: Write + Send + 'static> ConsoleMetrics<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send + 'static> MetricExporter for ConsoleMetrics<W> {
    fn export(&mut self, batch: MetricBatch<'_>) -> Result<(), Error> {
        let text = tables(batch.families, batch.unix_nanos);
        let written = self.out.write_all(text.as_bytes());
        written.and_then(|()| self.out.flush()).map_err(|e| {
            Error::new(
                ErrorKind::Export,
                format!("standard error did not take the metrics: {e}"),
            )
        })
    }
}

fn tables(families: &[MetricFamily], unix_nanos: u64) -> String {
    let time = rfc3339(UNIX_EPOCH + Duration::from_nanos(unix_nanos));
    let mut out = format!("metrics · {time}\n");
    for family in families {
        let rows = rows(&family.with_library_labels());
        if rows.is_empty() {
            continue;
        }
        let unit = clean(&family.unit, TEXT);
        let unit = if unit.is_empty() || unit == "1" {
            String::new()
        } else {
            format!(" [{unit}]")
        };
        let _ = writeln!(out, "{}{unit}", clean(&family.name, TEXT));
        let widest = rows.iter().map(|(labels, _)| width(labels)).max();
        let widest = widest.unwrap_or(0);
        for (labels, value) in &rows {
            out.push_str("  ");
            out.push_str(labels);
            if widest > 0 {
                pad(&mut out, widest - width(labels) + 2);
            }
            out.push_str(value);
            out.push('\n');
        }
    }
    out
}

/// Returns the labels and the value of each series. What has counted nothing is left out: zeros are for those who
/// subtract totals.
fn rows(family: &MetricFamily) -> Vec<(String, String)> {
    let seconds = family.unit == "s";
    let number = |value: Number| match value {
        Number::U64(value) => value.to_string(),
        Number::I64(value) => value.to_string(),
        Number::F64(value) => amount(value, seconds),
    };
    let distribution = |count: u64, sum: f64, quantiles: [Option<f64>; 3]| {
        let mut text = format!("count={count}");
        if count > 0 {
            let _ = write!(text, " mean={}", amount(sum / count as f64, seconds));
        }
        for (name, value) in ["p50", "p99", "max"].into_iter().zip(quantiles) {
            if let Some(value) = value {
                let _ = write!(text, " {name}={}", amount(value, seconds));
            }
        }
        text
    };
    let histogram = |p: &HistogramPoint| {
        let quantiles = [p.quantile(0.5), p.quantile(0.99), p.max];
        (labels(&p.labels), distribution(p.count, p.sum, quantiles))
    };
    match &family.data {
        MetricData::Counter(points) => {
            let points = points.iter().filter(|p| p.value.as_f64() != 0.0);
            points
                .map(|p| (labels(&p.labels), number(p.value)))
                .collect()
        }
        MetricData::UpDownCounter(points) | MetricData::Gauge(points) => {
            let points = points.iter();
            points
                .map(|p| (labels(&p.labels), number(p.value)))
                .collect()
        }
        MetricData::Histogram(points) => {
            let points = points.iter().filter(|p| p.count > 0);
            points.map(histogram).collect()
        }
        MetricData::ExponentialHistogram(points) => {
            let points = points.iter().filter(|p| p.count > 0);
            points.map(|p| histogram(&p.to_explicit())).collect()
        }
        MetricData::Summary(points) => {
            let row = |p: &SummaryPoint| {
                let point = &p.histogram;
                let mut text = distribution(point.count, point.sum, [None; 3]);
                for (q, value) in p.values() {
                    // A hundred times 0.29 is 28.999999999999996.
                    let percent = (q * 1e8).round() / 1e6;
                    let _ = write!(text, " p{percent}={}", amount(value, seconds));
                }
                (labels(&point.labels), text)
            };
            let points = points.iter().filter(|p| p.histogram.count > 0);
            points.map(row).collect()
        }
    }
}

/// Shows a number that was measured; seconds as people read them.
fn amount(value: f64, seconds: bool) -> String {
    let nanos = value * 1e9;
    if seconds && (0.0..1e18).contains(&nanos) && nanos != 0.0 {
        duration(nanos.round() as u64)
    } else {
        value.to_string()
    }
}

fn labels(labels: &Labels) -> String {
    let label = |(key, value): (&str, &str)| format!("{}={}", clean(key, TEXT), clean(value, TEXT));
    labels.iter().map(label).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
