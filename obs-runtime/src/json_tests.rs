use super::*;

#[test]
fn objects_and_lists_are_written_as_they_are_put_together() {
    let value = Object((
        Field("id", Text(u64::MAX)),
        None::<Field<'_, u8>>,
        (Field("on", true), Some(Field("none", None::<Float>))),
        Field("list", Each(0..3)),
        Field("map", Entries([("a\"\n\u{1}\u{e9}", 1)])),
        Field("empty", Each([0; 0])),
    ));
    let written = String::from_utf8(dense(&value));
    let expected = "{\"id\":\"18446744073709551615\",\"on\":true,\"none\":null,\"list\":[0,1,2],\
                    \"map\":{\"a\\\"\\n\\u0001\u{e9}\":1},\"empty\":[]}";
    assert_eq!(written.as_deref(), Ok(expected));
    let expected = "{\"id\": \"18446744073709551615\", \"on\": true, \"none\": null, \"list\": [0, 1, 2], \
                    \"map\": {\"a\\\"\\n\\u0001\u{e9}\": 1}, \"empty\": []}";
    assert_eq!(spaced(&value), expected);
}

#[test]
fn floats_are_short_and_what_is_no_number_is_a_text() {
    let values = [
        1.0,
        -0.5,
        1e-7,
        1e17,
        0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let value = Each(values.into_iter().map(Float));
    let expected = "[1, -0.5, 1e-7, 1e17, 0, \"NaN\", \"Infinity\", \"-Infinity\"]";
    assert_eq!(spaced(&value), expected);
    let mut text = "x=".to_owned();
    append(&mut text, &1.0);
    append(&mut text, &"\u{7f}\"");
    assert_eq!(text, "x=1.0\"\\u007f\\\"\"");
}

// bug: U+009B, which begins a command of a terminal, and U+202E, which turns a line around, were in lines of JSON.
#[test]
fn what_is_unprintable_is_an_escape_that_means_the_same() {
    let text = "a\u{9b}31m\u{202e}b\u{2028}\u{7f}ä漢🎉\n";
    let mut appended = String::new();
    append(&mut appended, &text);
    assert_eq!(appended, "\"a\\u009b31m\\u202eb\\u2028\\u007fä漢🎉\\n\"");
    assert_eq!(spaced(&text), appended);
    assert_eq!(
        serde_json::from_str::<String>(&appended).as_deref().ok(),
        Some(text)
    );
}
