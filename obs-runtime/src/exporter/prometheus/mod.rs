//! The text format that Prometheus scrapes (version 0.0.4).
//!
//! Names and labels follow the OpenTelemetry specification, "Prometheus and OpenMetrics
//! compatibility": `function.calls.duration` in seconds is
//! `function_calls_duration_seconds`, counters end with `_total`, the resource becomes the
//! metric `target_info`.

mod labels;
mod names;
mod write;

use core::cmp::Ordering;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use labels::{LabelNames, Line};

use crate::AttributeValue;
use crate::metrics::snapshot::{HistogramPoint, Labels, NumberPoint};
use crate::metrics::{MetricData, MetricFamily, Number};

/// The value of the header `Content-Type` for [`text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A guess that saves most of the copying while the text grows.
const BYTES_OF_LINE: usize = 64;

/// A metric exposition and what had to be left out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exposition {
    /// What Prometheus reads.
    pub text: String,
    /// Metrics and series that are not in the text, because they would have had the names of
    /// others: one sentence each.
    pub conflicts: Vec<String>,
}

/// The metrics as Prometheus reads them, sorted by name and labels.
///
/// ```
/// # use obs_runtime::metrics::MetricsCollector;
/// # use obs_runtime::prometheus;
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// let rows = collector.counter("rows").description("Rows loaded").labels(["task"]).build()?;
/// rows.with(["load"])?.add(3);
/// let resource = [("service.name".into(), "etl".into())];
/// let text = prometheus::text(&collector.collect_all(), &resource);
/// assert!(text.contains("rows_total{task=\"load\"} 3\n"));
/// assert!(text.contains("target_info{service_name=\"etl\"} 1\n"));
/// # Ok(())
/// # }
/// ```
pub fn text(families: &[MetricFamily], resource: &[(Cow<'static, str>, AttributeValue)]) -> String {
    encode(families, resource).text
}

/// Like [`text`], and says what had to be left out.
pub fn encode(
    families: &[MetricFamily],
    resource: &[(Cow<'static, str>, AttributeValue)],
) -> Exposition {
    let target_info = target_info(resource);
    let mut encoder = Encoder::default();
    let mut by_name: BTreeMap<String, Vec<&MetricFamily>> = BTreeMap::new();
    let mut lines = 0;
    for family in families.iter().chain(&target_info) {
        lines += 2 + match &family.data {
            MetricData::Counter(points)
            | MetricData::UpDownCounter(points)
            | MetricData::Gauge(points) => points.len(),
            MetricData::Histogram(points) => points.iter().map(|p| p.counts.len() + 2).sum(),
        };
        let counter = matches!(family.data, MetricData::Counter(_));
        let name = names::metric(&family.name, &family.unit, counter);
        by_name.entry(name).or_default().push(family);
    }
    encoder.out.text.reserve(lines * BYTES_OF_LINE);
    for (name, families) in &by_name {
        encoder.metric(name, families);
    }
    encoder.out
}

fn target_info(resource: &[(Cow<'static, str>, AttributeValue)]) -> Option<MetricFamily> {
    let mut labels: Vec<_> = resource
        .iter()
        .map(|(key, value)| (key.clone(), value_text(value)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    labels.sort();
    let point = NumberPoint {
        labels: Labels::from(labels),
        start_unix_nanos: 0,
        value: Number::U64(1),
    };
    (!point.labels.is_empty()).then(|| MetricFamily {
        name: "target_info".into(),
        description: "Target metadata".into(),
        unit: "".into(),
        data: MetricData::Gauge(vec![point]),
    })
}

/// Attribute values as text (OpenTelemetry common specification, "Attribute", mapping to
/// non-OTLP formats): arrays as JSON.
fn value_text(value: &AttributeValue) -> Cow<'static, str> {
    fn list<T>(items: &[T], mut item: impl FnMut(&mut String, &T)) -> Cow<'static, str> {
        let mut out = String::from("[");
        for (index, value) in items.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            item(&mut out, value);
        }
        out.push(']');
        out.into()
    }
    match value {
        AttributeValue::String(v) => v.clone(),
        AttributeValue::Bool(v) => v.to_string().into(),
        AttributeValue::I64(v) => v.to_string().into(),
        AttributeValue::F64(v) => v.to_string().into(),
        AttributeValue::BoolArray(v) => list(v, |out, v| out.push_str(&v.to_string())),
        AttributeValue::I64Array(v) => list(v, |out, v| out.push_str(&v.to_string())),
        AttributeValue::F64Array(v) => list(v, |out, v| write::float(out, *v)),
        AttributeValue::StringArray(v) => list(v, |out, v| crate::metrics::json::string(out, v)),
    }
}

/// The word after `# TYPE`.
fn type_name(data: &MetricData) -> &'static str {
    match data {
        MetricData::Counter(_) => "counter",
        MetricData::UpDownCounter(_) | MetricData::Gauge(_) => "gauge",
        MetricData::Histogram(_) => "histogram",
    }
}

#[derive(Default)]
struct Encoder {
    out: Exposition,
    /// Names of samples, so that a metric `x_count` does not meet a histogram `x`.
    samples: HashSet<String>,
    /// The labels of the histogram at hand, and its bounds.
    labels: String,
    bounds: BoundTexts,
    /// The last line of a metric that is no histogram.
    line: Line,
}

impl Encoder {
    /// Families of one name: normally one, several when sources share a metric.
    fn metric(&mut self, name: &str, families: &[&MetricFamily]) {
        let Some(first) = families.first() else {
            return;
        };
        let kind = type_name(&first.data);
        let samples = match kind {
            "histogram" => vec![
                name.to_owned(),
                format!("{name}_bucket"),
                format!("{name}_count"),
                format!("{name}_sum"),
            ],
            _ => vec![name.to_owned()],
        };
        if let Some(taken) = samples.iter().find(|s| self.samples.contains(*s)) {
            let lost = &first.name;
            self.conflict(format!(
                "metric `{lost}` is left out: `{taken}` is a series of another metric"
            ));
            return;
        }
        self.samples.extend(samples);

        let mut numbers: Vec<&NumberPoint> = Vec::new();
        let mut histograms: Vec<&HistogramPoint> = Vec::new();
        for family in families {
            let other = type_name(&family.data);
            // The same metric from two sources is one metric; two metrics with one name are not.
            if other != kind || family.name != first.name {
                let (lost, kept) = (&family.name, &first.name);
                self.conflict(format!(
                    "metric `{lost}` ({other}) is left out: metric `{kept}` ({kind}) has the name `{name}` already"
                ));
                continue;
            }
            match &family.data {
                MetricData::Counter(points)
                | MetricData::UpDownCounter(points)
                | MetricData::Gauge(points) => numbers.extend(points),
                MetricData::Histogram(points) => histograms.extend(points),
            }
        }
        if numbers.is_empty() && histograms.is_empty() {
            return;
        }
        let help = families
            .iter()
            .map(|f| &f.description)
            .find(|d| !d.is_empty());
        self.header(name, help.unwrap_or(&first.name), kind);
        self.series(name, numbers, "", |p| &p.labels, Self::number);
        self.series(name, histograms, "le", |p| &p.labels, Self::histogram);
    }

    fn conflict(&mut self, text: String) {
        self.out.conflicts.push(text);
    }

    fn header(&mut self, name: &str, help: &str, kind: &str) {
        let out = &mut self.out.text;
        for part in ["# HELP ", name, " "] {
            out.push_str(part);
        }
        write::help(out, help);
        for part in ["\n# TYPE ", name, " ", kind, "\n"] {
            out.push_str(part);
        }
    }

    /// Writes each point once, in the order of the labels.
    fn series<P>(
        &mut self,
        name: &str,
        mut points: Vec<&P>,
        reserved: &'static str,
        labels: fn(&P) -> &Labels,
        write: fn(&mut Self, &str, &mut LabelNames, &P, usize),
    ) {
        let compare = |a: &&P, b: &&P| labels::compare(labels(a), labels(b));
        let mut names = LabelNames::new(reserved);
        let mut written = HashSet::new();
        let start = (self.out.text.len(), self.out.conflicts.len());
        // Sources sort their series: that is only checked, in the pass that writes.
        let mut sorted = false;
        let mut at = 0;
        while let Some(point) = points.get(at) {
            let last = at.checked_sub(1).map(|last| compare(&points[last], point));
            // The first series has nothing before it to be like.
            let (order, common) = last.unwrap_or((Ordering::Less, 0));
            let in_order = order.is_lt();
            if !in_order && !sorted {
                points.sort_by(|a, b| compare(a, b).0);
                sorted = true;
                written.clear();
                self.restart(start);
                at = 0;
                continue;
            }
            let ambiguous = names.ambiguous();
            let again =
                !in_order || (ambiguous && !written.insert(label_text(&mut names, labels(point))));
            if again {
                let twice = label_text(&mut names, labels(point));
                self.conflict(format!(
                    "series `{name}{{{twice}}}` is left out: there is another with these labels"
                ));
            } else {
                write(self, name, &mut names, point, common);
            }
            at += 1;
            if names.ambiguous() && !ambiguous {
                // Series already written may look like later ones: compare all from the first on.
                self.restart(start);
                at = 0;
            }
        }
    }

    /// Takes back what was written of a metric's series.
    fn restart(&mut self, (text, conflicts): (usize, usize)) {
        self.out.text.truncate(text);
        self.out.conflicts.truncate(conflicts);
    }

    fn number(&mut self, name: &str, names: &mut LabelNames, point: &NumberPoint, common: usize) {
        let out = &mut self.out.text;
        if point.labels.is_empty() {
            out.push_str(name);
            out.push(' ');
        } else {
            names.write_head(out, name, &point.labels, common, &mut self.line);
        }
        write::number(out, point.value);
        out.push('\n');
    }

    fn histogram(&mut self, name: &str, names: &mut LabelNames, point: &HistogramPoint, _: usize) {
        self.labels.clear();
        names.write(&mut self.labels, &point.labels);
        self.bounds.prepare(&point.bounds, !self.labels.is_empty());
        let out = &mut self.out.text;
        let mut below = 0;
        for (count, bound) in point.counts.iter().zip(&self.bounds.texts) {
            below += count;
            out.push_str(name);
            out.push_str("_bucket{");
            out.push_str(&self.labels);
            out.push_str(bound);
            write::whole(out, below);
            out.push('\n');
        }
        let values = [
            ("_sum", Number::F64(point.sum)),
            ("_count", Number::U64(below)),
        ];
        for (suffix, value) in values {
            out.push_str(name);
            out.push_str(suffix);
            if !self.labels.is_empty() {
                out.push('{');
                out.push_str(&self.labels);
                out.push('}');
            }
            out.push(' ');
            write::number(out, value);
            out.push('\n');
        }
    }
}

fn label_text(names: &mut LabelNames, labels: &Labels) -> String {
    let mut text = String::new();
    names.write(&mut text, labels);
    text
}

/// The bounds of a histogram as text: `,le="0.5"} `. Series of a family share their bounds.
#[derive(Default)]
struct BoundTexts {
    bounds: Option<Arc<[f64]>>,
    after_labels: bool,
    texts: Vec<String>,
}

impl BoundTexts {
    fn prepare(&mut self, bounds: &Arc<[f64]>, after_labels: bool) {
        let known = self
            .bounds
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, bounds));
        if known && self.after_labels == after_labels {
            return;
        }
        let text = |bound: f64| {
            let mut text = String::from(if after_labels { ",le=\"" } else { "le=\"" });
            write::float(&mut text, bound);
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
#[path = "prometheus_tests.rs"]
mod tests;
