use super::*;

fn limits() -> Limits {
    Limits {
        backoff: Duration::from_secs(1),
        max_backoff: Duration::from_secs(5),
        retry_for: Duration::from_secs(60),
        ..Limits::default()
    }
}

fn after(retry: Retry, attempt: u32, elapsed: u64, random: f64) -> Option<Duration> {
    pause(
        &limits(),
        retry,
        attempt,
        Duration::from_secs(elapsed),
        random,
    )
}

#[test]
fn the_pause_doubles_up_to_a_bound() {
    let full: Vec<_> = (1..=5)
        .map(|attempt| after(Retry::Backoff, attempt, 0, 0.0).unwrap().as_secs())
        .collect();
    assert_eq!(full, [1, 2, 4, 5, 5]);
    assert_eq!(
        after(Retry::Backoff, u32::MAX, 0, 1.0),
        Some(Duration::from_millis(2500))
    );
}

#[test]
fn a_batch_is_given_up_after_its_time() {
    assert_eq!(after(Retry::Never, 1, 0, 0.0), None);
    assert!(after(Retry::Backoff, 1, 59, 0.0).is_some());
    assert_eq!(after(Retry::Backoff, 1, 60, 1.0), None);
    let asked = |seconds| after(Retry::After(Duration::from_secs(seconds)), 1, 10, 0.5);
    assert_eq!(asked(50), Some(Duration::from_secs(50)));
    assert_eq!(asked(51), None);
    assert_eq!(asked(u64::MAX), None);
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = Duration::from_secs(784_111_777);
    let seconds = |text| retry_after(text, now).map(|d| d.as_secs());
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
