//! The text formats that Prometheus scrapes: its own (version 0.0.4) and OpenMetrics (1.0).
//!
//! Names and labels follow the OpenTelemetry specification, "Prometheus and OpenMetrics
//! compatibility": `function.calls.duration` in seconds is
//! `function_calls_duration_seconds`, counters end with `_total`, the resource becomes the
//! metric `target_info`.

mod distribution;
mod encoder;
mod labels;
mod names;
pub(crate) mod negotiate;
mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;

use encoder::Encoder;
pub use negotiate::{Negotiated, negotiate};

use crate::AttributeValue;
use crate::metrics::exponential::EXPONENTIAL_TIME_SERIES;
use crate::metrics::snapshot::{Labels, NumberPoint};
use crate::metrics::{MetricData, MetricFamily, Number};

/// Returns what a metric, or a label without a unit, is called here. The samples of a histogram have suffixes beside it.
#[cfg(feature = "llm")]
pub(crate) fn series_name(name: &str, unit: &str) -> String {
    names::metric(name, unit, false, false)
}

/// The value of the header `Content-Type` for [`text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How metrics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus' text format 0.0.4, which everything reads. It has no exemplars.
    #[default]
    Text,
    /// OpenMetrics 1.0: with units and exemplars.
    OpenMetrics,
}

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

/// How a page of metrics is written.
///
/// ```
/// # use obs_runtime::metrics::MetricsCollector;
/// # use obs_runtime::exporter::prometheus::{self, Options};
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// collector.counter("rows").build()?.add(3);
/// let page = prometheus::encode_with(&collector.collect_all(), &[], &Options::new().prefix("etl"));
/// assert!(page.text.contains("etl_rows_total 3\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "options do nothing until something is written with them"]
pub struct Options {
    format: Format,
    prefix: String,
    created: bool,
}

impl Options {
    /// Creates options for the older format, without a prefix.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the format; see [`negotiate`].
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Sets what the name of every metric begins with, before a `_`; nothing if it is empty. `target_info` keeps its
    /// name.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets whether OpenMetrics shows when each counter, histogram and summary began, as samples `_created`
    /// (OpenMetrics 1.0, "Counter", where they are recommended). Not by default: a Prometheus server stores each of
    /// them as one more time series, unless its feature `created-timestamp-zero-ingestion` is on.
    pub fn created(mut self, created: bool) -> Self {
        self.created = created;
        self
    }
}

/// Returns the metrics as Prometheus reads them, sorted by name and labels.
///
/// ```
/// # use obs_runtime::metrics::MetricsCollector;
/// # use obs_runtime::exporter::prometheus;
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

/// Does the same as [`text`], and says what had to be left out.
pub fn encode(
    families: &[MetricFamily],
    resource: &[(Cow<'static, str>, AttributeValue)],
) -> Exposition {
    encode_with(families, resource, &Options::new())
}

/// Does the same as [`encode`], in a format of your choice; see [`negotiate`].
///
/// ```
/// # use obs_runtime::metrics::MetricsCollector;
/// # use obs_runtime::exporter::prometheus::{self, Format};
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// collector.counter("sent").unit("By").build()?.add(3);
/// let exposition = prometheus::encode_as(&collector.collect_all(), &[], Format::OpenMetrics);
/// assert_eq!(
///     exposition.text,
///     "# HELP sent_bytes sent\n# TYPE sent_bytes counter\n# UNIT sent_bytes bytes\n\
///      sent_bytes_total 3\n# EOF\n"
/// );
/// # Ok(())
/// # }
/// ```
pub fn encode_as(
    families: &[MetricFamily],
    resource: &[(Cow<'static, str>, AttributeValue)],
    format: Format,
) -> Exposition {
    encode_with(families, resource, &Options::new().format(format))
}

/// Does the same as [`encode`], with options of your choice.
pub fn encode_with(
    families: &[MetricFamily],
    resource: &[(Cow<'static, str>, AttributeValue)],
    options: &Options,
) -> Exposition {
    let open_metrics = options.format == Format::OpenMetrics;
    let mut target = target_labels(resource);
    let mut encoder = Encoder::new(options.format, options.created && open_metrics);
    if open_metrics && let Some(point) = target.take() {
        encoder.target(&point);
    }
    let target_info = target.map(target_info);
    let families: Vec<_> = families
        .iter()
        .map(MetricFamily::with_library_labels)
        .collect();
    let mut by_name: BTreeMap<String, Vec<&MetricFamily>> = BTreeMap::new();
    let mut lines = 1;
    let prefixed = families.iter().map(|family| (&*options.prefix, &**family));
    for (prefix, family) in prefixed.chain(target_info.iter().map(|family| ("", family))) {
        lines += 3 + match &family.data {
            MetricData::Counter(points)
            | MetricData::UpDownCounter(points)
            | MetricData::Gauge(points) => points.len(),
            MetricData::Histogram(points) => points.iter().map(|p| p.counts.len() + 2).sum(),
            MetricData::ExponentialHistogram(points) => points.len() * EXPONENTIAL_TIME_SERIES,
            MetricData::Summary(points) => points.iter().map(|p| p.quantiles.len() + 2).sum(),
        };
        let counter = matches!(family.data, MetricData::Counter(_));
        // In OpenMetrics `_total` belongs to the sample and not to the family.
        let full = match prefix {
            "" => Cow::Borrowed(&*family.name),
            prefix => Cow::Owned(format!("{prefix}_{}", family.name)),
        };
        let name = names::metric(&full, &family.unit, counter, counter && !open_metrics);
        if name.strip_suffix("_total").unwrap_or(&name).is_empty() {
            let lost = &family.name;
            encoder.conflict(format!(
                "metric {lost:?} is left out: nothing of its name can be part of a name in Prometheus"
            ));
            continue;
        }
        by_name.entry(name).or_default().push(family);
    }
    encoder.out.text.reserve(lines * BYTES_OF_LINE);
    for (name, families) in &by_name {
        encoder.metric(name, families);
    }
    encoder.finish()
}

/// Returns the resource as a series; `None` if it has no attribute.
fn target_labels(resource: &[(Cow<'static, str>, AttributeValue)]) -> Option<NumberPoint> {
    let values = resource.iter();
    let labels: Labels = values
        .map(|(key, value)| (key.clone(), value_text(value)))
        .collect();
    (!labels.is_empty()).then_some(NumberPoint {
        labels,
        start_unix_nanos: 0,
        value: Number::U64(1),
        exemplar: None,
    })
}

/// Makes the resource a gauge that is always 1, since the type `info` is not in the older format.
fn target_info(point: NumberPoint) -> MetricFamily {
    MetricFamily {
        name: "target_info".into(),
        description: encoder::TARGET_HELP.into(),
        unit: "".into(),
        data: MetricData::Gauge(vec![point].into()),
        library: None,
    }
}

/// Returns an attribute's value as text (OpenTelemetry common specification, "Attribute", mapping to
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
        AttributeValue::StringArray(v) => list(v, |out, v| write::json_string(out, v)),
    }
}

#[cfg(test)]
#[path = "prometheus_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "open_metrics_tests.rs"]
mod open_metrics_tests;

#[cfg(test)]
#[path = "libraries_tests.rs"]
mod libraries_tests;
