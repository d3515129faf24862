//! The instruments of OpenTelemetry's API whose values are asked for when somebody collects.

use core::fmt;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::opentelemetry::metrics::{AsyncInstrument, AsyncInstrumentBuilder};
use ::opentelemetry::{Context, KeyValue};

use super::labels;
use crate::Error;
use crate::clock::unix_nanos;
use crate::error::ErrorKind;
use crate::guarded::guarded;
use crate::lock::lock;
use crate::metrics::limits::{MAX_SERIES, OVERFLOW};
use crate::metrics::snapshot::{Labels, NumberPoint};
use crate::metrics::source::point;
use crate::metrics::{MetricData, MetricFamily, MetricSource, Number, add_losses, validate};
use crate::scope::{Extension, Scope};
use crate::semconv::{attribute, metric};
use crate::trace::suppress::suppress;

/// Most instruments: a library that makes one for each request must not fill the memory.
const MOST_INSTRUMENTS: usize = MAX_SERIES;

/// A number that callbacks observe.
pub(super) trait Measurement: Into<Number> + Copy + Send + Sync + 'static {}
impl<T: Into<Number> + Copy + Send + Sync + 'static> Measurement for T {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    UpDownCounter,
    Gauge,
}

type Points = BTreeMap<Labels, Number>;

type Observe = dyn Fn(&Observer<'_>) + Send + Sync;

/// An instrument with its callbacks.
pub(super) struct Observed {
    kind: Kind,
    name: Cow<'static, str>,
    description: Cow<'static, str>,
    unit: Cow<'static, str>,
    start_unix_nanos: u64,
    observe: Box<Observe>,
    /// Values that were none for this instrument.
    refused: AtomicU64,
}

/// Where a callback puts what it observes.
struct Observer<'a> {
    kind: Kind,
    points: &'a Mutex<Points>,
    refused: &'a AtomicU64,
}

impl<T: Measurement> AsyncInstrument<T> for Observer<'_> {
    fn observe(&self, value: T, attributes: &[KeyValue]) {
        let value = value.into();
        let refused = match (self.kind, value) {
            (Kind::Counter, Number::F64(v)) => !v.is_finite() || v < 0.0,
            (Kind::UpDownCounter, Number::F64(v)) => !v.is_finite(),
            _ => false,
        };
        if refused {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let labels = labels::with_labels(attributes, |labels| {
            let owned = labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value));
            owned.collect::<Labels>()
        });
        let mut points = lock(self.points);
        if points.len() < MAX_SERIES || points.contains_key(&labels) {
            points.insert(labels, value);
            return;
        }
        let overflow = points.entry(OVERFLOW.into());
        let sum = overflow.or_insert(Number::U64(0));
        *sum = match (self.kind, *sum, value) {
            (Kind::Gauge, ..) => value,
            (_, Number::U64(a), Number::U64(b)) => Number::U64(a.wrapping_add(b)),
            (_, a, b) => Number::F64(a.as_f64() + b.as_f64()),
        };
    }
}

impl Observed {
    pub(super) fn new<I, T: Measurement>(
        kind: Kind,
        builder: AsyncInstrumentBuilder<'_, I, T>,
    ) -> Result<Self, Error> {
        let unit = builder.unit.unwrap_or_default();
        validate::name(&builder.name)?;
        validate::unit(&builder.name, &unit)?;
        let callbacks = builder.callbacks;
        let observe = move |observer: &Observer<'_>| {
            for callback in &callbacks {
                // A panic of the user's code loses what that callback would have said.
                let _ = guarded(|| callback(observer));
            }
        };
        Ok(Self {
            kind,
            name: builder.name,
            description: builder.description.unwrap_or_default(),
            unit,
            start_unix_nanos: unix_nanos(),
            observe: Box::new(observe),
            refused: AtomicU64::new(0),
        })
    }

    fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// All of one `Observability`.
#[derive(Default)]
pub(crate) struct Observables(Mutex<Vec<Arc<Observed>>>);

impl fmt::Debug for Observables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observables").finish_non_exhaustive()
    }
}

impl Extension for Observables {
    fn attach(self: &Arc<Self>, scope: &Scope) {
        scope.sources.add_own(Arc::<Self>::clone(self));
    }
}

impl MetricSource for Observables {
    /// Asks every callback, outside of any lock: it may make instruments.
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        let all = lock(&self.0).clone();
        if all.is_empty() {
            return;
        }
        let taken = |name: &str| out.iter().any(|f| f.name.eq_ignore_ascii_case(name));
        let mut families: Vec<(&Observed, Mutex<Points>)> = Vec::new();
        for observed in all.iter().filter(|o| !taken(&o.name)) {
            let known = families
                .iter()
                .position(|(f, _)| f.is_named(&observed.name));
            let at = known.unwrap_or_else(|| {
                families.push((observed, Mutex::default()));
                families.len() - 1
            });
            // What a callback does is not to be recorded as if somebody had asked for it.
            let _suppressed = (suppress(), Context::enter_telemetry_suppressed_scope());
            (observed.observe)(&Observer {
                kind: observed.kind,
                points: &families[at].1,
                refused: &observed.refused,
            });
        }
        out.extend(families.into_iter().filter_map(|(of, points)| {
            let points = points.into_inner().unwrap_or_else(PoisonError::into_inner);
            family(of, points)
        }));
        add_losses(&metric::OBS_METRICS_REFUSED, refused(&all), out);
    }
}

impl Observables {
    /// Adds an instrument. Several of one name and kind are one metric.
    pub(super) fn add(&self, new: Observed) -> Result<(), Error> {
        let mut all = lock(&self.0);
        let clash = |what: String| Err(Error::new(ErrorKind::Metric, what));
        let name = &new.name;
        if all.len() >= MOST_INSTRUMENTS {
            return clash(format!(
                "metric `{name}`: {MOST_INSTRUMENTS} observable instruments exist already: make each once"
            ));
        }
        let twin = all.iter().find(|old| old.is_named(name));
        if let Some(old) = twin.filter(|old| old.kind != new.kind || old.unit != new.unit) {
            return clash(format!(
                "metric `{name}` is observed as {:?} in {:?} already, not as {:?} in {:?}: use the same \
                 definition, or another name",
                old.kind, old.unit, new.kind, new.unit
            ));
        }
        all.push(Arc::new(new));
        Ok(())
    }
}

/// Returns how many values were refused, by metric: instruments of one name are one.
fn refused(all: &[Arc<Observed>]) -> Vec<NumberPoint> {
    let mut points: Vec<NumberPoint> = Vec::new();
    for observed in all {
        let labels = Labels::from([(attribute::METRIC, &*observed.name)]);
        let value = observed.refused.load(Ordering::Relaxed);
        let known = points.iter_mut().find(|point| point.labels == labels);
        match known {
            _ if value == 0 => {}
            Some(known) => known.value = Number::U64(known.value.as_f64() as u64 + value),
            None => points.push(point(labels, observed.start_unix_nanos, Number::U64(value))),
        }
    }
    points
}

fn family(of: &Observed, points: Points) -> Option<MetricFamily> {
    let points: Vec<_> = points
        .into_iter()
        .map(|(labels, value)| point(labels, of.start_unix_nanos, value))
        .collect();
    (!points.is_empty()).then(|| MetricFamily {
        name: of.name.clone(),
        description: of.description.clone(),
        unit: of.unit.clone(),
        data: match of.kind {
            Kind::Counter => MetricData::Counter(points.into()),
            Kind::UpDownCounter => MetricData::UpDownCounter(points.into()),
            Kind::Gauge => MetricData::Gauge(points.into()),
        },
    })
}
