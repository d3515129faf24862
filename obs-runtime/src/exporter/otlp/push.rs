//! Metrics over OTLP: collected at regular times, and at a flush.

use core::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;
use crate::exporter::delta::{Deltas, Temporality};
use crate::exporter::otlp::batch::{Envelope, Resource};
use crate::exporter::otlp::config::{Limits, Target};
use crate::exporter::otlp::lane::Lane;
use crate::exporter::otlp::metrics::batches;
use crate::exporter::otlp::transport::Transport;
use crate::exporter::otlp::worker::{self, Ticker};
use crate::exporter::periodic;
use crate::exporter::schedule::ExportSchedule;
use crate::metrics::MetricSource;
use crate::processor::sink::PendingFlush;
use crate::self_obs::ExporterCounters;

/// The thread's name, and who speaks in the log.
const SOURCE: &str = "obs-otlp-metrics";

/// Pushes metrics from a thread of its own until it is shut down or dropped. Its account
/// counts points.
pub(crate) struct MetricPusher {
    collector: Collector,
}

/// How often metrics are sent, and as what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Push {
    pub(super) interval: Duration,
    pub(super) temporality: Temporality,
}

/// Turns a collection into requests.
#[derive(Clone)]
struct Collector {
    source: Arc<dyn MetricSource>,
    envelope: Envelope,
    batch_bytes: usize,
    lane: Arc<Lane>,
    /// None if totals are sent.
    deltas: Option<Arc<Mutex<Deltas>>>,
}

impl Collector {
    fn collect(&self) {
        // An older collection must not come after a newer one.
        let deltas = self.deltas.as_deref().map(Mutex::lock);
        let mut deltas = deltas.map(|d| d.unwrap_or_else(PoisonError::into_inner));
        let (mut families, now) = periodic::collect(&*self.source, SOURCE);
        if let Some(deltas) = &mut deltas {
            deltas.take(&mut families, now);
        }
        // A request that is refused gives back what it took.
        drop(deltas);
        let deltas = self.deltas.as_ref();
        for batch in batches(&self.envelope, &families, now, self.batch_bytes, deltas) {
            self.lane
                .counters
                .taken
                .fetch_add(batch.items, Ordering::Release);
            self.lane.hand_over(batch);
        }
    }
}

impl MetricPusher {
    pub(super) fn start(
        target: &Target,
        transport: Box<dyn Transport>,
        limits: Limits,
        push: Push,
        resource: &Resource,
        source: Arc<dyn MetricSource>,
    ) -> Result<Self, Error> {
        let lane = Lane::new(target.signal, limits.queue_bytes);
        let collector = Collector {
            source,
            envelope: Envelope::new(resource),
            batch_bytes: limits.batch_bytes,
            lane: Arc::clone(&lane),
            deltas: push.temporality.is_delta().then(Arc::default),
        };
        let ticker = Ticker {
            schedule: ExportSchedule::new().interval(push.interval).steady(),
            tick: Box::new({
                let collector = collector.clone();
                move || collector.collect()
            }),
        };
        worker::start(SOURCE, &lane, transport, target, limits, Some(ticker))?;
        Ok(Self { collector })
    }

    /// Collects and sends off; what is returned waits, and is an error when points were lost.
    pub(crate) fn flush(&self) -> PendingFlush {
        let mark = self.collector.lane.mark();
        self.collector.collect();
        self.collector.lane.pending(mark)
    }

    /// Collects for the last time, sends until `deadline`, and ends the thread.
    ///
    /// # Errors
    /// As [`MetricPusher::flush`].
    pub(crate) fn shutdown(&self, deadline: Instant) -> Result<(), Error> {
        let lane = &self.collector.lane;
        let mark = lane.mark();
        self.collector.collect();
        lane.close(mark, deadline)
    }

    /// What it took, passed on and lost, in points.
    pub(crate) fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.collector.lane.counters)
    }
}

impl Drop for MetricPusher {
    /// Without a shutdown nobody waits: what remains is counted, and the thread ends.
    fn drop(&mut self) {
        let lane = &self.collector.lane;
        let _ = lane.close(lane.mark(), Instant::now());
    }
}

#[cfg(test)]
#[path = "push_tests.rs"]
mod tests;
