//! The one export loop: hands metrics to a destination at regular times, at a flush and at the end.

use core::ops::Range;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::Ordering;
use std::borrow::Cow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::backoff::random;
use crate::error::ErrorKind;
use crate::exporter::delta::{Deltas, Receipt, Temporality};
use crate::exporter::schedule::ExportSchedule;
use crate::metrics::{MetricFamily, MetricSource};
use crate::processor::sink::PendingFlush;
use crate::self_obs::{DropReason, ExporterCounters};
use crate::{AttributeValue, Error, self_log};

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

/// Where the loop takes collections.
pub(crate) trait Destination: Send {
    /// Delivers what it can of a batch before its deadline.
    fn deliver(&mut self, batch: MetricBatch<'_>) -> Delivery;

    /// Whether receivers say what they got. Where they do not, a failure is counted and said, but a flush
    /// does not fail for it: most failures could not be seen.
    fn is_acknowledged(&self) -> bool {
        true
    }

    /// The last call.
    fn shutdown(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// What became of a batch: its points were delivered unless this says otherwise.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// How many points were lost, by reason.
    pub(crate) lost: Vec<(DropReason, u64)>,
    /// Lost points whose amounts the next interval of deltas is to have, by the family's place.
    pub(crate) again: Vec<(usize, Range<usize>)>,
    /// What went wrong, for standard error, for `health` and for those who wait.
    pub(crate) failure: Option<String>,
}

impl Delivery {
    fn failed(families: &[MetricFamily], reason: DropReason, failure: String) -> Self {
        let all = families.iter().enumerate();
        Self {
            lost: vec![(reason, points(families))],
            again: all.map(|(at, f)| (at, 0..f.data.points())).collect(),
            failure: Some(failure),
        }
    }
}

fn points(families: &[MetricFamily]) -> u64 {
    families.iter().map(|f| f.data.points() as u64).sum()
}

/// A user's exporter knows whole batches.
struct Custom(Box<dyn MetricExporter>);

impl Destination for Custom {
    fn deliver(&mut self, batch: MetricBatch<'_>) -> Delivery {
        let failed = |e: Error| {
            let reason = if e.is_timeout() {
                DropReason::Timeout
            } else {
                DropReason::ExporterFailed
            };
            Delivery::failed(batch.families, reason, e.to_string())
        };
        self.0
            .export(batch)
            .map_or_else(failed, |()| Delivery::default())
    }

    fn shutdown(&mut self) -> Result<(), Error> {
        self.0.shutdown()
    }
}

/// Asks for the metrics, and says when that was, in nanoseconds since the Unix epoch.
pub(crate) fn collect(source: &dyn MetricSource, who: &'static str) -> (Vec<MetricFamily>, u64) {
    let mut families = Vec::new();
    // A callback of the user may panic: what the other instruments say is sent all the same.
    let collect = AssertUnwindSafe(|| source.collect(&mut families));
    if std::panic::catch_unwind(collect).is_err() {
        let text = format_args!("collecting metrics panicked: some are missing");
        self_log::warn(who, "panic", text);
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = u64::try_from(since.unwrap_or_default().as_nanos());
    (families, now.unwrap_or(u64::MAX))
}

#[derive(Debug, Default)]
struct State {
    /// Exports that somebody waits for, by number.
    asked: u64,
    done: u64,
    /// Why the last export failed, for those who wait.
    failure: Option<String>,
    stopping: bool,
    ended: bool,
    /// Points that the exporter has at the moment.
    in_hand: u64,
}

struct Shared {
    /// The thread's name, and who speaks in the log.
    name: &'static str,
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

    /// What became of the export that somebody waited for, or of a later one.
    fn outcome(state: &State, asked: u64) -> Result<(), Error> {
        if state.done < asked {
            let text = "metrics were still being exported when the deadline passed";
            return Err(Error::new(ErrorKind::Timeout, text));
        }
        let error = |cause| format!("metrics could not be exported: {cause}");
        let failure = state.failure.as_ref().map(error);
        failure.map_or(Ok(()), |text| Err(Error::new(ErrorKind::Export, text)))
    }
}

/// Delivers from a thread of its own until it is shut down or dropped. Its account counts points.
pub(crate) struct PeriodicPusher {
    shared: Arc<Shared>,
}

impl PeriodicPusher {
    /// Calls a user's exporter.
    pub(crate) fn start(
        exporter: Box<dyn MetricExporter>,
        schedule: ExportSchedule,
        resource: Vec<(Cow<'static, str>, AttributeValue)>,
        source: Arc<dyn MetricSource>,
    ) -> Result<Self, Error> {
        let exporter = Box::new(Custom(exporter));
        Self::start_named(
            ("obs-metrics", "metric"),
            exporter,
            schedule,
            resource,
            source,
        )
    }

    /// Calls a destination; the names are that of the thread and that of the account.
    pub(crate) fn start_named(
        (name, account): (&'static str, &'static str),
        destination: Box<dyn Destination>,
        schedule: ExportSchedule,
        resource: Vec<(Cow<'static, str>, AttributeValue)>,
        source: Arc<dyn MetricSource>,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            name,
            state: Mutex::default(),
            changed: Condvar::new(),
            counters: Arc::new(ExporterCounters::new(account)),
        });
        let mut worker = Worker {
            shared: Arc::clone(&shared),
            destination,
            schedule,
            resource,
            source,
            deltas: Arc::default(),
        };
        let thread = std::thread::Builder::new().name(name.into());
        thread.spawn(move || worker.run()).map_err(|e| {
            let text = format!(
                "the thread `{name}` could not be started ({e}): raise the limit of threads"
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
        let asked = state.asked;
        drop(state);
        self.shared.changed.notify_all();
        let shared = Arc::clone(&self.shared);
        Box::new(move |deadline| {
            let state = shared.lock();
            let state = shared.wait(state, deadline, |s| s.done >= asked || s.ended);
            Shared::outcome(&state, asked)
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
        let asked = state.asked;
        self.shared.changed.notify_all();
        let mut state = self.shared.wait(state, deadline, |s| s.ended);
        let left = core::mem::take(&mut state.in_hand);
        self.shared.counters.dropped.add(DropReason::Shutdown, left);
        Shared::outcome(&state, asked)
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
    destination: Box<dyn Destination>,
    schedule: ExportSchedule,
    resource: Vec<(Cow<'static, str>, AttributeValue)>,
    source: Arc<dyn MetricSource>,
    deltas: Arc<Mutex<Deltas>>,
}

impl Worker {
    fn run(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut due = self.schedule.first(Instant::now(), random());
        loop {
            let state = shared.lock();
            let state = shared.wait(state, due, |s| s.asked > s.done || s.stopping);
            let (asked, stopping) = (state.asked, state.stopping);
            drop(state);
            let failure = self.export();
            let mut state = shared.lock();
            state.done = asked;
            state.failure = failure.filter(|_| self.destination.is_acknowledged());
            drop(state);
            shared.changed.notify_all();
            if stopping {
                break;
            }
            due = self.schedule.next(due, Instant::now(), random());
        }
        let end = AssertUnwindSafe(|| self.destination.shutdown());
        let cause = match std::panic::catch_unwind(end) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("it panicked".to_owned()),
        };
        let mut state = shared.lock();
        state.ended = true;
        if let Some(cause) = cause {
            // What the last export lost says more.
            state
                .failure
                .get_or_insert_with(|| format!("the exporter could not be shut down: {cause}"));
        }
        drop(state);
        shared.changed.notify_all();
    }

    /// Says what went wrong.
    fn export(&mut self) -> Option<String> {
        let (mut families, unix_nanos) = collect(&*self.source, self.shared.name);
        let is_delta = self.schedule.sends().is_delta();
        if is_delta {
            let mut deltas = self.deltas.lock().unwrap_or_else(PoisonError::into_inner);
            deltas.take(&mut families, unix_nanos);
        }
        families.retain(|family| family.data.points() > 0);
        if families.is_empty() {
            return None;
        }
        let taken = points(&families);
        let counters = &self.shared.counters;
        counters.taken.fetch_add(taken, Ordering::Release);
        self.shared.lock().in_hand = taken;
        let delivery = self.deliver(&families, unix_nanos);
        if is_delta {
            let mut receipt = Receipt::new(&self.deltas);
            for (family, points) in delivery.again {
                receipt.add(&families[family], points);
            }
            receipt.settle(false);
        }
        self.account(&delivery.lost);
        self.shared
            .counters
            .set_problem(delivery.failure.as_deref());
        if let Some(cause) = &delivery.failure {
            let text = format_args!("metrics were not exported: {cause}");
            self_log::warn(self.shared.name, "failed", text);
        }
        delivery.failure
    }

    fn deliver(&mut self, families: &[MetricFamily], unix_nanos: u64) -> Delivery {
        let began = Instant::now();
        let limit = self.schedule.may_take();
        let batch = MetricBatch {
            resource: &self.resource,
            families,
            unix_nanos,
            temporality: self.schedule.sends(),
            deadline: began + limit,
        };
        let deliver = AssertUnwindSafe(|| self.destination.deliver(batch));
        let delivery = std::panic::catch_unwind(deliver).unwrap_or_else(|_| {
            let text = "the exporter panicked".to_owned();
            Delivery::failed(families, DropReason::ExporterFailed, text)
        });
        let taken = began.elapsed();
        if taken > limit {
            let text =
                format_args!("an export took {taken:.1?}, longer than its deadline of {limit:?}");
            self_log::warn(self.shared.name, "slow", text);
        }
        delivery
    }

    /// Counts what became of the points in hand, unless the shutdown has given them up already.
    fn account(&self, lost: &[(DropReason, u64)]) {
        let in_hand = core::mem::take(&mut self.shared.lock().in_hand);
        if in_hand == 0 {
            return;
        }
        let counters = &self.shared.counters;
        for (reason, points) in lost {
            counters.dropped.add(*reason, *points);
        }
        let lost: u64 = lost.iter().map(|(_, points)| points).sum();
        counters
            .exported
            .fetch_add(in_hand.saturating_sub(lost), Ordering::Release);
    }
}

#[cfg(test)]
#[path = "periodic_tests.rs"]
mod tests;
