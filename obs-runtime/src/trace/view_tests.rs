use serde_json::json;

use super::*;
use crate::{Level, SpanContext, SpanKind};

fn record() -> SpanRecord {
    let trace_id = TraceId::from_bytes([0xab; 16]);
    let other = SpanContext::remote(trace_id, SpanId(7), TraceFlags::SAMPLED).unwrap();
    SpanRecord {
        name: "load rows".into(),
        function: "load",
        module: "app::etl",
        trace_id,
        span_id: SpanId(0x1f),
        parent_id: None,
        parent_is_remote: false,
        kind: SpanKind::Client,
        start_unix_nanos: 1_795_172_645_007_000_001,
        end_unix_nanos: 1_795_172_645_008_000_001,
        outcome: Outcome::Error,
        error: Some(SpanError {
            level: Some(Level::Warn),
            ..SpanError::new("app::Refused", Some("no".to_owned()))
        }),
        attributes: vec![("rows".into(), 3.into())],
        events: vec![Event {
            name: "retry".into(),
            unix_nanos: 1_795_172_645_007_000_002,
            attributes: vec![("attempt".into(), 2.into())],
        }],
        links: vec![Link {
            context: other,
            attributes: vec![("why".into(), "batch".into())],
        }],
        is_ok: false,
    }
}

#[test]
fn a_span_is_an_object_of_its_fields() {
    assert_eq!(
        serde_json::to_value(record()).unwrap(),
        json!({
            "name": "load rows",
            "function": "load",
            "module": "app::etl",
            "trace_id": "abababababababababababababababab",
            "span_id": "000000000000001f",
            "parent_id": null,
            "parent_is_remote": false,
            "kind": "client",
            "start_unix_nanos": 1_795_172_645_007_000_001_u64,
            "end_unix_nanos": 1_795_172_645_008_000_001_u64,
            "outcome": "error",
            "error": {
                "kind": "app::Refused",
                "message": "no",
                "level": "warn",
                "exception": true,
                "stacktrace": null,
            },
            "attributes": {"rows": 3},
            "events": [{
                "name": "retry",
                "unix_nanos": 1_795_172_645_007_000_002_u64,
                "attributes": {"attempt": 2},
            }],
            "links": [{
                "context": {
                    "trace_id": "abababababababababababababababab",
                    "span_id": "0000000000000007",
                    "trace_flags": 1,
                    "is_remote": true,
                },
                "attributes": {"why": "batch"},
            }],
        })
    );
}

#[test]
fn an_attribute_is_its_value_alone() {
    let values: [AttributeValue; 9] = [
        true.into(),
        (-3).into(),
        0.5.into(),
        f64::INFINITY.into(),
        "text".into(),
        vec![true, false].into(),
        vec![1_i64, 2].into(),
        vec![0.5, f64::NEG_INFINITY].into(),
        vec!["a".to_owned(), "b".to_owned()].into(),
    ];
    let wanted = json!([
        true,
        -3,
        0.5,
        "Infinity",
        "text",
        [true, false],
        [1, 2],
        [0.5, "-Infinity"],
        ["a", "b"]
    ]);
    assert_eq!(serde_json::to_value(&values[..]).unwrap(), wanted);
}

#[test]
fn enums_are_written_as_they_are_shown() {
    let outcomes = [
        Outcome::Ok,
        Outcome::Error,
        Outcome::Panicked,
        Outcome::Cancelled,
    ];
    let words = json!(["ok", "error", "panicked", "cancelled"]);
    assert_eq!(serde_json::to_value(outcomes).unwrap(), words);
    let kinds = [SpanKind::Internal, SpanKind::Server, SpanKind::Producer];
    let words = json!(["internal", "server", "producer"]);
    assert_eq!(serde_json::to_value(kinds).unwrap(), words);
    let levels = [Level::Error, Level::Info, Level::Debug, Level::Trace];
    let words = json!(["error", "info", "debug", "trace"]);
    assert_eq!(serde_json::to_value(levels).unwrap(), words);
}
