//! OpenTelemetry's instruments, counting in obs.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock};

use ::opentelemetry::metrics::{
    self as otel, AsyncInstrumentBuilder, HistogramBuilder, InstrumentProvider, SyncInstrument,
};
use ::opentelemetry::{InstrumentationScope, KeyValue};

use super::labels;
use super::observed::{self, Observables, Observed};
use crate::fork::PerProcess;
use crate::lock::lock;
use crate::metrics::{
    BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter, Counter, Gauge, Histogram,
    InstrumentBuilder, MetricsCollector, Number, UpDownCounter,
};
use crate::scope::Scope;
use crate::{Error, Handle, self_log};

/// Makes instruments of OpenTelemetry's API that are among the metrics of obs: on `/metrics`, over OTLP, read back.
///
/// [`Builder::opentelemetry`](crate::Builder::opentelemetry) makes it the global one;
/// [`Observability::meter_provider`](crate::Handle::meter_provider) gives it by hand.
///
/// An instrument has 2,000 different sets of attributes, further ones are counted together under
/// `otel.metric.overflow`; the values of attributes become texts. Instruments of one name are one, whichever
/// library made them. One whose definition clashes with another metric's counts nothing; a line on standard
/// error says so.
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
    instruments: Arc<Instruments>,
}

impl MeterProvider {
    /// Creates a provider for the `Observability` that the calls of this thread belong to: the
    /// installed one, or that of a `testing::capture`.
    pub fn current() -> Self {
        Self::of(&crate::scope::current())
    }

    pub(crate) fn of(scope: &Scope) -> Self {
        Self {
            instruments: Arc::new(Instruments {
                collector: scope.metrics.clone(),
                observables: scope.extension::<Observables>(),
            }),
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
    fn meter_with_scope(&self, _: InstrumentationScope) -> otel::Meter {
        otel::Meter::new(Arc::clone(&self.instruments) as Arc<_>)
    }
}

#[derive(Debug)]
struct Instruments {
    collector: MetricsCollector,
    observables: Arc<Observables>,
}

/// Says once of each instrument that it cannot be.
fn refused(name: &str, error: &Error) {
    static SAID: PerProcess<Mutex<HashSet<String>>> = PerProcess::new(Mutex::default);
    /// Bounds the memory, and the lines.
    const MOST: usize = 256;

    let mut said = lock(&SAID);
    if said.len() < MOST && said.insert(name.to_owned()) {
        self_log::once(format!(
            "opentelemetry: an instrument counts nothing: {error}"
        ));
    }
}

/// An instrument of ours behind the API of theirs.
struct Sync<I, B> {
    instrument: I,
    /// The series without attributes, once there is one.
    plain: OnceLock<B>,
}

/// What a definition that clashes becomes.
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
            name: &str,
            built: Result<$instrument, Error>,
        ) -> Arc<dyn SyncInstrument<T> + Send + core::marker::Sync> {
            match built {
                Ok(instrument) => Arc::new(Sync {
                    plain: OnceLock::<$bound>::new(),
                    instrument,
                }),
                Err(error) => {
                    refused(name, &error);
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

fn define<I>(
    mut builder: InstrumentBuilder<'_, I>,
    description: Text,
    unit: Text,
) -> InstrumentBuilder<'_, I> {
    if let Some(description) = description {
        builder = builder.description(description);
    }
    builder.unit(unit.unwrap_or_default()).open_labels()
}

impl Instruments {
    fn histogram<T: Into<Number> + Send + core::marker::Sync + 'static>(
        &self,
        builder: HistogramBuilder<'_, otel::Histogram<T>>,
    ) -> otel::Histogram<T> {
        let name = builder.name;
        let made = self.collector.histogram(name.clone());
        let mut made = define(made, builder.description, builder.unit);
        if let Some(bounds) = builder.boundaries {
            made = made.buckets(bounds);
        }
        otel::Histogram::new(histogram(&name, made.build()))
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
        if let Err(error) = observed.and_then(|observed| self.observables.add(observed)) {
            refused(&name, &error);
        }
    }
}

macro_rules! provide {
    (
        sync { $($method:ident: $theirs:ident<$value:ty>, $ours:ident;)* }
        histogram { $($histogram:ident: $number:ty;)* }
        observed { $($observe:ident: $observable:ident<$of:ty>, $kind:ident;)* }
    ) => {
        impl InstrumentProvider for Instruments {
            $(fn $method(
                &self,
                builder: otel::InstrumentBuilder<'_, otel::$theirs<$value>>,
            ) -> otel::$theirs<$value> {
                let name = builder.name;
                let made = self.collector.$ours(name.clone());
                let made = define(made, builder.description, builder.unit);
                otel::$theirs::new($ours(&name, made.build()))
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
