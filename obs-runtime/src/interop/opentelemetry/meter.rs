//! OpenTelemetry's instruments, counting in obs.

use core::cell::Cell;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use ::opentelemetry::metrics::{
    self as otel, AsyncInstrumentBuilder, HistogramBuilder, InstrumentProvider, SyncInstrument,
};
use ::opentelemetry::{InstrumentationScope, KeyValue};

use super::labels;
use super::namespace::{Meters, Namespace};
use super::observed::{self, Observed};
use crate::metrics::{
    BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter, Counter, Gauge, Histogram,
    InstrumentBuilder, Number, UpDownCounter,
};
use crate::scope::Scope;
use crate::{Error, Handle};

/// Makes instruments of OpenTelemetry's API that are among the metrics of obs: on `/metrics`, over OTLP, read back.
///
/// [`Builder::opentelemetry`](crate::Builder::opentelemetry) makes it the global one;
/// [`Observability::meter_provider`](crate::Handle::meter_provider) gives it by hand.
///
/// An instrument has 2,000 different sets of attributes, further ones are counted together under
/// `otel.metric.overflow`; the values of attributes become texts.
///
/// Each library (the name of the meter, with its version, schema and attributes) is a namespace: its metrics carry it
/// ([`MetricFamily::library`](crate::metrics::MetricFamily::library)), over OTLP as their scope, in Prometheus as the
/// labels `otel_scope_name` and so on. Instruments of one name, kind and unit are one within their library. A name that
/// a library uses for two kinds or units is two metrics, which a line on standard error says. A meter without a name
/// counts beside `counter!` and the like.
///
/// ```
/// use obs_runtime::{interop::opentelemetry::MeterProvider, testing};
/// use opentelemetry::{KeyValue, metrics::MeterProvider as _};
///
/// let captured = testing::capture(|| {
///     let meter = MeterProvider::current().meter("library");
///     let queries = meter.u64_counter("db.queries").build();
///     queries.add(2, &[KeyValue::new("table", "users")]);
/// });
/// captured.assert_metric("db.queries").labels([("table", "users")]).value(2);
/// ```
#[derive(Clone, Debug)]
pub struct MeterProvider {
    meters: Arc<Meters>,
}

impl MeterProvider {
    /// Creates a provider for the `Observability` that the calls of this thread belong to: the
    /// installed one, or that of a `testing::capture`.
    pub fn current() -> Self {
        Self::of(&crate::scope::current())
    }

    pub(crate) fn of(scope: &Scope) -> Self {
        Self {
            meters: scope.extension::<Meters>(),
        }
    }
}

impl Handle {
    /// Returns a provider of OpenTelemetry's instruments that are among the metrics of this
    /// `Observability`.
    pub fn meter_provider(&self) -> MeterProvider {
        MeterProvider::of(&self.scope)
    }
}

impl otel::MeterProvider for MeterProvider {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> otel::Meter {
        otel::Meter::new(self.meters.of(&scope) as Arc<_>)
    }
}

/// An instrument of ours behind the API of theirs.
struct Sync<I, B> {
    instrument: I,
    /// The series without attributes, once there is one.
    plain: OnceLock<B>,
}

/// What a definition that is not valid becomes.
struct Nothing;

impl<T> SyncInstrument<T> for Nothing {
    fn measure(&self, _: T, _: &[KeyValue]) {}
}

macro_rules! instruments {
    ($($instrument:ident, $bound:ident, $count:ident, $make:ident;)*) => {$(
        impl<T: Into<Number>> SyncInstrument<T> for Sync<$instrument, $bound> {
            fn measure(&self, value: T, attributes: &[KeyValue]) {
                if attributes.is_empty() && let Some(plain) = self.plain.get() {
                    plain.$count(value);
                    return;
                }
                labels::with_labels(attributes, |labels| {
                    // Fails only where the cells of all metrics are used up.
                    let Ok(bound) = self.instrument.with_labels(labels) else {
                        return;
                    };
                    bound.$count(value);
                    if attributes.is_empty() {
                        let _ = self.plain.set(bound);
                    }
                });
            }
        }

        fn $make<T: Into<Number> + Send + core::marker::Sync + 'static>(
            namespace: &Namespace,
            name: &str,
            built: Result<$instrument, Error>,
        ) -> Arc<dyn SyncInstrument<T> + Send + core::marker::Sync> {
            match built {
                Ok(instrument) => Arc::new(Sync {
                    plain: OnceLock::<$bound>::new(),
                    instrument,
                }),
                Err(error) => {
                    namespace.refused(name, &error);
                    Arc::new(Nothing)
                }
            }
        }
    )*};
}

instruments! {
    Counter, BoundCounter, add, counter;
    UpDownCounter, BoundUpDownCounter, add, up_down_counter;
    Gauge, BoundGauge, set, gauge;
    Histogram, BoundHistogram, observe, histogram;
}

type Text = Option<Cow<'static, str>>;

fn define<'a, I>(
    mut builder: InstrumentBuilder<'a, I>,
    description: &Text,
    unit: &Text,
) -> InstrumentBuilder<'a, I> {
    if let Some(description) = description.clone() {
        builder = builder.description(description);
    }
    builder.unit(unit.clone().unwrap_or_default()).open_labels()
}

impl Namespace {
    fn refused(&self, name: &str, error: &Error) {
        self.say(name, &format!("an instrument counts nothing: {error}"));
    }

    fn histogram<T: Into<Number> + Send + core::marker::Sync + 'static>(
        &self,
        builder: HistogramBuilder<'_, otel::Histogram<T>>,
    ) -> otel::Histogram<T> {
        let name = builder.name;
        let ignored = Cell::new(None);
        let made = self.make(&name, |collector| {
            let of = || {
                let made = collector.histogram(name.clone());
                define(made, &builder.description, &builder.unit)
            };
            let Some(bounds) = &builder.boundaries else {
                return of().build();
            };
            // Bounds are advice: those that somebody gave first hold.
            of().buckets(bounds.iter().copied())
                .build()
                .or_else(|error| {
                    let made = of().build()?;
                    ignored.set(Some(error));
                    Ok(made)
                })
        });
        if let Some(error) = ignored.take() {
            self.say(&name, &format!("bounds of buckets are not used: {error}"));
        }
        otel::Histogram::new(histogram(self, &name, made))
    }

    fn observe<I, T: observed::Measurement>(
        &self,
        kind: observed::Kind,
        builder: AsyncInstrumentBuilder<'_, I, T>,
    ) {
        if builder.callbacks.is_empty() {
            return;
        }
        let name = builder.name.clone();
        let observed = Observed::new(kind, builder);
        if let Err(error) = observed.and_then(|observed| self.add(observed)) {
            self.refused(&name, &error);
        }
    }
}

macro_rules! provide {
    (
        sync { $($method:ident: $theirs:ident<$value:ty>, $ours:ident;)* }
        histogram { $($histogram:ident: $number:ty;)* }
        observed { $($observe:ident: $observable:ident<$of:ty>, $kind:ident;)* }
    ) => {
        impl InstrumentProvider for Namespace {
            $(fn $method(
                &self,
                builder: otel::InstrumentBuilder<'_, otel::$theirs<$value>>,
            ) -> otel::$theirs<$value> {
                let name = builder.name;
                let made = self.make(&name, |collector| {
                    let made = collector.$ours(name.clone());
                    define(made, &builder.description, &builder.unit).build()
                });
                otel::$theirs::new($ours(self, &name, made))
            })*

            $(fn $observe(
                &self,
                builder: AsyncInstrumentBuilder<'_, otel::$observable<$of>, $of>,
            ) -> otel::$observable<$of> {
                self.observe(observed::Kind::$kind, builder);
                otel::$observable::new()
            })*

            $(fn $histogram(
                &self,
                builder: HistogramBuilder<'_, otel::Histogram<$number>>,
            ) -> otel::Histogram<$number> {
                self.histogram(builder)
            })*
        }
    };
}

provide! {
    sync {
        u64_counter: Counter<u64>, counter;
        f64_counter: Counter<f64>, counter;
        i64_up_down_counter: UpDownCounter<i64>, up_down_counter;
        f64_up_down_counter: UpDownCounter<f64>, up_down_counter;
        u64_gauge: Gauge<u64>, gauge;
        f64_gauge: Gauge<f64>, gauge;
        i64_gauge: Gauge<i64>, gauge;
    }
    histogram {
        f64_histogram: f64;
        u64_histogram: u64;
    }
    observed {
        u64_observable_counter: ObservableCounter<u64>, Counter;
        f64_observable_counter: ObservableCounter<f64>, Counter;
        i64_observable_up_down_counter: ObservableUpDownCounter<i64>, UpDownCounter;
        f64_observable_up_down_counter: ObservableUpDownCounter<f64>, UpDownCounter;
        u64_observable_gauge: ObservableGauge<u64>, Gauge;
        i64_observable_gauge: ObservableGauge<i64>, Gauge;
        f64_observable_gauge: ObservableGauge<f64>, Gauge;
    }
}

#[cfg(test)]
#[path = "meter_tests.rs"]
mod tests;
