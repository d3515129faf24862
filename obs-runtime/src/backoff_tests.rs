use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_pause_doubles_up_to_the_longest() {
    let seconds = |failed| doubled(SECOND, failed, 5 * SECOND).as_secs();
    assert_eq!([0, 1, 2, 3, 4, 5].map(seconds), [1, 1, 2, 4, 5, 5]);
    assert_eq!(doubled(SECOND, u32::MAX, Duration::MAX), u32::MAX * SECOND);
    assert_eq!(doubled(Duration::MAX, 9, Duration::MAX), Duration::MAX);
}

#[test]
fn a_pause_loses_at_most_its_random_part() {
    let millis = |part, random| shortened(SECOND, part, random).as_millis();
    assert_eq!([0.0, 0.5, 1.0].map(|r| millis(0.5, r)), [1000, 750, 500]);
    assert_eq!([0.0, 1.0, 7.0].map(|r| millis(1.0, r)), [1000, 0, 0]);
    assert_eq!(shortened(Duration::MAX, 0.0, 0.3), Duration::MAX);
}

#[test]
fn what_is_drawn_is_spread_from_0_to_1() {
    let drawn: Vec<f64> = (0..100).map(|_| random()).collect();
    assert!(drawn.iter().all(|r| (0.0..1.0).contains(r)));
    assert!(drawn.iter().any(|r| *r < 0.5) && drawn.iter().any(|r| *r > 0.5));
}
