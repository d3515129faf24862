//! Hands metrics to a destination at regular times, at a flush and at the end.
//!
//! A [`PeriodicPusher`] is a [delivery](crate::exporter::delivery) whose items are requests to export now. Its thread
//! collects from the source, with the callbacks of users in it, turns totals into deltas where the destination wants
//! them, and calls the [`Destination`]. Threads that flush or shut down only wait for it.

use core::ops::Range;
use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::backoff::random;
use crate::exporter::custom::reason;
use crate::exporter::delivery::{Consumer, Delivery, DeliveryConfig, Outcome, Queue};
use crate::exporter::delta::{Deltas, Receipt, Temporality};
use crate::exporter::schedule::ExportSchedule;
use crate::guarded::guarded;
use crate::lock::lock;
use crate::metrics::{MetricFamily, MetricSource};
use crate::processor::sink::PendingFlush;
use crate::self_obs::{DropReason, ExporterCounters, Part};
use crate::trace::heap::HeapBytes;
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
/// use obs_runtime::{Error, Observability, exporter::{MetricBatch, MetricExporter}};
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

    /// Ends the work of the exporter: the last call, at shutdown.
    ///
    /// # Errors
    /// When something could not be delivered.
    fn shutdown(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Where collections go. All calls but [`relay`](Self::relay) come from the pusher's thread.
pub(crate) trait Destination: Send {
    /// Delivers what it can of a batch before its deadline. If the batch is one of deltas, they were taken from
    /// `deltas`.
    fn deliver(&mut self, batch: MetricBatch<'_>, deltas: &Arc<Mutex<Deltas>>) -> BatchOutcome;

    /// Returns whether receivers say what they got. Where they do not, a failure is counted and said, but a flush does
    /// not fail for it: most failures could not be seen.
    fn is_acknowledged(&self) -> bool {
        true
    }

    /// Returns the queue that the destination only puts points into, if that is what it does.
    fn relay(&self) -> Option<Arc<dyn Relay>> {
        None
    }

    /// Ends its work: the last call.
    fn shutdown(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// A queue behind a destination, with threads of its own that deliver: it accounts for the points, and those who flush
/// or shut down wait for it as well. The calls come from them.
pub(crate) trait Relay: Send + Sync {
    fn counters(&self) -> Arc<ExporterCounters>;

    /// Has what is queued delivered; what is returned is called once the flush's own collection is queued, and waits
    /// for that too.
    fn flush(self: Arc<Self>) -> PendingFlush;

    /// Prepares the end; what is returned is called after the last collection, and ends the queue.
    fn shutdown(self: Arc<Self>) -> PendingFlush;
}

/// What became of a batch: its points were delivered unless this says otherwise.
#[derive(Debug, Default)]
pub(crate) struct BatchOutcome {
    /// How many points were lost, by reason.
    pub(crate) lost: Vec<(DropReason, u64)>,
    /// Lost points whose amounts the next interval of deltas is to have, by the family's place.
    pub(crate) again: Vec<(usize, Range<usize>)>,
    /// What went wrong, for standard error, for `health` and for those who wait.
    pub(crate) failure: Option<String>,
}

impl BatchOutcome {
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
    fn deliver(&mut self, batch: MetricBatch<'_>, _: &Arc<Mutex<Deltas>>) -> BatchOutcome {
        match self.0.export(batch) {
            Ok(()) => BatchOutcome::default(),
            Err(error) => BatchOutcome::failed(batch.families, reason(&error), error.to_string()),
        }
    }

    fn shutdown(&mut self) -> Result<(), Error> {
        self.0.shutdown()
    }
}

/// Asks for the metrics, and says when that was, in nanoseconds since the Unix epoch.
fn collect(source: &dyn MetricSource, who: &'static str) -> (Vec<MetricFamily>, u64) {
    let mut families = Vec::new();
    // A callback of the user may panic: what the other instruments say is sent all the same.
    if guarded(|| source.collect(&mut families)).is_none() {
        let text = format_args!("collecting metrics panicked: some are missing");
        self_log::warn(who, "panic", text);
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = u64::try_from(since.unwrap_or_default().as_nanos());
    (families, now.unwrap_or(u64::MAX))
}

/// A request to export now.
struct Export;

impl HeapBytes for Export {
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// Delivers from a thread of its own until it is shut down or dropped. Its account counts points.
pub(crate) struct PeriodicPusher {
    delivery: Delivery<Export>,
    relay: Option<Arc<dyn Relay>>,
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
        let relay = destination.relay();
        let counters = match &relay {
            Some(relay) => relay.counters(),
            None => Arc::new(ExporterCounters::new(account)),
        };
        let config = DeliveryConfig {
            thread: name.to_owned(),
            // One is worked on and one waits: a further one would say the same as that.
            bound: 2,
            late: "metrics were still being exported when the deadline passed",
            counters: Arc::clone(&counters),
        };
        let exporter = Exporter {
            name,
            destination,
            due: schedule.first(Instant::now(), random()),
            schedule,
            resource,
            source,
            deltas: Arc::default(),
            counters,
            is_relayed: relay.is_some(),
        };
        let delivery = Delivery::new(config, exporter);
        delivery.start()?;
        Ok(Self { delivery, relay })
    }

    /// Exports now; what is returned waits for it.
    pub(crate) fn flush(&self) -> PendingFlush {
        let relayed = self.relay.as_ref().map(|relay| Arc::clone(relay).flush());
        // Refused if one waits already, which does as well.
        self.delivery.push(Export, 0);
        let exported = self.delivery.flush();
        Box::new(move |deadline| {
            let exported = exported(deadline);
            let relayed = relayed.map_or(Ok(()), |relayed| relayed(deadline));
            exported.and(relayed)
        })
    }

    /// Exports for the last time, waits for it until `deadline`, and ends the thread.
    ///
    /// # Errors
    /// When the last export failed, or did not end in time.
    pub(crate) fn shutdown(&self, deadline: Instant) -> Result<(), Error> {
        let relayed = self
            .relay
            .as_ref()
            .map(|relay| Arc::clone(relay).shutdown());
        let exported = self.delivery.shutdown(deadline);
        self.delivery.give_up();
        let relayed = relayed.map_or(Ok(()), |relayed| relayed(deadline));
        exported.and(relayed)
    }

    /// Returns what it took, passed on and lost, in points.
    pub(crate) fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(self.delivery.counters())
    }
}

impl Drop for PeriodicPusher {
    /// Ends the relay. Without a shutdown nobody waits: what a relay has is given up. The thread exports for the last
    /// time and ends.
    fn drop(&mut self) {
        if let Some(relay) = self.relay.take() {
            let _ = relay.shutdown()(Instant::now());
        }
    }
}

/// Collects and calls the destination, from the pusher's thread.
struct Exporter {
    /// The thread's name, and who speaks in the log.
    name: &'static str,
    destination: Box<dyn Destination>,
    schedule: ExportSchedule,
    due: Instant,
    resource: Vec<(Cow<'static, str>, AttributeValue)>,
    source: Arc<dyn MetricSource>,
    deltas: Arc<Mutex<Deltas>>,
    counters: Arc<ExporterCounters>,
    /// Whether the destination's relay accounts for the points.
    is_relayed: bool,
}

impl Consumer<Export> for Exporter {
    fn deliver(&mut self, Export: Export, queue: &Queue<Export>) -> Outcome {
        self.tick(queue)
    }

    fn due(&self) -> Option<Instant> {
        Some(self.due)
    }

    fn tick(&mut self, queue: &Queue<Export>) -> Outcome {
        let BatchOutcome { lost, failure, .. } = self.export(queue);
        self.due = self.schedule.next(self.due, Instant::now(), random());
        // A collection that arrives has all that earlier ones had.
        let makes_up = failure.is_none();
        let told = failure.filter(|_| self.destination.is_acknowledged());
        Outcome {
            lost,
            makes_up,
            failure: told.map(|cause| format!("metrics could not be exported: {cause}")),
        }
    }

    fn end(&mut self) -> Result<(), String> {
        let ended = self.destination.shutdown();
        ended.map_err(|cause| format!("the metric exporter could not be shut down: {cause}"))
    }
}

impl Exporter {
    fn export(&mut self, queue: &Queue<Export>) -> BatchOutcome {
        let (mut families, unix_nanos) = collect(&*self.source, self.name);
        let is_delta = self.schedule.temporality.is_delta();
        if is_delta {
            let mut deltas = lock(&self.deltas);
            deltas.take(&mut families, unix_nanos);
        }
        families.retain(|family| family.data.points() > 0);
        if families.is_empty() {
            return BatchOutcome::default();
        }
        if !self.is_relayed {
            queue.take(points(&families));
        }
        let outcome = self.deliver_batch(&families, unix_nanos);
        if is_delta {
            let mut receipt = Receipt::new(&self.deltas);
            for (family, points) in &outcome.again {
                receipt.add(&families[*family], points.clone());
            }
            receipt.settle(false);
        }
        // Of what is relayed the relay knows whether it arrives.
        if !self.is_relayed || outcome.failure.is_some() {
            let failure = outcome.failure.as_deref();
            self.counters.set_problem(Part::Export, failure);
        }
        // At the end its error says the same.
        if let Some(cause) = &outcome.failure
            && !self_log::Ending::has_begun()
        {
            let text = format_args!("metrics were not exported: {cause}");
            self_log::warn(self.name, "failed", text);
        }
        outcome
    }

    fn deliver_batch(&mut self, families: &[MetricFamily], unix_nanos: u64) -> BatchOutcome {
        let began = Instant::now();
        let limit = self.schedule.deadline;
        let batch = MetricBatch {
            resource: &self.resource,
            families,
            unix_nanos,
            temporality: self.schedule.temporality,
            deadline: began + limit,
        };
        let outcome = guarded(|| self.destination.deliver(batch, &self.deltas));
        let outcome = outcome.unwrap_or_else(|| {
            let text = "the exporter panicked".to_owned();
            BatchOutcome::failed(families, DropReason::ExporterFailed, text)
        });
        let taken = began.elapsed();
        if taken > limit {
            let text =
                format_args!("an export took {taken:.1?}, longer than its deadline of {limit:?}");
            self_log::warn(self.name, "slow", text);
        }
        outcome
    }
}

#[cfg(test)]
#[path = "periodic_tests.rs"]
mod tests;
