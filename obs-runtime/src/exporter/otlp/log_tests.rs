use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord as Decoded, ResourceLogs};
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::exporter::otlp::batch::Envelope;
use crate::exporter::otlp::fixtures::{any, pair, resource};
use crate::exporter::otlp::library::Library;
use crate::trace::{SpanContext, SpanId, TraceFlags, TraceId};

fn bare(target: &'static str) -> LogRecord {
    LogRecord {
        unix_nanos: 1_700_000_000_000_000_000,
        level: Level::Info,
        event_name: None,
        target: target.into(),
        body: None,
        attributes: Vec::new(),
        context: None,
    }
}

fn encode(records: &[LogRecord]) -> Vec<u8> {
    encode_within(SpanLimits::default(), records)
}

fn encode_within(limits: SpanLimits, records: &[LogRecord]) -> Vec<u8> {
    let envelope = Envelope::new(&resource());
    let mut open = envelope.begin(vec![1; 9]);
    for record in records {
        let library = Library::of_target(record.target.clone());
        let encode = |out: &mut Vec<u8>| log_record(out, record, limits);
        assert!(open.add(&library, usize::MAX, encode));
    }
    let len = open.len();
    let batch = envelope.finish(open);
    assert_eq!(batch.items, records.len() as u64);
    assert!(batch.body().len() <= len + 200, "the bound is an upper one");
    batch.body().to_vec()
}

/// What another implementation reads, after it has written the same bytes of it.
fn decode(body: &[u8]) -> ResourceLogs {
    let mut request = ExportLogsServiceRequest::decode(body).expect("valid protobuf");
    assert!(request.encode_to_vec() == body, "the bytes differ");
    assert_eq!(request.resource_logs.len(), 1);
    request.resource_logs.remove(0)
}

fn only(record: LogRecord) -> Decoded {
    let mut logs = decode(&encode(&[record]));
    logs.scope_logs.remove(0).log_records.remove(0)
}

#[test]
fn what_goes_beyond_the_limits_is_cut_and_counted() {
    let mut record = bare("shop");
    record.body = Some("the body is no attribute".into());
    record.attributes = vec![
        ("a".into(), "first".into()),
        ("b".into(), "\u{fc}ber".into()),
        ("a".into(), "abcd".into()),
        ("c".into(), vec!["wxyz".to_owned(), "x".to_owned()].into()),
        ("d".into(), 1234.into()),
    ];
    let limits = SpanLimits {
        attributes: 3,
        value_length: 3,
        ..SpanLimits::default()
    };
    let mut logs = decode(&encode_within(limits, &[record]));
    let decoded = logs.scope_logs.remove(0).log_records.remove(0);
    let cut = vec!["wxy".to_owned(), "x".to_owned()];
    let expected = [pair("b", "\u{fc}be"), pair("a", "abc"), pair("c", cut)];
    assert_eq!(decoded.attributes, expected);
    assert_eq!(decoded.dropped_attributes_count, 1);
    let body = any(ValueRef::Str("the body is no attribute"));
    assert_eq!(decoded.body, Some(body));
}

#[test]
fn a_record_with_everything() {
    let mut record = bare("shop::orders");
    record.level = Level::Error;
    record.event_name = Some("order.refused".into());
    record.body = Some("out of stock".into());
    record.attributes = vec![
        ("item".into(), 7.into()),
        ("names".into(), vec!["a".to_owned(), "b".to_owned()].into()),
        ("item".into(), 8.into()),
    ];
    let trace_id = TraceId(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);
    record.context = SpanContext::remote(trace_id, SpanId(0xa1), TraceFlags(3));
    let decoded = only(record);
    assert_eq!(decoded.time_unix_nano, 1_700_000_000_000_000_000);
    assert_eq!(decoded.observed_time_unix_nano, decoded.time_unix_nano);
    assert_eq!(decoded.severity_number, 17);
    assert_eq!(decoded.severity_text, "ERROR");
    assert_eq!(decoded.body, Some(any(ValueRef::Str("out of stock"))));
    let names = vec!["a".to_owned(), "b".to_owned()];
    // Of one key the last value.
    assert_eq!(decoded.attributes, [pair("names", names), pair("item", 8)]);
    assert_eq!(decoded.trace_id, trace_id.to_bytes());
    assert_eq!(decoded.span_id, SpanId(0xa1).to_bytes());
    assert_eq!(decoded.flags, 3);
    assert_eq!(decoded.event_name, "order.refused");
}

#[test]
fn severities_are_those_of_the_data_model() {
    let numbers = [
        (Level::Trace, 1, "TRACE"),
        (Level::Debug, 5, "DEBUG"),
        (Level::Info, 9, "INFO"),
        (Level::Warn, 13, "WARN"),
        (Level::Error, 17, "ERROR"),
    ];
    for (level, number, text) in numbers {
        let decoded = only(LogRecord { level, ..bare("") });
        assert_eq!(
            (decoded.severity_number, &*decoded.severity_text),
            (number, text)
        );
        assert!(decoded.body.is_none() && decoded.trace_id.is_empty());
    }
}

#[test]
fn records_of_one_target_lie_in_one_scope() {
    let logs = decode(&encode(&[bare("a"), bare("b"), bare("a"), bare("")]));
    let scopes: Vec<_> = logs
        .scope_logs
        .iter()
        .map(|s| (s.scope.as_ref().unwrap().name.as_str(), s.log_records.len()))
        .collect();
    assert_eq!(scopes, [("a", 2), ("b", 1), ("", 1)]);
    let attributes = logs.resource.unwrap().attributes;
    assert!(attributes.contains(&pair("service.name", "shop")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_record_arrives_as_it_was(
        parts in prop::collection::vec((".{0,300}", "[a-z.]{1,80}", any_value(), "[a-c]{0,2}"), 0..20)
    ) {
        let records: Vec<_> = parts.iter().map(|(body, key, value, target)| LogRecord {
            target: target.clone().into(),
            body: Some(body.clone().into()),
            attributes: vec![(key.clone().into(), value.clone())],
            ..bare("")
        }).collect();
        let logs = decode(&encode(&records));
        for record in &records {
            let scope = logs.scope_logs.iter().find(|s| {
                s.scope.as_ref().is_some_and(|s| s.name == record.target)
            }).expect("its scope");
            let found = scope.log_records.iter().any(|r| {
                r.body == record.body.as_deref().map(|b| any(ValueRef::Str(b)))
                    && r.attributes == [pair(&record.attributes[0].0, record.attributes[0].1.clone())]
            });
            prop_assert!(found);
        }
    }
}

fn any_value() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        ".{0,300}".prop_map(|s| AttributeValue::String(s.into())),
        proptest::num::i64::ANY.prop_map(AttributeValue::I64),
        (-1e9..1e9).prop_map(AttributeValue::F64),
        prop::collection::vec(".{0,40}", 0..5).prop_map(AttributeValue::from),
    ]
}
