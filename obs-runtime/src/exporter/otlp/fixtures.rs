//! Spans for tests, with the decoder of another implementation.

use std::borrow::Cow;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, any_value::Value as Any,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::callsite::{Callsite, CallsiteSpec, ConstValue, More, Source, SpanKind};
use crate::exporter::otlp::batch::{Envelope, Resource};
use crate::exporter::otlp::span::SpanEncoder;
use crate::trace::attribute::SpanExtra;
use crate::trace::{
    AttributeValue, Outcome, SpanId, SpanLimits, SpanView, TraceFlags, TraceId, Value, ValueRef,
};

/// A finished span that owns its parts.
pub(super) struct Fixture {
    pub(super) callsite: &'static Callsite,
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) parent_id: SpanId,
    pub(super) parent_is_remote: bool,
    pub(super) outcome: Outcome,
    pub(super) values: Vec<Value>,
    /// Text that lies behind the record.
    pub(super) tail: Vec<u8>,
    pub(super) extra: Option<SpanExtra>,
}

pub(super) fn callsite(
    keys: &'static [&'static str],
    constants: &'static [(&'static str, ConstValue)],
) -> &'static Callsite {
    let mut spec = CallsiteSpec::new(
        "load",
        &Source {
            module: "shop::etl",
            file: "src/etl.rs",
        },
        7,
    );
    spec.kind = SpanKind::Client;
    spec.more = Some(Box::leak(Box::new(More {
        keys,
        constants,
        ..More::NONE
    })));
    Box::leak(Box::new(Callsite::new(spec)))
}

impl Fixture {
    pub(super) fn new(callsite: &'static Callsite, values: Vec<Value>) -> Self {
        Self {
            callsite,
            trace_id: TraceId(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
            span_id: SpanId(0xa1a2_a3a4_a5a6_a7a8),
            parent_id: SpanId(0),
            parent_is_remote: false,
            outcome: Outcome::Ok,
            values,
            tail: Vec::new(),
            extra: None,
        }
    }

    /// A span without attributes of its own.
    pub(super) fn bare() -> Self {
        Self::new(callsite(&[], &[]), Vec::new())
    }

    pub(super) fn view(&self) -> SpanView<'_> {
        SpanView {
            callsite: self.callsite,
            scope: 0,
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_id: self.parent_id,
            parent_is_remote: self.parent_is_remote,
            flags: TraceFlags(3),
            start_unix_nanos: 1_700_000_000_000_000_000,
            end_unix_nanos: 1_700_000_000_000_001_234,
            outcome: self.outcome,
            values: &self.values,
            base: self.tail.as_ptr(),
            extra: self.extra.as_ref(),
        }
    }
}

pub(super) fn resource() -> Resource {
    vec![
        (Cow::Borrowed("service.name"), "shop".into()),
        (Cow::Borrowed("process.pid"), 42.into()),
    ]
}

/// The encoded request for some spans.
pub(super) fn encode(fixtures: &[Fixture]) -> Vec<u8> {
    let envelope = Envelope::new(&resource());
    let mut open = envelope.begin(Vec::new());
    let mut encoder = SpanEncoder::new(SpanLimits::default(), None);
    for fixture in fixtures {
        let view = fixture.view();
        if let Some(library) = encoder.own(&mut open.out, &view) {
            let encode = |out: &mut Vec<u8>| encoder.span(out, &view);
            assert!(open.add(&library, usize::MAX, encode));
        } else {
            open.items += 1;
        }
    }
    envelope.finish(open).body().to_vec()
}

/// What another implementation reads of a request, after it has written the same bytes of it.
pub(super) fn decode(body: &[u8]) -> ExportTraceServiceRequest {
    let request = ExportTraceServiceRequest::decode(body).expect("valid protobuf");
    assert!(
        request.encode_to_vec() == body,
        "decoded and encoded again, the bytes differ"
    );
    request
}

/// The spans of a request.
pub(super) fn spans(body: &[u8]) -> Vec<Span> {
    let request = decode(body);
    assert_eq!(request.resource_spans.len(), 1);
    let scopes = &request.resource_spans[0].scope_spans;
    assert_eq!(scopes.len(), 1);
    scopes[0].spans.clone()
}

/// The only span of a fixture's request.
pub(super) fn only(fixture: Fixture) -> Span {
    let mut all = spans(&encode(&[fixture]));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// An attribute's value, as the other implementation has it.
pub(super) fn any(value: ValueRef<'_>) -> AnyValue {
    fn array<'a>(values: impl Iterator<Item = ValueRef<'a>>) -> Any {
        Any::ArrayValue(ArrayValue {
            values: values.map(any).collect(),
        })
    }
    AnyValue {
        value: Some(match value {
            ValueRef::Bool(v) => Any::BoolValue(v),
            ValueRef::I64(v) => Any::IntValue(v),
            ValueRef::F64(v) => Any::DoubleValue(v),
            ValueRef::Str(v) => Any::StringValue(v.to_owned()),
            ValueRef::BoolArray(v) => array(v.iter().map(|v| ValueRef::Bool(*v))),
            ValueRef::I64Array(v) => array(v.iter().map(|v| ValueRef::I64(*v))),
            ValueRef::F64Array(v) => array(v.iter().map(|v| ValueRef::F64(*v))),
            ValueRef::StringArray(v) => array(v.iter().map(|v| ValueRef::Str(v))),
        }),
    }
}

/// An attribute, as the other implementation has it.
pub(super) fn pair(key: &str, value: impl Into<AttributeValue>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(any(value.into().as_ref())),
        ..KeyValue::default()
    }
}
