//! Families to lines.

use std::borrow::Cow;
use std::collections::HashSet;

use super::distribution::{BoundTexts, classic};
use super::labels::LabelNames;
use super::{Exposition, Format, names, write};
use crate::metrics::snapshot::{Exemplar, HistogramPoint, Labels, NumberPoint, SummaryPoint};
use crate::metrics::{Library, MetricData, MetricFamily};

/// What `target_info` is about.
pub(super) const TARGET_HELP: &str = "Target metadata";

/// Returns the word after `# TYPE`.
fn type_name(data: &MetricData) -> &'static str {
    match data {
        MetricData::Counter(_) => "counter",
        MetricData::UpDownCounter(_) | MetricData::Gauge(_) => "gauge",
        MetricData::Histogram(_) | MetricData::ExponentialHistogram(_) => "histogram",
        MetricData::Summary(_) => "summary",
    }
}

/// Where a point has its labels, and what writes it.
type How<P> = (
    fn(&P) -> &Labels,
    fn(&mut Encoder, &str, &mut LabelNames, &P),
);

/// Writes one exposition.
#[derive(Default)]
pub(super) struct Encoder {
    format: Format,
    /// Samples `_created` are wanted.
    created: bool,
    pub(super) out: Exposition,
    /// Names of families and samples, so that a metric `x_count` does not meet a histogram `x`.
    samples: HashSet<String>,
    /// The labels of the histogram at hand, and its bounds.
    pub(super) labels: String,
    pub(super) bounds: BoundTexts,
}

impl Encoder {
    pub(super) fn new(format: Format, created: bool) -> Self {
        Self {
            format,
            created,
            ..Self::default()
        }
    }

    pub(super) fn finish(mut self) -> Exposition {
        if self.open_metrics() {
            self.out.text.push_str("# EOF\n");
        }
        self.out
    }

    pub(super) fn open_metrics(&self) -> bool {
        self.format == Format::OpenMetrics
    }

    /// Writes the resource, as OpenMetrics' type `info`.
    pub(super) fn target(&mut self, point: &NumberPoint) {
        let (family, sample) = ("target", "target_info");
        self.samples.extend([family.to_owned(), sample.to_owned()]);
        self.header(family, TARGET_HELP, "info", "");
        self.series(sample, vec![point], true, "", (|p| &p.labels, Self::number));
    }

    /// Names that nobody else may have beside a metric of this name and type.
    fn names(&self, name: &str, kind: &str) -> Vec<String> {
        let suffixes: &[&str] = match (kind, self.open_metrics()) {
            // OpenMetrics keeps `_created` for the type, whether or not it is written.
            ("histogram", true) => &["", "_bucket", "_count", "_sum", "_created"],
            ("histogram", false) => &["", "_bucket", "_count", "_sum"],
            ("summary", true) => &["", "_count", "_sum", "_created"],
            ("summary", false) => &["", "_count", "_sum"],
            ("counter", true) => &["", "_total", "_created"],
            _ => &[""],
        };
        suffixes
            .iter()
            .map(|suffix| format!("{name}{suffix}"))
            .collect()
    }

    /// Families of one name: normally one, several when sources share a metric.
    pub(super) fn metric(&mut self, name: &str, families: &[&MetricFamily]) {
        let Some(first) = families.first() else {
            return;
        };
        let kind = type_name(&first.data);
        let samples = self.names(name, kind);
        if let Some(taken) = samples.iter().find(|s| self.samples.contains(*s)) {
            let lost = shown(first);
            self.conflict(format!(
                "{lost} is left out: `{taken}` is a series of another metric; give one another name"
            ));
            return;
        }
        self.samples.extend(samples);

        let mut numbers: Vec<&NumberPoint> = Vec::new();
        let mut in_order = false;
        let mut histograms: Vec<Cow<'_, HistogramPoint>> = Vec::new();
        let mut summaries: Vec<&SummaryPoint> = Vec::new();
        for family in families {
            let other = type_name(&family.data);
            // The same metric from two sources is one metric; two metrics with one name are not.
            if other != kind || family.name != first.name {
                let (lost, kept) = (shown(family), shown(first));
                self.conflict(format!(
                    "{lost} ({other}) is left out: {kept} ({kind}) has the name `{name}` already; give one \
                     another name"
                ));
                continue;
            }
            match &family.data {
                MetricData::Counter(points)
                | MetricData::UpDownCounter(points)
                | MetricData::Gauge(points) => {
                    in_order = numbers.is_empty() && points.are_in_order();
                    numbers.extend(points);
                }
                MetricData::Histogram(points) => {
                    histograms.extend(points.iter().map(Cow::Borrowed));
                }
                MetricData::ExponentialHistogram(points) => {
                    histograms.extend(points.iter().map(|p| Cow::Owned(classic(p))));
                }
                MetricData::Summary(points) => summaries.extend(points),
            }
        }
        if numbers.is_empty() && histograms.is_empty() && summaries.is_empty() {
            return;
        }
        let help = families
            .iter()
            .map(|f| &f.description)
            .find(|d| !d.is_empty());
        self.header(name, help.unwrap_or(&first.name), kind, &first.unit);
        if kind == "counter" && self.open_metrics() {
            let sample = format!("{name}_total");
            self.series(&sample, numbers, in_order, "", (|p| &p.labels, Self::total));
        } else {
            self.series(name, numbers, in_order, "", (|p| &p.labels, Self::number));
        }
        let histograms = histograms.iter().map(|p| &**p).collect();
        let write: How<HistogramPoint> = (|p| &p.labels, Self::histogram);
        self.series(name, histograms, false, "le", write);
        let write: How<SummaryPoint> = (|p| &p.histogram.labels, Self::summary);
        self.series(name, summaries, false, "quantile", write);
    }

    pub(super) fn conflict(&mut self, text: String) {
        self.out.conflicts.push(text);
    }

    fn header(&mut self, name: &str, help: &str, kind: &str, unit: &str) {
        let open_metrics = self.open_metrics();
        let out = &mut self.out.text;
        for part in ["# HELP ", name, " "] {
            out.push_str(part);
        }
        // OpenMetrics escapes quotes here as well.
        write::escaped(out, help, open_metrics);
        for part in ["\n# TYPE ", name, " ", kind, "\n"] {
            out.push_str(part);
        }
        let unit = names::unit(unit);
        // A unit must be the name's last word.
        let suffix = name.strip_suffix(&unit).is_some_and(|n| n.ends_with('_'));
        if open_metrics && suffix && !unit.is_empty() {
            for part in ["# UNIT ", name, " ", &unit, "\n"] {
                out.push_str(part);
            }
        }
    }

    /// Writes each point once, in the order of the labels. `in_order`: they are, and no labels are there twice.
    fn series<P>(
        &mut self,
        name: &str,
        mut points: Vec<&P>,
        in_order: bool,
        reserved: &'static str,
        (labels, write): How<P>,
    ) {
        if !in_order {
            points.sort_by(|a, b| labels(a).cmp(labels(b)));
        }
        let mut names = LabelNames::new(reserved);
        let mut written = HashSet::new();
        let start = (self.out.text.len(), self.out.conflicts.len());
        let mut last = None;
        let mut at = 0;
        while let Some(point) = points.get(at) {
            let ambiguous = names.ambiguous;
            let again = (!in_order && last == Some(labels(point)))
                || (ambiguous && !written.insert(label_text(&mut names, labels(point))));
            if again {
                let twice = label_text(&mut names, labels(point));
                self.conflict(format!(
                    "series `{name}{{{twice}}}` is left out: there is another with these labels"
                ));
            } else {
                write(self, name, &mut names, point);
            }
            last = Some(labels(point));
            at += 1;
            if names.ambiguous && !ambiguous {
                // Series already written may look like later ones: compare all from the first on.
                self.out.text.truncate(start.0);
                self.out.conflicts.truncate(start.1);
                (last, at) = (None, 0);
            }
        }
    }

    /// Writes a counter, with its example.
    fn total(&mut self, name: &str, names: &mut LabelNames, point: &NumberPoint) {
        self.number(name, names, point);
        if let Some(example) = &point.exemplar {
            let out = &mut self.out.text;
            out.truncate(out.len() - 1);
            exemplar(out, example);
            out.push('\n');
        }
        if self.created {
            self.labels.clear();
            names.write(&mut self.labels, &point.labels);
            let name = name.strip_suffix("_total").unwrap_or(name);
            self.created(name, point.start_unix_nanos);
        }
    }

    /// Writes when the point began whose labels are at hand.
    pub(super) fn created(&mut self, name: &str, unix_nanos: u64) {
        if !self.created || unix_nanos == 0 {
            return;
        }
        self.head(name, "_created");
        write::moment(&mut self.out.text, unix_nanos);
        self.out.text.push('\n');
    }

    /// Writes all of a line before its value, with the labels at hand.
    pub(super) fn head(&mut self, name: &str, suffix: &str) {
        let out = &mut self.out.text;
        out.push_str(name);
        out.push_str(suffix);
        if !self.labels.is_empty() {
            for part in ["{", &self.labels, "}"] {
                out.push_str(part);
            }
        }
        out.push(' ');
    }

    fn number(&mut self, name: &str, names: &mut LabelNames, point: &NumberPoint) {
        let out = &mut self.out.text;
        if point.labels.is_empty() {
            out.push_str(name);
            out.push(' ');
        } else {
            names.write_head(out, name, &point.labels);
        }
        write::number(out, point.value);
        out.push('\n');
    }
}

/// Names a metric, and its library.
fn shown(family: &MetricFamily) -> String {
    let name = &family.name;
    match family.library.as_deref().map(Library::name) {
        None | Some("") => format!("metric `{name}`"),
        Some(library) => format!("metric `{name}` of library {library:?}"),
    }
}

/// Writes an example. Both ids have 63 characters with their labels' names; 128 are allowed.
pub(super) fn exemplar(out: &mut String, exemplar: &Exemplar) {
    let (trace, span) = (exemplar.trace_id, exemplar.span_id);
    write::format(
        out,
        format_args!(" # {{trace_id=\"{trace}\",span_id=\"{span}\"}} "),
    );
    write::float(out, exemplar.value);
    out.push(' ');
    write::moment(out, exemplar.unix_nanos);
}

fn label_text(names: &mut LabelNames, labels: &Labels) -> String {
    let mut text = String::new();
    names.write(&mut text, labels);
    text
}
