//! Assertions about the series of one metric.
//!
//! [`Captured::assert_metric`](super::Captured::assert_metric) begins them, from what a collection
//! at the end of the capture found.

use core::fmt::Write as _;

use crate::metrics::snapshot::Labels;
use crate::metrics::{MetricData, MetricFamily};

/// Assertions about the series of one metric. Each returns the same object for the next one.
///
/// Every method panics when its assertion does not hold, and shows the captured series.
///
/// ```
/// use obs_runtime::{counter, testing};
///
/// let captured = testing::capture(|| {
///     counter!("orders", shop = "berlin").add(2);
///     counter!("orders", shop = "paris").inc();
/// });
/// captured.assert_metric("orders").series(2).total(3);
/// captured.assert_metric("orders").labels([("shop", "berlin")]).value(2);
/// ```
#[derive(Clone, Debug)]
pub struct MetricAssert<'a> {
    family: &'a MetricFamily,
    series: Vec<Series<'a>>,
}

#[derive(Clone, Debug)]
struct Series<'a> {
    labels: &'a Labels,
    /// The value, or the sum of a histogram.
    value: f64,
    /// The number of values, if it is a histogram.
    count: Option<u64>,
}

impl<'a> MetricAssert<'a> {
    #[track_caller]
    pub(super) fn new(metrics: &'a [MetricFamily], name: &str) -> Self {
        let found = metrics.iter().filter(|family| family.name == name);
        let Some(family) = found.clone().next() else {
            let mut names: Vec<&str> = metrics.iter().map(|family| &*family.name).collect();
            names.sort_unstable();
            panic!("there is no metric `{name}`, the names are {names:?}");
        };
        Self {
            family,
            // Libraries may have metrics of one name.
            series: found.flat_map(|family| series(&family.data)).collect(),
        }
    }

    /// Narrows the assertions to the series that have these labels; they may have others too.
    ///
    /// # Panics
    /// Panics when there is none.
    #[track_caller]
    #[must_use]
    pub fn labels<'l>(mut self, labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> Self {
        let wanted: Vec<(&str, &str)> = labels.into_iter().collect();
        let all = self.shown();
        self.series.retain(|series| {
            let has = |(key, value): &(&str, &str)| series.labels.get(key) == Some(*value);
            wanted.iter().all(has)
        });
        assert!(
            !self.series.is_empty(),
            "metric `{}`: no series has the labels {wanted:?}\n\n{all}",
            self.family.name
        );
        self
    }

    #[track_caller]
    fn one(&self) -> &Series<'a> {
        match &*self.series {
            [one] => one,
            all => panic!(
                "metric `{}`: expected one series, there are {}: choose with `labels`, or ask for the `total`\n\n{}",
                self.family.name,
                all.len(),
                self.shown()
            ),
        }
    }

    #[track_caller]
    fn holds(&self, what: &str, is: f64, expected: f64) -> &Self {
        // Sums of the same numbers in another order differ in their last digits.
        let close = (is - expected).abs() <= f64::EPSILON * 16.0 * is.abs().max(expected.abs());
        assert!(
            close || is.to_bits() == expected.to_bits(),
            "metric `{}`: the {what} is {is}, expected {expected}\n\n{}",
            self.family.name,
            self.shown()
        );
        self
    }

    /// Asserts the value of the only series, or the sum of a histogram's values.
    ///
    /// # Panics
    /// Panics when it differs, or there are several series.
    #[track_caller]
    pub fn value(&self, expected: impl Into<f64>) -> &Self {
        let is = self.one().value;
        self.holds("value", is, expected.into())
    }

    /// Asserts how many values the only series of a histogram has.
    ///
    /// # Panics
    /// Panics when it differs, the metric is no histogram, or there are several series.
    #[track_caller]
    pub fn count(&self, expected: u64) -> &Self {
        let Some(is) = self.one().count else {
            panic!(
                "metric `{}` is no histogram: it has no count\n\n{}",
                self.family.name,
                self.shown()
            );
        };
        self.holds("count", is as f64, expected as f64)
    }

    /// Asserts the sum of the values of all series.
    ///
    /// # Panics
    /// Panics when it differs.
    #[track_caller]
    pub fn total(&self, expected: impl Into<f64>) -> &Self {
        let is = self.series.iter().map(|series| series.value).sum();
        self.holds("total", is, expected.into())
    }

    /// Asserts how many series there are.
    ///
    /// # Panics
    /// Panics when it differs.
    #[track_caller]
    pub fn series(&self, expected: usize) -> &Self {
        let is = self.series.len() as f64;
        self.holds("number of series", is, expected as f64)
    }

    /// Returns the series, as messages about failures end with them.
    fn shown(&self) -> String {
        let mut out = "captured:\n".to_owned();
        for series in &self.series {
            let labels: Vec<_> = series
                .labels
                .iter()
                .map(|(key, value)| format!("{key}={value:?}"))
                .collect();
            let _ = write!(
                out,
                "    {}{{{}}} {}",
                self.family.name,
                labels.join(", "),
                series.value
            );
            let _ = match series.count {
                Some(count) => writeln!(out, " in {count}"),
                None => writeln!(out),
            };
        }
        out
    }
}

fn series(data: &MetricData) -> Vec<Series<'_>> {
    match data {
        MetricData::Counter(points)
        | MetricData::UpDownCounter(points)
        | MetricData::Gauge(points) => points
            .iter()
            .map(|point| Series {
                labels: &point.labels,
                value: point.value.as_f64(),
                count: None,
            })
            .collect(),
        MetricData::Histogram(_) | MetricData::ExponentialHistogram(_) | MetricData::Summary(_) => {
            data.distributions()
                .into_iter()
                .map(|(labels, sum, count)| Series {
                    labels,
                    value: sum,
                    count: Some(count),
                })
                .collect()
        }
    }
}
