//! fastrace: `#[trace]` under one root per burst.

use std::hint::black_box;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::{Span, trace};
use obs_benches::executor::Yield;

use crate::rows::{Bursts, Implementation, body};
use crate::{async_burst, sync_burst};

static EXPORTED: AtomicU64 = AtomicU64::new(0);

/// Counts spans and drops them.
struct CountingReporter;

impl Reporter for CountingReporter {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        EXPORTED.fetch_add(spans.len() as u64, Ordering::Relaxed);
    }
}

pub fn implementation() -> Implementation {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| fastrace::set_reporter(CountingReporter, Config::default()));
    Implementation {
        name: "fastrace",
        bursts: Bursts {
            sync: Some(|n| in_root(true, || sync_burst!(n, |i| work(i)))),
            sync_fields: Some(|n| {
                in_root(true, || {
                    sync_burst!(n, |i| work_fields(i, black_box("acme")))
                })
            }),
            async_1: Some(|n| in_root(true, || async_burst!(n, |i| work_async(i)))),
            async_fields: Some(|n| {
                in_root(true, || {
                    async_burst!(n, |i| work_async_fields(i, black_box("acme")))
                })
            }),
            async_4: Some(|n| in_root(true, || async_burst!(n, |i| work_async_4(i)))),
            root: Some(|n| sync_burst!(n, |i| work_root(i))),
            unsampled_sync: Some(|n| in_root(false, || sync_burst!(n, |i| work(i)))),
            unsampled_async: Some(|n| in_root(false, || async_burst!(n, |i| work_async(i)))),
        },
        drain: fastrace::flush,
        exported: Some(|| EXPORTED.load(Ordering::Relaxed)),
    }
}

#[inline(always)]
fn in_root(sampled: bool, burst: impl FnOnce() -> u64) -> u64 {
    let root = Span::root("root", SpanContext::random().sampled(sampled));
    let _guard = root.set_local_parent();
    burst()
}

#[inline(never)]
#[trace]
fn work(x: u64) -> u64 {
    body(x)
}

#[inline(never)]
#[trace(properties = { "x": "{x}", "tenant": "{tenant}" })]
fn work_fields(x: u64, tenant: &str) -> u64 {
    body(x)
}

#[trace]
async fn work_async(x: u64) -> u64 {
    body(x)
}

#[trace(properties = { "x": "{x}", "tenant": "{tenant}" })]
async fn work_async_fields(x: u64, tenant: &str) -> u64 {
    body(x)
}

#[trace]
async fn work_async_4(x: u64) -> u64 {
    Yield(3).await;
    body(x)
}

/// `#[trace]` cannot begin a trace: the root is what a user of fastrace writes by hand, current
/// while the body runs, as in obs.
#[inline(never)]
fn work_root(x: u64) -> u64 {
    let root = Span::root("work_root", SpanContext::random());
    let _guard = root.set_local_parent();
    body(x)
}
