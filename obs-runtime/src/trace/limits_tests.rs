use super::*;

#[test]
fn a_character_counts_as_one() {
    let limits = SpanLimits {
        value_length: 3,
        ..SpanLimits::default()
    };
    assert_eq!(limits.prefix("abc"), "abc");
    assert_eq!(limits.prefix("abcd"), "abc");
    assert_eq!(limits.prefix("äöüß"), "äöü");
    assert_eq!(limits.prefix("äöü"), "äöü");
    assert_eq!(limits.value(ValueRef::I64(12_345)), ValueRef::I64(12_345));

    let mut all = AttributeValue::from(vec!["ab".to_owned(), "abcd".to_owned()]);
    limits.cut(&mut all);
    assert_eq!(all, vec!["ab".to_owned(), "abc".to_owned()].into());
    let mut fixed = AttributeValue::from("abcdef");
    limits.cut(&mut fixed);
    assert_eq!(fixed, "abc".into());
}

#[test]
fn without_a_limit_nothing_is_cut() {
    let text = "x".repeat(100_000);
    assert_eq!(SpanLimits::default().prefix(&text), text);
    let none = SpanLimits {
        value_length: 0,
        ..SpanLimits::default()
    };
    assert_eq!(none.prefix("abc"), "");
}
