//! The functions without any instrumentation.

use std::hint::black_box;

use obs_benches::executor::Yield;

use crate::rows::{Bursts, Implementation, body};
use crate::{async_burst, sync_burst};

pub fn implementation() -> Implementation {
    Implementation {
        name: "bare",
        bursts: Bursts {
            sync: Some(|n| sync_burst!(n, |i| work(i))),
            sync_fields: Some(|n| sync_burst!(n, |i| work_fields(i, black_box("acme")))),
            async_1: Some(|n| async_burst!(n, |i| work_async(i))),
            async_fields: Some(|n| async_burst!(n, |i| work_async_fields(i, black_box("acme")))),
            async_4: Some(|n| async_burst!(n, |i| work_async_4(i))),
            root: Some(|n| sync_burst!(n, |i| work(i))),
            unsampled_sync: Some(|n| sync_burst!(n, |i| work(i))),
            unsampled_async: Some(|n| async_burst!(n, |i| work_async(i))),
        },
        drain: || {},
        exported: None,
    }
}

#[inline(never)]
fn work(x: u64) -> u64 {
    body(x)
}

#[inline(never)]
fn work_fields(x: u64, _tenant: &str) -> u64 {
    body(x)
}

async fn work_async(x: u64) -> u64 {
    body(x)
}

async fn work_async_fields(x: u64, _tenant: &str) -> u64 {
    body(x)
}

async fn work_async_4(x: u64) -> u64 {
    Yield(3).await;
    body(x)
}
