use proptest::prelude::*;

use super::*;

// bug: T14 (p99 of {10, 1000} was 10; the 99th of 1..100 by 10 was 90; each record copied the list).
#[test]
fn quantiles_of_known_values() {
    let window = ValueWindow::default();
    assert_eq!(
        (window.quantile(0.5), window.mean(), window.is_empty()),
        (None, None, true)
    );
    for value in [10.0, 1000.0] {
        window.record(value);
    }
    assert_eq!(
        (window.percentile(99.0), window.percentile(50.0)),
        (Some(1000.0), Some(10.0))
    );
    assert_eq!((window.mean(), window.len()), (Some(505.0), 2));
    window.record(f64::NAN);
    window.record(f64::INFINITY);
    assert_eq!(window.len(), 2);
    assert_eq!(window.quantile(1.5).or(window.quantile(f64::NAN)), None);
}

#[test]
fn the_newest_ten_thousand_stay() {
    let window = ValueWindow::default();
    for value in 0..25_000 {
        window.record(f64::from(value));
    }
    assert_eq!(window.len(), 10_000);
    assert_eq!(
        (window.quantile(0.0), window.quantile(1.0)),
        (Some(15_000.0), Some(24_999.0))
    );
    assert!(lock(&window.ring).values.capacity() < 20_000);
    assert_eq!(ValueWindow::new(0).size, 1);
}

proptest! {
    #[test]
    fn it_agrees_with_a_sorted_list(
        values in proptest::collection::vec(-1e6..1e6_f64, 1..100),
        size in 1..60_usize,
        q in 0.0..=1.0_f64,
    ) {
        let window = ValueWindow::new(size);
        for value in &values {
            window.record(*value);
        }
        let mut newest = values[values.len().saturating_sub(size)..].to_vec();
        newest.sort_by(f64::total_cmp);
        let rank = ((q * newest.len() as f64).ceil() as usize).max(1);
        prop_assert_eq!(window.quantile(q), Some(newest[rank - 1]));
    }
}
