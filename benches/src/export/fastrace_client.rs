//! fastrace with its OpenTelemetry reporter, defaults throughout.

use std::borrow::Cow;

use fastrace::Span;
use fastrace::collector::{Config, SpanContext};
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;

use crate::client::{Client, SPANS};
use crate::opentelemetry_client;

pub fn http(url: &str) -> Result<Client, String> {
    let reporter = OpenTelemetryReporter::new(
        opentelemetry_client::http_exporter(url)?,
        Cow::Owned(Resource::builder().with_service_name("benches").build()),
        InstrumentationScope::builder("benches").build(),
    );
    fastrace::set_reporter(reporter, Config::default());
    Ok(Client {
        trace,
        finish: Box::new(fastrace::flush),
    })
}

fn trace(i: u64) {
    let root = Span::root("job", SpanContext::random());
    let _guard = root.set_local_parent();
    for n in 1..SPANS {
        step(i + n, "acme");
    }
}

#[fastrace::trace(properties = { "x": "{x}", "tenant": "{tenant}" })]
fn step(x: u64, tenant: &str) {
    std::hint::black_box(x);
}
