//! From a batch to lines.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::connection::{Connection, Wire};
use super::datagrams::{Datagrams, Parts};
use super::interval::{milliseconds, narrow, quantile_name, ranks, representatives};
use super::line::{Lines, Series, has_form, kind};
use super::{HistogramForm, SOURCE, StatsdConfig};
use crate::exporter::ExportSchedule;
use crate::exporter::delta::{Deltas, Temporality};
use crate::exporter::periodic::{BatchOutcome, Destination, MetricBatch, PeriodicPusher};
use crate::metrics::snapshot::NumberPoint;
use crate::metrics::{HistogramPoint, MetricData, MetricFamily, MetricSource, Number};
use crate::self_obs::DropReason;
use crate::semconv::attribute as key;
use crate::{AttributeValue, Error};

const NO_FORM: &str = "StatsD has no form for a value that is infinite or not a number";
const NO_TIMING: &str = "a timing cannot be below zero; use another HistogramForm";

type Resource = [(Cow<'static, str>, AttributeValue)];

/// Sends metrics from a thread of its own until it is shut down or dropped.
///
/// # Errors
/// When the configuration is not possible, or there is no thread.
pub(crate) fn start(
    config: &StatsdConfig,
    resource: &Resource,
    source: Arc<dyn MetricSource>,
) -> Result<PeriodicPusher, Error> {
    let wire = Connection::new(config.server()?);
    let exporter = Exporter::new(config, resource, Box::new(wire));
    // A name may take its time; sockets do not.
    let deadline = config
        .interval
        .clamp(Duration::from_secs(1), Duration::from_secs(30));
    let schedule = ExportSchedule::new()
        .interval(config.interval)
        .deadline(deadline)
        .temporality(Temporality::Delta)
        .steady();
    let names = (SOURCE, "statsd");
    PeriodicPusher::start_named(
        names,
        Box::new(exporter),
        schedule,
        resource.to_vec(),
        source,
    )
}

/// Writes the points of a batch as lines, and hands these over to be sent.
pub(super) struct Exporter {
    lines: Lines,
    form: HistogramForm,
    quantiles: Arc<[f64]>,
    /// The lines of the point at hand.
    parts: Parts,
    out: Datagrams,
}

impl Exporter {
    pub(super) fn new(config: &StatsdConfig, resource: &Resource, wire: Box<dyn Wire>) -> Self {
        // Datadog documentation, "Unified service tagging".
        let tags = [
            ("env", key::DEPLOYMENT_ENVIRONMENT_NAME),
            ("service", key::SERVICE_NAME),
            ("version", key::SERVICE_VERSION),
        ];
        let tags = tags.iter().filter_map(|(tag, key)| {
            let found = resource.iter().find(|(k, _)| k == key)?;
            match &found.1 {
                AttributeValue::String(value) if !value.is_empty() => Some((*tag, &**value)),
                _ => None,
            }
        });
        Self {
            lines: Lines::new(config.dialect, &config.prefix, tags),
            form: config.histograms,
            quantiles: config.quantiles[..].into(),
            parts: Parts::default(),
            out: Datagrams::new(wire, &config.addr),
        }
    }
}

impl Destination for Exporter {
    fn deliver(&mut self, batch: MetricBatch<'_>, _: &Arc<Mutex<Deltas>>) -> BatchOutcome {
        self.out.begin(batch.deadline);
        for (at, family) in batch.families.iter().enumerate() {
            self.family(at, &family.with_library_labels());
        }
        self.out.finish()
    }

    fn is_acknowledged(&self) -> bool {
        false
    }
}

impl Exporter {
    fn family(&mut self, at: usize, family: &MetricFamily) {
        match &family.data {
            MetricData::Counter(points) => self.numbers(family, at, points, Self::counter),
            MetricData::UpDownCounter(points) | MetricData::Gauge(points) => {
                self.numbers(family, at, points, Self::gauge);
            }
            MetricData::Histogram(points) => {
                self.distributions(family, at, points, |p| (p.clone(), None));
            }
            MetricData::ExponentialHistogram(points) => {
                self.distributions(family, at, points, |p| (p.to_explicit(), None));
            }
            MetricData::Summary(points) => self.distributions(family, at, points, |p| {
                (p.histogram.to_explicit(), Some(&p.quantiles))
            }),
        }
    }

    fn numbers(
        &mut self,
        family: &MetricFamily,
        at: usize,
        points: &[NumberPoint],
        write: fn(&mut Self, Series<'_>, Number),
    ) {
        let name = &*family.name;
        for (point_at, point) in points.iter().enumerate() {
            if !has_form(point.value) {
                self.out.lose(name, DropReason::Unsupported, NO_FORM);
                continue;
            }
            let series = Series {
                name,
                part: "",
                labels: &point.labels,
            };
            self.parts.clear();
            write(self, series, point.value);
            self.out.put(name, (at, point_at), &self.parts);
        }
    }

    fn counter(&mut self, series: Series<'_>, value: Number) {
        self.line(series, value, kind::COUNTER, 1);
        self.parts.end();
    }

    /// Writes a gauge. A value below zero follows a zero: StatsD takes a sign for a change.
    fn gauge(&mut self, series: Series<'_>, value: Number) {
        if value.as_f64() < 0.0 {
            self.line(series, Number::U64(0), kind::GAUGE, 1);
        }
        self.line(series, value, kind::GAUGE, 1);
        self.parts.end();
    }

    fn line(&mut self, series: Series<'_>, value: Number, kind: &str, n: u64) {
        self.lines
            .write(&mut self.parts.text, series, value, kind, n);
    }

    /// Writes the points of histograms and summaries; `explicit` is what a point says in explicit buckets, and its own
    /// quantiles if it has some.
    fn distributions<P>(
        &mut self,
        family: &MetricFamily,
        at: usize,
        points: &[P],
        explicit: impl Fn(&P) -> (HistogramPoint, Option<&Arc<[f64]>>),
    ) {
        let name = &*family.name;
        for (point_at, point) in points.iter().enumerate() {
            let (mut point, quantiles) = explicit(point);
            narrow(&mut point);
            self.parts.clear();
            match self.form {
                HistogramForm::Quantiles => {
                    let quantiles = Arc::clone(quantiles.unwrap_or(&self.quantiles));
                    self.quantiles(name, &point, &quantiles);
                }
                HistogramForm::Distribution => {
                    self.values(name, &point, kind::DISTRIBUTION, representatives(&point));
                }
                HistogramForm::Histogram => {
                    self.values(name, &point, kind::HISTOGRAM, representatives(&point));
                }
                HistogramForm::Timer => {
                    let unit = milliseconds(&family.unit);
                    let timings = ranks(&point).map(|(value, n)| (value * unit, n));
                    if timings.clone().any(|(value, _)| value < 0.0) {
                        self.out.lose(name, DropReason::Unsupported, NO_TIMING);
                        continue;
                    }
                    self.values(name, &point, kind::TIMER, timings);
                }
            }
            self.out.put(name, (at, point_at), &self.parts);
        }
    }

    fn quantiles(&mut self, name: &str, point: &HistogramPoint, quantiles: &[f64]) {
        let labels = &point.labels;
        let series = |part| Series { name, part, labels };
        self.counter(series("count"), Number::U64(point.count));
        // A source of the user may have observed infinity: the sum means nothing any more.
        if point.sum.is_finite() {
            self.counter(series("sum"), Number::F64(point.sum));
        }
        if let Some(mean) = point.mean().filter(|mean| mean.is_finite()) {
            self.gauge(series("mean"), Number::F64(mean));
        }
        for q in quantiles {
            if let Some(value) = point.quantile(*q).filter(|value| value.is_finite()) {
                let part = &quantile_name(*q);
                self.gauge(Series { name, part, labels }, Number::F64(value));
            }
        }
    }

    fn values(
        &mut self,
        name: &str,
        point: &HistogramPoint,
        kind: &str,
        values: impl Iterator<Item = (f64, u64)>,
    ) {
        let (labels, part) = (&point.labels, "");
        for (value, n) in values.filter(|(value, _)| value.is_finite()) {
            self.line(Series { name, part, labels }, Number::F64(value), kind, n);
            self.parts.end();
        }
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod delivery_tests;
#[cfg(test)]
#[path = "fixtures.rs"]
mod fixtures;
#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;
#[cfg(test)]
#[path = "statsd_tests.rs"]
mod tests;
