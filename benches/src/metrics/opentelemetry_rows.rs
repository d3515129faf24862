//! OpenTelemetry's SDK with a reader that is never asked. Its API keeps no handle of a series: "kept" are the
//! attributes.

use std::sync::LazyLock;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider};

use crate::{BOUNDS, Bursts, KINDS, ROUTES, labels, loop_of, value};

static PROVIDER: LazyLock<SdkMeterProvider> = LazyLock::new(|| {
    let reader = ManualReader::builder().build();
    SdkMeterProvider::builder().with_reader(reader).build()
});
static METER: LazyLock<Meter> = LazyLock::new(|| PROVIDER.meter("bench"));
static COUNTER: LazyLock<Counter<u64>> = LazyLock::new(|| METER.u64_counter("calls").build());
static HISTOGRAM: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    METER
        .f64_histogram("seconds")
        .with_boundaries(BOUNDS.into())
        .build()
});

fn attributes([route, kind]: [&'static str; 2]) -> [KeyValue; 2] {
    [KeyValue::new("route", route), KeyValue::new("kind", kind)]
}

pub const BURSTS: Bursts = Bursts {
    name: "opentelemetry",
    drain: || {},
    counter: |n| {
        let (counter, kept) = (&*COUNTER, attributes([ROUTES[0], KINDS[0]]));
        loop_of(n, |i| {
            counter.add(1, &kept);
            i
        })
    },
    histogram: |n| {
        let (histogram, kept) = (&*HISTOGRAM, attributes([ROUTES[0], KINDS[0]]));
        loop_of(n, |i| {
            histogram.record(value(i), &kept);
            i
        })
    },
    counter_labels: |n| {
        let counter = &*COUNTER;
        loop_of(n, |i| {
            counter.add(1, &attributes(labels(i)));
            i
        })
    },
    histogram_labels: |n| {
        let histogram = &*HISTOGRAM;
        loop_of(n, |i| {
            histogram.record(value(i), &attributes(labels(i)));
            i
        })
    },
};
