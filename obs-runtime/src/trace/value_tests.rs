use super::*;

fn text(value: &Value) -> &str {
    match value.get(core::ptr::null()) {
        Some(ValueRef::Str(text)) => text,
        other => panic!("expected text, got {other:?}"),
    }
}

#[test]
fn strings_of_every_short_length_come_back() {
    let all = "aäb€c😀def-0123456789-ghij";
    for end in (0..=all.len()).filter(|end| all.is_char_boundary(*end)) {
        let value = Value::from_str(&all[..end]);
        assert_eq!(text(&value), &all[..end]);
        assert_eq!(value.is_boxed(), end > INLINE);
    }
}

#[test]
fn numbers_that_do_not_fit_become_text() {
    assert_eq!(
        5u64.capture().get(core::ptr::null()),
        Some(ValueRef::I64(5))
    );
    assert_eq!(text(&u64::MAX.capture()), "18446744073709551615");
    assert_eq!(text(&i128::MIN.capture()), i128::MIN.to_string());
}

#[test]
fn none_is_left_out() {
    assert_eq!(None::<u8>.capture().get(core::ptr::null()), None);
    assert_eq!(
        Some("x").capture().get(core::ptr::null()),
        Some(ValueRef::Str("x"))
    );
}

#[test]
fn formatting_grows_past_the_inline_bytes() {
    assert_eq!(text(&Value::format(format_args!("{}-{}", 1, "ab"))), "1-ab");
    let long = "x".repeat(200);
    assert_eq!(
        text(&Value::format(format_args!("{long}{long}"))),
        long.repeat(2)
    );
}

#[test]
fn a_panicking_formatter_is_contained() {
    struct Bad;
    impl fmt::Display for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("bad formatter")
        }
    }
    assert_eq!(
        text(&Value::format(format_args!("{Bad}"))),
        "<panicked while formatting>"
    );
}
