//! The adapter that makes any span exporter of OpenTelemetry's SDK a [`RecordExporter`].
//!
//! The exporter's futures are polled on the export loop's own thread, without a runtime, and
//! dropped after [`TIMEOUT`]. The loop above it counts and reports what fails.

use core::future::Future;
use core::pin::pin;
use core::task::{Context as TaskContext, Poll, Waker};
use std::borrow::Cow;
use std::sync::Arc;
use std::task::Wake;
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ::opentelemetry::trace::{self as otel, SpanKind as Kind, Status};
use ::opentelemetry::{Array, Context, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter, SpanLinks};

use crate::callsite::SpanKind;
use crate::error::ErrorKind;
use crate::exporter::RecordExporter;
use crate::semconv::OTHER;
use crate::semconv::attribute as key;
use crate::trace::attribute::{AttributeValue, Event, Link};
use crate::trace::bridge::data::EXCEPTION;
use crate::trace::{Outcome, SpanRecord};
use crate::{Error, trace::TraceFlags};

/// The longest time that a batch, or the shutdown, may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Makes an exporter of the SDK one of ours.
pub(crate) fn adapt(exporter: impl SpanExporter + 'static) -> Box<dyn RecordExporter> {
    Box::new(Adapter {
        exporter,
        timeout: TIMEOUT,
    })
}

struct Adapter<E> {
    exporter: E,
    timeout: Duration,
}

impl<E: SpanExporter + 'static> RecordExporter for Adapter<E> {
    fn begin(&mut self, resource: &[(Cow<'static, str>, AttributeValue)]) {
        let attributes = resource.iter().map(|(k, v)| pair(k.clone(), v.clone()));
        let resource = opentelemetry_sdk::Resource::builder_empty()
            .with_attributes(attributes)
            .build();
        self.exporter.set_resource(&resource);
    }

    fn export(&mut self, batch: Vec<SpanRecord>) -> Result<(), Error> {
        // Spans of the exporter's own work would be exported in turn, without an end.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let batch = batch.into_iter().map(span_data).collect();
        match wait(self.exporter.export(batch), self.timeout) {
            None => Err(too_late()),
            Some(result) => result.map_err(error),
        }
    }

    fn shutdown(&mut self) -> Result<(), Error> {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        self.exporter
            .shutdown_with_timeout(self.timeout)
            .map_err(error)
    }
}

fn too_late() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "the span exporter did not take its batch in time",
    )
}

fn error(theirs: OTelSdkError) -> Error {
    match theirs {
        OTelSdkError::Timeout(_) => too_late(),
        other => Error::new(ErrorKind::Export, format!("span exporter: {other}")),
    }
}

/// Wakes the thread that waits for the exporter.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future on this thread until the timeout; then it is dropped, and the result is `None`.
fn wait<F: Future>(future: F, timeout: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let deadline = Instant::now() + timeout;
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
            return Some(value);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

fn time(unix_nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nanos)
}

fn value(value: AttributeValue) -> Value {
    match value {
        AttributeValue::Bool(v) => Value::Bool(v),
        AttributeValue::I64(v) => Value::I64(v),
        AttributeValue::F64(v) => Value::F64(v),
        AttributeValue::String(v) => Value::String(v.into()),
        AttributeValue::BoolArray(v) => Value::Array(Array::Bool(v)),
        AttributeValue::I64Array(v) => Value::Array(Array::I64(v)),
        AttributeValue::F64Array(v) => Value::Array(Array::F64(v)),
        AttributeValue::StringArray(v) => Value::Array(Array::String(
            v.into_iter().map(StringValue::from).collect(),
        )),
    }
}

fn pair(key: Cow<'static, str>, of: AttributeValue) -> KeyValue {
    KeyValue::new(key, value(of))
}

fn pairs(all: Vec<(Cow<'static, str>, AttributeValue)>) -> Vec<KeyValue> {
    all.into_iter().map(|(k, v)| pair(k, v)).collect()
}

/// Converts a span to the SDK's type, with everything that OTLP would carry of it.
pub(super) fn span_data(span: SpanRecord) -> SpanData {
    let end_time = time(span.end_unix_nanos);
    let mut events: Vec<otel::Event> = span.events.into_iter().map(event).collect();
    let mut attributes = span.attributes;
    let scope = instrumentation(&mut attributes);
    let mut attributes = pairs(attributes);
    let mut add = |key: &'static str, value: Value| {
        // An attribute that the user set comes before one that obs would add.
        if !attributes.iter().any(|pair| pair.key.as_str() == key) {
            attributes.push(KeyValue::new(key, value));
        }
    };
    if !span.function.is_empty() {
        let function = [span.module, span.function].join("::");
        let function = function.trim_start_matches("::").to_owned();
        add(key::CODE_FUNCTION_NAME, function.into());
    }
    if span.outcome == Outcome::Cancelled {
        add(key::OBS_OUTCOME, Outcome::Cancelled.as_str().into());
    }
    let failed = matches!(span.outcome, Outcome::Error | Outcome::Panicked);
    let mut status = match failed {
        _ if span.is_ok => Status::Ok,
        true => Status::error(""),
        false => Status::Unset,
    };
    if failed {
        let none = if span.outcome == Outcome::Panicked {
            "panic"
        } else {
            OTHER
        };
        let kind = span.error.as_ref().map_or(none.into(), |e| e.kind.clone());
        add(key::ERROR_TYPE, Value::String(kind.into()));
    }
    if let (Some(error), true) = (span.error, failed) {
        if error.exception && !events.iter().any(|e| e.name == EXCEPTION) {
            let mut about = vec![KeyValue::new(key::EXCEPTION_TYPE, error.kind)];
            if let Some(message) = &error.message {
                about.push(KeyValue::new(key::EXCEPTION_MESSAGE, message.clone()));
            }
            events.push(otel::Event::new(EXCEPTION, end_time, about, 0));
        }
        if let (Some(message), Status::Error { description }) = (error.message, &mut status) {
            *description = message.into();
        }
    }
    let mut span_events = SpanEvents::default();
    span_events.events = events;
    let mut span_links = SpanLinks::default();
    span_links.links = span.links.into_iter().map(link).collect();
    SpanData {
        span_context: otel::SpanContext::new(
            otel::TraceId::from_bytes(span.trace_id.to_bytes()),
            otel::SpanId::from_bytes(span.span_id.to_bytes()),
            otel::TraceFlags::new(TraceFlags::SAMPLED.bits()),
            false,
            otel::TraceState::NONE,
        ),
        parent_span_id: span.parent_id.map_or(otel::SpanId::INVALID, |id| {
            otel::SpanId::from_bytes(id.to_bytes())
        }),
        parent_span_is_remote: span.parent_is_remote,
        span_kind: match span.kind {
            SpanKind::Internal => Kind::Internal,
            SpanKind::Server => Kind::Server,
            SpanKind::Client => Kind::Client,
            SpanKind::Producer => Kind::Producer,
            SpanKind::Consumer => Kind::Consumer,
        },
        name: span.name,
        start_time: time(span.start_unix_nanos),
        end_time,
        attributes,
        dropped_attributes_count: 0,
        events: span_events,
        links: span_links,
        status,
        instrumentation_scope: scope,
    }
}

fn event(event: Event) -> otel::Event {
    let attributes = pairs(event.attributes);
    otel::Event::new(event.name, time(event.unix_nanos), attributes, 0)
}

fn link(link: Link) -> otel::Link {
    otel::Link::new(link.context.to_opentelemetry(), pairs(link.attributes), 0)
}

/// Returns the library that made the span, as its attributes name it; obs for a span of ours.
fn instrumentation(
    attributes: &mut Vec<(Cow<'static, str>, AttributeValue)>,
) -> InstrumentationScope {
    let mut take = |key: &str| {
        let at = attributes.iter().position(|(k, _)| k == key)?;
        match attributes.remove(at).1 {
            AttributeValue::String(text) => Some(text),
            _ => None,
        }
    };
    let (name, version) = match (take(key::OTEL_SCOPE_NAME), take(key::OTEL_SCOPE_VERSION)) {
        (Some(name), version) => (name, version),
        (None, _) => ("obs".into(), Some(env!("CARGO_PKG_VERSION").into())),
    };
    let builder = InstrumentationScope::builder(name);
    match version {
        Some(version) => builder.with_version(version).build(),
        None => builder.build(),
    }
}

#[cfg(test)]
#[path = "exporter_tests.rs"]
mod tests;
