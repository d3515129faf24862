//! The first contact with OpenTelemetry, inside of a running span of ours.

use obs_runtime::interop::opentelemetry::TracerProvider;
use obs_runtime::{Observability, traced};
use obs_tests::own_process;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::InMemorySpanExporterBuilder;

fn say(key: &'static str) {
    Context::current()
        .span()
        .set_attribute(KeyValue::new(key, 1));
}

#[traced]
fn first() {
    // Nobody asked so far: OpenTelemetry does not know this span, and never will.
    let tracer = TracerProvider::new().tracer("library");
    drop(tracer.start("in first"));
    say("lost");
    nested();
}

#[traced]
fn nested() {
    drop(TracerProvider::new().tracer("library").start("in nested"));
}

#[traced]
fn second() {
    say("kept");
}

#[test]
fn the_span_of_the_first_contact_is_not_known() {
    own_process!();
    let memory = InMemorySpanExporterBuilder::new().build();
    let obs = Observability::builder()
        .span_exporter(memory.clone())
        .install()
        .unwrap();
    first();
    second();
    obs.force_flush().unwrap();
    let spans = memory.get_finished_spans().unwrap();
    let span = |name: &str| spans.iter().find(|s| s.name == name).unwrap();
    let under = |child: &str, parent: &str| {
        assert_eq!(
            span(child).parent_span_id,
            span(parent).span_context.span_id(),
            "{child}"
        );
    };
    under("in first", "first");
    under("nested", "first");
    under("in nested", "nested");
    let has = |name: &str, key: &str| span(name).attributes.iter().any(|a| a.key.as_str() == key);
    assert!(!has("first", "lost"));
    assert!(has("second", "kept"));
}
