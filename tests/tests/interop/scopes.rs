//! What a library does through OpenTelemetry's API is sent under the library's instrumentation scope.

use obs_runtime::{Observability, traced};
use obs_tests::otlp_receiver::{Mode, OtlpReceiver};
use obs_tests::own_process;
use opentelemetry::trace::Tracer as _;
use opentelemetry::{InstrumentationScope, global};

#[traced]
fn handle() {
    let scope = InstrumentationScope::builder("driver").with_version("1.2");
    global::tracer_with_scope(scope.build()).in_span("query", |_| connect());
    global::tracer("cache").in_span("get", |_| ());
}

#[traced]
fn connect() {}

#[test]
fn each_span_names_the_library_that_made_it() {
    own_process!();
    let receiver = OtlpReceiver::start(Mode::Accept);
    let builder = Observability::builder().otlp(receiver.url());
    let obs = builder.opentelemetry(true).install().unwrap();
    handle();
    obs.shutdown().unwrap();
    let mut arrived: Vec<_> = receiver.spans();
    arrived.sort_by(|a, b| a.name.cmp(&b.name));
    let scopes: Vec<_> = arrived
        .iter()
        .map(|span| (&*span.name, &*span.scope.0, &*span.scope.1))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        ("connect", "obs", version),
        ("get", "cache", ""),
        ("handle", "obs", version),
        ("query", "driver", "1.2"),
    ];
    assert_eq!(scopes, expected);
}
