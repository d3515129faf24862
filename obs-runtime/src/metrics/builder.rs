//! The definition of an instrument, step by step.

use core::marker::PhantomData;
use std::borrow::Cow;
use std::sync::Arc;

use super::collector::MetricsCollector;
use super::instrument::{Core, Definition, Kind};
use super::validate::{self, error};
use super::{Counter, Gauge, Histogram, UpDownCounter};
use crate::Error;
use crate::semconv::metric::FUNCTION_SECONDS;

/// Most series of a metric (OpenTelemetry metrics SDK, "Cardinality limits").
pub(super) const DEFAULT_MAX_SERIES: usize = 2_000;

/// What `max_series` can be raised to.
const MOST_SERIES: usize = 1_000_000;

/// OpenTelemetry metrics SDK, "Explicit bucket histogram aggregation".
const DEFAULT_BOUNDS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1_000.0, 2_500.0, 5_000.0,
    7_500.0, 10_000.0,
];

/// An instrument that a builder can make.
pub(super) trait Instrument: Sized {
    const KIND: Kind;
    fn from_core(core: Arc<Core>) -> Self;
}

/// What somebody asked for; parts that were not said match whatever exists already.
#[derive(Debug)]
struct Wanted {
    name: Cow<'static, str>,
    description: Option<Cow<'static, str>>,
    unit: Option<Cow<'static, str>>,
    labels: Option<Vec<Cow<'static, str>>>,
    /// The labels match those of a metric that has them in another order.
    in_any_order: bool,
    bounds: Option<Vec<f64>>,
    max_series: Option<usize>,
}

/// Defines an instrument, see [`MetricsCollector`].
#[derive(Debug)]
#[must_use = "nothing is created before `build`"]
pub struct InstrumentBuilder<'a, I> {
    collector: &'a MetricsCollector,
    wanted: Wanted,
    instrument: PhantomData<fn() -> I>,
}

impl<'a, I> InstrumentBuilder<'a, I> {
    pub(super) fn new(collector: &'a MetricsCollector, name: Cow<'static, str>) -> Self {
        let wanted = Wanted {
            name,
            description: None,
            unit: None,
            labels: None,
            in_any_order: false,
            bounds: None,
            max_series: None,
        };
        Self {
            collector,
            wanted,
            instrument: PhantomData,
        }
    }

    /// One sentence on what is measured. The first description of a metric stays.
    pub fn description(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.wanted.description = Some(text.into());
        self
    }

    /// The UCUM unit: `s`, `By`, `{token}`. Prometheus shows it as a suffix of the name.
    pub fn unit(mut self, unit: impl Into<Cow<'static, str>>) -> Self {
        self.wanted.unit = Some(unit.into());
        self
    }

    /// The names of the labels; `with` takes their values in this order.
    pub fn labels<L: Into<Cow<'static, str>>>(
        mut self,
        names: impl IntoIterator<Item = L>,
    ) -> Self {
        self.wanted.labels = Some(names.into_iter().map(Into::into).collect());
        self
    }

    pub(super) fn in_any_order(mut self) -> Self {
        self.wanted.in_any_order = true;
        self
    }

    /// The most series that the metric may have, 2,000 unless said otherwise. What exceeds it is
    /// counted in one more series with the label `otel.metric.overflow`.
    pub fn max_series(mut self, series: usize) -> Self {
        self.wanted.max_series = Some(series);
        self
    }
}

impl InstrumentBuilder<'_, Histogram> {
    /// Upper bounds of the buckets, ascending; a value equal to a bound falls in its bucket.
    ///
    /// By default those of OpenTelemetry: 5 ms to 10 s if the unit is `s`, otherwise 0 to 10,000.
    pub fn buckets<B: Into<f64>>(mut self, bounds: impl IntoIterator<Item = B>) -> Self {
        self.wanted.bounds = Some(bounds.into_iter().map(Into::into).collect());
        self
    }
}

macro_rules! build {
    ($($instrument:ident),*) => {
        $(impl InstrumentBuilder<'_, $instrument> {
            /// Creates the metric, or finds it: whoever asks for the same name gets the same
            /// instrument, and parts of the definition that are not given match any.
            ///
            /// # Errors
            /// When a name, a unit or a bucket is not valid, and when the metric exists with
            /// another kind, unit, label list or bucket list.
            pub fn build(self) -> Result<$instrument, Error> {
                let core = find_or_create(self.collector, self.wanted, $instrument::KIND)?;
                Ok($instrument::from_core(core))
            }
        })*
    };
}

build!(Counter, UpDownCounter, Gauge, Histogram);

fn find_or_create(
    collector: &MetricsCollector,
    mut wanted: Wanted,
    kind: Kind,
) -> Result<Arc<Core>, Error> {
    validate::name(&wanted.name)?;
    validate::unit(&wanted.name, wanted.unit.as_deref().unwrap_or_default())?;
    if let Some(labels) = &wanted.labels {
        validate::labels(&wanted.name, labels, kind == Kind::Histogram)?;
    }
    if let Some(bounds) = wanted.bounds.take() {
        wanted.bounds = Some(validate::buckets(&wanted.name, bounds)?);
    }
    if let Some(max) = wanted.max_series
        && !(1..=MOST_SERIES).contains(&max)
    {
        let name = &wanted.name;
        return Err(error(format!(
            "`max_series({max})` of metric `{name}`: a metric may have 1 to {MOST_SERIES} series"
        )));
    }
    collector.find_or_create(
        &wanted.name.to_ascii_lowercase(),
        |core| wanted.check(core, kind),
        || Core::new(wanted.definition(kind)),
    )
}

impl Wanted {
    /// The clash with what exists, if there is one.
    fn check(&self, core: &Core, kind: Kind) -> Result<(), Error> {
        let name = core.name();
        let clash = |what: &str, has: String, asked: String| {
            Err(error(format!(
                "metric `{name}` exists with {what} {has}, but is asked for with {asked}: use the \
                 same definition, or another name"
            )))
        };
        if core.kind != kind {
            return clash(
                "kind",
                core.kind.as_str().to_owned(),
                kind.as_str().to_owned(),
            );
        }
        if let Some(unit) = &self.unit
            && *unit != core.unit
        {
            return clash("unit", format!("{:?}", core.unit), format!("{unit:?}"));
        }
        if let Some(labels) = &self.labels
            && !self.same_labels(labels, core.series.names())
        {
            return clash(
                "labels",
                format!("{:?}", core.series.names()),
                format!("{labels:?}"),
            );
        }
        if let Some(bounds) = &self.bounds
            && **bounds != *core.shared.bounds
        {
            return clash(
                "buckets",
                format!("{:?}", core.shared.bounds),
                format!("{bounds:?}"),
            );
        }
        if let Some(max) = self.max_series
            && max != core.series.limit()
        {
            return clash(
                "max_series",
                core.series.limit().to_string(),
                max.to_string(),
            );
        }
        if let Some(text) = &self.description {
            core.description.get_or_init(|| text.clone());
        }
        Ok(())
    }

    /// A metric lists no label twice.
    fn same_labels(&self, labels: &[Cow<'static, str>], existing: &[Cow<'static, str>]) -> bool {
        labels == existing
            || self.in_any_order
                && labels.len() == existing.len()
                && labels.iter().all(|label| existing.contains(label))
    }

    fn definition(&self, kind: Kind) -> Definition {
        let unit = self.unit.clone().unwrap_or_default();
        let bounds = match &self.bounds {
            Some(bounds) => bounds.clone(),
            None if kind != Kind::Histogram => Vec::new(),
            None if unit == "s" => FUNCTION_SECONDS.to_vec(),
            None => DEFAULT_BOUNDS.to_vec(),
        };
        Definition {
            name: self.name.clone(),
            kind,
            description: self.description.clone(),
            unit,
            labels: self.labels.clone().unwrap_or_default(),
            bounds,
            max_series: self.max_series.unwrap_or(DEFAULT_MAX_SERIES),
        }
    }
}
