//! Histograms: buckets, means, percentiles, and reading while others write.

#![allow(clippy::float_cmp, reason = "the numbers are exact")]

use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use crate::metrics::MetricsCollector;

type Result<T = ()> = std::result::Result<T, crate::Error>;

// bug: I4 (infinity listed by the user was a second `+Inf`).
#[test]
fn a_value_equal_to_a_bound_is_in_its_bucket() -> Result {
    let collector = MetricsCollector::new();
    let h = collector
        .histogram("h")
        .buckets([0.1, 0.5, 1.0, f64::INFINITY])
        .build()?;
    for value in [0.1, 0.5, 1.5] {
        h.observe(value);
    }
    let point = h.snapshot();
    assert_eq!(*point.bounds, [0.1, 0.5, 1.0]);
    assert_eq!(point.counts, [1, 1, 0, 1]);
    assert_eq!((point.count, point.sum), (3, 2.1));
    assert_eq!((point.min, point.max), (Some(0.1), Some(1.5)));
    Ok(())
}

// bug: M21 (division by zero), T12 (the smallest of nothing was 0).
#[test]
fn nothing_observed_has_no_mean_or_percentile() -> Result {
    let collector = MetricsCollector::new();
    let h = collector.histogram("h").build()?;
    assert_eq!((h.mean(), h.percentile(50.0)), (None, None));
    h.observe(-4);
    assert_eq!((h.mean(), h.percentile(0.0)), (Some(-4.0), Some(-4.0)));
    assert_eq!(
        (
            h.percentile(-1.0),
            h.percentile(101.0),
            h.percentile(f64::NAN)
        ),
        (None, None, None)
    );
    Ok(())
}

// bug: M20, T14 (p99 of {10, 1000} was 10).
#[test]
fn percentiles_of_known_values() -> Result {
    let collector = MetricsCollector::new();
    let h = collector.histogram("h").build()?;
    for value in (1..=100).rev() {
        h.observe(value);
    }
    let p50 = h.percentile(50.0).expect("values");
    let p99 = h.percentile(99.0).expect("values");
    assert!(
        (50.0..=51.0).contains(&p50) && (99.0..=100.0).contains(&p99),
        "{p50} {p99}"
    );
    assert_eq!(h.percentile(100.0), Some(100.0));

    let two = collector.histogram("two").build()?;
    two.observe(10);
    two.observe(1_000);
    assert!(two.percentile(99.0) > Some(900.0));
    Ok(())
}

// bug: T31 (durations in seconds were all in one bucket).
#[test]
fn the_unit_chooses_the_default_buckets() -> Result {
    let collector = MetricsCollector::new();
    let seconds = collector.histogram("a").unit("s").build()?;
    let others = collector.histogram("b").unit("By").build()?;
    assert_eq!(seconds.snapshot().bounds[0], 0.005);
    assert_eq!(others.snapshot().bounds.last(), Some(&10_000.0));
    Ok(())
}

#[test]
fn a_histogram_read_meanwhile_is_consistent() -> Result {
    let collector = MetricsCollector::new();
    let h = collector.histogram("h").buckets([1, 2, 3]).build()?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..20_000).for_each(|i| h.observe(i % 5))))
            .collect();
        let reader = scope.spawn(|| {
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                let point = h.snapshot();
                assert_eq!(point.count, point.counts.iter().sum::<u64>());
                assert!(point.count >= last, "a count went down");
                last = point.count;
            }
        });
        for writer in writers {
            writer.join().expect("a writer");
        }
        done.store(true, Ordering::Relaxed);
        reader.join().expect("the reader");
    });
    assert_eq!((h.count(), h.sum()), (80_000, 160_000.0));
    Ok(())
}

proptest! {
    #[test]
    fn a_histogram_agrees_with_a_plain_count(
        values in proptest::collection::vec(-1e6..1e6_f64, 0..200),
        mut bounds in proptest::collection::btree_set(-1_000_i32..1_000, 0..20).prop_map(Vec::from_iter),
    ) {
        bounds.sort_unstable();
        let h = MetricsCollector::new().histogram("h").buckets(bounds.clone()).build().expect("valid");
        for value in &values {
            h.observe(*value);
        }
        let point = h.snapshot();
        let mut counts = vec![0; bounds.len() + 1];
        for value in &values {
            let bucket = bounds.iter().position(|b| *value <= f64::from(*b));
            counts[bucket.unwrap_or(bounds.len())] += 1;
        }
        prop_assert_eq!(&point.counts, &counts);
        prop_assert_eq!(point.sum, values.iter().fold(0.0, |a, b| a + b));
        prop_assert_eq!(point.min, values.iter().copied().reduce(f64::min));
        prop_assert_eq!(point.max, values.iter().copied().reduce(f64::max));
    }

    #[test]
    fn percentiles_grow_and_stay_within_the_values(
        values in proptest::collection::vec(-1e4..1e4_f64, 1..100),
        percents in proptest::collection::vec(0.0..=100.0_f64, 2..20),
    ) {
        let h = MetricsCollector::new().histogram("h").build().expect("valid");
        for value in &values {
            h.observe(*value);
        }
        let point = h.snapshot();
        let mut percents = percents;
        percents.sort_by(f64::total_cmp);
        let mut last = point.min.expect("values");
        for percent in percents {
            let value = point.percentile(percent).expect("values");
            prop_assert!(value >= last - 1e-9 && value <= point.max.expect("values") + 1e-9);
            last = value;
        }
    }
}
