//! How many series there are, and how many there can be at the worst.

use core::fmt;
use std::borrow::Cow;

use super::instrument::Core;
use super::series::Buckets;

/// What [`MetricsCollector::cardinality`](super::MetricsCollector::cardinality) finds; `Display`
/// prints it as a table, the largest metric first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cardinality {
    /// The metrics, the one that can have the most time series first.
    pub metrics: Vec<MetricCardinality>,
}

/// The series of one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricCardinality {
    /// The metric's name.
    pub name: Cow<'static, str>,
    /// The labels: the name, how many values it has had, and how many it may have.
    pub labels: Vec<(Cow<'static, str>, usize, usize)>,
    /// Series that exist: different sets of label values.
    pub series: usize,
    /// Series that can exist: as the labels' values multiply, at most
    /// [`max_series`](super::InstrumentBuilder::max_series), and the overflow series.
    pub worst_case: usize,
    /// Time series in Prometheus for each of them: a histogram has one for each bucket, its sum and
    /// its count.
    pub time_series_each: usize,
    /// Lookups that fell into the overflow series.
    pub overflowed: u64,
}

impl MetricCardinality {
    /// Time series in Prometheus at the worst.
    pub fn worst_case_time_series(&self) -> usize {
        self.worst_case * self.time_series_each
    }

    pub(super) fn of(core: &Core) -> Self {
        let (limits, series) = (core.series.limits(), core.series.len());
        let values = core.series.label_values();
        let names = core.series.names();
        let labels: Vec<_> = names
            .iter()
            .zip(values)
            .map(|(name, values)| (name.clone(), values, limits.label_values))
            .collect();
        let combinations = labels.iter().fold(1_usize, |product, (_, _, most)| {
            product.saturating_mul(*most)
        });
        let overflow = usize::from(!labels.is_empty());
        let shared = &core.shared;
        let time_series_each = match (core.kind.is_distribution(), &shared.buckets) {
            (false, _) => 1,
            (true, Buckets::Explicit(bounds)) => bounds.len() + 3,
            (true, Buckets::Exponential) if core.kind == super::instrument::Kind::Summary => {
                shared.quantiles.len() + 2
            }
            (true, Buckets::Exponential) => crate::exporter::prometheus::EXPONENTIAL_TIME_SERIES,
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
}

impl Cardinality {
    pub(super) fn new(mut metrics: Vec<MetricCardinality>) -> Self {
        metrics.sort_by(|a, b| {
            let most = b.worst_case_time_series().cmp(&a.worst_case_time_series());
            most.then_with(|| a.name.cmp(&b.name))
        });
        Self { metrics }
    }

    /// Series that exist, of all metrics.
    pub fn series(&self) -> usize {
        self.metrics.iter().map(|m| m.series).sum()
    }

    /// Series that can exist, of all metrics.
    pub fn worst_case(&self) -> usize {
        self.metrics.iter().map(|m| m.worst_case).sum()
    }

    /// Time series in Prometheus at the worst, of all metrics.
    pub fn worst_case_time_series(&self) -> usize {
        let each = self.metrics.iter();
        each.map(MetricCardinality::worst_case_time_series).sum()
    }
}

impl fmt::Display for Cardinality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["series", "worst case", "time series", "metric"];
        writeln!(
            f,
            "{:>9} {:>11} {:>12}  {}",
            header[0], header[1], header[2], header[3]
        )?;
        for metric in &self.metrics {
            let (series, worst) = (metric.series, metric.worst_case);
            let time_series = metric.worst_case_time_series();
            write!(
                f,
                "{series:>9} {worst:>11} {time_series:>12}  {}",
                metric.name
            )?;
            for (at, (label, values, most)) in metric.labels.iter().enumerate() {
                let before = if at == 0 { " {" } else { ", " };
                write!(f, "{before}{label}: {values} of {most}")?;
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
