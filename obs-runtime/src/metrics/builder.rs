//! The builder that defines an instrument step by step, and checks the definition.

use core::marker::PhantomData;
use core::sync::atomic::AtomicU64;
use std::borrow::Cow;
use std::sync::Arc;

use super::collector::MetricsCollector;
use super::instrument::{Core, Kind};
use super::labels::names::LabelNames;
use super::limits::{Limits, MAX_LABEL_VALUES, MAX_SERIES};
use super::series::{Buckets, Shared};
use super::timer::per_second;
use super::validate::{self, error};
use super::{Histogram, Summary};
use crate::Error;
#[cfg(any(
    feature = "cache",
    feature = "llm",
    feature = "pipeline",
    feature = "reqwest",
    feature = "steps",
    feature = "tower"
))]
use crate::semconv::MetricDef;
use crate::semconv::metric::FUNCTION_SECONDS;

/// What a summary shows.
const DEFAULT_QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// What `max_series` can be raised to.
const MOST_SERIES: usize = 1_000_000;

/// OpenTelemetry metrics SDK, "Explicit bucket histogram aggregation".
const DEFAULT_BOUNDS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1_000.0, 2_500.0, 5_000.0,
    7_500.0, 10_000.0,
];

/// An instrument that a builder can make.
pub trait Instrument: Sized {
    /// The instrument's kind.
    const KIND: Kind;

    /// Creates the instrument of a metric.
    fn from_core(core: Arc<Core>) -> Self;
}

/// What somebody asked for; parts that were not said match whatever exists already.
#[derive(Debug, Default)]
struct Wanted {
    name: Cow<'static, str>,
    description: Option<Cow<'static, str>>,
    unit: Option<Cow<'static, str>>,
    labels: Option<LabelNames>,
    /// The labels match those of a metric that has them in another order.
    in_any_order: bool,
    buckets: Option<Buckets>,
    quantiles: Option<Vec<f64>>,
    max_series: Option<usize>,
    max_label_values: Option<usize>,
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
        Self {
            collector,
            wanted: Wanted {
                name,
                ..Wanted::default()
            },
            instrument: PhantomData,
        }
    }

    /// Starts a metric of obs itself.
    #[cfg(any(
        feature = "cache",
        feature = "llm",
        feature = "pipeline",
        feature = "reqwest",
        feature = "steps",
        feature = "tower"
    ))]
    pub(crate) fn of(collector: &'a MetricsCollector, def: &MetricDef) -> Self {
        let builder = Self::new(collector, def.name.into());
        let mut builder = builder.description(def.description).unit(def.unit);
        // Bounds that are the default are left to it: the program may want exponential ones.
        if !def.bounds.is_empty() && def.bounds != FUNCTION_SECONDS {
            builder.wanted.buckets = Some(Buckets::Explicit(def.bounds.into()));
        }
        builder
    }

    /// Describes in one sentence what is measured. The first description of a metric stays.
    pub fn description(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.wanted.description = Some(text.into());
        self
    }

    /// Sets the UCUM unit: `s`, `By`, `{token}`. Prometheus shows it as a suffix of the name.
    pub fn unit(mut self, unit: impl Into<Cow<'static, str>>) -> Self {
        self.wanted.unit = Some(unit.into());
        self
    }

    /// Lists the names of the labels; `with` takes their values in this order.
    pub fn labels<L: Into<Cow<'static, str>>>(
        mut self,
        names: impl IntoIterator<Item = L>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.wanted.labels = Some(LabelNames::Listed(names));
        self
    }

    pub(super) fn in_any_order(mut self) -> Self {
        self.wanted.in_any_order = true;
        self
    }

    /// Lets each series have labels of its own: the instrument's `with_labels` takes any.
    #[cfg(any(
        feature = "cache",
        feature = "llm",
        feature = "opentelemetry",
        feature = "reqwest",
        feature = "steps",
        feature = "tower"
    ))]
    pub(crate) fn open_labels(mut self) -> Self {
        self.wanted.labels = Some(LabelNames::Open);
        self
    }

    /// Limits the series of the metric, which are 2,000 unless this says otherwise. What exceeds
    /// the limit is counted in one more series with the label `otel.metric.overflow`.
    pub fn max_series(mut self, series: usize) -> Self {
        self.wanted.max_series = Some(series);
        self
    }

    /// Limits the values of each label, which are 100 unless this says otherwise, or as many as the
    /// series that [`max_series`](Self::max_series) asked for. What exceeds it is counted in the
    /// series with the label `otel.metric.overflow`.
    pub fn max_label_values(mut self, values: usize) -> Self {
        self.wanted.max_label_values = Some(values);
        self
    }
}

impl InstrumentBuilder<'_, Histogram> {
    /// Sets the upper bounds of the buckets, ascending; a value equal to a bound falls in its
    /// bucket. The compiler checks those of [`buckets!`](crate::buckets), `build` checks others.
    ///
    /// By default those of OpenTelemetry: 5 ms to 10 s if the unit is `s`, otherwise 0 to 10,000.
    pub fn buckets<B: Into<f64>>(mut self, bounds: impl IntoIterator<Item = B>) -> Self {
        let bounds = bounds.into_iter().map(Into::into);
        self.wanted.buckets = Some(Buckets::Explicit(bounds.collect()));
        self
    }

    /// Lets the buckets choose themselves: 160 of them share the range of the values, so that
    /// quantiles are good to a few percent whatever the values are
    /// ([`ExponentialHistogramPoint::relative_error`](super::ExponentialHistogramPoint::relative_error)).
    ///
    /// OTLP receivers get an exponential histogram; Prometheus gets classic buckets, four for
    /// each doubling. A series takes 2.6 KB for each thread that counts in it, whatever the number
    /// of values, and there is room for 3,000 of them.
    pub fn exponential(mut self) -> Self {
        self.wanted.buckets = Some(Buckets::Exponential);
        self
    }
}

impl InstrumentBuilder<'_, Summary> {
    /// Sets which quantiles are shown, from 0 to 1, ascending. The default is 0.5, 0.9, 0.95, 0.99.
    pub fn quantiles(mut self, quantiles: impl IntoIterator<Item = f64>) -> Self {
        self.wanted.quantiles = Some(quantiles.into_iter().collect());
        self
    }
}

impl<I: Instrument> InstrumentBuilder<'_, I> {
    /// Creates the metric, or finds it: whoever asks for the same name gets the same instrument,
    /// and parts of the definition that are not given match any.
    ///
    /// # Errors
    /// When a name, a unit or a bucket is not valid, and when the metric exists with another kind,
    /// unit, label list or bucket list.
    pub fn build(self) -> Result<I, Error> {
        let Self {
            collector,
            mut wanted,
            ..
        } = self;
        wanted.validate(I::KIND)?;
        let core = collector.find_or_create(
            &wanted.name.to_ascii_lowercase(),
            |core| wanted.check(core, I::KIND),
            || wanted.create(I::KIND, &collector.default_buckets()),
        )?;
        Ok(I::from_core(core))
    }
}

/// Reports a definition or an update of a metric of obs itself that failed: the program has a metric
/// of this name that is something else. That is said once of each metric.
#[cfg(any(
    feature = "cache",
    feature = "llm",
    feature = "pipeline",
    feature = "reqwest",
    feature = "steps",
    feature = "tower"
))]
pub(crate) fn report<T>(def: &MetricDef, done: Result<T, Error>) -> Option<T> {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use crate::fork::PerProcess;

    static TOLD: PerProcess<Mutex<BTreeSet<&'static str>>> = PerProcess::new(Mutex::default);

    done.inspect_err(|error| {
        let mut told = crate::lock::lock(&TOLD);
        if told.insert(def.name) {
            crate::self_log::once(error.to_string());
        }
    })
    .ok()
}

impl Wanted {
    fn validate(&mut self, kind: Kind) -> Result<(), Error> {
        let name = &self.name;
        validate::name(name)?;
        validate::unit(name, self.unit.as_deref().unwrap_or_default())?;
        if let Some(labels) = &self.labels {
            validate::labels(name, labels.listed(), kind)?;
        }
        if let Some(Buckets::Explicit(bounds)) = &mut self.buckets {
            *bounds = validate::buckets(name, bounds)?.into();
        }
        if let Some(quantiles) = &self.quantiles {
            validate::quantiles(name, quantiles)?;
        }
        for (what, limit) in [
            ("max_series", self.max_series),
            ("max_label_values", self.max_label_values),
        ] {
            if let Some(limit) = limit
                && !(1..=MOST_SERIES).contains(&limit)
            {
                return Err(error(format!(
                    "`{what}({limit})` of metric `{name}`: a metric may have 1 to {MOST_SERIES} series"
                )));
            }
        }
        Ok(())
    }

    /// Returns an error if the definition clashes with what exists.
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
            && labels != core.series.names()
            && !(self.in_any_order && labels.is_permutation_of(core.series.names()))
        {
            let has = core.series.names().to_string();
            let asked = match labels {
                LabelNames::Listed(_) => labels.to_string(),
                LabelNames::Open => format!("labels {labels}"),
            };
            return clash("labels", has, asked);
        }
        if let Some(buckets) = &self.buckets
            && *buckets != core.shared.buckets
        {
            return clash("buckets", text(&core.shared.buckets), text(buckets));
        }
        if let Some(quantiles) = &self.quantiles
            && **quantiles != *core.shared.quantiles
        {
            let has = format!("{:?}", core.shared.quantiles);
            return clash("quantiles", has, format!("{quantiles:?}"));
        }
        let limits = core.series.limits();
        for (what, has, asked) in [
            ("max_series", limits.series, self.max_series),
            (
                "max_label_values",
                limits.label_values,
                self.max_label_values,
            ),
        ] {
            if let Some(asked) = asked
                && asked != has
            {
                return clash(what, has.to_string(), asked.to_string());
            }
        }
        if let Some(text) = &self.description {
            core.description.get_or_init(|| text.clone());
        }
        Ok(())
    }

    fn create(&self, kind: Kind, default: &Buckets) -> Result<Core, Error> {
        let unit = self.unit.clone().unwrap_or_default();
        let buckets = match &self.buckets {
            Some(buckets) => buckets.clone(),
            None if kind == Kind::Summary => Buckets::Exponential,
            None if kind != Kind::Histogram => Buckets::Explicit(Arc::new([])),
            None if *default == Buckets::Exponential => Buckets::Exponential,
            None if unit == "s" => Buckets::Explicit(FUNCTION_SECONDS.into()),
            None => Buckets::Explicit(DEFAULT_BOUNDS.into()),
        };
        let quantiles = self.quantiles.as_deref().unwrap_or(&DEFAULT_QUANTILES);
        let shared = Shared {
            name: self.name.clone(),
            buckets,
            quantiles: quantiles.into(),
            per_second: per_second(&unit),
            refused: AtomicU64::new(0),
        };
        let labels = self.labels.clone();
        let labels = labels.unwrap_or(LabelNames::Listed(Vec::new()));
        let label_values = self.max_label_values.or(self.max_series);
        let limits = Limits {
            series: self.max_series.unwrap_or(MAX_SERIES),
            label_values: label_values.unwrap_or(MAX_LABEL_VALUES),
        };
        let core = Core::new(kind, unit, shared, labels, limits)?;
        if let Some(text) = &self.description {
            let _ = core.description.set(text.clone());
        }
        Ok(core)
    }
}

fn text(buckets: &Buckets) -> String {
    match buckets {
        Buckets::Explicit(bounds) => format!("{bounds:?}"),
        Buckets::Exponential => "exponential".to_owned(),
    }
}
