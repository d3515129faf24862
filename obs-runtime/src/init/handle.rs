//! The handle of a running `Observability`: what it can be asked and told, by whoever holds its guard
//! and by others.

use std::sync::Arc;
use std::time::Instant;

use crate::Error;
use crate::callsite::Level;
use crate::init::lifecycle::{DEADLINE, Lifecycle};
use crate::init::stats::{Health, Stats};
use crate::metrics::{Cardinality, MetricFamily, MetricSource as _, MetricsCollector};
use crate::processor::drain::{self, Patience};
use crate::scope::{Exports, Scope};
use crate::self_obs::{LogStats, SpanStats};
use crate::trace::gate;

/// A handle of a running [`Observability`](crate::Observability), for code that does not hold the guard,
/// such as everything under [`#[obs_runtime::main]`](crate::main).
///
/// [`Observability::current`](crate::Observability::current) returns one; a guard dereferences to another,
/// which can be cloned.
///
/// It does not keep obs switched on: after the guard's end there is nothing to flush, and nothing
/// more is counted.
///
/// ```
/// use obs_runtime::{Observability, testing, traced};
///
/// #[traced]
/// fn work() {}
///
/// let captured = testing::capture(|| {
///     work();
///     let obs = Observability::current().expect("a capture is one");
///     obs.force_flush()?;
///     Ok::<_, obs_runtime::Error>(obs.stats().spans.recorded)
/// });
/// assert_eq!(captured.value?, 1);
/// # Ok::<(), obs_runtime::Error>(())
/// ```
#[derive(Clone)]
pub struct Handle {
    pub(crate) scope: Arc<Scope>,
    pub(super) lifecycle: Arc<Lifecycle>,
}

impl Handle {
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn scope_id(&self) -> u16 {
        self.scope.id
    }

    /// Returns the instruments of this `Observability`.
    pub fn metrics(&self) -> &MetricsCollector {
        &self.scope.metrics
    }

    /// Returns every metric at this moment: those of the annotated functions and of your instruments.
    pub fn collect_metrics(&self) -> Vec<MetricFamily> {
        let mut out = Vec::new();
        self.scope.collect(&mut out);
        out
    }

    /// Returns how many series each metric has, and how many it can have at the worst: what a back end
    /// must be able to hold. Annotated functions and other sources are included.
    ///
    /// ```standalone_crate
    /// use obs_runtime::{Observability, traced};
    ///
    /// #[traced]
    /// fn work() {}
    ///
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// let obs = Observability::builder().install()?;
    /// work();
    /// let report = obs.cardinality();
    /// let calls = report.metrics.iter().find(|metric| metric.name == "function.calls");
    /// // "ok", "error" and "cancelled" are there from the start.
    /// assert!(calls.is_some_and(|calls| (calls.series, calls.worst_case) == (3, 3)));
    /// println!("{report}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn cardinality(&self) -> Cardinality {
        let families = self.collect_metrics();
        let functions = drain::after_pass(self.scope.id, Patience::SCRAPE, |scope, _| {
            scope.function_metrics().clone()
        });
        let functions = functions.ok().flatten().unwrap_or_default();
        self.metrics().cardinality().with(&functions, &families)
    }

    /// Sends what was recorded before the call and waits for it, five seconds at most, whatever the
    /// receivers do. With a spool, what cannot be sent in this time is on disk afterwards.
    ///
    /// # Errors
    /// Fails when an exporter could not deliver in time, or lost something since the last flush; how much and why is in
    /// [`Handle::stats`].
    pub fn force_flush(&self) -> Result<(), Error> {
        self.lifecycle.flush(Instant::now() + DEADLINE)
    }

    /// Returns what was recorded, exported and lost so far; after the end, what it was then.
    ///
    /// It takes milliseconds: if spans come faster than they can be read, those that are still
    /// unread are not part of it yet.
    pub fn stats(&self) -> Stats {
        if let Some(account) = self.account_now() {
            return self.scope.stats(account);
        }
        let ended = self.lifecycle.last_account();
        let (mut spans, mut logs) = ended.unwrap_or_default();
        // They sent the last of it after the drain had ended.
        spans.exporters = self.scope.exporters(Exports::Spans);
        logs.exporters = self.scope.exporters(Exports::Logs);
        self.scope.stats((spans, logs))
    }

    /// Returns what the drain says, until the end: then there is a last account.
    fn account_now(&self) -> Option<(SpanStats, LogStats)> {
        if self.lifecycle.last_account().is_some() {
            return None;
        }
        let patience = Patience::MOMENT;
        let drained = drain::after_pass(self.scope.id, patience, |scope, _| scope.stats());
        drained.ok().flatten()
    }

    /// Changes how verbose the process is while it runs: spans above `level` are not built, their calls
    /// are counted.
    ///
    /// `None` switches recording off, spans and counts, until the next call; spans that are open
    /// end as they would.
    ///
    /// ```
    /// use obs_runtime::{Level, Observability, traced};
    ///
    /// #[traced]
    /// fn work() {}
    ///
    /// # fn main() -> Result<(), obs_runtime::Error> {
    /// let obs = Observability::builder().install()?;
    /// obs.set_max_level(None);
    /// work();
    /// assert_eq!(obs.stats().spans.recorded, 0);
    /// obs.set_max_level(Some(Level::Debug));
    /// work();
    /// assert_eq!(obs.stats().spans.recorded, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_max_level(&self, level: Option<Level>) {
        if self.scope.is_here() && !self.lifecycle.has_ended() {
            gate::set(self.scope.id, level);
        }
    }

    /// Returns what does not work, and why.
    pub fn health(&self) -> Health {
        self.scope.health()
    }
}

impl core::fmt::Debug for Handle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Handle")
            .field("scope", &self.scope.id)
            .finish_non_exhaustive()
    }
}
