//! From a batch to lines.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::connection::{Connection, Wire};
use super::datagrams::{Datagrams, Parts, Place};
use super::interval::{milliseconds, narrow, quantile_name, ranks, representatives};
use super::line::{Kind, Lines, Series, has_form};
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

/// From a batch to datagrams.
pub(super) struct Exporter {
    addr: String,
    lines: Lines,
    form: HistogramForm,
    quantiles: Vec<f64>,
    wire: Box<dyn Wire>,
    /// Of the point at hand.
    parts: Parts,
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
            addr: config.addr.clone(),
            lines: Lines::new(config.dialect, &config.prefix, tags),
            form: config.histograms,
            quantiles: config.quantiles.clone(),
            wire,
            parts: Parts::default(),
        }
    }
}

impl Destination for Exporter {
    fn deliver(&mut self, batch: MetricBatch<'_>, _: &Arc<Mutex<Deltas>>) -> BatchOutcome {
        self.wire.begin(batch.deadline);
        let mut writer = Writer {
            lines: &self.lines,
            form: self.form,
            quantiles: &self.quantiles,
            parts: &mut self.parts,
            out: Datagrams::new(&mut *self.wire, &self.addr),
        };
        for (at, family) in batch.families.iter().enumerate() {
            writer.family(at, family);
        }
        writer.out.finish()
    }

    fn is_acknowledged(&self) -> bool {
        false
    }
}

/// Writes points, one after the other.
struct Writer<'a> {
    lines: &'a Lines,
    form: HistogramForm,
    quantiles: &'a [f64],
    parts: &'a mut Parts,
    out: Datagrams<'a>,
}

impl Writer<'_> {
    fn family(&mut self, at: usize, family: &MetricFamily) {
        let name = &*family.name;
        match &family.data {
            MetricData::Counter(points) => {
                for (point_at, point) in points.iter().enumerate() {
                    self.number(name, (at, point_at), point, Self::counter);
                }
            }
            MetricData::UpDownCounter(points) | MetricData::Gauge(points) => {
                for (point_at, point) in points.iter().enumerate() {
                    self.number(name, (at, point_at), point, Self::gauge);
                }
            }
            MetricData::Histogram(points) => {
                for (point_at, point) in points.iter().enumerate() {
                    self.distribution(family, (at, point_at), point.clone(), self.quantiles);
                }
            }
            MetricData::ExponentialHistogram(points) => {
                for (point_at, point) in points.iter().enumerate() {
                    let point = point.to_explicit();
                    self.distribution(family, (at, point_at), point, self.quantiles);
                }
            }
            MetricData::Summary(points) => {
                for (point_at, summary) in points.iter().enumerate() {
                    let point = summary.histogram.to_explicit();
                    self.distribution(family, (at, point_at), point, &summary.quantiles);
                }
            }
        }
    }

    fn number(
        &mut self,
        name: &str,
        place: Place,
        point: &NumberPoint,
        write: fn(&mut Self, Series<'_>, Number),
    ) {
        if !has_form(point.value) {
            return self.out.lose(name, DropReason::Unsupported, NO_FORM);
        }
        let labels = &point.labels;
        self.parts.clear();
        write(
            self,
            Series {
                name,
                part: "",
                labels,
            },
            point.value,
        );
        self.out.put(name, place, self.parts);
    }

    fn counter(&mut self, series: Series<'_>, value: Number) {
        self.line(series, value, Kind::Counter, 1);
        self.parts.end();
    }

    /// A value below zero follows a zero: StatsD takes a sign for a change.
    fn gauge(&mut self, series: Series<'_>, value: Number) {
        if value.as_f64() < 0.0 {
            self.line(series, Number::U64(0), Kind::Gauge, 1);
        }
        self.line(series, value, Kind::Gauge, 1);
        self.parts.end();
    }

    fn line(&mut self, series: Series<'_>, value: Number, kind: Kind, n: u64) {
        self.lines
            .write(&mut self.parts.text, series, value, kind, n);
    }

    fn distribution(
        &mut self,
        family: &MetricFamily,
        place: Place,
        mut point: HistogramPoint,
        quantiles: &[f64],
    ) {
        let name = &*family.name;
        narrow(&mut point);
        self.parts.clear();
        match self.form {
            HistogramForm::Quantiles => self.quantiles(name, &point, quantiles),
            HistogramForm::Distribution => {
                self.values(name, &point, Kind::Distribution, representatives(&point));
            }
            HistogramForm::Histogram => {
                self.values(name, &point, Kind::Histogram, representatives(&point));
            }
            HistogramForm::Timer => {
                let unit = milliseconds(&family.unit);
                let timings = ranks(&point).map(|(value, n)| (value * unit, n));
                if timings.clone().any(|(value, _)| value < 0.0) {
                    return self.out.lose(name, DropReason::Unsupported, NO_TIMING);
                }
                self.values(name, &point, Kind::Timer, timings);
            }
        }
        self.out.put(name, place, self.parts);
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
        kind: Kind,
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
