//! A running `Observability`.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use crate::Error;
use crate::init::account;
use crate::init::builder::Builder;
use crate::init::exit;
use crate::init::handle::Handle;
use crate::init::lifecycle::{DEADLINE, Lifecycle};
use crate::init::stats::{Health, LogStats, SpanStats, Stats};
use crate::metrics::{MetricFamily, MetricSource};
use crate::processor::drain::{self, Patience};
use crate::processor::sink::MetricReader;
use crate::scope::{self, Exports, Extension, Scope};
use crate::self_obs;
use crate::trace::gate;
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
#[derive(Debug)]
pub struct Observability {
    handle: Handle,
}

/// What the scope's handles flush, for those that were not given it.
#[derive(Default)]
struct Guard(OnceLock<Weak<Lifecycle>>);

impl Extension for Guard {}

impl Scope {
    /// What does not work.
    pub(crate) fn health(&self) -> Health {
        let problems = if self.is_here() {
            self.problems()
        } else {
            vec![gate::CHILD_RECORDS_NOTHING.to_owned()]
        };
        Health { problems }
    }

    /// Completes what the drain says of the scope.
    pub(super) fn stats(&self, (spans, logs): (SpanStats, LogStats)) -> Stats {
        if !self.is_here() {
            return Stats::default();
        }
        Stats {
            spans,
            metrics: self.exporters(Exports::Metrics),
            logs,
            late: self_obs::late(),
            reentrant_calls: self_obs::reentrant_calls(),
            reentrant_values: self_obs::reentrant_values(),
        }
    }
}

impl MetricSource for Scope {
    /// Function metrics, fresh as of now, then the instruments, then obs' own account.
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        if !self.is_here() {
            return;
        }
        let account = drain::after_pass(self.id, Patience::SCRAPE, |scope, _| {
            let functions = scope.function_metrics();
            functions.collect(self.counts_from_zero(), out);
            (scope.stats(), functions.start_unix_nanos())
        });
        self.metrics.collect(out);
        self.sources.collect(out);
        if let Ok(Some((drained, start))) = account {
            account::collect(&self.stats(drained), start, self.counts_from_zero(), out);
        }
    }
}

impl Observability {
    /// Starts the configuration.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn running(scope: Arc<Scope>, readers: Vec<Box<dyn MetricReader>>) -> Self {
        let lifecycle = Arc::new(Lifecycle::new(scope.id, readers));
        exit::watch(&lifecycle);
        let _ = scope.extension::<Guard>().0.set(Arc::downgrade(&lifecycle));
        Self {
            handle: Handle { scope, lifecycle },
        }
    }

    /// What runs here, for code that does not hold the guard: of the scope that this thread's calls belong to, the
    /// installed one or that of a test's capture. None if there is none, or `OTEL_SDK_DISABLED` is set.
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
        let scope = scope::by_id(local().scope())?;
        let lifecycle = scope.extension::<Guard>().0.get()?.upgrade()?;
        // Another handle may have kept what has ended.
        (!lifecycle.has_ended()).then_some(Handle { scope, lifecycle })
    }

    /// Like dropping the guard, but returns what went wrong; five seconds at most. A line on standard
    /// error says the same, unless `OBS_LOG=off`.
    ///
    /// # Errors
    /// When an exporter could not deliver in time; what it lost was counted.
    pub fn shutdown(self) -> Result<(), Error> {
        self.handle.lifecycle.end(Instant::now() + DEADLINE)
    }
}

impl Drop for Observability {
    fn drop(&mut self) {
        // Nobody is left to take the error; it was counted and said.
        let _ = self.lifecycle.end(Instant::now() + DEADLINE);
    }
}

impl core::ops::Deref for Observability {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}
