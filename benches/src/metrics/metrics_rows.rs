//! The facade `metrics` with the recorder of `metrics-exporter-prometheus`.

use std::sync::LazyLock;

use metrics::{Counter, Histogram, counter, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::{BOUNDS, Bursts, KINDS, ROUTES, labels, loop_of, value};

static HANDLE: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let builder = PrometheusBuilder::new()
        .set_buckets(&BOUNDS)
        .expect("bounds");
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).expect("the only recorder");
    handle
});
static ONE_COUNTER: LazyLock<Counter> = LazyLock::new(|| {
    LazyLock::force(&HANDLE);
    counter!("calls", "route" => ROUTES[0], "kind" => KINDS[0])
});
static ONE_HISTOGRAM: LazyLock<Histogram> = LazyLock::new(|| {
    LazyLock::force(&HANDLE);
    histogram!("seconds", "route" => ROUTES[0], "kind" => KINDS[0])
});

pub const BURSTS: Bursts = Bursts {
    name: "metrics",
    // Values of histograms wait in a list until somebody looks, which a program does every few seconds.
    drain: || HANDLE.run_upkeep(),
    counter: |n| {
        let counter = &*ONE_COUNTER;
        loop_of(n, |i| {
            counter.increment(1);
            i
        })
    },
    histogram: |n| {
        let histogram = &*ONE_HISTOGRAM;
        loop_of(n, |i| {
            histogram.record(value(i));
            i
        })
    },
    counter_labels: |n| {
        LazyLock::force(&HANDLE);
        loop_of(n, |i| {
            let [route, kind] = labels(i);
            counter!("calls", "route" => route, "kind" => kind).increment(1);
            i
        })
    },
    histogram_labels: |n| {
        LazyLock::force(&HANDLE);
        loop_of(n, |i| {
            let [route, kind] = labels(i);
            histogram!("seconds", "route" => route, "kind" => kind).record(value(i));
            i
        })
    },
};
