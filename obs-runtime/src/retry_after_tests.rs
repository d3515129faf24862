use super::*;

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = "Sun, 06 Nov 1994 08:49:37 GMT";
    let seconds = |text| retry_after(text, Some(now)).map(|d| d.as_secs());
    assert_eq!(seconds("0"), Some(0));
    assert_eq!(seconds(" 120 "), Some(120));
    // RFC 9110's own example is that moment.
    assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0));
    assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
    assert_eq!(seconds("Sat, 05 Nov 1994 08:49:37 GMT"), Some(0));
    for bad in [
        "",
        "-1",
        "1.5",
        "soon",
        "Sun, 06 Nov 1994",
        "Sun, 06 Foo 1994 08:49:37 GMT",
    ] {
        assert_eq!(seconds(bad), None, "{bad}");
    }
}

#[test]
fn dates_across_the_calendar() {
    for (text, expected) in [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
        ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
        ("Fri, 31 Dec 2100 00:00:00 GMT", 4_133_894_400),
    ] {
        assert_eq!(http_date(text), Some(expected), "{text}");
    }
    assert_eq!(http_date("Thu, 01 Jan 1970 24:00:00 GMT"), None);
    assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 CET"), None);
}
