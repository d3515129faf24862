//! What one installation is: its number, its resource, its metrics, and what other parts keep for it.
//!
//! Each record and each context carries the number of the scope that it belongs to. The installed
//! default is number 0; each [`testing::capture`](crate::testing::capture) is a scope beside it, so
//! parallel tests see their own data alone. A part that needs state for each scope makes it an
//! [`Extension`]: no other part has to name it.

#[cfg(any(feature = "cache", feature = "steps"))]
pub(crate) mod known;

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock, Weak};

use crate::fork::{self, PerProcess, Process};
use crate::inside::Inside;
use crate::lock::{lock, read, write};
use crate::metrics::source::Sources;
use crate::metrics::{MetricsCollector, bound};
use crate::self_obs::{ExporterCounters, ExporterStats};
use crate::trace::AttributeValue;
use crate::trace::local::local;

/// What describes the program: the attributes of OpenTelemetry's resource.
pub(crate) type Resource = Vec<(Cow<'static, str>, AttributeValue)>;

/// State that another part keeps for each scope.
pub(crate) trait Extension: Default + Send + Sync + 'static {
    /// Runs once, when the scope has got its value: a source of metrics adds itself here.
    fn attach(self: &Arc<Self>, scope: &Scope) {
        let _ = scope;
    }
}

/// What code that runs under an installation reaches.
pub(crate) struct Scope {
    pub(crate) id: u16,
    /// The process that made it: in a forked child the locks may be held for ever.
    process: Process,
    pub(crate) metrics: MetricsCollector,
    pub(crate) resource: Resource,
    /// What could not start.
    problems: Mutex<Vec<String>>,
    /// What tells later what does not work any more.
    pub(crate) checks: Mutex<Vec<Check>>,
    /// The accounts of all exporters, and what they export.
    exporters: Mutex<Vec<(Exports, Arc<ExporterCounters>)>>,
    /// What is asked for metrics beside the instruments.
    pub(crate) sources: Sources,
    /// One value of a type.
    extensions: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

/// What an exporter exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exports {
    Spans,
    Metrics,
    Logs,
}

impl Exports {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Spans => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

/// Says what does not work, one sentence each.
pub(crate) type Check = fn() -> Vec<String>;

/// By id; weak, so that the guard alone keeps one alive.
type Scopes = Vec<(u16, Weak<Scope>)>;

static SCOPES: PerProcess<RwLock<Scopes>> = PerProcess::new(RwLock::default);

/// Returns the scope that this thread's calls belong to. Where none is switched on, it is one that
/// collects for nobody, so that instruments can be used all the same.
pub(crate) fn current() -> Arc<Scope> {
    static NOBODY: PerProcess<Arc<Scope>> =
        PerProcess::new(|| Arc::new(Scope::new(0, Vec::new(), MetricsCollector::new())));
    by_id(local().scope()).unwrap_or_else(|| Arc::clone(&NOBODY))
}

/// Returns the instruments of the scope that this thread's calls belong to.
pub(crate) fn current_metrics() -> MetricsCollector {
    current().metrics.clone()
}

/// Returns a scope by its id.
pub(crate) fn by_id(id: u16) -> Option<Arc<Scope>> {
    let scopes = read(&SCOPES);
    let found = scopes.iter().find(|(i, _)| *i == id)?;
    found.1.upgrade()
}

impl Scope {
    pub(crate) fn new(id: u16, resource: Resource, metrics: MetricsCollector) -> Self {
        Self {
            id,
            process: Process::current(),
            metrics,
            resource,
            problems: Mutex::default(),
            checks: Mutex::default(),
            exporters: Mutex::default(),
            sources: Sources::default(),
            extensions: Mutex::default(),
        }
    }

    /// Makes it the scope of its id.
    pub(crate) fn register(self: &Arc<Self>) {
        // An allocator that counts asks for its scope.
        let _inside = Inside::enter();
        let mut scopes = write(&SCOPES);
        scopes.retain(|(id, scope)| *id != self.id && scope.strong_count() > 0);
        scopes.push((self.id, Arc::downgrade(self)));
        drop(scopes);
        if self.id == 0 {
            fork::in_child(bound::forget);
            bound::forget();
            #[cfg(any(feature = "cache", feature = "steps"))]
            known::show(self);
        }
    }

    /// Returns whether its counters show what they know of from the start, with 0, so that a rate knows the first
    /// failure. A test's capture shows what the code under test counted.
    pub(crate) fn counts_from_zero(&self) -> bool {
        self.id == 0
    }

    /// Returns whether this process made it. In a forked child nothing of it may be asked.
    pub(crate) fn is_here(&self) -> bool {
        self.process.is_current()
    }

    /// Returns the scope's value of a type; the first request makes it.
    pub(crate) fn extension<T: Extension>(&self) -> Arc<T> {
        let mut all = lock(&self.extensions);
        let value = all.entry(TypeId::of::<T>()).or_insert_with(|| {
            let value = Arc::<T>::default();
            value.attach(self);
            value
        });
        Arc::clone(value).downcast::<T>().unwrap_or_default()
    }

    /// Adds what could not start.
    pub(crate) fn add_problems(&self, problems: Vec<String>) {
        lock(&self.problems).extend(problems);
    }

    pub(crate) fn add_exporter(&self, exports: Exports, counters: Arc<ExporterCounters>) {
        lock(&self.exporters).push((exports, counters));
    }

    /// Returns the accounts of those that export one thing, as they are now.
    pub(crate) fn exporters(&self, exports: Exports) -> Vec<ExporterStats> {
        let all = lock(&self.exporters);
        let of_these = all.iter().filter(|(what, _)| *what == exports);
        of_these.map(|(_, counters)| counters.snapshot()).collect()
    }

    /// Returns what could not start, what checks find, and which exporters failed last time.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = lock(&self.problems).clone();
        let checks = lock(&self.checks).clone();
        problems.extend(checks.iter().flat_map(|check| check()));
        for (exports, counters) in lock(&self.exporters).iter() {
            let (name, what) = (counters.name, exports.as_str());
            let failing = counters.problems().into_iter();
            problems.extend(failing.map(|problem| format!("{name}: {what}: {problem}")));
        }
        problems
    }
}
