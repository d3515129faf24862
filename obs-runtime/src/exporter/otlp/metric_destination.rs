//! Metrics over OTLP: the destination of a pusher, which makes requests and leaves sending them to a lane.

use core::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use crate::Error;
use crate::exporter::ExportSchedule;
use crate::exporter::delta::Deltas;
use crate::exporter::otlp::batch::{Envelope, Resource};
use crate::exporter::otlp::config::{Limits, OtlpConfig, Signal};
use crate::exporter::otlp::lane::Lane;
use crate::exporter::otlp::metrics::batches;
use crate::exporter::otlp::{transport, worker};
use crate::exporter::periodic::{BatchOutcome, Destination, MetricBatch, PeriodicPusher, Relay};
use crate::metrics::MetricSource;
use crate::processor::sink::PendingFlush;
use crate::self_obs::ExporterCounters;

/// The name of the threads, and who speaks in the log.
const SOURCE: &str = "obs-otlp-metrics";

/// Turns collections into requests, on the pusher's thread. Requests that are not delivered give back their deltas
/// themselves.
struct OtlpMetrics {
    envelope: Envelope,
    batch_bytes: usize,
    lane: Arc<Lane>,
}

/// Starts the pusher's thread and the lane's sender.
///
/// # Errors
/// When the configuration names no receiver for metrics, or one that cannot be used.
pub(super) fn start(
    config: &OtlpConfig,
    resource: &Resource,
    source: Arc<dyn MetricSource>,
) -> Result<PeriodicPusher, Error> {
    let (target, transport) = transport::connect_to(config, Signal::Metrics)?;
    // One sender: an older collection must not come after a newer one.
    let limits = Limits {
        requests: 1,
        ..config.limits
    };
    let destination = OtlpMetrics {
        envelope: Envelope::new(resource),
        batch_bytes: limits.batch_bytes,
        lane: worker::start(SOURCE, transport, &target, limits)?,
    };
    let schedule = ExportSchedule::new()
        .interval(config.metrics_every())
        .temporality(config.temporality.unwrap_or_default())
        .steady();
    let names = (SOURCE, "otlp");
    // Requests name the resource; the loop need not.
    PeriodicPusher::start_named(names, Box::new(destination), schedule, Vec::new(), source)
}

impl Destination for OtlpMetrics {
    fn deliver(&mut self, batch: MetricBatch<'_>, deltas: &Arc<Mutex<Deltas>>) -> BatchOutcome {
        let deltas = batch.temporality.is_delta().then_some(deltas);
        let (families, now) = (batch.families, batch.unix_nanos);
        for request in batches(&self.envelope, families, now, self.batch_bytes, deltas) {
            let taken = &self.lane.counters.taken;
            taken.fetch_add(request.items, Ordering::Release);
            self.lane.hand_over(request);
        }
        BatchOutcome::default()
    }

    fn relay(&self) -> Option<Arc<dyn Relay>> {
        Some(Arc::clone(&self.lane) as Arc<dyn Relay>)
    }
}

impl Relay for Lane {
    fn counters(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.counters)
    }

    fn flush(self: Arc<Self>) -> PendingFlush {
        let told = self.told();
        // The sender tries at once what it has.
        drop(self.pending(told));
        Box::new(move |deadline| self.pending(told)(deadline))
    }

    fn shutdown(self: Arc<Self>) -> PendingFlush {
        Box::new(move |deadline| self.close(deadline))
    }
}

#[cfg(test)]
#[path = "metric_destination_tests.rs"]
mod tests;
