use std::sync::Mutex;

use ::opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;

use super::*;
use crate::testing;

#[crate::traced(kind = "client", fields(rows = 3))]
fn fails() -> Result<(), String> {
    crate::current::add_event("asked");
    Err("no answer".to_owned())
}

fn attribute<'a>(span: &'a SpanData, key: &str) -> Option<&'a Value> {
    let pair = span.attributes.iter().find(|p| p.key.as_str() == key)?;
    Some(&pair.value)
}

#[test]
fn a_span_of_ours_has_what_otlp_carries() {
    let captured = testing::capture(|| drop(fails()));
    let record = captured.span("fails").clone();
    let span = span_data(record.clone());
    assert_eq!(span.name, "fails");
    assert_eq!(span.span_kind, Kind::Client);
    assert!(span.span_context.is_sampled() && span.span_context.is_valid());
    assert_eq!(span.parent_span_id, otel::SpanId::INVALID);
    assert_eq!(span.status, Status::error("no answer"));
    assert_eq!(attribute(&span, "rows"), Some(&Value::I64(3)));
    assert_eq!(
        attribute(&span, key::ERROR_TYPE),
        Some(&"alloc::string::String".into())
    );
    let function = attribute(&span, key::CODE_FUNCTION_NAME).unwrap().as_str();
    assert!(function.ends_with("exporter::tests::fails"), "{function}");
    let names: Vec<_> = span.events.iter().map(|e| &*e.name).collect();
    assert_eq!(names, ["asked", "exception"]);
    assert_eq!(span.start_time, time(record.start_unix_nanos));
    assert_eq!(span.instrumentation_scope.name(), "obs");
}

#[test]
fn a_span_of_the_api_keeps_library_and_status() {
    let captured = testing::capture(|| {
        let scope = InstrumentationScope::builder("driver")
            .with_version("2.1")
            .build();
        let tracer = super::super::TracerProvider::new().tracer_with_scope(scope);
        let mut span = tracer.start("ok");
        span.set_status(Status::Ok);
        span.set_status(Status::error("ignored: ok is final"));
        span.end();
        tracer.start("failed").set_status(Status::error("why"));
    });
    let ok = span_data(captured.span("ok").clone());
    assert_eq!(ok.status, Status::Ok);
    assert_eq!(ok.instrumentation_scope.name(), "driver");
    assert_eq!(ok.instrumentation_scope.version(), Some("2.1"));
    assert!(ok.attributes.is_empty(), "{:?}", ok.attributes);
    let failed = span_data(captured.span("failed").clone());
    assert_eq!(failed.status, Status::error("why"));
    assert!(failed.events.is_empty());
}

#[derive(Debug, Default)]
struct Fake {
    resource: Arc<Mutex<Vec<String>>>,
    batches: Arc<Mutex<Vec<Vec<SpanData>>>>,
    hangs: bool,
}

impl SpanExporter for Fake {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        // Its own spans are not recorded.
        drop(fails());
        if self.hangs {
            core::future::pending::<()>().await;
        }
        self.batches.lock().unwrap().push(batch);
        Ok(())
    }

    fn set_resource(&mut self, resource: &opentelemetry_sdk::Resource) {
        *self.resource.lock().unwrap() = resource.iter().map(|(k, _)| k.to_string()).collect();
    }
}

#[test]
fn a_batch_that_takes_too_long_is_given_up() {
    let batches = Arc::default();
    let mut adapter = Adapter {
        exporter: Fake {
            hangs: true,
            batches: Arc::clone(&batches),
            ..Fake::default()
        },
        timeout: Duration::ZERO,
    };
    assert!(adapter.export(Vec::new()).unwrap_err().is_timeout());
    adapter.exporter.hangs = false;
    adapter.export(Vec::new()).unwrap();
    assert_eq!(batches.lock().unwrap().len(), 1);
}

#[test]
fn the_exporter_knows_the_resource_and_is_not_recorded_itself() {
    let fake = Fake::default();
    let (batches, resource) = (Arc::clone(&fake.batches), Arc::clone(&fake.resource));
    let mut exporter = adapt(fake);
    exporter.begin(&[("service.name".into(), "shop".into())]);
    assert_eq!(*resource.lock().unwrap(), ["service.name"]);
    // The calls of this process look at OpenTelemetry's context.
    let _ = super::super::TracerProvider::new();
    let spans = testing::capture(|| drop(fails())).spans;
    let captured = testing::capture(|| exporter.export(spans).unwrap());
    assert!(captured.spans.is_empty(), "{:?}", captured.spans);
    assert_eq!(batches.lock().unwrap()[0].len(), 1);
}
