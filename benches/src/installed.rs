//! obs as the benchmarks install it: everything is recorded and handed to an exporter that counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use obs_runtime::{Error, Observability, Sampler, exporter::RecordExporter, trace::SpanRecord};

static EXPORTED: AtomicU64 = AtomicU64::new(0);

/// Counts spans and drops them.
struct CountingExporter;

impl RecordExporter for CountingExporter {
    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        EXPORTED.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// What is installed, and whether it samples.
static INSTALLED: Mutex<Option<(bool, Observability)>> = Mutex::new(None);

/// Installs obs; again only when a row wants the other sampler, that is in a warm-up.
pub fn ensure(sampled: bool) {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if installed.as_ref().is_some_and(|(now, _)| *now == sampled) {
        return;
    }
    if let Some((_, previous)) = installed.take() {
        previous
            .shutdown()
            .expect("the counting exporter takes everything");
    }
    let sampler = if sampled {
        Sampler::always_on()
    } else {
        Sampler::always_off()
    };
    let fresh = Observability::builder()
        .service_name("benches")
        .sampler(Sampler::parent_based(sampler))
        .record_exporter(CountingExporter)
        .install()
        .expect("nothing else is installed");
    *installed = Some((sampled, fresh));
}

/// Waits until everything that was recorded has reached the exporter.
pub fn drain() {
    let installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, obs)) = &*installed {
        obs.force_flush()
            .expect("the counting exporter takes everything");
    }
}

/// Spans that reached the exporter so far.
#[must_use]
pub fn exported() -> u64 {
    EXPORTED.load(Ordering::Relaxed)
}
