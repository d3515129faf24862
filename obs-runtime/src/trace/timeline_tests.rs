use super::*;
use proptest::prelude::*;

fn at(ticks: u64, nanos: u64) -> Knot {
    Knot { ticks, nanos }
}

fn line(knots: &[(u64, u64)]) -> Timeline {
    let origin = at(knots[0].0, knots[0].1);
    let mut line = Timeline::from(origin);
    for (ticks, nanos) in &knots[1..] {
        line.push(at(*ticks, *nanos));
    }
    line
}

#[test]
fn knots_are_met_exactly_when_the_clock_is_steady() {
    let line = line(&[(1000, 5_000), (2000, 6_000), (3000, 7_000)]);
    assert_eq!(line.unix_nanos(1000), 5_000);
    assert_eq!(line.unix_nanos(2500), 6_500);
    assert_eq!(line.unix_nanos(500), 4_500);
    assert_eq!(line.nanos_of(10), 10);
}

#[test]
fn a_clock_set_back_is_slewed() {
    let line = line(&[
        (0, 1_000_000_000),
        (1_000_000, 1_001_000_000),
        (2_000_000, 500_000_000),
    ]);
    assert!(line.unix_nanos(2_000_000) >= line.unix_nanos(1_000_000));
    assert_eq!(line.unix_nanos(1_000_000), 1_001_000_000);
}

#[test]
fn a_long_sleep_is_followed() {
    let line = line(&[(0, 0), (1_000, 1_000), (2_000, 60_000_000_000)]);
    assert_eq!(line.unix_nanos(2_000), 60_000_000_000);
}

proptest! {
    /// Whatever the system clock does, later ticks never get an earlier time, also after the
    /// old knots were thinned.
    #[test]
    fn time_never_goes_back(steps in prop::collection::vec((1u64..5_000_000, -3_000_000i64..9_000_000), 2..1500), probe in any::<prop::sample::Index>()) {
        let (mut ticks, mut nanos) = (10_000u64, 1_000_000_000_000u64);
        let mut knots = vec![(ticks, nanos)];
        for (forward, wall) in steps {
            ticks += forward;
            nanos = nanos.saturating_add_signed(wall);
            knots.push((ticks, nanos));
        }
        let line = line(&knots);
        let some = knots[probe.index(knots.len())].0;
        prop_assert!(line.unix_nanos(some) <= line.unix_nanos(some + 1));
        prop_assert!(line.unix_nanos(some) <= line.unix_nanos(ticks));
        prop_assert!(line.knots.len() <= MOST);
    }
}

proptest! {
    /// Whole numbers instead of floating point cost no accuracy that anybody could see.
    #[test]
    fn an_hour_is_right_to_a_fraction_of_a_microsecond(
        rate in 0.05..50.0_f64,
        parts in prop::collection::vec(0.0..1.0_f64, 1..20),
    ) {
        let hour = 3_600_000_000_000.0;
        let ticks = (hour / rate) as u64;
        let knots = [(1000, 0), (1000 + ticks / 2, hour as u64 / 2), (1000 + ticks, hour as u64)];
        let line = line(&knots);
        for part in parts {
            let at = (part * ticks as f64) as u64;
            let exact = at as f64 / ticks as f64 * hour;
            prop_assert!((line.unix_nanos(1000 + at) as f64 - exact).abs() < 150.0);
            prop_assert!((line.nanos_of(at) as f64 - exact).abs() < 150.0);
        }
    }
}
