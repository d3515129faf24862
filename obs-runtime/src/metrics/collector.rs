//! The collector holds all instruments by name and reads them.

use core::sync::atomic::{AtomicBool, Ordering};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use super::builder::InstrumentBuilder;
use super::cardinality::{Cardinality, MetricCardinality};
use super::cells::Reader;
use super::exemplar;
use super::instrument::Core;
use super::labels::Labels;
use super::library::Library;
use super::series::Buckets;
use super::snapshot::{MetricData, MetricFamily, MetricSource, Number, NumberPoint};
use super::{Counter, Gauge, Histogram, Summary, UpDownCounter, source, warning};
use crate::Error;
use crate::fork::Process;
use crate::inside::Inside;
use crate::lock::{read, write};
use crate::semconv::{MetricDef, attribute, metric};

/// Holds metrics: makes instruments, and reads them all at once. A clone is the same collector.
///
/// ```
/// # use obs_runtime::metrics::MetricsCollector;
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// let orders = collector.counter("orders").description("Orders taken").labels(["shop"]).build()?;
/// orders.with(["Oslo"])?.inc();
///
/// for family in collector.collect_all() {
///     println!("{}: {:?}", family.name, family.data);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MetricsCollector {
    inner: Arc<Inner>,
}

/// By name in lower case: OpenTelemetry's instrument names ignore case.
type Metrics = BTreeMap<String, Arc<Core>>;

#[derive(Debug)]
struct Inner {
    /// The process that made it: in a forked child the locks may be held for ever.
    process: Process,
    metrics: RwLock<Metrics>,
    /// Call sites remember handles of its metrics.
    remembered: AtomicBool,
    /// Histograms whose buckets nobody chose are exponential.
    exponential: AtomicBool,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            process: Process::current(),
            metrics: RwLock::default(),
            remembered: AtomicBool::new(false),
            exponential: AtomicBool::new(false),
        }
    }
}

impl MetricsCollector {
    /// Creates a collector without metrics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Defines a sum that only grows.
    pub fn counter(&self, name: impl Into<Cow<'static, str>>) -> InstrumentBuilder<'_, Counter> {
        InstrumentBuilder::new(self, name.into())
    }

    /// Defines a sum that goes up and down.
    pub fn up_down_counter(
        &self,
        name: impl Into<Cow<'static, str>>,
    ) -> InstrumentBuilder<'_, UpDownCounter> {
        InstrumentBuilder::new(self, name.into())
    }

    /// Defines a value that is set.
    pub fn gauge(&self, name: impl Into<Cow<'static, str>>) -> InstrumentBuilder<'_, Gauge> {
        InstrumentBuilder::new(self, name.into())
    }

    /// Defines a distribution of values.
    pub fn histogram(
        &self,
        name: impl Into<Cow<'static, str>>,
    ) -> InstrumentBuilder<'_, Histogram> {
        InstrumentBuilder::new(self, name.into())
    }

    /// Defines quantiles of values.
    pub fn summary(&self, name: impl Into<Cow<'static, str>>) -> InstrumentBuilder<'_, Summary> {
        InstrumentBuilder::new(self, name.into())
    }

    /// Sets whether a histogram whose definition says nothing of buckets is
    /// [`exponential`](InstrumentBuilder::exponential) from now on, or has OpenTelemetry's explicit
    /// buckets, as at first. (OpenTelemetry:
    /// `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`.)
    pub fn exponential_by_default(&self, exponential: bool) {
        self.inner.exponential.store(exponential, Ordering::Relaxed);
    }

    /// Creates a collector that chooses the buckets of histograms as this one does.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn beside(&self) -> Self {
        let new = Self::new();
        new.exponential_by_default(self.inner.exponential.load(Ordering::Relaxed));
        new
    }

    pub(super) fn default_buckets(&self) -> Buckets {
        if self.inner.exponential.load(Ordering::Relaxed) {
            Buckets::Exponential
        } else {
            Buckets::Explicit(Arc::new([]))
        }
    }

    pub(super) fn find_or_create(
        &self,
        name: &str,
        check: impl Fn(&Core) -> Result<(), Error>,
        create: impl FnOnce() -> Result<Core, Error>,
    ) -> Result<Arc<Core>, Error> {
        if !self.inner.process.is_current() {
            // Of a forked child's parent: a metric that nobody collects here.
            return create().map(Arc::new);
        }
        let _inside = Inside::enter();
        let metrics = read(&self.inner.metrics);
        if let Some(core) = metrics.get(name) {
            return check(core).map(|()| Arc::clone(core));
        }
        drop(metrics);
        let mut metrics = write(&self.inner.metrics);
        // Another thread may have been faster.
        if let Some(core) = metrics.get(name) {
            return check(core).map(|()| Arc::clone(core));
        }
        let core = Arc::new(create()?);
        metrics.insert(name.to_owned(), Arc::clone(&core));
        Ok(core)
    }

    fn metrics(&self) -> Vec<Arc<Core>> {
        if !self.inner.process.is_current() {
            return Vec::new();
        }
        let _inside = Inside::enter();
        read(&self.inner.metrics).values().cloned().collect()
    }

    /// Returns all metrics that have a series, in the order of their names.
    pub fn collect_all(&self) -> Vec<MetricFamily> {
        let mut families = Vec::new();
        self.collect(&mut families);
        families
    }

    pub(super) fn core(&self, name: &str) -> Option<Arc<Core>> {
        self.core_in_lower_case(&name.to_ascii_lowercase())
    }

    pub(super) fn core_in_lower_case(&self, name: &str) -> Option<Arc<Core>> {
        if !self.inner.process.is_current() {
            return None;
        }
        read(&self.inner.metrics).get(name).map(Arc::clone)
    }

    /// Returns whether there is a metric of this name, with a series or not.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.core(name).is_some()
    }

    /// Returns the metric of this name, read now; `None` if there is none or it has no series.
    pub fn get(&self, name: &str) -> Option<MetricFamily> {
        self.core(name)?.collect(&Reader::new())
    }

    /// Takes a metric out, and returns whether there was one. Its handles work on, unseen, and a
    /// new metric of the name begins at 0.
    ///
    /// It is for rare changes: the metric macros forget their handles each time, and from the third
    /// time on keep new ones behind a lock, at some 20 ns a call.
    pub fn remove(&self, name: &str) -> bool {
        if !self.inner.process.is_current() {
            return false;
        }
        let _inside = Inside::enter();
        let removed = write(&self.inner.metrics).remove(&name.to_ascii_lowercase());
        self.forget();
        removed.is_some()
    }

    /// Takes all metrics out, see [`remove`](Self::remove).
    pub fn clear(&self) {
        if !self.inner.process.is_current() {
            return;
        }
        // Freeing the cells takes a lock of its own.
        let removed = std::mem::take(&mut *write(&self.inner.metrics));
        self.forget();
        drop(removed);
    }

    /// Notes that handles are remembered. It is to be called before one is taken for that.
    pub(crate) fn is_remembered(&self) {
        self.inner.remembered.store(true, Ordering::SeqCst);
    }

    fn forget(&self) {
        if self.inner.remembered.load(Ordering::SeqCst) {
            super::bound::forget();
        }
    }

    /// Counts a value that the metric of this name could not take; the caller says why.
    pub(crate) fn refuse(&self, name: &str) {
        if let Some(core) = self.core(name) {
            core.refuse_reported();
        }
    }

    /// Reports how many series each metric has, and how many it can have at the worst: what a back
    /// end must be able to hold.
    ///
    /// ```
    /// # use obs_runtime::metrics::MetricsCollector;
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// let collector = MetricsCollector::new();
    /// let calls = collector.counter("calls").labels(["region"]).max_label_values(10).build()?;
    /// calls.with(["eu"])?.inc();
    /// let report = collector.cardinality();
    /// assert_eq!((report.series(), report.worst_case()), (1, 11));
    /// println!("{report}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn cardinality(&self) -> Cardinality {
        let metrics = self.metrics();
        let each = metrics.iter().map(|core| MetricCardinality::of(core));
        Cardinality::new(each.collect())
    }

    /// Returns all metrics as JSON: an object with a member for each metric, by its name. Needs the feature `json`.
    ///
    /// `{"rows": {"type": "counter", "description": "…", "unit": "{row}", "series":
    /// [{"labels": {"task": "load"}, "value": 3}]}}`; a histogram's series have `count`, `sum`,
    /// `min`, `max`, `mean`, `p50`, `p95`, `p99` and `buckets` with accumulated counts; those of a
    /// summary have `quantiles` in place of buckets. JSON has
    /// no infinity or NaN: these are the strings `"Infinity"`, `"-Infinity"` and `"NaN"`, as in
    /// the JSON form of Protocol Buffers.
    #[cfg(feature = "json")]
    pub fn export(&self) -> String {
        super::json::export(&self.collect_all())
    }
}

/// Adds how much the metrics could not take as it was given, which is nothing, usually.
fn collect_losses(
    metrics: &[Arc<Core>],
    library: Option<&Arc<Library>>,
    def: &MetricDef,
    read: fn(&Core) -> u64,
    out: &mut Vec<MetricFamily>,
) {
    let point = |core: &Arc<Core>| {
        let value = read(core);
        (value > 0).then(|| {
            let labels = loss_labels(core.name(), library.map(|library| &**library));
            source::point(labels, core.start_unix_nanos, Number::U64(value))
        })
    };
    add_losses(def, metrics.iter().filter_map(point).collect(), out);
}

/// Returns the labels that say which metric lost something.
pub(crate) fn loss_labels(metric: &str, library: Option<&Library>) -> Labels {
    // A label without a value is none.
    let library = library.map_or("", Library::name);
    let labels = [
        (attribute::METRIC, metric),
        (attribute::OTEL_SCOPE_NAME, library),
    ];
    let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
    labels.map(|(key, value)| (key, value.to_owned())).collect()
}

/// Adds what else could not be taken. Points of the same labels are one: libraries that differ by
/// more than their names may lose values of one metric, and so may two definitions of a library.
pub(crate) fn add_losses(def: &MetricDef, points: Vec<NumberPoint>, out: &mut Vec<MetricFamily>) {
    if points.is_empty() {
        return;
    }
    let mut own = out.iter_mut().filter_map(|family| match &mut family.data {
        MetricData::Counter(known) if family.library.is_none() && family.name == def.name => {
            Some(known)
        }
        _ => None,
    });
    if let Some(known) = own.next() {
        return add_up(known.make_mut(), points);
    }
    let mut all = Vec::new();
    add_up(&mut all, points);
    out.push(MetricFamily::new(def, MetricData::Counter(all.into())));
}

/// Adds numbers of losses to others. The start of a sum is that of its earliest part.
fn add_up(all: &mut Vec<NumberPoint>, points: Vec<NumberPoint>) {
    for point in points {
        let Some(known) = all.iter_mut().find(|known| known.labels == point.labels) else {
            all.push(point);
            continue;
        };
        if let (Number::U64(sum), Number::U64(more)) = (&mut known.value, point.value) {
            *sum = sum.saturating_add(more);
        }
        known.start_unix_nanos = known.start_unix_nanos.min(point.start_unix_nanos);
    }
}

impl MetricSource for MetricsCollector {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        exemplar::next_round();
        self.collect_of(None, out);
    }
}

impl MetricsCollector {
    /// Appends all metrics as those of a library.
    pub(crate) fn collect_of(&self, library: Option<&Arc<Library>>, out: &mut Vec<MetricFamily>) {
        let metrics = self.metrics();
        let reader = Reader::new();
        let families = metrics.iter().filter_map(|core| core.collect(&reader));
        out.extend(families.map(|family| family.of_library(library)));
        // Said by the reader, so that counting never writes to standard error.
        for core in &metrics {
            warning::say(core);
        }
        let overflowed = |core: &Core| core.series.overflowed();
        let mut losses = |def, read| collect_losses(&metrics, library, def, read, out);
        losses(&metric::OBS_METRICS_OVERFLOWED, overflowed);
        losses(&metric::OBS_METRICS_REFUSED, Core::refused);
    }
}

#[cfg(test)]
#[path = "collector_tests.rs"]
mod tests;
