//! Exponential histograms of many threads.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{STEP, is_whole};
use crate::metrics::{ExponentialHistogramPoint, MetricData, MetricsCollector};

fn point(collector: &MetricsCollector) -> ExponentialHistogramPoint {
    match collector.get("h").expect("a metric").data {
        MetricData::ExponentialHistogram(points) => points[0].clone(),
        other => panic!("an exponential histogram: {other:?}"),
    }
}

#[test]
fn threads_with_scales_of_their_own_are_one_histogram() {
    let collector = MetricsCollector::new();
    let h = collector
        .histogram("h")
        .exponential()
        .build()
        .expect("valid");
    std::thread::scope(|scope| {
        for thread in 0..4_i32 {
            let h = &h;
            scope.spawn(move || {
                (0..1_000).for_each(|i| {
                    h.observe(10_f64.powi(thread * 3) + f64::from(i) * 1e-6);
                });
            });
        }
    });
    let p = point(&collector);
    assert_eq!(p.count, 4_000);
    // A billion is 30 doublings: 4 buckets each and no more.
    assert_eq!(p.scale, 2);
    assert!((p.quantile(0.9).expect("values") / 1e9 - 1.0).abs() < p.relative_error());
}

#[test]
fn a_reader_looks_again_while_buckets_are_joined() {
    let (scale, joined) = (3, 5);
    assert!(is_whole(scale, scale));
    let joining = scale + STEP;
    let done = scale + 2 * STEP + joined;
    // It began before, while or after, and saw the same all the time or not.
    assert!(!is_whole(joining, joining));
    assert!(!is_whole(scale, joining));
    assert!(!is_whole(joining, done));
    assert!(!is_whole(scale, done));
    assert!(is_whole(done, done));
}

#[test]
fn a_reader_never_meets_half_joined_buckets() {
    let collector = MetricsCollector::new();
    let h = collector
        .histogram("h")
        .exponential()
        .build()
        .expect("valid");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|_| {
                // Each new series begins at the finest scale and joins buckets all the way.
                scope.spawn(|| {
                    for round in 0..2_000_i32 {
                        h.observe(2_f64.powi(round % 600 - 300));
                        h.observe(-(2_f64.powi(round % 600 - 300)));
                    }
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                let p = point(&collector);
                let counts = p.positive.counts.iter().chain(&p.negative.counts);
                assert_eq!(p.count, counts.sum::<u64>());
                assert!(p.count >= last, "a count went down");
                last = p.count;
            }
        });
        for writer in writers {
            writer.join().expect("a writer");
        }
        done.store(true, Ordering::Relaxed);
        reader.join().expect("the reader");
    });
    assert_eq!(point(&collector).count, 8_000);
}

#[test]
fn read_back_by_labels() -> Result<(), crate::Error> {
    let collector = MetricsCollector::new();
    let h = collector
        .histogram("h")
        .exponential()
        .labels(["route"])
        .build()?;
    let bound = h.with(["/a"])?;
    for ms in 1..=100 {
        bound.observe(ms);
    }
    h.with(["/b"])?.observe(0.5);
    assert_eq!(
        (h.count(), h.get(["/a"])?.count, h.get(["/c"])?.count),
        (101, 100, 0)
    );
    assert_eq!((bound.mean(), h.sum()), (Some(50.5), 5050.5));
    assert_eq!(
        (bound.percentile(100.0), h.quantile(0.0)),
        (Some(100.0), Some(0.5))
    );
    // Infinity and NaN are no values.
    bound.observe(f64::NAN);
    assert_eq!((h.refused(), bound.count()), (1, 100));
    Ok(())
}

#[test]
fn buckets_chosen_otherwise_are_a_clash() -> Result<(), crate::Error> {
    let collector = MetricsCollector::new();
    collector.histogram("h").exponential().build()?;
    let error = collector
        .histogram("h")
        .buckets([1, 2])
        .build()
        .expect_err("a clash");
    assert!(error.to_string().contains("buckets exponential"), "{error}");
    collector.histogram("h").build()?.observe(1);
    // The default chooses where the definition does not.
    collector.exponential_by_default(true);
    collector.histogram("d").unit("s").build()?.observe(1);
    collector.histogram("e").buckets([1]).build()?.observe(1);
    let is_exponential = |name: &str| {
        let data = collector.get(name).map(|family| family.data);
        matches!(data, Some(MetricData::ExponentialHistogram(_)))
    };
    assert!(is_exponential("d") && !is_exponential("e"));
    Ok(())
}
