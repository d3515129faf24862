//! `#[tracing::instrument]` over tracing-opentelemetry with the defaults of both, over the SDK; and over the layer of
//! obs.

use std::hint::black_box;
use std::sync::OnceLock;

use obs_benches::executor::Yield;
use obs_benches::installed;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Dispatch, dispatcher, instrument};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::opentelemetry_rows;
use crate::rows::{Bursts, Implementation, body};
use crate::{async_burst, sync_burst};

struct Installed {
    provider: SdkTracerProvider,
    dispatch: Dispatch,
}

fn installed(sampled: bool) -> &'static Installed {
    static INSTALLED: [OnceLock<Installed>; 2] = [OnceLock::new(), OnceLock::new()];
    INSTALLED[usize::from(sampled)].get_or_init(|| {
        let sampler = if sampled {
            Sampler::AlwaysOn
        } else {
            Sampler::AlwaysOff
        };
        let provider = opentelemetry_rows::provider(sampler);
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("benches"));
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
        Installed { provider, dispatch }
    })
}

/// The layer of obs instead.
fn dispatch_of_obs() -> &'static Dispatch {
    static DISPATCH: OnceLock<Dispatch> = OnceLock::new();
    DISPATCH.get_or_init(|| {
        Dispatch::new(tracing_subscriber::registry().with(obs_runtime::interop::tracing::layer()))
    })
}

/// The bursts under one of the two layers.
macro_rules! bursts {
    ($in_root:ident, $alone:ident) => {
        Bursts {
            sync: Some(|n| $in_root(true, || sync_burst!(n, |i| work(i)))),
            sync_fields: Some(|n| {
                $in_root(true, || {
                    sync_burst!(n, |i| work_fields(i, black_box("acme")))
                })
            }),
            async_1: Some(|n| $in_root(true, || async_burst!(n, |i| work_async(i)))),
            async_fields: Some(|n| {
                $in_root(true, || {
                    async_burst!(n, |i| work_async_fields(i, black_box("acme")))
                })
            }),
            async_4: Some(|n| $in_root(true, || async_burst!(n, |i| work_async_4(i)))),
            root: Some(|n| $alone(|| sync_burst!(n, |i| work(i)))),
            unsampled_sync: Some(|n| $in_root(false, || sync_burst!(n, |i| work(i)))),
            unsampled_async: Some(|n| $in_root(false, || async_burst!(n, |i| work_async(i)))),
        }
    };
}

/// Over tracing-opentelemetry and the SDK, and over the layer of obs.
pub fn implementations() -> [Implementation; 2] {
    [
        Implementation {
            name: "tracing",
            bursts: bursts!(in_root, alone),
            drain: || {
                let _ = installed(true).provider.force_flush();
            },
            // The count of opentelemetry_rows is shared; its check covers the exporter.
            exported: None,
        },
        Implementation {
            name: "tracing-obs",
            bursts: bursts!(in_root_of_obs, alone_in_obs),
            drain: installed::drain,
            exported: Some(installed::exported),
        },
    ]
}

fn in_root(sampled: bool, burst: impl FnOnce() -> u64) -> u64 {
    dispatcher::with_default(&installed(sampled).dispatch, || {
        tracing::info_span!("root").in_scope(burst)
    })
}

fn alone(burst: impl FnOnce() -> u64) -> u64 {
    dispatcher::with_default(&installed(true).dispatch, burst)
}

fn in_root_of_obs(sampled: bool, burst: impl FnOnce() -> u64) -> u64 {
    installed::ensure(sampled);
    dispatcher::with_default(dispatch_of_obs(), || {
        tracing::info_span!("root").in_scope(burst)
    })
}

fn alone_in_obs(burst: impl FnOnce() -> u64) -> u64 {
    installed::ensure(true);
    dispatcher::with_default(dispatch_of_obs(), burst)
}

#[inline(never)]
#[instrument(skip_all)]
fn work(x: u64) -> u64 {
    body(x)
}

#[inline(never)]
#[instrument]
fn work_fields(x: u64, tenant: &str) -> u64 {
    body(x)
}

#[instrument(skip_all)]
async fn work_async(x: u64) -> u64 {
    body(x)
}

#[instrument]
async fn work_async_fields(x: u64, tenant: &str) -> u64 {
    body(x)
}

#[instrument(skip_all)]
async fn work_async_4(x: u64) -> u64 {
    Yield(3).await;
    body(x)
}
