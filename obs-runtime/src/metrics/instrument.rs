//! What all instruments have in common: their definition, their series, and how a collection reads
//! them.

use core::sync::atomic::{AtomicBool, Ordering};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock};

use super::cells::{PAGE, Reader};
use super::exponential::ExponentialHistogramPoint;
use super::labels::Labels;
use super::labels::names::LabelNames;
use super::limits::Limits;
use super::series::{Buckets, Series, SeriesSet, Shared};
use super::snapshot::{
    HistogramPoint, MetricData, MetricFamily, Number, NumberPoint, Points, SummaryPoint,
};
use super::validate::error;
use super::{counter, exponential_cells, histogram};
use crate::Error;
use crate::clock::unix_nanos;
use crate::lock::lock;

/// The kind of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    UpDownCounter,
    Gauge,
    Histogram,
    Summary,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::UpDownCounter => "up-down counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }

    /// Returns whether it takes values one by one.
    pub(super) const fn is_distribution(self) -> bool {
        matches!(self, Self::Histogram | Self::Summary)
    }

    /// Returns how many cells a series has.
    pub(super) fn cells(self, buckets: &Buckets) -> usize {
        match (self, buckets) {
            (Self::Counter | Self::UpDownCounter, _) => counter::CELLS,
            (Self::Gauge, _) => 0,
            (Self::Histogram | Self::Summary, Buckets::Explicit(bounds)) => {
                histogram::cells(bounds.len())
            }
            (Self::Histogram | Self::Summary, Buckets::Exponential) => exponential_cells::CELLS,
        }
    }
}

/// A metric of a collector; instruments are handles to it.
#[derive(Debug)]
pub struct Core {
    pub(super) shared: Arc<Shared>,
    pub(super) kind: Kind,
    /// The first description that somebody gave.
    pub(super) description: OnceLock<Cow<'static, str>>,
    pub(super) unit: Cow<'static, str>,
    pub(super) start_unix_nanos: u64,
    pub(super) series: SeriesSet,
    refusal_reported: AtomicBool,
    /// What the last collection of a counter or gauge yielded.
    last: Mutex<Points<NumberPoint>>,
}

impl Core {
    pub(super) fn new(
        kind: Kind,
        unit: Cow<'static, str>,
        shared: Shared,
        labels: LabelNames,
        limits: Limits,
    ) -> Result<Self, Error> {
        let cells = kind.cells(&shared.buckets);
        debug_assert!(cells <= PAGE);
        let shared = Arc::new(shared);
        let series =
            SeriesSet::new(Arc::clone(&shared), labels, cells, limits).ok_or_else(|| {
                let name = &shared.name;
                error(format!(
                    "no room for metric `{name}`: all 1,047,552 cells of metrics are in use; drop \
                 collectors and handles that are no longer needed, or use fewer series"
                ))
            })?;
        Ok(Self {
            shared,
            kind,
            description: OnceLock::new(),
            unit,
            start_unix_nanos: unix_nanos(),
            series,
            refusal_reported: AtomicBool::new(false),
            last: Mutex::default(),
        })
    }

    pub(super) fn name(&self) -> &Cow<'static, str> {
        &self.shared.name
    }

    pub(super) fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Counts a value that a caller could not give to a series; the caller reports that itself.
    pub(super) fn refuse_reported(&self) {
        self.refusal_reported.store(true, Ordering::Relaxed);
        self.shared.refuse();
    }

    /// Returns whether values were refused and nobody has reported that; true once.
    pub(super) fn take_unreported_refusal(&self) -> bool {
        self.refused() > 0 && !self.refusal_reported.swap(true, Ordering::Relaxed)
    }

    #[inline]
    fn check(&self, given: usize) -> Result<(), Error> {
        if given == self.series.values_each() {
            Ok(())
        } else {
            Err(self.miscounted(given))
        }
    }

    #[cold]
    fn miscounted(&self, given: usize) -> Error {
        let names = self.series.names();
        let (name, expected) = (self.name(), names.listed().len());
        let given = match given {
            1 => "1 value was".to_owned(),
            given => format!("{given} values were"),
        };
        error(if names.is_open() {
            format!(
                "the labels of metric `{name}` differ from series to series, but {given} given \
                 without a name: use `with_labels`"
            )
        } else if expected == 0 {
            format!(
                "metric `{name}` has no labels, but {given} given: declare labels with `.labels([…])`"
            )
        } else {
            let s = if expected == 1 { "" } else { "s" };
            let names = names.listed().join(", ");
            format!(
                "metric `{name}` has {expected} label{s} ({names}), but {given} given: give one for each"
            )
        })
    }

    pub(super) fn find(&self, values: &[&str]) -> Result<Option<Arc<Series>>, Error> {
        self.check(values.len())?;
        Ok(self.series.find(values))
    }

    pub(super) fn bind(&self, values: &[&str]) -> Result<Arc<Series>, Error> {
        self.check(values.len())?;
        self.found(self.series.find_or_insert(values))
    }

    /// Returns the series of labels that are given by name, in any order.
    pub(super) fn bind_labels(&self, labels: &[(&str, &str)]) -> Result<Arc<Series>, Error> {
        if !self.series.names().is_open() {
            return self.bind(&self.order(labels)?);
        }
        let mut sorted = Cow::Borrowed(labels);
        if !labels.is_sorted_by(|(a, _), (b, _)| a < b) {
            sorted.to_mut().sort_by_key(|(name, _)| *name);
            if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(self.twice(pair[0].0));
            }
        }
        self.found(self.series.find_or_insert_open(&sorted))
    }

    fn found(&self, series: Option<Arc<Series>>) -> Result<Arc<Series>, Error> {
        series.ok_or_else(|| error(format!("no room for a series of metric `{}`", self.name())))
    }

    fn twice(&self, label: &str) -> Error {
        let metric = self.name();
        error(format!(
            "label `{label}` of metric `{metric}` is given twice"
        ))
    }

    /// Returns where each of the metric's names stands in a list of the same names.
    pub(super) fn positions(&self, labels: &[&str]) -> Box<[usize]> {
        let names = self.series.names().listed().iter();
        names
            .filter_map(|name| labels.iter().position(|label| label == name))
            .collect()
    }

    /// Returns label values in the order of the metric's names, from pairs in any order.
    fn order<'a>(&self, pairs: &[(&str, &'a str)]) -> Result<Vec<&'a str>, Error> {
        let names = self.series.names().listed();
        let metric = self.name();
        let list = || {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        };
        for (i, (key, _)) in pairs.iter().enumerate() {
            if !names.iter().any(|n| n == key) {
                return Err(error(format!(
                    "metric `{metric}` has no label {key:?}; its labels are: {}",
                    list()
                )));
            }
            if pairs[..i].iter().any(|(k, _)| k == key) {
                return Err(self.twice(key));
            }
        }
        let value = |name: &Cow<'static, str>| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| *value).ok_or_else(|| {
                error(format!(
                    "label `{name}` of metric `{metric}` is missing: give a value for each of {}",
                    list()
                ))
            })
        };
        names.iter().map(value).collect()
    }

    /// Returns the only series of a metric without labels.
    pub(super) fn only(&self) -> Option<Arc<Series>> {
        if self.series.names().is_none() {
            self.series.find(&[])
        } else {
            None
        }
    }

    /// Reads every series, the overflow series included.
    fn each<T>(&self, mut read: impl FnMut(&Series) -> T) -> Vec<T> {
        let (series, overflow) = self.series.all();
        series.iter().chain(overflow).map(|s| read(s)).collect()
    }

    /// Returns the values of a counter or gauge. What the last collection made is used again, if
    /// nobody holds it any more: series only ever join, so their number says whether they are the
    /// same.
    fn numbers(&self, read: impl Fn(&Series) -> Number) -> Points<NumberPoint> {
        let (series, overflow) = self.series.all();
        let in_order = overflow.is_none();
        let all = series.iter().chain(overflow);
        let mut last = lock(&self.last);
        let same = last.len() == series.len() + usize::from(!in_order);
        if let Some(points) = last.unshared().filter(|_| same) {
            for (point, series) in points.iter_mut().zip(all) {
                point.value = read(series);
                point.exemplar = series.exemplars.first();
            }
        } else {
            let points = all.map(|series| NumberPoint {
                labels: series.labels.clone(),
                start_unix_nanos: series.start_unix_nanos,
                value: read(series),
                exemplar: series.exemplars.first(),
            });
            let points: Vec<_> = points.collect();
            *last = if in_order {
                Points::in_order(points)
            } else {
                points.into()
            };
        }
        last.clone()
    }

    /// Reads the metric; `None` while there is no series.
    pub(super) fn collect(&self, reader: &Reader) -> Option<MetricFamily> {
        let numbers =
            |read: fn(&Series, &Reader) -> Number| self.numbers(|series| read(series, reader));
        let exponential = |series: &Series| exponential_cells::read(series, reader);
        let data = match (self.kind, &self.shared.buckets) {
            (Kind::Counter, _) => MetricData::Counter(numbers(counter::read_counter)),
            (Kind::UpDownCounter, _) => MetricData::UpDownCounter(numbers(counter::read_up_down)),
            (Kind::Gauge, _) => MetricData::Gauge(numbers(super::gauge::read)),
            (Kind::Histogram, Buckets::Explicit(bounds)) => {
                let points = self.each(|series| histogram::read(series, bounds, reader));
                MetricData::Histogram(points.into())
            }
            (Kind::Histogram, Buckets::Exponential) => {
                MetricData::ExponentialHistogram(self.each(exponential).into())
            }
            (Kind::Summary, _) => {
                let points = self.each(|series| SummaryPoint {
                    histogram: exponential(series),
                    quantiles: Arc::clone(&self.shared.quantiles),
                });
                MetricData::Summary(points.into())
            }
        };
        (data.points() > 0).then(|| MetricFamily {
            name: self.name().clone(),
            description: self.description.get().cloned().unwrap_or_default(),
            unit: self.unit.clone(),
            data,
            library: None,
        })
    }

    /// Returns the sum over all series.
    pub(super) fn sum(&self, read: fn(&Series, &Reader) -> Number) -> f64 {
        let reader = Reader::new();
        let values = self.each(|series| read(series, &reader).as_f64());
        // An empty sum of floats is -0.0.
        values.into_iter().fold(0.0, |sum, value| sum + value)
    }

    /// Returns all series of a histogram or summary in one.
    pub(super) fn merged(&self) -> HistogramPoint {
        let reader = Reader::new();
        match &self.shared.buckets {
            Buckets::Explicit(bounds) => {
                let mut all = histogram::empty(&self.shared);
                for point in self.each(|series| histogram::read(series, bounds, &reader)) {
                    histogram::merge(&mut all, &point);
                }
                all
            }
            Buckets::Exponential => {
                let mut all = ExponentialHistogramPoint::empty(Labels::new(), unix_nanos());
                for point in self.each(|series| exponential_cells::read(series, &reader)) {
                    all.merge(&point);
                }
                all.to_explicit()
            }
        }
    }
}
