//! OpenTelemetry's SDK with its batch processor and OTLP exporter, defaults throughout.

use std::sync::OnceLock;

use opentelemetry::trace::{Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::client::{Client, SPANS};

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

pub fn http(url: &str) -> Result<Client, String> {
    install(http_exporter(url)?)
}

/// An exporter over HTTP, also for fastrace.
pub fn http_exporter(url: &str) -> Result<SpanExporter, String> {
    SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{url}/v1/traces"))
        .build()
        .map_err(|e| e.to_string())
}

pub fn grpc(url: &str) -> Result<Client, String> {
    // tonic wants a runtime to connect in; it lives as long as the process.
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    let _guard = RUNTIME.get_or_init(|| runtime).enter();
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(url)
        .build()
        .map_err(|e| e.to_string())?;
    install(exporter)
}

fn install(exporter: SpanExporter) -> Result<Client, String> {
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .build();
    TRACER.get_or_init(|| provider.tracer("benches"));
    let finish = Box::new(move || {
        if let Err(e) = provider.shutdown() {
            eprintln!("opentelemetry: {e}");
        }
    });
    Ok(Client { trace, finish })
}

fn trace(i: u64) {
    let Some(tracer) = TRACER.get() else { return };
    let root = Context::current_with_span(tracer.start("job"));
    let _guard = root.attach();
    for n in 1..SPANS {
        step(tracer, i + n, "acme");
    }
}

fn step(tracer: &SdkTracer, x: u64, tenant: &str) {
    let mut span = tracer.start("step");
    span.set_attribute(KeyValue::new("x", x as i64));
    span.set_attribute(KeyValue::new("tenant", tenant.to_owned()));
    let _guard = Context::current_with_span(span).attach();
    std::hint::black_box(x);
}
