//! The crate `prometheus`: an `IntCounterVec` and a `HistogramVec` with two labels.

use std::sync::LazyLock;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts};

use crate::{BOUNDS, Bursts, KINDS, ROUTES, labels, loop_of, value};

static COUNTER: LazyLock<IntCounterVec> = LazyLock::new(|| {
    IntCounterVec::new(Opts::new("calls", "Calls"), &["route", "kind"]).expect("a valid definition")
});
static HISTOGRAM: LazyLock<HistogramVec> = LazyLock::new(|| {
    let options = HistogramOpts::new("seconds", "Seconds").buckets(BOUNDS.to_vec());
    HistogramVec::new(options, &["route", "kind"]).expect("a valid definition")
});
static ONE_COUNTER: LazyLock<IntCounter> =
    LazyLock::new(|| COUNTER.with_label_values(&[ROUTES[0], KINDS[0]]));
static ONE_HISTOGRAM: LazyLock<Histogram> =
    LazyLock::new(|| HISTOGRAM.with_label_values(&[ROUTES[0], KINDS[0]]));

pub const BURSTS: Bursts = Bursts {
    name: "prometheus",
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
            counter.with_label_values(&labels(i)).inc();
            i
        })
    },
    histogram_labels: |n| {
        let histogram = &*HISTOGRAM;
        loop_of(n, |i| {
            histogram.with_label_values(&labels(i)).observe(value(i));
            i
        })
    },
};

/// Everything that the counter has counted.
pub fn counted() -> u64 {
    ROUTES
        .iter()
        .flat_map(|route| KINDS.map(|kind| COUNTER.with_label_values(&[*route, kind]).get()))
        .sum()
}
