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

// bug: a `Retry-After` of 0, or of a date that is past, was followed: 100,000 requests in ten seconds.
#[test]
fn a_pause_that_is_asked_for_is_never_below_the_own_one() {
    let asked = |asked, attempt| after(Retry::After(asked), attempt, 0, 0.0);
    assert_eq!(asked(Duration::ZERO, 1), Some(Duration::from_secs(1)));
    assert_eq!(asked(Duration::ZERO, 9), Some(Duration::from_secs(5)));
    assert_eq!(
        asked(Duration::from_millis(1), 2),
        Some(Duration::from_secs(2))
    );
    assert_eq!(
        asked(Duration::from_secs(7), 9),
        Some(Duration::from_secs(7))
    );
}
