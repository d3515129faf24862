use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn seconds(policy: RetryPolicy) -> Vec<u64> {
    (1..=5).map(|n| policy.pause(n, 1.0).as_secs()).collect()
}

#[test]
fn each_backoff_grows_in_its_way() {
    let policy = RetryPolicy::new(5).delay(SECOND);
    assert_eq!(seconds(policy.backoff(Backoff::None)), [0, 0, 0, 0, 0]);
    assert_eq!(seconds(policy.backoff(Backoff::Constant)), [1, 1, 1, 1, 1]);
    assert_eq!(seconds(policy.backoff(Backoff::Linear)), [1, 2, 3, 4, 5]);
    assert_eq!(
        seconds(policy.backoff(Backoff::Exponential)),
        [1, 2, 4, 8, 16]
    );
}

#[test]
fn no_pause_is_longer_than_the_maximum_whatever_the_number_of_attempts() {
    let policy = RetryPolicy::new(u32::MAX)
        .delay(SECOND)
        .max_delay(SECOND * 7)
        .jitter(0.5);
    for failed in [3, 4, 31, 32, 33, 64, u32::MAX] {
        assert!(
            policy.pause(failed, backoff::random()) <= SECOND * 7,
            "{failed}"
        );
        assert!(
            policy.pause(failed, backoff::random()) >= SECOND * 2,
            "{failed}"
        );
    }
}

#[test]
fn jitter_stays_inside_its_fraction_and_varies() {
    let policy = RetryPolicy::new(1)
        .backoff(Backoff::Constant)
        .delay(SECOND * 10)
        .jitter(0.25);
    let pauses: Vec<_> = (0..200)
        .map(|_| policy.pause(1, backoff::random()))
        .collect();
    let (low, high) = (Duration::from_millis(7_500), SECOND * 10);
    assert!(pauses.iter().all(|p| (low..=high).contains(p)));
    assert!(pauses.iter().any(|p| *p != pauses[0]));
}

#[test]
fn a_jitter_that_is_no_fraction_is_clamped() {
    for (given, kept) in [(f64::NAN, 0.0), (-1.0, 0.0), (7.0, 1.0)] {
        assert!((RetryPolicy::new(1).jitter(given).jitter - kept).abs() < f64::EPSILON);
    }
}

#[test]
fn the_longest_of_all_pauses_is_no_overflow() {
    let policy = RetryPolicy::new(u32::MAX)
        .delay(Duration::MAX)
        .max_delay(Duration::MAX)
        .max_elapsed(Duration::MAX);
    for failed in [1, 2, u32::MAX] {
        let pause = policy.next(failed, Duration::MAX, Hint::None, backoff::random());
        assert_eq!(pause, Some(Duration::MAX));
    }
}

#[test]
fn an_error_may_say_when_and_whether_to_come_back() {
    let policy = RetryPolicy::new(2)
        .delay(SECOND)
        .max_delay(SECOND)
        .jitter(1.0);
    let next = |failed, hint| policy.next(failed, Duration::ZERO, hint, 1.0);
    assert_eq!(next(1, Hint::None), Some(Duration::ZERO));
    assert_eq!(next(1, Hint::Never), None);
    // Neither the longest pause nor jitter makes it come back before it was asked to.
    assert_eq!(next(2, Hint::After(SECOND * 90)), Some(SECOND * 90));
    assert_eq!(next(3, Hint::After(SECOND)), None);
}

#[test]
fn a_repetition_that_would_begin_too_late_is_not_waited_for() {
    let policy = RetryPolicy::new(9).delay(SECOND).max_elapsed(SECOND * 10);
    let next = |elapsed, hint| policy.next(1, elapsed, hint, 1.0);
    assert_eq!(next(SECOND * 9, Hint::None), Some(SECOND));
    assert_eq!(next(SECOND * 10, Hint::None), None);
    assert_eq!(next(SECOND, Hint::After(SECOND * 9)), Some(SECOND * 9));
    assert_eq!(next(SECOND, Hint::After(SECOND * 10)), None);
}
