//! obs as the global provider of OpenTelemetry's spans, instruments and headers, and its exporters as ours: one
//! program, from `install` to the end.

use std::time::Duration;

use obs_runtime::interop::opentelemetry::{Propagator, TracerProvider, WrappedTracerProvider};
use obs_runtime::{Observability, exporter::prometheus, traced};
use obs_tests::own_process;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Span as _, Status, Tracer as _, TracerProvider as _};
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    InMemorySpanExporterBuilder, SdkTracerProvider, SpanData, SpanExporter,
};

#[traced]
fn handle() {
    let mut query = global::tracer("driver").start("query");
    query.set_attribute(KeyValue::new("db.rows", 3));
    query.set_status(Status::Ok);
    drop(query);
}

fn by_name<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    spans.iter().find(|s| s.name == name).unwrap()
}

#[test]
fn spans_of_both_reach_an_exporter_of_the_sdk() {
    own_process!();
    let memory = InMemorySpanExporterBuilder::new().build();
    let obs = Observability::builder()
        .service_name("shop")
        .span_exporter(memory.clone())
        .opentelemetry(true)
        .install()
        .unwrap();
    handle();
    obs.force_flush().unwrap();
    let stats = obs.stats();
    let exporter = &stats.spans.exporters[0];
    assert_eq!((exporter.name, exporter.exported), ("opentelemetry", 2));
    let spans = memory.get_finished_spans().unwrap();
    obs.shutdown().unwrap();
    let (ours, query) = (by_name(&spans, "handle"), by_name(&spans, "query"));
    assert_eq!(query.parent_span_id, ours.span_context.span_id());
    assert_eq!(query.span_context.trace_id(), ours.span_context.trace_id());
    assert_eq!(query.attributes, [KeyValue::new("db.rows", 3)]);
    assert_eq!(query.status, Status::Ok);
    assert_eq!(query.instrumentation_scope.name(), "driver");
    assert_eq!(ours.instrumentation_scope.name(), "obs");
    // Switched off: the API records nothing, and nothing breaks.
    assert!(!global::tracer("driver").start("late").is_recording());
}

#[derive(Debug)]
struct Fails;

impl SpanExporter for Fails {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Err(OTelSdkError::Timeout(Duration::from_secs(1)))
    }
}

#[test]
fn what_an_exporter_fails_to_take_is_counted() {
    own_process!();
    let obs = Observability::builder()
        .span_exporter(Fails)
        .opentelemetry(true)
        .install()
        .unwrap();
    handle();
    // bug: the flush was `Ok` all the same.
    let error = obs.force_flush().unwrap_err().to_string();
    assert!(error.contains("did not take its batch in time"), "{error}");
    let stats = obs.stats();
    let lost: Vec<_> = stats
        .dropped()
        .iter()
        .map(|(r, n)| (r.as_str(), *n))
        .collect();
    assert_eq!(lost, [("timeout", 2)]);
}

#[test]
fn instruments_of_both_are_on_one_page() {
    own_process!();
    let obs = Observability::builder()
        .opentelemetry(true)
        .install()
        .unwrap();
    let ours = obs.metrics().counter("orders").build().unwrap();
    ours.inc();
    let meter = global::meter("library");
    let requests = meter
        .u64_counter("http.client.requests")
        .with_description("Requests.")
        .build();
    requests.add(2, &[KeyValue::new("http.request.method", "GET")]);
    let _ = obs
        .meter_provider()
        .meter("library")
        .i64_observable_gauge("pool.idle")
        .with_callback(|observer| observer.observe(4, &[]))
        .build();
    let page = prometheus::text(&obs.collect_metrics(), &[]);
    for line in [
        "orders_total 1",
        "http_client_requests_total{http_request_method=\"GET\",otel_scope_name=\"library\"} 2",
        "pool_idle{otel_scope_name=\"library\"} 4",
    ] {
        assert!(page.lines().any(|l| l == line), "{line} in\n{page}");
    }
}

#[test]
fn globals_that_were_replaced_are_a_problem() {
    own_process!();
    let obs = Observability::builder()
        .opentelemetry(true)
        .install()
        .unwrap();
    assert!(obs.health().is_ok(), "{:?}", obs.health());
    global::set_tracer_provider(SdkTracerProvider::builder().build());
    global::set_text_map_propagator(opentelemetry_sdk::propagation::TraceContextPropagator::new());
    let problems = obs.health().problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("tracer provider") && problems[1].contains("propagator"));
    // Wrapped they are no problem.
    global::set_tracer_provider(WrappedTracerProvider::new(
        SdkTracerProvider::builder().build(),
    ));
    let inner = opentelemetry_sdk::propagation::TraceContextPropagator::new();
    global::set_text_map_propagator(Propagator::wrap(inner));
    assert!(obs.health().is_ok(), "{:?}", obs.health());
}

#[traced]
fn outer(tracer: &impl opentelemetry::trace::Tracer<Span: Send + Sync + 'static>) {
    nested(tracer);
}

#[traced]
fn nested(tracer: &impl opentelemetry::trace::Tracer<Span: Send + Sync + 'static>) {
    tracer.in_span("theirs", |_| inner());
    drop(tracer.span_builder("built").start(tracer));
}

#[traced]
fn inner() {}

#[test]
fn the_sdk_keeps_its_spans_in_the_traces_of_ours() {
    own_process!();
    let (theirs, ours) = (
        InMemorySpanExporterBuilder::new().build(),
        InMemorySpanExporterBuilder::new().build(),
    );
    let obs = Observability::builder()
        .span_exporter(ours.clone())
        .install()
        .unwrap();
    let sdk = SdkTracerProvider::builder()
        .with_simple_exporter(theirs.clone())
        .build();
    let tracer = WrappedTracerProvider::new(sdk).tracer("sdk");
    outer(&tracer);
    obs.force_flush().unwrap();
    let (ours, theirs) = (
        ours.get_finished_spans().unwrap(),
        theirs.get_finished_spans().unwrap(),
    );
    assert_eq!((ours.len(), theirs.len()), (3, 2));
    let nested = by_name(&ours, "nested").span_context.span_id();
    let span = by_name(&theirs, "theirs");
    assert_eq!(span.parent_span_id, nested);
    assert_eq!(by_name(&theirs, "built").parent_span_id, nested);
    assert!(by_name(&theirs, "built").links.is_empty());
    assert_eq!(
        by_name(&ours, "inner").parent_span_id,
        span.span_context.span_id()
    );
    let trace = |s: &SpanData| s.span_context.trace_id();
    assert!(ours.iter().chain(&theirs).all(|s| trace(s) == trace(span)));
}

#[traced]
fn unsampled() -> (bool, bool, bool) {
    let span = TracerProvider::new().tracer("x").start("child");
    let context = span.span_context();
    (
        context.is_valid(),
        context.is_sampled(),
        span.is_recording(),
    )
}

#[test]
fn a_trace_that_is_not_sampled_is_not_sampled_in_the_api() {
    own_process!();
    let memory = InMemorySpanExporterBuilder::new().build();
    let obs = Observability::builder()
        .sampler(obs_runtime::Sampler::always_off())
        .span_exporter(memory.clone())
        .opentelemetry(true)
        .install()
        .unwrap();
    assert_eq!(unsampled(), (true, false, false));
    let root = global::tracer("x").start("root");
    assert!(root.span_context().is_valid() && !root.span_context().is_sampled());
    drop(root);
    obs.force_flush().unwrap();
    assert!(memory.get_finished_spans().unwrap().is_empty());
}
