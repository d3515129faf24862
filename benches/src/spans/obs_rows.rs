//! obs: the same functions with `#[traced]`, function metrics included.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use obs_benches::executor::Yield;
use obs_runtime::{
    Error, Observability, Sampler, exporter::RecordExporter, trace::SpanRecord, traced,
};

use crate::rows::{Bursts, Implementation, body};
use crate::{async_burst, sync_burst};

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

/// With function metrics (the default), and without.
pub fn implementations() -> [Implementation; 2] {
    let with_metrics = Bursts {
        sync: Some(|n| in_root(true, n, |n| sync_burst!(n, |i| work(i)))),
        sync_fields: Some(|n| {
            in_root(true, n, |n| {
                sync_burst!(n, |i| work_fields(i, black_box("acme")))
            })
        }),
        async_1: Some(|n| in_root(true, n, |n| async_burst!(n, |i| work_async(i)))),
        async_fields: Some(|n| {
            in_root(true, n, |n| {
                async_burst!(n, |i| work_async_fields(i, black_box("acme")))
            })
        }),
        async_4: Some(|n| in_root(true, n, |n| async_burst!(n, |i| work_async_4(i)))),
        root: Some(|n| {
            ensure(true);
            sync_burst!(n, |i| work(i))
        }),
        unsampled_sync: Some(|n| in_root(false, n, |n| sync_burst!(n, |i| work(i)))),
        unsampled_async: Some(|n| in_root(false, n, |n| async_burst!(n, |i| work_async(i)))),
    };
    let without_metrics = Bursts {
        sync: None,
        sync_fields: None,
        async_1: None,
        async_fields: None,
        async_4: None,
        root: None,
        unsampled_sync: Some(|n| in_root(false, n, |n| sync_burst!(n, |i| work_unmeasured(i)))),
        unsampled_async: Some(|n| {
            in_root(false, n, |n| async_burst!(n, |i| work_async_unmeasured(i)))
        }),
    };
    [
        Implementation {
            name: "obs",
            bursts: with_metrics,
            drain,
            exported: Some(exported),
        },
        Implementation {
            name: "obs-no-metrics",
            bursts: without_metrics,
            drain,
            exported: None,
        },
    ]
}

#[inline(always)]
fn in_root(sampled: bool, n: u64, burst: fn(u64) -> u64) -> u64 {
    ensure(sampled);
    root(n, burst)
}

#[traced]
fn root(n: u64, burst: fn(u64) -> u64) -> u64 {
    burst(n)
}

#[inline(never)]
#[traced]
fn work(x: u64) -> u64 {
    body(x)
}

#[inline(never)]
#[traced(fields(x, tenant))]
fn work_fields(x: u64, tenant: &str) -> u64 {
    body(x)
}

#[traced]
async fn work_async(x: u64) -> u64 {
    body(x)
}

#[traced(fields(x, tenant))]
async fn work_async_fields(x: u64, tenant: &str) -> u64 {
    body(x)
}

#[traced]
async fn work_async_4(x: u64) -> u64 {
    Yield(3).await;
    body(x)
}

#[inline(never)]
#[traced(metrics = false)]
fn work_unmeasured(x: u64) -> u64 {
    body(x)
}

#[traced(metrics = false)]
async fn work_async_unmeasured(x: u64) -> u64 {
    body(x)
}
