//! A running `Observability`.

use std::collections::HashMap;
#[cfg(feature = "opentelemetry")]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::time::Instant;

use crate::Error;
use crate::exporter::PendingFlush;
use crate::init::account;
use crate::init::builder::Builder;
use crate::init::exit;
use crate::init::handle::Handle;
use crate::init::resource::Resource;
use crate::init::running::{DEADLINE, Running};
use crate::init::stats::{Health, LogStats, SpanStats, Stats};
use crate::metrics::source::Sources;
use crate::metrics::{MetricFamily, MetricSource, MetricsCollector};
use crate::processor::drain::{self, ScopeStats};
use crate::self_obs::{self, ExporterCounters};
use crate::trace::local::local;

/// A running obs: the guard that [`Builder::install`] returns. Dropping it sends what is left, within
/// five seconds, and switches it off.
///
/// ```
/// use obs_runtime::Observability;
///
/// fn main() -> Result<(), obs_runtime::Error> {
///     let obs = Observability::builder().service_name("shop").install()?;
///     // … the program …
///     obs.force_flush()?;
///     println!("{}", obs.stats());
///     Ok(())
/// }
/// ```
///
/// `std::process::exit` drops nothing: on Unix what is left is sent even so, on Windows flush before it.
///
/// What it can be asked and told is in [`Handle`], which code without the guard has too:
/// [`Observability::current`].
#[must_use = "obs is switched off when the guard is dropped"]
pub struct Observability {
    handle: Handle,
}

/// Something beside the span sinks that runs for a scope: a metric push, the HTTP server.
pub(crate) trait Pusher: Send + Sync {
    fn flush(&self) -> PendingFlush;
    fn shutdown(&mut self, deadline: Instant) -> Result<(), Error>;
}

/// What code that runs under a scope reaches.
pub(crate) struct ScopeShared {
    pub(crate) id: u16,
    pub(crate) metrics: MetricsCollector,
    #[cfg_attr(
        not(any(feature = "otlp", feature = "http", feature = "statsd")),
        allow(dead_code)
    )]
    pub(crate) resource: Resource,
    pub(crate) health: Mutex<Health>,
    /// The accounts of those that send metrics.
    pub(crate) metric_exporters: Mutex<Vec<Arc<ExporterCounters>>>,
    /// What its handles flush.
    running: OnceLock<Weak<Running>>,
    #[cfg(feature = "http")]
    pub(super) prometheus_addr: OnceLock<std::net::SocketAddr>,
    /// OpenTelemetry's globals were set.
    #[cfg(feature = "opentelemetry")]
    pub(super) opentelemetry: AtomicBool,
    /// State that other parts keep for a scope, one value of a type.
    pub(crate) extensions: Mutex<HashMap<core::any::TypeId, Arc<dyn core::any::Any + Send + Sync>>>,
}

impl ScopeShared {
    /// The scope's value of a type; made by the first request.
    #[allow(dead_code, reason = "used by the features llm, alert and pipeline")]
    pub(crate) fn extension<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut all = self
            .extensions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let value = all
            .entry(core::any::TypeId::of::<T>())
            .or_insert_with(|| Arc::<T>::default());
        Arc::clone(value).downcast::<T>().unwrap_or_default()
    }
}

/// Scopes by id; weak, so that the guard alone keeps one alive.
static SCOPES: RwLock<Vec<(u16, Weak<ScopeShared>)>> = RwLock::new(Vec::new());

#[allow(dead_code, reason = "used by the features llm, alert and pipeline")]
/// The scope that this thread's calls belong to. Where none is switched on: one that collects for
/// nobody, so that instruments can be used all the same.
pub(crate) fn current_scope() -> Arc<ScopeShared> {
    static NOBODY: OnceLock<Arc<ScopeShared>> = OnceLock::new();
    scope_of(local().scope()).unwrap_or_else(|| {
        Arc::clone(
            NOBODY
                .get_or_init(|| Arc::new(ScopeShared::new(0, Vec::new(), MetricsCollector::new()))),
        )
    })
}

/// The instruments of the scope that this thread's calls belong to.
#[allow(dead_code, reason = "used by the features llm and pipeline")]
pub(crate) fn current_metrics() -> MetricsCollector {
    current_scope().metrics.clone()
}

/// A scope by its id.
pub(crate) fn scope_of(id: u16) -> Option<Arc<ScopeShared>> {
    let scopes = SCOPES.read().unwrap_or_else(PoisonError::into_inner);
    let found = scopes.iter().find(|(i, _)| *i == id)?;
    found.1.upgrade()
}

impl ScopeShared {
    pub(crate) fn new(id: u16, resource: Resource, metrics: MetricsCollector) -> Self {
        Self {
            id,
            metrics,
            resource,
            health: Mutex::default(),
            metric_exporters: Mutex::default(),
            running: OnceLock::new(),
            #[cfg(feature = "http")]
            prometheus_addr: OnceLock::new(),
            #[cfg(feature = "opentelemetry")]
            opentelemetry: AtomicBool::new(false),
            extensions: Mutex::default(),
        }
    }

    #[allow(dead_code, reason = "used by exporters behind features")]
    pub(crate) fn add_metric_exporter(&self, counters: Arc<ExporterCounters>) {
        let all = self.metric_exporters.lock();
        all.unwrap_or_else(PoisonError::into_inner).push(counters);
    }

    /// What could not start, and which exporters of metrics failed last time.
    pub(crate) fn health(&self) -> Health {
        let health = self.health.lock();
        let mut health = health.unwrap_or_else(PoisonError::into_inner).clone();
        let exporters = self.metric_exporters.lock();
        let exporters = exporters.unwrap_or_else(PoisonError::into_inner);
        let failing = exporters
            .iter()
            .filter_map(|e| Some((e.name, e.problem()?)));
        let failing = failing.map(|(name, problem)| format!("{name}: {problem}"));
        health.problems.extend(failing);
        health
    }

    /// What was counted otherwise than by records of calls.
    fn collect_instruments(&self, out: &mut Vec<MetricFamily>) {
        self.metrics.collect(out);
        self.extension::<Sources>().collect(out);
        #[cfg(feature = "opentelemetry")]
        self.extension::<crate::opentelemetry::Observables>()
            .collect(out);
        #[cfg(feature = "alert")]
        crate::alert::collect(self, out);
        #[cfg(feature = "llm")]
        self.extension::<crate::llm::LlmState>().collect(out);
    }

    pub(super) fn stats(&self, spans: ScopeStats) -> Stats {
        let metrics = self.metric_exporters.lock();
        let metrics = metrics.unwrap_or_else(PoisonError::into_inner);
        Stats {
            spans: SpanStats {
                recorded: spans.recorded,
                lost: spans.lost,
                sampled_out: spans.tail.sampled_out,
                waiting: spans.tail.waiting,
                evicted_traces: spans.tail.evicted,
                exporters: spans.exporters,
            },
            metrics: metrics.iter().map(|counters| counters.snapshot()).collect(),
            logs: LogStats {
                recorded: spans.logs.recorded,
                lost: spans.logs.lost,
                exporters: spans.logs.exporters,
            },
            late: self_obs::late(),
        }
    }

    pub(crate) fn register(self: &Arc<Self>) {
        let mut scopes = SCOPES.write().unwrap_or_else(PoisonError::into_inner);
        scopes.retain(|(id, scope)| *id != self.id && scope.strong_count() > 0);
        scopes.push((self.id, Arc::downgrade(self)));
        drop(scopes);
        if self.id == 0 {
            crate::metrics::site::forget();
        }
    }
}

impl MetricSource for ScopeShared {
    /// Function metrics, fresh as of now, then the instruments, then obs' own account.
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        let account = drain::after_pass(self.id, |scope| {
            let functions = scope.function_metrics();
            functions.collect(out);
            (scope.stats(), functions.start_unix_nanos())
        });
        // In a forked child the rest is its parent's, behind locks that may be held for ever.
        if !drain::fork::in_child() {
            self.collect_instruments(out);
        }
        if let Some((spans, start)) = account {
            let child = drain::fork::scope();
            let stats = child.as_deref().unwrap_or(self).stats(spans);
            account::collect(&stats, start, out);
        }
    }
}

impl Observability {
    /// Starts the configuration.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn running(scope: Arc<ScopeShared>, pushers: Vec<Box<dyn Pusher>>) -> Self {
        let running = Arc::new(Running::new(scope.id, pushers));
        exit::watch(&running);
        let _ = scope.running.set(Arc::downgrade(&running));
        Self {
            handle: Handle { scope, running },
        }
    }

    /// What runs here, for code that does not hold the guard: of the scope that this thread's calls belong to, the
    /// installed one or that of a [capture](crate::testing). None if there is none, or `OTEL_SDK_DISABLED` is set.
    ///
    /// ```
    /// use obs_runtime::{Level, Observability};
    ///
    /// /// Of a program whose `main` is `#[obs_runtime::main]`.
    /// fn on_sighup() {
    ///     if let Some(obs) = Observability::current() {
    ///         obs.set_max_level(Some(Level::Debug));
    ///         println!("{}", obs.stats());
    ///     }
    /// }
    /// # on_sighup();
    /// ```
    pub fn current() -> Option<Handle> {
        let scope = scope_of(local().scope())?;
        let running = scope.running.get()?.upgrade()?;
        // Another handle may have kept what has ended.
        (!running.has_ended()).then_some(Handle { scope, running })
    }

    /// Like dropping the guard, but reports what went wrong; five seconds at most.
    ///
    /// # Errors
    /// When an exporter could not deliver in time; what it lost was counted.
    pub fn shutdown(self) -> Result<(), Error> {
        self.handle.running.end(Instant::now() + DEADLINE)
    }

    #[cfg(feature = "http")]
    pub(crate) fn serve(&self, server: crate::http::HttpServer) {
        let _ = self.scope.prometheus_addr.set(server.local_addr());
        self.running.add(Box::new(server));
    }

    #[cfg(feature = "opentelemetry")]
    pub(crate) fn register_opentelemetry(&self) {
        crate::opentelemetry::register(self.meter_provider());
        self.scope.opentelemetry.store(true, Ordering::Relaxed);
    }
}

impl Drop for Observability {
    fn drop(&mut self) {
        // Nobody is left to take the error; the losses were counted and logged.
        let _ = self.running.end(Instant::now() + DEADLINE);
    }
}

impl core::ops::Deref for Observability {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl core::fmt::Debug for Observability {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Observability")
            .field("scope", &self.scope.id)
            .finish_non_exhaustive()
    }
}
