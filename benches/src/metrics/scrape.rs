//! 10,000 counters, and 1,000 histograms, to the text of a scrape, beside the crates that write the same.

use std::hint::black_box;
use std::time::Instant;

use obs_benches::harness::median;
use obs_runtime::metrics::MetricsCollector;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::BOUNDS;

const SERIES: u64 = 10_000;
const HISTOGRAMS: u64 = 1_000;
/// Values that each histogram has taken.
const VALUES: u64 = 20;
/// Scrapes of each variant in a round; the round's value is their median.
const SCRAPES: usize = 5;

type Scrape = Box<dyn Fn() -> String>;

/// The label values of a series, and what it counted.
fn series(count: u64) -> impl Iterator<Item = ([String; 2], u64)> {
    (0..count).map(|i| {
        (
            [format!("/route/{}", i / 10), format!("kind{}", i % 10)],
            i * 37,
        )
    })
}

fn obs() -> Scrape {
    let collector = MetricsCollector::new();
    let counter = collector
        .counter("http.requests")
        .description("Requests")
        .labels(["route", "kind"])
        .max_series(SERIES as usize)
        .build()
        .expect("a valid definition");
    for (labels, n) in series(SERIES) {
        counter.with(labels).expect("two labels").add(n);
    }
    Box::new(move || obs_runtime::exporter::prometheus::text(&collector.collect_all(), &[]))
}

/// The values of a histogram's series.
fn values(series: u64) -> impl Iterator<Item = f64> {
    (1..=VALUES).map(move |i| (series * i) as f64 / 7_000.0)
}

fn obs_histograms() -> Scrape {
    let collector = MetricsCollector::new();
    let histogram = collector
        .histogram("http.duration")
        .description("Duration")
        .labels(["route", "kind"])
        .max_series(HISTOGRAMS as usize)
        .buckets(BOUNDS)
        .build()
        .expect("a valid definition");
    for (labels, n) in series(HISTOGRAMS) {
        let bound = histogram.with(labels).expect("two labels");
        values(n).for_each(|value| bound.observe(value));
    }
    Box::new(move || obs_runtime::exporter::prometheus::text(&collector.collect_all(), &[]))
}

type Labels = [(&'static str, String); 2];

fn prometheus_client_histograms() -> Scrape {
    use prometheus_client::metrics::histogram::Histogram;

    let family = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(BOUNDS));
    let mut registry = Registry::default();
    registry.register("http_duration", "Duration", family.clone());
    for ([route, kind], n) in series(HISTOGRAMS) {
        let bound = family.get_or_create(&[("route", route), ("kind", kind)]);
        values(n).for_each(|value| bound.observe(value));
    }
    encoded(registry)
}

fn prometheus_histograms() -> Scrape {
    let registry = prometheus::Registry::new();
    let options =
        prometheus::HistogramOpts::new("http_duration", "Duration").buckets(BOUNDS.to_vec());
    let histogram =
        prometheus::HistogramVec::new(options, &["route", "kind"]).expect("a valid definition");
    registry
        .register(Box::new(histogram.clone()))
        .expect("a new name");
    for (labels, n) in series(HISTOGRAMS) {
        let bound = histogram.with_label_values(&labels);
        values(n).for_each(|value| bound.observe(value));
    }
    Box::new(move || gathered(&registry))
}

fn encoded(registry: Registry) -> Scrape {
    Box::new(move || {
        let mut text = String::new();
        encode(&mut text, &registry).expect("a String takes all");
        text
    })
}

fn gathered(registry: &prometheus::Registry) -> String {
    let mut text = String::new();
    let encoder = prometheus::TextEncoder::new();
    encoder
        .encode_utf8(&registry.gather(), &mut text)
        .expect("a String takes all");
    text
}

fn prometheus_client() -> Scrape {
    let family = Family::<Labels, prometheus_client::metrics::counter::Counter>::default();
    let mut registry = Registry::default();
    registry.register("http_requests", "Requests", family.clone());
    for ([route, kind], n) in series(SERIES) {
        family
            .get_or_create(&[("route", route), ("kind", kind)])
            .inc_by(n);
    }
    encoded(registry)
}

fn prometheus() -> Scrape {
    let registry = prometheus::Registry::new();
    let options = prometheus::Opts::new("http_requests", "Requests");
    let counter =
        prometheus::IntCounterVec::new(options, &["route", "kind"]).expect("a valid definition");
    registry
        .register(Box::new(counter.clone()))
        .expect("a new name");
    for (labels, n) in series(SERIES) {
        counter.with_label_values(&labels).inc_by(n);
    }
    Box::new(move || gathered(&registry))
}

/// The tables; ratios are taken within a round, to prometheus-client.
pub fn tables(rounds: usize) -> String {
    let counters = [
        ("prometheus-client", prometheus_client()),
        ("prometheus", prometheus()),
        ("obs", obs()),
    ];
    let histograms = [
        ("prometheus-client", prometheus_client_histograms()),
        ("prometheus", prometheus_histograms()),
        ("obs", obs_histograms()),
    ];
    let [counters, histograms] = [
        ("10,000 series to text", counters),
        ("1,000 histograms to text", histograms),
    ]
    .map(|(title, variants)| table(title, &variants, rounds));
    format!("{counters}\n{histograms}")
}

fn table(title: &str, variants: &[(&str, Scrape)], rounds: usize) -> String {
    let mut times = vec![Vec::new(); variants.len()];
    for round in 0..rounds {
        let mut scrapes = vec![Vec::new(); variants.len()];
        for scrape in 0..SCRAPES {
            for position in 0..variants.len() {
                let at = (position + round + scrape) % variants.len();
                let start = Instant::now();
                black_box((variants[at].1)());
                scrapes[at].push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        for (time, scrapes) in times.iter_mut().zip(scrapes) {
            time.push(median(&scrapes));
        }
    }
    let mut out = format!("| {title} | ms | x prometheus-client | bytes |\n|---|---|---|---|\n");
    for ((name, scrape), time) in variants.iter().zip(&times) {
        let ratios: Vec<_> = time.iter().zip(&times[0]).map(|(a, b)| a / b).collect();
        let (ms, ratio, bytes) = (median(time), median(&ratios), scrape().len());
        out.push_str(&format!("| {name} | {ms:.3} | {ratio:.2} | {bytes} |\n"));
    }
    out
}
