//! Bytes that a series takes: 10,000 counters, and 1,000 histograms of 11 bounds, after each has counted once.

use obs_benches::alloc;
use obs_runtime::metrics::MetricsCollector;

use crate::BOUNDS;

const COUNTERS: usize = 10_000;
const HISTOGRAMS: usize = 1_000;

/// Bytes that are still allocated after `make`, for each of `series`.
fn bytes<T>(series: usize, make: impl FnOnce() -> T) -> f64 {
    let before = alloc::live();
    let kept = make();
    let taken = alloc::live() - before;
    drop(kept);
    taken as f64 / series as f64
}

fn values(series: usize) -> impl Iterator<Item = [String; 2]> {
    (0..series).map(|i| [format!("/route/{}", i / 10), format!("kind{}", i % 10)])
}

fn obs() -> [f64; 3] {
    let collector = MetricsCollector::new();
    // What every collector has, and this thread.
    collector.counter("first").build().expect("valid").inc();
    let counters = bytes(COUNTERS, || {
        let counter = collector.counter("calls").labels(["route", "kind"]);
        let counter = counter.max_series(COUNTERS).build().expect("valid");
        values(COUNTERS).for_each(|v| counter.with(v).expect("two labels").inc());
        counter
    });
    let histogram = |name: &'static str, exponential: bool| {
        bytes(HISTOGRAMS, || {
            let histogram = collector.histogram(name).labels(["route", "kind"]);
            let histogram = histogram.max_series(HISTOGRAMS);
            let histogram = match exponential {
                true => histogram.exponential(),
                false => histogram.buckets(BOUNDS),
            };
            let histogram = histogram.build().expect("valid");
            values(HISTOGRAMS).for_each(|v| histogram.with(v).expect("two labels").observe(1));
            histogram
        })
    };
    [
        counters,
        histogram("seconds", false),
        histogram("size", true),
    ]
}

fn prometheus() -> [f64; 2] {
    let names = ["route", "kind"];
    let counters = bytes(COUNTERS, || {
        let options = prometheus::Opts::new("calls", "Calls");
        let counter = prometheus::IntCounterVec::new(options, &names).expect("valid");
        values(COUNTERS).for_each(|v| counter.with_label_values(&v).inc());
        counter
    });
    let histograms = bytes(HISTOGRAMS, || {
        let options = prometheus::HistogramOpts::new("seconds", "Seconds").buckets(BOUNDS.into());
        let histogram = prometheus::HistogramVec::new(options, &names).expect("valid");
        values(HISTOGRAMS).for_each(|v| histogram.with_label_values(&v).observe(1.0));
        histogram
    });
    [counters, histograms]
}

fn prometheus_client() -> [f64; 2] {
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::histogram::Histogram;
    type Labels = [(&'static str, String); 2];
    let labels = |[route, kind]: [String; 2]| [("route", route), ("kind", kind)];
    let counters = bytes(COUNTERS, || {
        let family = Family::<Labels, Counter>::default();
        values(COUNTERS).for_each(|v| {
            family.get_or_create(&labels(v)).inc();
        });
        family
    });
    let histograms = bytes(HISTOGRAMS, || {
        let family = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(BOUNDS));
        values(HISTOGRAMS).for_each(|v| family.get_or_create(&labels(v)).observe(1.0));
        family
    });
    [counters, histograms]
}

fn metrics() -> [f64; 2] {
    let builder = metrics_exporter_prometheus::PrometheusBuilder::new();
    let recorder = builder
        .set_buckets(&BOUNDS)
        .expect("bounds")
        .build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let counters = bytes(COUNTERS, || {
            values(COUNTERS).for_each(|[route, kind]| {
                metrics::counter!("calls", "route" => route, "kind" => kind).increment(1);
            });
        });
        let histograms = bytes(HISTOGRAMS, || {
            values(HISTOGRAMS).for_each(|[route, kind]| {
                metrics::histogram!("seconds", "route" => route, "kind" => kind).record(1.0);
            });
            // The values come to buckets.
            handle.run_upkeep();
        });
        [counters, histograms]
    })
}

#[cfg(feature = "peers-heavy")]
fn opentelemetry() -> [f64; 2] {
    use opentelemetry::KeyValue;
    use opentelemetry::metrics::MeterProvider as _;
    use opentelemetry_sdk::metrics::{Instrument, ManualReader, SdkMeterProvider, Stream};

    let all = |_: &Instrument| {
        Stream::builder()
            .with_cardinality_limit(COUNTERS + 1)
            .build()
            .ok()
    };
    let provider = SdkMeterProvider::builder()
        .with_reader(ManualReader::builder().build())
        .with_view(all)
        .build();
    let meter = provider.meter("bench");
    let attributes =
        |[route, kind]: [String; 2]| [KeyValue::new("route", route), KeyValue::new("kind", kind)];
    let counters = bytes(COUNTERS, || {
        let counter = meter.u64_counter("calls").build();
        values(COUNTERS).for_each(|v| counter.add(1, &attributes(v)));
        counter
    });
    let histograms = bytes(HISTOGRAMS, || {
        let histogram = meter
            .f64_histogram("seconds")
            .with_boundaries(BOUNDS.into())
            .build();
        values(HISTOGRAMS).for_each(|v| histogram.record(1.0, &attributes(v)));
        histogram
    });
    [counters, histograms]
}

/// The table.
pub fn table() -> String {
    let [counters, histograms, exponential] = obs();
    let mut out = String::from(
        "| memory | bytes per counter | bytes per histogram | bytes per exponential histogram |\n|---|---|---|---|\n",
    );
    out.push_str(&format!(
        "| obs | {counters:.0} | {histograms:.0} | {exponential:.0} |\n"
    ));
    let mut peers = vec![
        ("prometheus", prometheus()),
        ("prometheus-client", prometheus_client()),
        ("metrics", metrics()),
    ];
    #[cfg(feature = "peers-heavy")]
    peers.push(("opentelemetry", opentelemetry()));
    peers.sort_by_key(|(name, _)| *name);
    for (name, [counters, histograms]) in peers {
        out.push_str(&format!("| {name} | {counters:.0} | {histograms:.0} | |\n"));
    }
    out
}
