//! OpenTelemetry's own SDK: spans made by hand, since it has no attribute macro.

use std::future::Future;
use std::hint::black_box;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use obs_benches::executor::Yield;
use opentelemetry::trace::{
    FutureExt, Span as _, TraceContextExt, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData,
    SpanExporter,
};

use crate::rows::{Bursts, Implementation, body};
use crate::{async_burst, sync_burst};

static EXPORTED: AtomicU64 = AtomicU64::new(0);

/// Counts spans and drops them.
#[derive(Debug)]
pub struct CountingExporter;

impl SpanExporter for CountingExporter {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        EXPORTED.fetch_add(batch.len() as u64, Ordering::Relaxed);
        std::future::ready(Ok(()))
    }
}

/// A provider whose queue holds a burst.
pub fn provider(sampler: Sampler) -> SdkTracerProvider {
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(16_384)
        .with_scheduled_delay(Duration::from_secs(3600))
        .build();
    SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_span_processor(
            BatchSpanProcessor::builder(CountingExporter)
                .with_batch_config(config)
                .build(),
        )
        .build()
}

fn sampled() -> &'static (SdkTracerProvider, SdkTracer) {
    static SAMPLED: OnceLock<(SdkTracerProvider, SdkTracer)> = OnceLock::new();
    SAMPLED.get_or_init(|| with_tracer(Sampler::AlwaysOn))
}

fn unsampled() -> &'static SdkTracer {
    static UNSAMPLED: OnceLock<(SdkTracerProvider, SdkTracer)> = OnceLock::new();
    &UNSAMPLED.get_or_init(|| with_tracer(Sampler::AlwaysOff)).1
}

fn with_tracer(sampler: Sampler) -> (SdkTracerProvider, SdkTracer) {
    let provider = provider(sampler);
    let tracer = provider.tracer("benches");
    (provider, tracer)
}

pub fn implementation() -> Implementation {
    Implementation {
        name: "opentelemetry",
        bursts: Bursts {
            sync: Some(|n| in_root(&sampled().1, |t| sync_burst!(n, |i| work(t, i)))),
            sync_fields: Some(|n| {
                in_root(&sampled().1, |t| {
                    sync_burst!(n, |i| work_fields(t, i, black_box("acme")))
                })
            }),
            async_1: Some(|n| in_root(&sampled().1, |t| async_burst!(n, |i| work_async(t, i)))),
            async_fields: Some(|n| {
                in_root(&sampled().1, |t| {
                    async_burst!(n, |i| work_async_fields(t, i, black_box("acme")))
                })
            }),
            async_4: Some(|n| in_root(&sampled().1, |t| async_burst!(n, |i| work_async_4(t, i)))),
            root: Some(|n| {
                let tracer = &sampled().1;
                sync_burst!(n, |i| work(tracer, i))
            }),
            unsampled_sync: Some(|n| in_root(unsampled(), |t| sync_burst!(n, |i| work(t, i)))),
            unsampled_async: Some(|n| {
                in_root(unsampled(), |t| async_burst!(n, |i| work_async(t, i)))
            }),
        },
        drain: || {
            let _ = sampled().0.force_flush();
        },
        exported: Some(|| EXPORTED.load(Ordering::Relaxed)),
    }
}

#[inline(always)]
fn in_root(tracer: &SdkTracer, burst: impl FnOnce(&SdkTracer) -> u64) -> u64 {
    let root = Context::current_with_span(tracer.start("root"));
    let _guard = root.attach();
    burst(tracer)
}

#[inline(never)]
fn work(tracer: &SdkTracer, x: u64) -> u64 {
    let context = Context::current_with_span(tracer.start("work"));
    let _guard = context.attach();
    body(x)
}

#[inline(never)]
fn work_fields(tracer: &SdkTracer, x: u64, tenant: &str) -> u64 {
    let mut span = tracer.start("work_fields");
    span.set_attribute(KeyValue::new("x", x as i64));
    span.set_attribute(KeyValue::new("tenant", tenant.to_owned()));
    let _guard = Context::current_with_span(span).attach();
    body(x)
}

fn work_async(tracer: &SdkTracer, x: u64) -> impl Future<Output = u64> {
    let context = Context::current_with_span(tracer.start("work_async"));
    async move { body(x) }.with_context(context)
}

fn work_async_fields(tracer: &SdkTracer, x: u64, tenant: &str) -> impl Future<Output = u64> {
    let mut span = tracer.start("work_async_fields");
    span.set_attribute(KeyValue::new("x", x as i64));
    span.set_attribute(KeyValue::new("tenant", tenant.to_owned()));
    async move { body(x) }.with_context(Context::current_with_span(span))
}

fn work_async_4(tracer: &SdkTracer, x: u64) -> impl Future<Output = u64> {
    let context = Context::current_with_span(tracer.start("work_async_4"));
    async move {
        Yield(3).await;
        body(x)
    }
    .with_context(context)
}
