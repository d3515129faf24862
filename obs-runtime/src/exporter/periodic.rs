//! Hands metrics to an exporter at regular times, at a flush and at the end.

use core::panic::AssertUnwindSafe;
use core::sync::atomic::Ordering;
use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::error::ErrorKind;
use crate::exporter::PendingFlush;
use crate::exporter::delta::{Deltas, Receipt, Temporality};
use crate::metrics::{MetricFamily, MetricSource};
use crate::self_obs::{DropReason, ExporterCounters};
use crate::{AttributeValue, Error, self_log};

const SOURCE: &str = "obs-metrics";

/// A collection on its way to a [`MetricExporter`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MetricBatch<'a> {
    /// What describes the program: the attributes of the OpenTelemetry resource.
    pub resource: &'a [(Cow<'static, str>, AttributeValue)],
    /// The metrics; there is at least one.
    pub families: &'a [MetricFamily],
    /// When they were collected, in nanoseconds since the Unix epoch.
    pub unix_nanos: u64,
    /// Whether sums are totals or what was added since the last batch that was delivered.
    pub temporality: Temporality,
    /// When the exporter should have given up.
    pub deadline: Instant,
}

/// Receives metrics at regular times; for your own destinations.
///
/// Calls come from one thread of obs. An error, or a panic, counts the batch's points as lost; a
/// batch of deltas is part of the next one then.
///
/// ```
/// use obs_runtime::{Error, MetricBatch, MetricExporter, Observability};
///
/// struct Names;
///
/// impl MetricExporter for Names {
///     fn export(&mut self, batch: MetricBatch<'_>) -> Result<(), Error> {
///         for family in batch.families {
///             println!("{}", family.name);
///         }
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// let obs = Observability::builder().metric_exporter(Names).install()?;
/// # obs.shutdown()
/// # }
/// ```
pub trait MetricExporter: Send + 'static {
    /// Takes a collection.
    ///
    /// # Errors
    /// When it could not be delivered; its points are counted as lost.
    fn export(&mut self, batch: MetricBatch<'_>) -> Result<(), Error>;

    /// The last call, at shutdown.
    ///
    /// # Errors
    /// When something could not be delivered.
    fn shutdown(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// When a [`MetricExporter`] is called.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "it does nothing until an `Observability` has it"]
pub struct ExportLoop {
    interval: Duration,
    jitter: f64,
    deadline: Duration,
    temporality: Temporality,
}

impl Default for ExportLoop {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            jitter: 0.1,
            deadline: Duration::from_secs(30),
            temporality: Temporality::Cumulative,
        }
    }
}

impl ExportLoop {
    /// Every minute, give or take a tenth, with totals.
    pub fn new() -> Self {
        Self::default()
    }

    /// The time between two exports, at least 1 ms; 60 s by default.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(1));
        self
    }

    /// By which part (0 to 1) an interval may be shorter or longer, so that the processes of a fleet
    /// do not all send at once; 0.1 by default.
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = if part.is_finite() {
            part.clamp(0.0, 1.0)
        } else {
            0.0
        };
        self
    }

    /// How long one export may take, 30 s by default: the exporter is told
    /// ([`MetricBatch::deadline`]), and one that takes longer is said on standard error.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Whether sums are totals (the default) or what was added since the last export.
    pub fn temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = temporality;
        self
    }

    /// The next interval; `random` is from 0 to 1.
    fn pause(&self, random: f64) -> Duration {
        self.interval
            .mul_f64(1.0 + self.jitter * (2.0 * random - 1.0))
            .max(Duration::from_millis(1))
    }
}

/// From 0 to 1: each `RandomState` has keys of its own.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[derive(Debug, Default)]
struct State {
    /// Exports that somebody waits for, by number.
    asked: u64,
    done: u64,
    /// Exports that failed, ever, and what the last one said.
    failed: u64,
    last_cause: String,
    stopping: bool,
    ended: bool,
    /// Points that the exporter has at the moment.
    in_hand: u64,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    counters: Arc<ExporterCounters>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        until: Instant,
        done: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        while !done(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// What became of the export that somebody waited for.
    fn outcome(state: &State, asked: u64, failed: u64) -> Result<(), Error> {
        if state.failed > failed {
            let cause = &state.last_cause;
            let text = format!("metrics could not be exported: {cause}");
            return Err(Error::new(ErrorKind::Export, text));
        }
        if state.done < asked {
            let text = "metrics were still being exported when the deadline passed";
            return Err(Error::new(ErrorKind::Timeout, text));
        }
        Ok(())
    }
}

/// Calls an exporter from a thread of its own until it is shut down or dropped. Its account counts
/// points.
pub(crate) struct PeriodicPusher {
    shared: Arc<Shared>,
}

impl PeriodicPusher {
    pub(crate) fn start(
        exporter: Box<dyn MetricExporter>,
        schedule: ExportLoop,
        resource: Vec<(Cow<'static, str>, AttributeValue)>,
        source: Arc<dyn MetricSource>,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            counters: Arc::new(ExporterCounters::new("metric")),
        });
        let mut worker = Worker {
            shared: Arc::clone(&shared),
            exporter,
            schedule,
            resource,
            source,
            deltas: Arc::default(),
        };
        let thread = std::thread::Builder::new().name(SOURCE.into());
        thread.spawn(move || worker.run()).map_err(|e| {
            let text = format!(
                "the thread `{SOURCE}` could not be started ({e}): raise the limit of threads"
            );
            Error::new(ErrorKind::State, text)
        })?;
        Ok(Self { shared })
    }

    /// Exports now; what is returned waits for it.
    pub(crate) fn flush(&self) -> PendingFlush {
        let mut state = self.shared.lock();
        // What runs already may have collected before this call.
        state.asked += 1;
        let (asked, failed) = (state.asked, state.failed);
        drop(state);
        self.shared.changed.notify_all();
        let shared = Arc::clone(&self.shared);
        Box::new(move |deadline| {
            let state = shared.lock();
            let state = shared.wait(state, deadline, |s| s.done >= asked || s.ended);
            Shared::outcome(&state, asked, failed)
        })
    }

    /// Exports for the last time, waits for it until `deadline`, and ends the thread.
    ///
    /// # Errors
    /// When the last export failed, or did not end in time.
    pub(crate) fn shutdown(&self, deadline: Instant) -> Result<(), Error> {
        let mut state = self.shared.lock();
        state.asked += 1;
        state.stopping = true;
        let (asked, failed) = (state.asked, state.failed);
        self.shared.changed.notify_all();
        let mut state = self.shared.wait(state, deadline, |s| s.ended);
        let left = core::mem::take(&mut state.in_hand);
        self.shared.counters.dropped.add(DropReason::Shutdown, left);
        Shared::outcome(&state, asked, failed)
    }

    /// What it took, passed on and lost, in points.
    pub(crate) fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.shared.counters)
    }
}

impl Drop for PeriodicPusher {
    /// Without a shutdown nobody waits.
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
    }
}

struct Worker {
    shared: Arc<Shared>,
    exporter: Box<dyn MetricExporter>,
    schedule: ExportLoop,
    resource: Vec<(Cow<'static, str>, AttributeValue)>,
    source: Arc<dyn MetricSource>,
    deltas: Arc<Mutex<Deltas>>,
}

impl Worker {
    fn run(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut due = Instant::now() + self.schedule.pause(random());
        loop {
            let state = shared.lock();
            let state = shared.wait(state, due, |s| s.asked > s.done || s.stopping);
            let (asked, stopping) = (state.asked, state.stopping);
            drop(state);
            let failure = self.export();
            let mut state = shared.lock();
            state.done = asked;
            state.in_hand = 0;
            if let Some(cause) = failure {
                state.failed += 1;
                state.last_cause = cause;
            }
            drop(state);
            shared.changed.notify_all();
            if stopping {
                break;
            }
            // Exports that took longer than the interval do not pile up.
            due = Instant::now() + self.schedule.pause(random());
        }
        let end = AssertUnwindSafe(|| self.exporter.shutdown());
        let ended = std::panic::catch_unwind(end);
        let mut state = shared.lock();
        state.ended = true;
        if !matches!(ended, Ok(Ok(()))) {
            state.failed += 1;
            "the exporter could not be shut down".clone_into(&mut state.last_cause);
        }
        drop(state);
        shared.changed.notify_all();
    }

    /// Says what went wrong.
    fn export(&mut self) -> Option<String> {
        let mut families = Vec::new();
        // A callback of the user may panic: what the other instruments say is sent all the same.
        let collect = AssertUnwindSafe(|| self.source.collect(&mut families));
        if std::panic::catch_unwind(collect).is_err() {
            let text = format_args!("collecting metrics panicked: some are missing");
            self_log::warn(SOURCE, "panic", text);
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix_nanos = since.map_or(0, |since| since.as_nanos() as u64);
        let receipt = self.schedule.temporality.is_delta().then(|| {
            let mut deltas = self.deltas.lock().unwrap_or_else(PoisonError::into_inner);
            deltas.take(&mut families, unix_nanos);
            Receipt::new(&self.deltas)
        });
        families.retain(|family| family.data.points() > 0);
        if families.is_empty() {
            return None;
        }
        let receipt = receipt.map(|mut receipt| {
            for family in &families {
                receipt.add(family, 0..family.data.points());
            }
            receipt
        });
        let points = families
            .iter()
            .map(|family| family.data.points() as u64)
            .sum();
        let counters = Arc::clone(&self.shared.counters);
        counters.taken.fetch_add(points, Ordering::Release);
        self.shared.lock().in_hand = points;
        let began = Instant::now();
        let batch = MetricBatch {
            resource: &self.resource,
            families: &families,
            unix_nanos,
            temporality: self.schedule.temporality,
            deadline: began + self.schedule.deadline,
        };
        let export = AssertUnwindSafe(|| self.exporter.export(batch));
        let result = std::panic::catch_unwind(export);
        if let (taken, limit) = (began.elapsed(), self.schedule.deadline)
            && taken > limit
        {
            let text =
                format_args!("an export took {taken:.1?}, longer than its deadline of {limit:?}");
            self_log::warn(SOURCE, "slow", text);
        }
        let failure = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the exporter panicked".to_owned()),
        };
        if let Some(receipt) = receipt {
            receipt.settle(failure.is_none());
        }
        // The shutdown may have accounted for the points already.
        let points = core::mem::take(&mut self.shared.lock().in_hand);
        if let Some(cause) = &failure {
            counters.dropped.add(DropReason::ExporterFailed, points);
            self_log::warn(
                SOURCE,
                "failed",
                format_args!("metrics were not exported: {cause}"),
            );
        } else {
            counters.exported.fetch_add(points, Ordering::Release);
        }
        failure
    }
}

#[cfg(test)]
#[path = "periodic_tests.rs"]
mod tests;
