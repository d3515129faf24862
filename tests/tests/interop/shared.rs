//! What the tables of cases share: one installed obs for the process, spans by unique names, and who should be
//! whose parent.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::thread;

use obs_runtime::{Observability, trace::SpanRecord, traced};
use obs_tests::exporters::Kept;
use opentelemetry::Context;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};

pub(crate) type Headers = HashMap<String, String>;

pub(crate) use obs_tests::http::CALLER;

pub(crate) const CALLER_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const CALLER_SPAN: &str = "00f067aa0ba902b7";

fn running() -> &'static (Observability, Kept) {
    static RUNNING: OnceLock<(Observability, Kept)> = OnceLock::new();
    RUNNING.get_or_init(|| {
        let kept = Kept::default();
        let obs = Observability::builder()
            .service_name("interop")
            .record_exporter(kept.clone())
            .opentelemetry(true)
            .install()
            .unwrap();
        (obs, kept)
    })
}

pub(crate) fn obs() -> &'static Observability {
    &running().0
}

pub(crate) fn tracer() -> obs_runtime::interop::opentelemetry::Tracer {
    obs_runtime::interop::opentelemetry::TracerProvider::new().tracer("interop")
}

/// Runs a case on a thread of its own, with obs switched on.
pub(crate) fn case<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    obs();
    thread::scope(|s| s.spawn(body).join().unwrap())
}

/// An asynchronous case.
pub(crate) fn case_async<R: Send>(body: impl Future<Output = R> + Send) -> R {
    case(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(body)
    })
}

#[traced(name = name)]
pub(crate) fn ours<R>(name: &str, body: impl FnOnce() -> R) -> R {
    body()
}

#[traced(name = name)]
pub(crate) async fn ours_async<R>(name: &str, body: impl Future<Output = R>) -> R {
    body.await
}

/// A span of the global tracer, as libraries make it.
pub(crate) fn otel<R>(name: &str, body: impl FnOnce() -> R) -> R {
    opentelemetry::global::tracer("library").in_span(name.to_owned(), |_| body())
}

/// A span of the global tracer that is not entered.
pub(crate) fn leaf(name: &str) {
    drop(opentelemetry::global::tracer("library").start(name.to_owned()));
}

/// Every span of a name.
fn named(name: &str) -> Vec<SpanRecord> {
    let (obs, kept) = running();
    obs.force_flush().unwrap();
    kept.named(name)
}

/// The only span of a name.
pub(crate) fn span(name: &str) -> SpanRecord {
    let mut found = named(name);
    assert_eq!(found.len(), 1, "spans named {name}");
    found.remove(0)
}

pub(crate) fn has(name: &str) -> bool {
    !named(name).is_empty()
}

/// Checks `child > parent` for each of the lines; `-` is none: a new trace.
#[track_caller]
pub(crate) fn tree(lines: &[(&str, &str)]) {
    for (child, parent) in lines {
        let child = span(child);
        if *parent == "-" {
            assert_eq!(child.parent_id, None, "{} begins a trace", child.name);
            continue;
        }
        let parent = span(parent);
        let expected = (parent.trace_id, Some(parent.span_id));
        let found = (child.trace_id, child.parent_id);
        assert_eq!(found, expected, "{} under {}", child.name, parent.name);
    }
}

/// `trace-span` of what the global propagator sends for a context.
pub(crate) fn injected(cx: &Context) -> String {
    let mut headers = Headers::new();
    opentelemetry::global::get_text_map_propagator(|p| p.inject_context(cx, &mut headers));
    let header = headers.remove("traceparent").unwrap_or_default();
    header
        .split('-')
        .skip(1)
        .take(2)
        .collect::<Vec<_>>()
        .join("-")
}

#[track_caller]
pub(crate) fn names(sent: &str, span_name: &str) {
    let span = span(span_name);
    assert_eq!(
        sent,
        format!("{}-{}", span.trace_id, span.span_id),
        "{span_name}"
    );
}

/// The context of a caller, as a server reads it.
pub(crate) fn extracted() -> Context {
    let headers = Headers::from([("traceparent".to_owned(), CALLER.to_owned())]);
    opentelemetry::global::get_text_map_propagator(|p| {
        p.extract_with_context(&Context::new(), &headers)
    })
}

#[track_caller]
pub(crate) fn is_callers(name: &str) {
    let span = span(name);
    assert_eq!(span.trace_id.to_string(), CALLER_TRACE, "{name}");
    assert_eq!(span.parent_id.unwrap().to_string(), CALLER_SPAN, "{name}");
    assert!(span.parent_is_remote, "{name}");
}
