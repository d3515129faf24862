use super::*;
use crate::callsite::{CallsiteSpec, ConstValue, More, Source};
use proptest::prelude::*;

static SITE: Callsite = Callsite::new(CallsiteSpec {
    kind: SpanKind::Server,
    more: Some(&More {
        keys: &["tenant", "size", "hit"],
        constants: &[
            ("region", ConstValue::Str("eu-west")),
            ("shard", ConstValue::I64(3)),
        ],
        ..More::NONE
    }),
    ..CallsiteSpec::new(
        "get_order",
        &Source {
            module: "shop::orders",
            file: "src/orders.rs",
        },
        7,
    )
});

fn fits(rule: &SpanMatch) -> bool {
    let values = [Value::from_static("gold"), Value::i64(5), Value::bool(true)];
    rule.fits_start(&SITE, &values)
}

#[test]
fn all_conditions_must_hold() {
    let any = SpanMatch::new();
    assert!(fits(&any));
    for rule in [
        any.clone().name("get_order"),
        any.clone()
            .name("get*")
            .target("shop::*")
            .kind(SpanKind::Server),
        any.clone()
            .attribute("tenant", "g*d")
            .attribute("size", "5")
            .attribute("hit", "true"),
        any.clone()
            .attribute("region", "eu-*")
            .attribute("shard", "3"),
    ] {
        assert!(fits(&rule), "{rule:?}");
    }
    for rule in [
        any.clone().name("get"),
        any.clone().name("get*").target("bank::*"),
        any.clone().kind(SpanKind::Client),
        any.clone()
            .attribute("tenant", "gold")
            .attribute("size", "6"),
        any.attribute("absent", "*"),
    ] {
        assert!(!fits(&rule), "{rule:?}");
    }
}

#[test]
fn a_rule_asks_for_fields_of_its_own_spans_only() {
    let any = SpanMatch::new();
    assert!(any.clone().attribute("tenant", "x").asks_for_fields(&SITE));
    assert!(!any.clone().attribute("region", "x").asks_for_fields(&SITE));
    assert!(
        !any.clone()
            .name("other")
            .attribute("tenant", "x")
            .asks_for_fields(&SITE)
    );
    // Not evaluated yet: as good as absent.
    assert!(!any.attribute("tenant", "gold").fits_start(&SITE, &[]));
}

#[test]
fn empty_conditions_are_refused() {
    let any = SpanMatch::new();
    for rule in [
        any.clone().name(""),
        any.clone().target(""),
        any.clone().attribute("", "x"),
    ] {
        assert!(rule.check().unwrap_err().is_config());
    }
    any.attribute("x", "").check().unwrap();
}

/// The definition, by trying everything.
fn slow_glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|n| slow_glob(rest, &text[n..])),
        Some((c, rest)) => text.first() == Some(c) && slow_glob(rest, &text[1..]),
    }
}

proptest! {
    #[test]
    fn patterns_mean_what_their_definition_says(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
        prop_assert_eq!(glob(&pattern, &text), slow_glob(pattern.as_bytes(), text.as_bytes()), "{} {}", pattern, text);
    }
}
