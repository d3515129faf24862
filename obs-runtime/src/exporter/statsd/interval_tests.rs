//! Quantiles of an interval, values for buckets, sample rates.

#![allow(clippy::float_cmp, reason = "the numbers are exact")]

use proptest::prelude::*;

use super::*;

/// A delta, which does not know its extremes.
fn point(bounds: &[f64], values: &[f64]) -> HistogramPoint {
    let mut counts = vec![0; bounds.len() + 1];
    for value in values {
        counts[bounds.partition_point(|bound| bound < value)] += 1;
    }
    let mut point = HistogramPoint {
        labels: crate::metrics::Labels::new(),
        start_unix_nanos: 1,
        bounds: bounds.into(),
        counts,
        count: values.len() as u64,
        sum: values.iter().sum(),
        min: None,
        max: None,
        exemplars: Vec::new(),
    };
    narrow(&mut point);
    point
}

#[test]
fn a_single_value_is_exact() {
    for value in [-3.0, 0.0, 0.7, 10.0, 1e9] {
        let point = point(&[1.0, 10.0], &[value]);
        for q in [0.0, 0.5, 0.99, 1.0] {
            assert_eq!(point.quantile(q), Some(value));
        }
        let values: Vec<_> = representatives(&point).collect();
        assert_eq!(values, [(value, 1)]);
    }
}

// The last bound alone would say 10, whatever was observed.
#[test]
fn what_is_above_all_bounds_follows_the_sum() {
    let above = point(&[1.0, 10.0], &[100.0, 110.0, 120.0]);
    let median = above.quantile(0.5).expect("values");
    assert!((100.0..=120.0).contains(&median), "{median}");
    let mixed = point(&[1.0, 10.0], &[5.0, 5.0, 50.0, 70.0]);
    let high = mixed.quantile(0.75).expect("values");
    assert!((50.0..=70.0).contains(&high), "{high}");
    // Without bounds there is a mean and nothing else.
    let unbounded = point(&[], &[1.0, 2.0, 6.0]);
    assert_eq!(unbounded.quantile(0.99), Some(3.0));
    assert_eq!(representatives(&unbounded).collect::<Vec<_>>(), [(3.0, 3)]);
}

#[test]
fn a_sum_that_means_nothing_and_no_value_are_harmless() {
    let mut broken = point(&[1.0, 10.0], &[0.5, 5.0, 50.0]);
    (broken.sum, broken.max) = (f64::NAN, None);
    narrow(&mut broken);
    assert!(representatives(&broken).all(|(value, _)| value.is_finite()));
    assert!(broken.quantile(0.99).is_some_and(f64::is_finite));
    let empty = point(&[1.0, 10.0], &[]);
    assert_eq!(representatives(&empty).count(), 0);
    assert_eq!(empty.quantile(0.5), None);
}

#[test]
fn times_are_in_milliseconds() {
    let units = ["s", "ms", "us", "ns", "min", "h", "d", "By"].map(milliseconds);
    assert_eq!(units, [1e3, 1.0, 1e-3, 1e-6, 6e4, 3.6e6, 8.64e7, 1.0]);
}

#[test]
fn quantiles_have_the_names_that_people_know() {
    let names = [0.0, 0.05, 0.5, 0.75, 0.95, 0.99, 0.999, 1.0].map(quantile_name);
    assert_eq!(
        names,
        ["min", "p05", "p50", "p75", "p95", "p99", "p999", "max"]
    );
}

proptest! {
    /// Values lie in their buckets, as many as there were, with their sum.
    #[test]
    fn values_stand_for_their_buckets(
        values in proptest::collection::vec(0.0..200.0_f64, 1..200),
        bounds in proptest::collection::btree_set(1..150_u32, 1..8),
    ) {
        let bounds: Vec<f64> = bounds.into_iter().map(f64::from).collect();
        let point = point(&bounds, &values);
        let found: Vec<_> = representatives(&point).collect();
        let mut counts = vec![0; bounds.len() + 1];
        for (value, n) in &found {
            counts[bounds.partition_point(|bound| bound < value)] += n;
        }
        // A value at a lower bound counts in the bucket below: at most all of one bucket.
        prop_assert_eq!(counts.iter().sum::<u64>(), point.count);
        prop_assert!(found.len() <= bounds.len() + 1);
        let sum: f64 = found.iter().map(|(value, n)| value * *n as f64).sum();
        prop_assert!((sum - point.sum).abs() <= point.sum.abs() * 1e-9 + 1e-9, "{} for {}", sum, point.sum);
    }

    /// A quantile is in the bucket of the value at that rank.
    #[test]
    fn quantiles_are_off_by_a_bucket_at_most(
        mut values in proptest::collection::vec(0.0..100.0_f64, 1..200),
        q in 0.0..=1.0_f64,
    ) {
        let bounds: Vec<f64> = (1..=10).map(|n| f64::from(n * 10)).collect();
        let found = point(&bounds, &values).quantile(q).expect("values");
        values.sort_by(f64::total_cmp);
        let rank = ((q * values.len() as f64).ceil() as usize).clamp(1, values.len());
        let exact = values[rank - 1];
        prop_assert!((found - exact).abs() <= 10.0 + 1e-9, "{} for {}", found, exact);
    }

    /// At most 100 values, as many as there were together, whose percentiles are those of all.
    #[test]
    fn values_at_equal_ranks(
        mut values in proptest::collection::vec(0.0..100.0_f64, 1..1_000),
        q in 0.01..=1.0_f64,
    ) {
        let bounds: Vec<f64> = (1..=100).map(f64::from).collect();
        let found: Vec<_> = ranks(&point(&bounds, &values)).collect();
        prop_assert!(found.len() <= 100);
        prop_assert!(found.is_sorted_by(|a, b| a.0 <= b.0));
        prop_assert_eq!(found.iter().map(|(_, n)| n).sum::<u64>(), values.len() as u64);
        prop_assert!(found.iter().all(|(_, n)| *n <= found[0].1));
        values.sort_by(f64::total_cmp);
        // The original StatsD takes the value at the rounded rank, whatever the sample rate.
        let at = |len: usize| ((q * len as f64).round() as usize).clamp(1, len) - 1;
        let stands_for = (values.len() as f64 / found.len() as f64).ceil() as usize;
        let (low, high) = (at(values.len()).saturating_sub(stands_for), at(values.len()) + stands_for);
        let range = values[low]..=values[high.min(values.len() - 1)];
        let (found, width) = (found[at(found.len())].0, 1.0 + 1e-9);
        prop_assert!(
            (range.start() - width..=range.end() + width).contains(&found),
            "{} for {:?}", found, range
        );
    }

    /// Datadog's agent, Telegraf and statsd_exporter cut off the fraction.
    #[test]
    fn a_sample_rate_gives_back_the_number(n in 1..1_u64 << 50) {
        let text = sample_rate(n).to_string();
        prop_assert!(!text.contains('e'));
        let read: f64 = text.parse().expect("a number");
        prop_assert_eq!((1.0 / read) as u64, n);
        prop_assert!((1.0 / read - n as f64).abs() < 1e-9 * n as f64);
    }
}

// A source of the user can say any count.
#[test]
fn the_largest_count_has_ranks() {
    let mut most = point(&[1.0], &[0.5]);
    (most.counts, most.count) = (vec![u64::MAX, 0], u64::MAX);
    let found: Vec<_> = ranks(&most).collect();
    assert_eq!(found.len(), 100);
    assert_eq!(found.iter().map(|(_, n)| n).sum::<u64>(), u64::MAX);
}

#[test]
fn the_smallest_sample_rates_are_right() {
    for n in 1..10_000 {
        let rate = sample_rate(n);
        assert_eq!((1.0 / rate) as u64, n, "{rate}");
    }
}
