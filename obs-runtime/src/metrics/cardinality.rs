//! The report on how many series there are, and how many there can be at the worst.

use core::fmt;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::instrument::Core;
use super::labels::names::LabelNames;
use super::limits::MAX_SERIES;
use super::series::Buckets;
use super::snapshot::{MetricData, MetricFamily};
use crate::metrics::exponential::EXPONENTIAL_TIME_SERIES;
use crate::semconv::MetricDef;
use crate::semconv::metric::{FUNCTION_CALLS, FUNCTION_CALLS_DURATION, FUNCTION_SECONDS};
use crate::trace::calls::CallCounts;

/// Results that a function's calls are counted by.
const RESULTS: usize = 3;

/// What [`MetricsCollector::cardinality`](super::MetricsCollector::cardinality) and
/// [`Handle::cardinality`](crate::Handle::cardinality) find; `Display` prints it as a table, the
/// largest metric first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Cardinality {
    /// The metrics, the one that can have the most time series first.
    pub metrics: Vec<MetricCardinality>,
}

/// The values of one label of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LabelCardinality {
    /// The label's name.
    pub name: Cow<'static, str>,
    /// How many values it has had.
    pub values: usize,
    /// How many it may have: as many as the types of its values have, if it had none but those of
    /// literals, `bool` and `#[derive(Label)]` enums in `counter!`, `gauge!` and `histogram!`; else
    /// [`max_label_values`](super::InstrumentBuilder::max_label_values).
    pub max_values: usize,
}

/// The series of one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MetricCardinality {
    /// The metric's name.
    pub name: Cow<'static, str>,
    /// The labels.
    pub labels: Vec<LabelCardinality>,
    /// Series that exist: different sets of label values.
    pub series: usize,
    /// Series that can exist: as the labels' values multiply, at most
    /// [`max_series`](super::InstrumentBuilder::max_series), and the overflow series.
    pub worst_case: usize,
    /// Time series in Prometheus for each of them: a histogram has one for each bucket, its sum and
    /// its count. Of an exponential one as many as values over a factor of a million need.
    pub time_series_each: usize,
    /// Lookups that fell into the overflow series.
    pub overflowed: u64,
}

impl MetricCardinality {
    /// Returns the number of time series in Prometheus at the worst.
    pub fn worst_case_time_series(&self) -> usize {
        self.worst_case * self.time_series_each
    }

    pub(super) fn of(core: &Core) -> Self {
        let (limits, series) = (core.series.limits(), core.series.len());
        let values = core.series.label_values();
        let values = values.into_iter().zip(core.series.most_label_values());
        let names = core.series.names();
        let listed = names.listed().iter().zip(values);
        let listed = listed.map(|(name, (values, max_values))| LabelCardinality {
            name: name.clone(),
            values,
            max_values,
        });
        let (labels, combinations) = match names {
            LabelNames::Listed(_) => {
                let labels: Vec<_> = listed.collect();
                let most = labels.iter().map(|label| label.max_values);
                let combinations = most.fold(1, usize::saturating_mul);
                (labels, combinations)
            }
            LabelNames::Open => (open_labels(core), usize::MAX),
        };
        let overflow = usize::from(!names.is_none());
        let shared = &core.shared;
        let time_series_each = match (core.kind.is_distribution(), &shared.buckets) {
            (false, _) => 1,
            (true, Buckets::Explicit(bounds)) => bounds.len() + 3,
            (true, Buckets::Exponential) if core.kind == super::instrument::Kind::Summary => {
                shared.quantiles.len() + 2
            }
            (true, Buckets::Exponential) => EXPONENTIAL_TIME_SERIES,
        };
        Self {
            name: core.name().clone(),
            labels,
            series,
            worst_case: combinations.min(limits.series) + overflow,
            time_series_each,
            overflowed: core.series.overflowed(),
        }
    }

    /// Describes a metric as it is, because its source alone knows its limits.
    fn of_source(family: &MetricFamily) -> Self {
        let time_series_each = match &family.data {
            MetricData::Histogram(points) => points.iter().map(|p| p.bounds.len() + 3).max(),
            MetricData::ExponentialHistogram(_) => Some(EXPONENTIAL_TIME_SERIES),
            MetricData::Summary(points) => points.iter().map(|p| p.quantiles.len() + 2).max(),
            _ => None,
        };
        let series = family.data.points();
        let time_series_each = time_series_each.unwrap_or(1);
        Self::unlimited(family.name.clone(), series, series, time_series_each)
    }

    /// Describes a metric of which no limits of labels are known.
    fn unlimited(
        name: impl Into<Cow<'static, str>>,
        series: usize,
        worst_case: usize,
        time_series_each: usize,
    ) -> Self {
        Self {
            name: name.into(),
            labels: Vec::new(),
            series,
            worst_case,
            time_series_each,
            overflowed: 0,
        }
    }

    /// Describes calls and durations of all annotated functions. One with labels may have as many
    /// combinations of their values as an instrument has series. The series are those of a
    /// collection.
    fn of_functions(functions: &CallCounts, families: &[MetricFamily]) -> [Self; 2] {
        let series = |def: &MetricDef| {
            let family = families.iter().find(|family| family.name == def.name);
            family.map_or(0, |family| family.data.points())
        };
        let mut most: BTreeMap<_, usize> = BTreeMap::new();
        for (function, module, labels) in functions.by_function(true).into_keys() {
            let combinations = match labels {
                [] => 1,
                _ => MAX_SERIES + 1,
            };
            let most = most.entry((function, module)).or_default();
            *most = combinations.max(*most);
        }
        let most = most.into_values().sum::<usize>();
        let lines = FUNCTION_SECONDS.len() + 3;
        [
            Self::unlimited(
                FUNCTION_CALLS.name,
                series(&FUNCTION_CALLS),
                most * RESULTS,
                1,
            ),
            Self::unlimited(
                FUNCTION_CALLS_DURATION.name,
                series(&FUNCTION_CALLS_DURATION),
                most,
                lines,
            ),
        ]
    }
}

/// Returns the labels that the series of a metric with open labels have.
fn open_labels(core: &Core) -> Vec<LabelCardinality> {
    let (series, _) = core.series.all();
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in series.iter().flat_map(|series| &series.labels) {
        values.entry(name).or_default().insert(value);
    }
    let labels = values.into_iter().map(|(name, values)| LabelCardinality {
        name: name.to_owned().into(),
        values: values.len(),
        max_values: core.series.limits().series,
    });
    labels.collect()
}

impl Cardinality {
    pub(super) fn new(mut metrics: Vec<MetricCardinality>) -> Self {
        metrics.sort_by(|a, b| {
            let most = b.worst_case_time_series().cmp(&a.worst_case_time_series());
            most.then_with(|| a.name.cmp(&b.name))
        });
        Self { metrics }
    }

    /// Adds the function metrics, and the metrics of `families` that are not known yet.
    pub(crate) fn with(mut self, functions: &CallCounts, families: &[MetricFamily]) -> Self {
        self.metrics
            .extend(MetricCardinality::of_functions(functions, families));
        for family in families {
            let is_known = |known: &MetricCardinality| known.name == family.name;
            if family.library.is_some() || !self.metrics.iter().any(is_known) {
                self.metrics.push(MetricCardinality::of_source(family));
            }
        }
        Self::new(self.metrics)
    }

    /// Returns the number of series that exist, of all metrics.
    pub fn series(&self) -> usize {
        self.metrics.iter().map(|m| m.series).sum()
    }

    /// Returns the number of series that can exist, of all metrics.
    pub fn worst_case(&self) -> usize {
        self.metrics.iter().map(|m| m.worst_case).sum()
    }

    /// Returns the number of time series in Prometheus at the worst, of all metrics.
    pub fn worst_case_time_series(&self) -> usize {
        let each = self.metrics.iter();
        each.map(MetricCardinality::worst_case_time_series).sum()
    }
}

impl fmt::Display for Cardinality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "   series  worst case  time series  metric")?;
        for metric in &self.metrics {
            let (series, worst) = (metric.series, metric.worst_case);
            let time_series = metric.worst_case_time_series();
            let name = &metric.name;
            write!(f, "{series:>9} {worst:>11} {time_series:>12}  {name}")?;
            for (at, label) in metric.labels.iter().enumerate() {
                let before = if at == 0 { " {" } else { ", " };
                let (name, values, most) = (&label.name, label.values, label.max_values);
                write!(f, "{before}{name}: {values} of {most}")?;
            }
            if !metric.labels.is_empty() {
                f.write_str("}")?;
            }
            if metric.overflowed > 0 {
                write!(f, ", {} lookups overflowed", metric.overflowed)?;
            }
            writeln!(f)?;
        }
        let (series, worst) = (self.series(), self.worst_case());
        let time_series = self.worst_case_time_series();
        write!(f, "{series:>9} {worst:>11} {time_series:>12}  in all")
    }
}

#[cfg(test)]
#[path = "cardinality_tests.rs"]
mod tests;
