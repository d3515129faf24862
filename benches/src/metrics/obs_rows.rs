//! obs: the same instruments of a `MetricsCollector`.

use std::sync::LazyLock;

use obs_runtime::metrics::MetricsCollector;
use obs_runtime::metrics::{BoundCounter, BoundHistogram, Counter, Histogram};

use crate::{BOUNDS, Bursts, KINDS, ROUTES, labels, loop_of, value};

static COUNTER: LazyLock<Counter> = LazyLock::new(|| {
    MetricsCollector::new()
        .counter("calls")
        .labels(["route", "kind"])
        .build()
        .expect("a valid definition")
});
static HISTOGRAM: LazyLock<Histogram> = LazyLock::new(|| {
    MetricsCollector::new()
        .histogram("seconds")
        .labels(["route", "kind"])
        .buckets(BOUNDS)
        .build()
        .expect("a valid definition")
});
static ONE_COUNTER: LazyLock<BoundCounter> =
    LazyLock::new(|| COUNTER.with([ROUTES[0], KINDS[0]]).expect("two labels"));
static ONE_HISTOGRAM: LazyLock<BoundHistogram> =
    LazyLock::new(|| HISTOGRAM.with([ROUTES[0], KINDS[0]]).expect("two labels"));

pub const BURSTS: Bursts = Bursts {
    name: "obs",
    drain: || {},
    counter: |n| {
        let counter = &*ONE_COUNTER;
        loop_of(n, |i| {
            counter.inc();
            i
        })
    },
    histogram: |n| {
        let histogram = &*ONE_HISTOGRAM;
        loop_of(n, |i| {
            histogram.observe(value(i));
            i
        })
    },
    counter_labels: |n| {
        let counter = &*COUNTER;
        loop_of(n, |i| {
            if let Ok(counter) = counter.with(labels(i)) {
                counter.inc();
            }
            i
        })
    },
    histogram_labels: |n| {
        let histogram = &*HISTOGRAM;
        loop_of(n, |i| {
            if let Ok(histogram) = histogram.with(labels(i)) {
                histogram.observe(value(i));
            }
            i
        })
    },
};

static EXPONENTIAL_HISTOGRAM: LazyLock<Histogram> = LazyLock::new(|| {
    MetricsCollector::new()
        .histogram("seconds")
        .labels(["route", "kind"])
        .exponential()
        .build()
        .expect("a valid definition")
});
static ONE_EXPONENTIAL: LazyLock<BoundHistogram> = LazyLock::new(|| {
    let one = EXPONENTIAL_HISTOGRAM.with([ROUTES[0], KINDS[0]]);
    one.expect("two labels")
});

/// The same with exponential histograms of 160 buckets.
pub const EXPONENTIAL: Bursts = Bursts {
    name: "obs-exponential",
    histogram: |n| {
        let histogram = &*ONE_EXPONENTIAL;
        loop_of(n, |i| {
            histogram.observe(value(i));
            i
        })
    },
    histogram_labels: |n| {
        let histogram = &*EXPONENTIAL_HISTOGRAM;
        loop_of(n, |i| {
            if let Ok(histogram) = histogram.with(labels(i)) {
                histogram.observe(value(i));
            }
            i
        })
    },
    ..BURSTS
};

/// Everything that the counter has counted.
pub fn counted() -> u64 {
    ROUTES
        .iter()
        .flat_map(|route| KINDS.map(|kind| COUNTER.get([*route, kind]).unwrap_or(0.0) as u64))
        .sum()
}
