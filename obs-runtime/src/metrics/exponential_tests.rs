//! Exponential histograms: the mapping to buckets, and quantiles within the stated error.

#![allow(clippy::float_cmp, reason = "the numbers are exact")]

use proptest::prelude::*;

use super::*;
use crate::metrics::{MetricData, MetricsCollector};

fn observed(values: &[f64]) -> ExponentialHistogramPoint {
    let collector = MetricsCollector::new();
    let h = collector
        .histogram("h")
        .exponential()
        .build()
        .expect("valid");
    for value in values {
        h.observe(*value);
    }
    point(&collector)
}

fn point(collector: &MetricsCollector) -> ExponentialHistogramPoint {
    match collector.get("h").expect("a metric").data {
        MetricData::ExponentialHistogram(points) => points[0].clone(),
        other => panic!("an exponential histogram: {other:?}"),
    }
}

/// The value at a quantile's rank.
fn exact(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (q * values.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, values.len()) - 1]
}

#[test]
fn buckets_have_their_upper_bound() {
    for scale in -4..=20 {
        assert_eq!(index_of(1.0, scale), -1, "scale {scale}");
        assert_eq!(index_of(1.0 + f64::EPSILON, scale), 0, "scale {scale}");
        assert_eq!(bound_of(0, scale), 1.0);
        for value in [f64::MIN_POSITIVE, f64::MAX, 0.3, 7.0, 1e-300, 4.0, 1e300] {
            let index = index_of(value, scale);
            let (low, high) = (bound_of(index, scale), bound_of(index + 1, scale));
            // Bounds are rounded in their last digits.
            assert!(
                low <= value * (1.0 + 1e-12) && value <= high * (1.0 + 1e-12),
                "{value} {scale}"
            );
        }
    }
    // OpenTelemetry data model: at scale 0 a bucket is from one power of two to the next.
    assert_eq!(
        [index_of(2.0, 0), index_of(2.1, 0), index_of(0.5, 0)],
        [0, 1, -2]
    );
    assert_eq!([index_of(4.0, -1), index_of(4.1, -1)], [0, 1]);
}

#[test]
fn what_was_observed_is_there() {
    let p = observed(&[0.0, -0.0, 1.0, 2.0, 4.0, -3.0, 5e-324]);
    assert_eq!((p.count, p.zero_count, p.sum), (7, 3, 4.0));
    assert_eq!((p.min, p.max), (Some(-3.0), Some(4.0)));
    let total = |b: &ExponentialBuckets| b.counts.iter().sum::<u64>();
    assert_eq!((total(&p.positive), total(&p.negative)), (3, 1));
    // From 1 to 4 at scale 6: 128 buckets and one.
    assert_eq!((p.scale, p.positive.counts.len()), (6, 129));
}

#[test]
fn numbers_of_every_size_fit() {
    let p = observed(&[f64::MIN_POSITIVE, f64::MAX, -f64::MAX, -f64::MIN_POSITIVE]);
    assert!(p.positive.counts.len() <= MAX_SIZE && p.negative.counts.len() <= MAX_SIZE);
    assert_eq!((p.scale, p.count), (-4, 4));
    assert_eq!(p.to_explicit().counts.iter().sum::<u64>(), 4);
    assert_eq!(p.quantile(1.0), Some(f64::MAX));
}

#[test]
fn the_documented_errors() {
    for (factor, error) in [(2.0, 0.0055), (1e3, 0.0443), (1e6, 0.0906)] {
        let p = observed(&[1.1, 1.1 * factor]);
        assert!(
            p.relative_error() <= error,
            "{factor}: {}",
            p.relative_error()
        );
    }
}

// bug: T14 (a window of samples: p99 of {10, 1000} was 10), I5 (the median of 1..4 was 3, q = 1.0 vanished).
#[test]
fn quantiles_of_known_values() {
    let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    let p = observed(&values);
    let (median, p99) = (
        p.quantile(0.5).expect("values"),
        p.quantile(0.99).expect("values"),
    );
    assert!(
        (50.0..=51.0).contains(&median) && (99.0..=100.0).contains(&p99),
        "{median} {p99}"
    );
    assert_eq!((p.quantile(0.0), p.quantile(1.0)), (Some(1.0), Some(100.0)));
    assert!(observed(&[10.0, 1000.0]).quantile(0.99) > Some(900.0));
    let median = observed(&[1.0, 2.0, 3.0, 4.0])
        .quantile(0.5)
        .expect("values");
    assert!((1.9..=2.1).contains(&median), "{median}");
    assert_eq!(
        p.quantile(1.1)
            .or(p.quantile(-0.1))
            .or(p.quantile(f64::NAN)),
        None
    );
    assert_eq!(
        ExponentialHistogramPoint::empty(Labels::new(), 0).quantile(0.5),
        None
    );
}

// bug: I5 (every observation was kept for ever: 38 MiB for a million).
#[test]
fn a_million_values_take_no_more_room_than_a_few() {
    let collector = MetricsCollector::new();
    let h = collector
        .histogram("h")
        .exponential()
        .build()
        .expect("valid");
    let mut state = 1_u64;
    for _ in 0..1_000_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        h.observe((state >> 40) as f64 * 1e-3);
    }
    let p = point(&collector);
    assert_eq!(p.count, 1_000_000);
    assert!(p.positive.counts.len() <= MAX_SIZE);
    // Evenly spread from 0 to 16,777: the median is in the middle.
    let median = p.quantile(0.5).expect("values");
    assert!((median / 8_388.6 - 1.0).abs() < 0.01, "{median}");
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        -1e3..1e3_f64,
        1e-3..10.0_f64,
        (-300..300_i32).prop_map(|e| 10_f64.powi(e)),
        (-300..300_i32).prop_map(|e| -(10_f64.powi(e))),
        (-1000..1000_i32).prop_map(|e| 2_f64.powi(e)),
    ]
}

proptest! {
    #[test]
    fn quantiles_are_within_the_stated_error(
        values in proptest::collection::vec(value(), 1..200),
        q in 0.0..=1.0_f64,
    ) {
        let p = observed(&values);
        prop_assert!(p.positive.counts.len() <= MAX_SIZE && p.negative.counts.len() <= MAX_SIZE);
        prop_assert_eq!(p.count, values.len() as u64);
        let (estimate, exact) = (p.quantile(q).expect("values"), exact(&values, q));
        let allowed = p.relative_error() * exact.abs() * (1.0 + 1e-9) + f64::MIN_POSITIVE;
        prop_assert!((estimate - exact).abs() <= allowed, "{} {} {:?}", estimate, exact, p);
    }

    #[test]
    fn merging_is_observing_together(
        a in proptest::collection::vec(value(), 0..50),
        b in proptest::collection::vec(value(), 0..50),
    ) {
        let mut merged = observed(&a);
        merged.merge(&observed(&b));
        let together = observed(&[a, b].concat());
        for side in [&merged.positive, &merged.negative] {
            prop_assert!(side.counts.len() <= MAX_SIZE);
        }
        // Two threads may have joined no more buckets than one.
        prop_assert!(merged.scale >= together.scale);
        merged.coarsen(together.scale);
        prop_assert_eq!(&merged.positive, &together.positive);
        prop_assert_eq!(&merged.negative, &together.negative);
        prop_assert_eq!((merged.count, merged.zero_count), (together.count, together.zero_count));
        prop_assert_eq!((merged.min, merged.max), (together.min, together.max));
    }

    #[test]
    fn subtracting_leaves_what_came_later(
        a in proptest::collection::vec(value(), 0..50),
        b in proptest::collection::vec(value(), 0..50),
    ) {
        let together = observed(&[&a[..], &b].concat());
        let mut rest = together.clone();
        rest.subtract(&observed(&a));
        let mut later = observed(&b);
        later.coarsen(rest.scale);
        prop_assert_eq!(&rest.positive.counts, &later.positive.counts);
        prop_assert_eq!(&rest.negative.counts, &later.negative.counts);
        if !later.positive.counts.is_empty() {
            prop_assert_eq!(rest.positive.offset, later.positive.offset);
        }
        prop_assert_eq!(rest.count, b.len() as u64);
    }

    #[test]
    fn explicit_buckets_count_the_same(values in proptest::collection::vec(value(), 0..100)) {
        let explicit = observed(&values).to_explicit();
        prop_assert_eq!(explicit.counts.len(), explicit.bounds.len() + 1);
        prop_assert_eq!(explicit.counts.iter().sum::<u64>(), values.len() as u64);
        prop_assert!(explicit.bounds.windows(2).all(|w| w[0] < w[1]));
        prop_assert!(explicit.bounds.iter().all(|b| b.is_finite()));
    }
}
