//! Histograms and summaries to lines.

use std::sync::Arc;

use super::encoder::{Encoder, exemplar};
use super::labels::LabelNames;
use super::write;
use crate::metrics::Number;
use crate::metrics::snapshot::{Exemplar, ExponentialHistogramPoint, HistogramPoint, SummaryPoint};

/// The finest scale that is written as classic buckets: four for each doubling. Bounds of finer
/// buckets would come and go while the range of the values grows, and each is a time series.
const CLASSIC_SCALE: i32 = 2;

/// Returns an exponential histogram over the bounds that Prometheus gets to see.
pub(super) fn classic(point: &ExponentialHistogramPoint) -> HistogramPoint {
    let mut point = point.clone();
    point.coarsen(CLASSIC_SCALE);
    point.to_explicit()
}

impl Encoder {
    pub(super) fn histogram(&mut self, name: &str, names: &mut LabelNames, point: &HistogramPoint) {
        self.labels.clear();
        names.write(&mut self.labels, &point.labels);
        let open_metrics = self.open_metrics();
        self.bounds
            .prepare(&point.bounds, !self.labels.is_empty(), open_metrics);
        let out = &mut self.out.text;
        let mut below = 0;
        for (index, (count, bound)) in point.counts.iter().zip(&self.bounds.texts).enumerate() {
            below += count;
            out.push_str(name);
            out.push_str("_bucket{");
            out.push_str(&self.labels);
            out.push_str(bound);
            write::whole(out, below);
            if open_metrics && let Some(example) = in_bucket(point, index) {
                exemplar(out, example);
            }
            out.push('\n');
        }
        // OpenMetrics has neither for values below zero, because a sum must grow like a counter.
        let grows = point.bounds.first().is_none_or(|b| *b >= 0.0) && point.sum >= 0.0;
        if !open_metrics || grows {
            self.sum_and_count(name, point.sum, below);
        }
        self.created(name, point.start_unix_nanos);
    }

    /// Writes two lines of a point, whose labels are those at hand.
    fn sum_and_count(&mut self, name: &str, sum: f64, count: u64) {
        for (suffix, value) in [("_sum", Number::F64(sum)), ("_count", Number::U64(count))] {
            self.head(name, suffix);
            write::number(&mut self.out.text, value);
            self.out.text.push('\n');
        }
    }

    pub(super) fn summary(&mut self, name: &str, names: &mut LabelNames, point: &SummaryPoint) {
        self.labels.clear();
        names.write(&mut self.labels, &point.histogram.labels);
        let open_metrics = self.open_metrics();
        let out = &mut self.out.text;
        for (quantile, value) in point.values() {
            // OpenMetrics 1.0, "Summary": a quantile's value is not negative.
            if open_metrics && value < 0.0 {
                continue;
            }
            for part in [name, "{", &self.labels] {
                out.push_str(part);
            }
            let separator = if self.labels.is_empty() { "" } else { "," };
            write::format(out, format_args!("{separator}quantile=\""));
            write::bound(out, quantile, open_metrics);
            out.push_str("\"} ");
            write::float(out, value);
            out.push('\n');
        }
        let histogram = &point.histogram;
        // As for histograms: a sum must grow like a counter.
        if !open_metrics || histogram.negative.counts.is_empty() {
            self.sum_and_count(name, histogram.sum, histogram.count);
        }
        self.created(name, histogram.start_unix_nanos);
    }
}

/// Returns the example of a bucket, if there is one.
fn in_bucket(point: &HistogramPoint, bucket: usize) -> Option<&Exemplar> {
    let belongs = |e: &&Exemplar| {
        !e.value.is_nan() && point.bounds.partition_point(|b| *b < e.value) == bucket
    };
    point.exemplars.iter().find(belongs)
}

/// The bounds of a histogram as text: `,le="0.5"} `. Series of a family share their bounds.
#[derive(Default)]
pub(super) struct BoundTexts {
    bounds: Option<Arc<[f64]>>,
    after_labels: bool,
    texts: Vec<String>,
}

impl BoundTexts {
    /// Makes the texts of these bounds, unless they are the last ones; `canonical` ones are as OpenMetrics writes them.
    pub(super) fn prepare(&mut self, bounds: &Arc<[f64]>, after_labels: bool, canonical: bool) {
        let known = self
            .bounds
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, bounds));
        if known && self.after_labels == after_labels {
            return;
        }
        let text = |bound: f64| {
            let mut text = String::from(if after_labels { ",le=\"" } else { "le=\"" });
            write::bound(&mut text, bound, canonical);
            text.push_str("\"} ");
            text
        };
        let all = bounds.iter().copied().chain([f64::INFINITY]);
        self.texts = all.map(text).collect();
        self.bounds = Some(Arc::clone(bounds));
        self.after_labels = after_labels;
    }
}

#[cfg(test)]
#[path = "distribution_tests.rs"]
mod tests;
