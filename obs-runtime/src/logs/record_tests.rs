use serde_json::json;

use super::*;
use crate::trace::{SpanId, TraceFlags, TraceId};

#[test]
fn a_log_record_is_an_object_of_its_fields() {
    let trace = TraceId::from_bytes([0xab; 16]);
    let span = SpanId::from_bytes([0xcd; 8]);
    let record = LogRecord {
        unix_nanos: 1_795_172_645_007_000_001,
        level: Level::Warn,
        event_name: None,
        target: "app::load".into(),
        body: Some("slow".into()),
        attributes: vec![
            ("rows".into(), 3.into()),
            ("rows".into(), 4.into()),
            ("ratio".into(), f64::NAN.into()),
        ],
        context: SpanContext::remote(trace, span, TraceFlags::SAMPLED),
    };
    assert_eq!(
        serde_json::to_value(&record).unwrap(),
        json!({
            "unix_nanos": 1_795_172_645_007_000_001_u64,
            "level": "warn",
            "event_name": null,
            "target": "app::load",
            "body": "slow",
            "attributes": {"rows": 4, "ratio": "NaN"},
            "context": {
                "trace_id": "abababababababababababababababab",
                "span_id": "cdcdcdcdcdcdcdcd",
                "trace_flags": 1,
                "is_remote": true,
            },
        })
    );
}
