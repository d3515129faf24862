use crate::callsite::{Callsite, ConstValue, More};
use crate::exporter::otlp::fixtures::{Fixture, callsite, decode, encode, only, pair};
use crate::trace::attribute::SpanExtra;
use crate::trace::{AttributeValue, SpanId, Value};
use proptest::prelude::*;

/// Of every length from one that is copied as a whole to one that is not.
const KEYS: &[&str] = &[
    "k",
    "twenty_five_bytes_of_keys",
    "a.key.of.twenty.six.bytes.",
    "the.key.of.twenty.seven.byt",
    "a.key.that.is.longer.than.any.number.of.bytes.that.is.copied.at.once",
];

fn text(len: usize) -> String {
    "t".repeat(len)
}

/// The attributes of a span with these texts.
fn sent(texts: &[String], parent: u64) -> Vec<(String, String)> {
    let site = callsite(&KEYS[..texts.len()], &[]);
    let values = texts.iter().map(|t| Value::from_str(t)).collect();
    let mut fixture = Fixture::new(site, values);
    fixture.parent_id = SpanId(parent);
    let span = only(fixture);
    let attributes = span.attributes.into_iter().skip(1);
    attributes
        .map(|a| match a.value.and_then(|v| v.value) {
            Some(opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(text)) => {
                (a.key, text)
            }
            other => panic!("{other:?} is no text"),
        })
        .collect()
}

#[test]
fn a_text_of_any_length_is_whole() {
    // Past the lengths at which a length takes another byte, and past the end of the block.
    for len in (0..400).chain(1700..2200).chain([5000, 20_000]) {
        for (key, last) in KEYS.iter().enumerate() {
            let mut texts = vec![String::new(); key];
            texts.push(text(len));
            let expected: Vec<_> = KEYS
                .iter()
                .zip(&texts)
                .map(|(k, t)| ((*k).to_owned(), t.clone()))
                .collect();
            assert!(sent(&texts, 7) == expected, "{len} bytes under {last}");
        }
    }
}

#[test]
fn a_long_span_leaves_nothing_in_the_next_one() {
    let site = callsite(&["a", "b"], &[]);
    let long = Fixture::new(site, vec![Value::from_str(&text(1500)), Value::i64(-1)]);
    let short = || Fixture::new(site, vec![Value::bool(true), Value::NONE]);
    let request = decode(&encode(&[short(), long, short()]));
    let spans = &request.resource_spans[0].scope_spans[0].spans;
    assert_eq!(spans[0], spans[2]);
    assert_eq!(spans[2].attributes[1..], [pair("a", true)]);
}

#[test]
fn constants_stand_where_the_user_wrote_them() {
    const PLACES: &[&[u16]] = &[&[], &[0, 0, 0], &[0, 1, 2], &[1, 1, 1], &[2, 2, 2]];
    let expected = [
        "c d e a b",
        "c d e a b",
        "c a d b e",
        "a c d e b",
        "a b c d e",
    ];
    for (places, expected) in PLACES.iter().zip(expected) {
        let mut spec = callsite(
            &["a", "b"],
            &[
                ("c", ConstValue::Bool(true)),
                ("d", ConstValue::I64(1)),
                ("e", ConstValue::Str("x")),
            ],
        )
        .spec;
        spec.more = spec
            .more
            .map(|more| &*Box::leak(Box::new(More { places, ..*more })));
        let site: &'static Callsite = Box::leak(Box::new(Callsite::new(spec)));
        let keys = |first: Value, extra: Option<SpanExtra>| {
            let mut fixture = Fixture::new(site, vec![first, Value::i64(2)]);
            fixture.extra = extra;
            let span = only(fixture);
            assert_eq!(span.attributes[0].key, "code.function.name");
            let keys: Vec<_> = span.attributes[1..].iter().map(|a| &*a.key).collect();
            keys.join(" ")
        };
        assert_eq!(keys(Value::i64(1), None), expected);
        let without = expected.replacen("a ", "", 1);
        assert_eq!(keys(Value::NONE, None), without);
        // The long way writes the same.
        assert_eq!(keys(Value::i64(1), Some(SpanExtra::default())), expected);
    }
}

fn number() -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (0..70_u32).prop_map(|bits| (u64::MAX.checked_shr(bits).unwrap_or(0) as i64).into()),
        any::<f64>()
            .prop_filter("is a number", |v| !v.is_nan())
            .prop_map(Into::into),
    ]
}

proptest! {
    #[test]
    fn any_number_under_any_key_is_read_as_it_was(values in prop::collection::vec(number(), 0..KEYS.len())) {
        let recorded = values.iter().map(|value| match value {
            AttributeValue::Bool(v) => Value::bool(*v),
            AttributeValue::I64(v) => Value::i64(*v),
            AttributeValue::F64(v) => Value::f64(*v),
            other => panic!("{other:?} is no number"),
        });
        let site = callsite(KEYS, &[]);
        let span = only(Fixture::new(site, recorded.collect()));
        let expected: Vec<_> = KEYS.iter().zip(values).map(|(k, v)| pair(k, v)).collect();
        prop_assert_eq!(&span.attributes[1..], &expected[..]);
    }
}
