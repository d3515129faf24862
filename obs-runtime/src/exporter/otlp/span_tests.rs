use std::borrow::Cow;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use proptest::prelude::*;

use super::*;
use crate::callsite::{ConstValue, Level};
use crate::exporter::otlp::fixtures::{Fixture, callsite, decode, encode, only, pair, spans};
use crate::trace::attribute::SpanExtra;
use crate::trace::context::Origin;
use crate::trace::frame::FrameId;
use crate::trace::{AttributeValue, SpanContext, SpanError, SpanId, TraceId, Value};

const CODE: &str = "shop::etl::load";

fn extra(fill: impl FnOnce(&mut SpanExtra)) -> SpanExtra {
    let mut extra = SpanExtra::default();
    fill(&mut extra);
    extra
}

#[test]
fn the_envelope_names_the_program_and_obs() {
    let request = decode(&encode(&[Fixture::bare(), Fixture::bare()]));
    let all = &request.resource_spans[0];
    let resource = all.resource.as_ref().unwrap();
    assert_eq!(
        resource.attributes,
        [pair("service.name", "shop"), pair("process.pid", 42)]
    );
    let scope = all.scope_spans[0].scope.as_ref().unwrap();
    assert_eq!(scope.name, "obs");
    assert_eq!(scope.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(all.scope_spans[0].spans.len(), 2);
}

#[test]
fn a_plain_span_has_all_its_parts() {
    let site = callsite(
        &["rows", "user", "ratio", "hit", "absent", "long"],
        &[
            ("db.system.name", ConstValue::Str("qdrant")),
            ("shard", ConstValue::I64(-3)),
        ],
    );
    let long = "x".repeat(300);
    let values = vec![
        Value::i64(i64::MIN),
        Value::from_str("ada"),
        Value::f64(0.25),
        Value::bool(false),
        Value::NONE,
        Value::tail(300, 4),
    ];
    let mut fixture = Fixture::new(site, values);
    fixture.tail = format!("head{long}").into_bytes();
    fixture.parent_id = SpanId(7);
    let span = only(fixture);
    assert_eq!(span.trace_id, (1..=16).collect::<Vec<u8>>());
    assert_eq!(span.span_id, 0xa1a2_a3a4_a5a6_a7a8_u64.to_be_bytes());
    assert_eq!(span.parent_span_id, 7_u64.to_be_bytes());
    assert_eq!(span.name, "load");
    assert_eq!(span.kind, 3);
    assert_eq!(span.start_time_unix_nano, 1_700_000_000_000_000_000);
    assert_eq!(span.end_time_unix_nano, 1_700_000_000_000_001_234);
    assert_eq!(
        span.attributes,
        [
            pair("code.function.name", CODE),
            pair("db.system.name", "qdrant"),
            pair("shard", -3),
            pair("rows", i64::MIN),
            pair("user", "ada"),
            pair("ratio", 0.25),
            pair("hit", false),
            pair("long", long),
        ]
    );
    assert_eq!(span.flags, 0x103);
    assert!(span.status.is_none() && span.events.is_empty() && span.links.is_empty());
}

#[test]
fn a_root_has_no_parent_and_a_remote_parent_is_flagged() {
    assert!(only(Fixture::bare()).parent_span_id.is_empty());
    let mut remote = Fixture::bare();
    remote.parent_id = SpanId(1);
    remote.parent_is_remote = true;
    assert_eq!(only(remote).flags, 0x303);
}

#[test]
fn a_late_value_replaces_an_earlier_one() {
    let site = callsite(&["rows", "user"], &[("mode", ConstValue::Str("full"))]);
    let mut fixture = Fixture::new(site, vec![Value::i64(1), Value::from_str("ada")]);
    fixture.extra = Some(extra(|e| {
        e.name = Some("load 7".into());
        e.set("user".into(), "bob".into());
        e.set("mode".into(), "delta".into());
        e.set("tags".into(), vec!["a".to_owned(), String::new()].into());
        e.set("flags".into(), AttributeValue::BoolArray(vec![true, false]));
        e.set("sizes".into(), AttributeValue::I64Array(vec![0, -1]));
        e.set("none".into(), AttributeValue::F64Array(Vec::new()));
    }));
    let span = only(fixture);
    assert_eq!(span.name, "load 7");
    assert_eq!(
        span.attributes,
        [
            pair("code.function.name", CODE),
            pair("mode", "delta"),
            pair("rows", 1),
            pair("user", "bob"),
            pair("tags", vec!["a".to_owned(), String::new()]),
            pair("flags", AttributeValue::BoolArray(vec![true, false])),
            pair("sizes", AttributeValue::I64Array(vec![0, -1])),
            pair("none", AttributeValue::F64Array(Vec::new())),
        ]
    );
}

#[test]
fn a_key_that_the_callsite_has_twice_is_sent_once() {
    let site = callsite(
        &["mode", "rows", "rows", "code.function.name"],
        &[("mode", ConstValue::Str("full"))],
    );
    let values = || {
        vec![
            Value::from_str("delta"),
            Value::i64(1),
            Value::i64(2),
            Value::NONE,
        ]
    };
    let span = only(Fixture::new(site, values()));
    assert_eq!(span.attributes, [pair("mode", "delta"), pair("rows", 2)]);
}

#[test]
fn an_error_is_a_status_a_type_and_an_event() {
    let mut fixture = Fixture::bare();
    fixture.outcome = Outcome::Error;
    fixture.extra = Some(extra(|e| {
        e.error = Some(SpanError::new(
            "shop::Missing",
            Some("no such row".to_owned()),
        ));
    }));
    let span = only(fixture);
    let status = span.status.unwrap();
    assert_eq!(status.code(), StatusCode::Error);
    assert_eq!(status.message, "no such row");
    assert_eq!(
        span.attributes,
        [
            pair("code.function.name", CODE),
            pair("error.type", "shop::Missing")
        ]
    );
    assert_eq!(span.events.len(), 1);
    assert_eq!(span.events[0].name, "exception");
    assert_eq!(span.events[0].time_unix_nano, 1_700_000_000_000_001_234);
    assert_eq!(
        span.events[0].attributes,
        [
            pair("exception.type", "shop::Missing"),
            pair("exception.message", "no such row")
        ]
    );
}

#[test]
fn outcomes_without_details() {
    let of = |outcome| {
        let mut fixture = Fixture::bare();
        fixture.outcome = outcome;
        only(fixture)
    };
    let second = |attributes: Vec<KeyValue>| attributes.into_iter().nth(1);

    let panicked = of(Outcome::Panicked);
    assert_eq!(panicked.status.unwrap().code(), StatusCode::Error);
    assert_eq!(
        second(panicked.attributes),
        Some(pair("error.type", "panic"))
    );

    let failed = of(Outcome::Error);
    assert_eq!(failed.status.unwrap().code(), StatusCode::Error);
    assert_eq!(
        second(failed.attributes),
        Some(pair("error.type", "_OTHER"))
    );
    assert!(failed.events.is_empty());

    let cancelled = of(Outcome::Cancelled);
    assert!(cancelled.status.is_none());
    assert_eq!(
        second(cancelled.attributes),
        Some(pair("obs.outcome", "cancelled"))
    );

    let ok = of(Outcome::Ok);
    assert!(ok.status.is_none());
    assert_eq!(ok.attributes, [pair("code.function.name", CODE)]);
}

#[test]
fn events_and_links_keep_their_order_and_parts() {
    let context = |remote| SpanContext {
        trace_id: TraceId(9),
        span_id: SpanId(8),
        flags: TraceFlags::SAMPLED,
        origin: if remote { Origin::Remote } else { Origin::Here },
        frame: FrameId::NONE,
        scope: 0,
    };
    let mut fixture = Fixture::bare();
    fixture.outcome = Outcome::Error;
    fixture.extra = Some(extra(|e| {
        e.events.push(Event {
            name: "retry".into(),
            unix_nanos: 5,
            attributes: vec![
                (Cow::Borrowed("attempt"), 1.into()),
                (Cow::Borrowed("attempt"), 2.into()),
            ],
        });
        // The user's own exception: none is added.
        e.events.push(Event {
            name: "exception".into(),
            unix_nanos: 6,
            attributes: Vec::new(),
        });
        e.links.push(Link {
            context: context(true),
            attributes: vec![(Cow::Borrowed("kind"), "batch".into())],
        });
        e.links.push(Link {
            context: context(false),
            attributes: Vec::new(),
        });
        e.error = Some(SpanError::new("E", None));
    }));
    let span = only(fixture);
    let names: Vec<_> = span.events.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["retry", "exception"]);
    assert_eq!(span.events[0].attributes, [pair("attempt", 2)]);
    assert_eq!(span.events[0].time_unix_nano, 5);
    assert_eq!(span.links.len(), 2);
    assert_eq!(span.links[0].trace_id, 9_u128.to_be_bytes());
    assert_eq!(span.links[0].span_id, 8_u64.to_be_bytes());
    assert_eq!(span.links[0].attributes, [pair("kind", "batch")]);
    assert_eq!((span.links[0].flags, span.links[1].flags), (0x301, 0x101));
    assert_eq!(span.status.unwrap().message, "");
}

/// The attributes of the event `exception`.
fn exception(change: impl Fn(&mut SpanError)) -> Option<Vec<KeyValue>> {
    let mut fixture = Fixture::bare();
    fixture.outcome = Outcome::Error;
    fixture.extra = Some(extra(|e| {
        let mut error = SpanError::new("E", None);
        change(&mut error);
        e.error = Some(error);
    }));
    let span = only(fixture);
    assert_eq!(span.status.unwrap().code(), StatusCode::Error);
    let mut events = span.events.into_iter();
    events.find(|e| e.name == "exception").map(|e| e.attributes)
}

#[test]
fn the_exception_has_its_level_unless_another_span_records_it() {
    let kind = pair("exception.type", "E");
    assert_eq!(exception(|_| ()), Some(vec![kind.clone()]));
    assert_eq!(
        exception(|error| error.level = Some(Level::Warn)),
        Some(vec![kind, pair("level", "warn")])
    );
    assert_eq!(exception(|error| error.exception = false), None);
}

fn any_value() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        any::<bool>().prop_map(AttributeValue::Bool),
        any::<i64>().prop_map(AttributeValue::I64),
        any::<f64>()
            .prop_filter("NaN equals nothing", |v| !v.is_nan())
            .prop_map(AttributeValue::F64),
        ".{0,200}".prop_map(|v| AttributeValue::String(v.into())),
        prop::collection::vec(any::<i64>(), 0..40).prop_map(AttributeValue::I64Array),
        prop::collection::vec(".{0,20}", 0..40).prop_map(AttributeValue::from),
    ]
}

/// Proptest's, by its short name.
fn any<T: Arbitrary>() -> impl Strategy<Value = T> {
    proptest::arbitrary::any::<T>()
}

fn recorded() -> impl Strategy<Value = Option<AttributeValue>> {
    prop::option::of(any_value().prop_filter("records hold no arrays", |v| {
        !matches!(
            v,
            AttributeValue::I64Array(_) | AttributeValue::StringArray(_)
        )
    }))
}

fn to_value(value: Option<&AttributeValue>) -> Value {
    match value {
        Some(AttributeValue::Bool(v)) => Value::bool(*v),
        Some(AttributeValue::I64(v)) => Value::i64(*v),
        Some(AttributeValue::F64(v)) => Value::f64(*v),
        Some(AttributeValue::String(v)) => Value::from_str(v),
        _ => Value::NONE,
    }
}

const KEYS: [&str; 5] = ["a", "b.c", "user.id", "k", "code.function.name"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever a span holds: the other decoder sees each key once, with its last value, and
    /// writes the same bytes.
    #[test]
    fn any_span_is_read_as_it_was(
        values in prop::collection::vec(recorded(), 5),
        late in prop::collection::vec((0..8_usize, any_value()), 0..6),
        has_extra in any::<bool>(),
        name in ".{1,300}",
        message in ".{0,400}",
        ids in (1..=u128::MAX, 1..=u64::MAX, any::<u64>()),
        outcome in 0..4_u64,
    ) {
        let late_keys = ["a", "k", "z", "error.type", "obs.outcome", "y", "b.c", "x"];
        let site = callsite(&KEYS, &[("z", ConstValue::Bool(true)), ("k", ConstValue::F64(1.5))]);
        let mut fixture = Fixture::new(site, values.iter().map(|v| to_value(v.as_ref())).collect());
        fixture.trace_id = TraceId(ids.0);
        fixture.span_id = SpanId(ids.1);
        fixture.parent_id = SpanId(ids.2);
        fixture.outcome = Outcome::from_bits(outcome);
        if has_extra {
            fixture.extra = Some(extra(|e| {
                e.name = Some(name.clone().into());
                for (key, value) in &late {
                    e.set(late_keys[*key].into(), value.clone());
                }
                e.error = Some(SpanError::new(name.clone(), Some(message.clone())));
            }));
        }
        let outcome = fixture.outcome;

        // The same by other means: a list in which later entries replace earlier ones.
        let mut expected: Vec<(String, AttributeValue)> = Vec::new();
        let mut set = |key: &str, value: AttributeValue| {
            expected.retain(|(k, _)| k != key);
            expected.push((key.to_owned(), value));
        };
        set("z", true.into());
        set("k", 1.5.into());
        for (key, value) in KEYS.iter().zip(&values) {
            if let Some(value) = value {
                set(key, value.clone());
            }
        }
        let kind = match outcome {
            Outcome::Error | Outcome::Panicked if has_extra => Some(name.clone()),
            Outcome::Error => Some("_OTHER".to_owned()),
            Outcome::Panicked => Some("panic".to_owned()),
            _ => None,
        };
        if let Some(kind) = kind {
            set("error.type", kind.into());
        }
        if outcome == Outcome::Cancelled {
            set("obs.outcome", "cancelled".into());
        }
        if has_extra {
            for (key, value) in &late {
                set(late_keys[*key], value.clone());
            }
        }
        let mut expected: Vec<KeyValue> = expected.into_iter().map(|(k, v)| pair(&k, v)).collect();
        expected.sort_by(|a, b| a.key.cmp(&b.key));

        let span = only(fixture);
        let mut found = span.attributes;
        found.sort_by(|a, b| a.key.cmp(&b.key));
        prop_assert_eq!(found, expected);
        prop_assert_eq!(span.trace_id, ids.0.to_be_bytes());
        prop_assert_eq!(span.span_id, ids.1.to_be_bytes());
        prop_assert_eq!(span.name, if has_extra { name } else { "load".to_owned() });
        let failed = matches!(outcome, Outcome::Error | Outcome::Panicked);
        let status = span.status.unwrap_or_default();
        prop_assert_eq!(status.code() == StatusCode::Error, failed);
        prop_assert_eq!(status.message, if failed && has_extra { message } else { String::new() });
        prop_assert_eq!(span.events.len(), usize::from(failed && has_extra));
    }

    /// Requests of any size have right lengths.
    #[test]
    fn any_number_of_spans_is_read(sizes in prop::collection::vec(0..3000_usize, 0..40)) {
        let site = callsite(&["text"], &[]);
        let fixtures: Vec<Fixture> = sizes
            .iter()
            .map(|n| Fixture::new(site, vec![Value::from_str(&"y".repeat(*n))]))
            .collect();
        let found: Vec<KeyValue> = spans(&encode(&fixtures))
            .into_iter()
            .map(|mut s| s.attributes.remove(1))
            .collect();
        let expected: Vec<KeyValue> = sizes.iter().map(|n| pair("text", "y".repeat(*n))).collect();
        prop_assert_eq!(found, expected);
    }
}
