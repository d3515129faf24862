//! obs: the same functions with `#[traced]`, function metrics included.

use std::hint::black_box;

use obs_benches::executor::Yield;
use obs_benches::installed::{drain, ensure, exported};
use obs_runtime::traced;

use crate::rows::{Bursts, Implementation, body};
use crate::{async_burst, sync_burst};

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
