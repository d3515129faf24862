//! Jitter, equal intervals, and what cannot overflow.

use super::*;

const TEN: Duration = Duration::from_secs(10);

fn millis(from: Instant, until: Instant) -> u128 {
    (until - from).as_millis()
}

fn near(found: u128, wanted: u128) {
    assert!(found.abs_diff(wanted) <= 1, "{found} for {wanted}");
}

#[test]
fn intervals_vary_by_the_jitter() {
    let schedule = ExportSchedule::new().interval(TEN).jitter(0.2);
    let now = Instant::now();
    for (random, wanted) in [(0.0, 8_000), (0.5, 10_000), (1.0, 12_000)] {
        near(millis(now, schedule.first(now, random)), wanted);
        near(millis(now, schedule.next(now, now, random)), wanted);
    }
    let whole = schedule.jitter(f64::NAN);
    near(millis(now, whole.next(now, now, 1.0)), 10_000);
}

#[test]
fn a_steady_pace_begins_anywhere_and_stays() {
    let schedule = ExportSchedule::new().interval(TEN).steady();
    let now = Instant::now();
    for (random, wanted) in [(0.0, 5_000), (0.5, 7_500), (1.0, 10_000)] {
        near(millis(now, schedule.first(now, random)), wanted);
    }
    let due = now + TEN;
    // Late by a second, asked for in between, late by three intervals.
    assert_eq!(schedule.next(due, due + TEN / 10, 0.7), due + TEN);
    assert_eq!(schedule.next(due, now, 0.7), due);
    assert_eq!(schedule.next(due, due + 3 * TEN, 0.7), due + 3 * TEN);
}

#[test]
fn no_duration_is_too_long_or_too_short() {
    let now = Instant::now();
    for schedule in [ExportSchedule::new(), ExportSchedule::new().steady()] {
        let long = schedule.interval(Duration::MAX).deadline(Duration::MAX);
        assert!(long.next(long.first(now, 1.0), now, 1.0) > now);
        assert!(now + long.deadline > now);
        let short = schedule.interval(Duration::ZERO).jitter(1.0);
        assert!(short.next(now, now, 0.0) > now);
    }
}
