//! 10,000 counter series to the text of a scrape, beside the crates that write the same.

use std::hint::black_box;
use std::time::Instant;

use obs_benches::harness::median;
use obs_runtime::MetricsCollector;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

const SERIES: u64 = 10_000;
/// Scrapes of each variant in a round; the round's value is their median.
const SCRAPES: usize = 5;

type Scrape = Box<dyn Fn() -> String>;

/// The label values of a series, and what it counted.
fn series() -> impl Iterator<Item = ([String; 2], u64)> {
    (0..SERIES).map(|i| {
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
    for (labels, n) in series() {
        counter.with(labels).expect("two labels").add(n);
    }
    Box::new(move || obs_runtime::prometheus::text(&collector.collect_all(), &[]))
}

fn prometheus_client() -> Scrape {
    type Labels = [(&'static str, String); 2];
    let family = Family::<Labels, prometheus_client::metrics::counter::Counter>::default();
    let mut registry = Registry::default();
    registry.register("http_requests", "Requests", family.clone());
    for ([route, kind], n) in series() {
        family
            .get_or_create(&[("route", route), ("kind", kind)])
            .inc_by(n);
    }
    Box::new(move || {
        let mut text = String::new();
        encode(&mut text, &registry).expect("a String takes all");
        text
    })
}

fn prometheus() -> Scrape {
    let registry = prometheus::Registry::new();
    let options = prometheus::Opts::new("http_requests", "Requests");
    let counter =
        prometheus::IntCounterVec::new(options, &["route", "kind"]).expect("a valid definition");
    registry
        .register(Box::new(counter.clone()))
        .expect("a new name");
    for (labels, n) in series() {
        counter.with_label_values(&labels).inc_by(n);
    }
    Box::new(move || {
        let mut text = String::new();
        let encoder = prometheus::TextEncoder::new();
        encoder
            .encode_utf8(&registry.gather(), &mut text)
            .expect("a String takes all");
        text
    })
}

/// The table; ratios are taken within a round, to prometheus-client.
pub fn table(rounds: usize) -> String {
    let variants = [
        ("prometheus-client", prometheus_client()),
        ("prometheus", prometheus()),
        ("obs", obs()),
    ];
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
    let mut out = String::from(
        "| 10,000 series to text | ms | x prometheus-client | bytes |\n|---|---|---|---|\n",
    );
    for ((name, scrape), time) in variants.iter().zip(&times) {
        let ratios: Vec<_> = time.iter().zip(&times[0]).map(|(a, b)| a / b).collect();
        let (ms, ratio, bytes) = (median(time), median(&ratios), scrape().len());
        out.push_str(&format!("| {name} | {ms:.3} | {ratio:.2} | {bytes} |\n"));
    }
    out
}
