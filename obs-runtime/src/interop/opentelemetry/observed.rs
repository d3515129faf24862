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
use crate::metrics::{
    Library, MetricData, MetricFamily, Number, add_losses, loss_labels, validate,
};
use crate::semconv::metric;
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
    pub(super) name: Cow<'static, str>,
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

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Returns whether both are one metric.
    fn is_same(&self, other: &Self) -> bool {
        self.is_named(&other.name) && (self.kind, &self.unit) == (other.kind, &other.unit)
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Observed");
        shown.field("name", &self.name).finish_non_exhaustive()
    }
}

/// Asks every callback of a library, and appends what they say.
pub(super) fn collect(all: &[Arc<Observed>], library: &Arc<Library>, out: &mut Vec<MetricFamily>) {
    let mut families: Vec<(&Observed, Mutex<Points>)> = Vec::new();
    for observed in all {
        let known = families.iter().position(|(f, _)| f.is_same(observed));
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
        family(of, points).map(|family| family.of_library(Some(library)))
    }));
    add_losses(&metric::OBS_METRICS_REFUSED, refused(all, library), out);
}

/// Adds an instrument to those of a library. Several of one name, kind and unit are one metric. Returns what is wrong
/// where the name has another kind or unit already.
///
/// # Errors
/// When there are very many.
pub(super) fn add(all: &mut Vec<Arc<Observed>>, new: Observed) -> Result<Option<Error>, Error> {
    let error = |what: String| Error::new(ErrorKind::Metric, what);
    let name = &new.name;
    if all.len() >= MOST_INSTRUMENTS {
        return Err(error(format!(
            "metric `{name}`: {MOST_INSTRUMENTS} observable instruments exist already: make each once"
        )));
    }
    let other = all
        .iter()
        .find(|old| old.is_named(name) && !old.is_same(&new));
    let clash = other.map(|old| {
        error(format!(
            "metric `{name}` is observed as {:?} in {:?} already, not as {:?} in {:?}: use the same \
             definition, or another name",
            old.kind, old.unit, new.kind, new.unit
        ))
    });
    all.push(Arc::new(new));
    Ok(clash)
}

/// Returns what is wrong where a name is that of an observable instrument and of another one.
pub(super) fn both(name: &str) -> Error {
    let text = format!("metric `{name}` is both observed and counted: use another name for one");
    Error::new(ErrorKind::Metric, text)
}

/// Returns how many values each instrument has refused.
fn refused(all: &[Arc<Observed>], library: &Library) -> Vec<NumberPoint> {
    let point = |observed: &Arc<Observed>| {
        let value = observed.refused.load(Ordering::Relaxed);
        (value > 0).then(|| {
            let labels = loss_labels(&observed.name, Some(library));
            point(labels, observed.start_unix_nanos, Number::U64(value))
        })
    };
    all.iter().filter_map(point).collect()
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
        library: None,
    })
}
