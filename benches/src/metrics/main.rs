//! Cost of a counter and a histogram per call, beside the crates `prometheus`, `metrics` and `measured`, and
//! OpenTelemetry's SDK with the feature `peers-heavy`: with handles that are kept, with labels chosen by each
//! call, and on two threads at once. Then the memory of a series, and 10,000 series to text.
//!
//! ```text
//! metrics [--rounds N] [--bursts N]
//! metrics --count ROW VARIANT CALLS    only runs the calls; for callgrind, see instructions.sh
//! metrics --list                       rows and their variants
//! ```

mod macro_rows;
mod measured_rows;
mod memory;
mod metrics_rows;
mod obs_rows;
#[cfg(feature = "peers-heavy")]
mod opentelemetry_rows;
mod prometheus_rows;
mod scrape;

use std::hint::black_box;
use std::process::ExitCode;

use obs_benches::harness::{self, Effort, Row, Variant};
use obs_benches::{table, threads};

/// The label values that calls choose from.
const ROUTES: [&str; 6] = ["/", "/cart", "/checkout", "/items", "/login", "/search"];
const KINDS: [&str; 3] = ["get", "head", "post"];

/// Upper bounds of every histogram.
const BOUNDS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The labels of a call.
fn labels(i: u64) -> [&'static str; 2] {
    let [route, kind] = places(i);
    [black_box(ROUTES[route]), black_box(KINDS[kind])]
}

/// Which of the values.
fn places(i: u64) -> [usize; 2] {
    [(i % 6) as usize, (i / 6 % 3) as usize]
}

/// The value of a call, spread over all buckets.
fn value(i: u64) -> f64 {
    (i.wrapping_mul(0x9E37_79B9) % 12_000) as f64 / 1000.0
}

/// One implementation's bursts.
struct Bursts {
    name: &'static str,
    /// What is left for later, untimed.
    drain: fn(),
    counter: fn(u64) -> u64,
    histogram: fn(u64) -> u64,
    counter_labels: fn(u64) -> u64,
    histogram_labels: fn(u64) -> u64,
}

/// What all variants do besides: the loop, and choosing value and labels.
const BARE: Bursts = Bursts {
    name: "bare",
    drain: || {},
    counter: |n| loop_of(n, |i| i),
    histogram: |n| loop_of(n, |i| value(i).to_bits()),
    counter_labels: |n| loop_of(n, |i| labels(i)[0].len() as u64),
    histogram_labels: |n| loop_of(n, |i| value(i).to_bits() ^ labels(i)[0].len() as u64),
};

/// Calls `call` for each number; the sum keeps the calls alive.
#[inline(always)]
fn loop_of(n: u64, call: impl Fn(u64) -> u64) -> u64 {
    let mut sum = 0u64;
    for i in 0..n {
        sum = sum.wrapping_add(call(black_box(i)));
    }
    sum
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("metrics: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<(), String> {
    let rows = rows();
    match args {
        [list] if list == "--list" => {
            for row in &rows {
                let names: Vec<_> = row.variants.iter().map(|v| v.name).collect();
                println!("{} {}", row.name, names.join(" "));
            }
            return Ok(());
        }
        [count, row, variant, calls] if count == "--count" => {
            let of_row = rows.iter().filter(|r| r.name == row);
            let mut variants = of_row.flat_map(|r| &r.variants);
            let variant = variants.find(|v| v.name == variant);
            let variant = variant.ok_or("no such row and variant; see --list")?;
            println!("{}", harness::count(variant, number(calls)?));
            return Ok(());
        }
        _ => {}
    }
    let mut effort = Effort {
        rounds: 30,
        bursts: 20,
    };
    for pair in args.chunks(2) {
        let number = number(pair.get(1).map_or("", String::as_str))? as usize;
        match pair[0].as_str() {
            "--rounds" => effort.rounds = number,
            "--bursts" => effort.bursts = number,
            other => return Err(format!("unknown argument {other:?}")),
        }
    }
    print!("{}", table::head("prometheus"));
    for row in &rows {
        print!(
            "{}",
            table::lines(row, &harness::measure(row, effort), "prometheus")
        );
    }
    println!("\n{}", threads::HEAD);
    for (_, title, select) in ROWS {
        for b in [
            &prometheus_rows::BURSTS,
            &obs_rows::BURSTS,
            &macro_rows::BURSTS,
        ] {
            println!(
                "{}",
                threads::line(
                    title,
                    b.name,
                    select(b),
                    select(&BARE),
                    || {},
                    effort.rounds
                )
            );
        }
    }
    print!("\n{}", memory::table());
    print!("\n{}", scrape::tables(effort.rounds));
    let seen = (prometheus_rows::counted(), obs_rows::counted());
    println!(
        "\ncalls counted on all threads: prometheus {}, obs {}",
        seen.0, seen.1
    );
    Ok(())
}

fn number(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|n| *n > 0);
    number.ok_or(format!("expected a number above 0, got {text:?}"))
}

fn rows() -> Vec<Row> {
    let all = [
        BARE,
        prometheus_rows::BURSTS,
        metrics_rows::BURSTS,
        measured_rows::BURSTS,
        #[cfg(feature = "peers-heavy")]
        opentelemetry_rows::BURSTS,
        obs_rows::BURSTS,
        obs_rows::EXPONENTIAL,
        macro_rows::BURSTS,
        macro_rows::ENUMS,
    ];
    let row = |(name, title, select): (&'static str, _, Selector)| {
        // What differs from the variant before it in some rows only.
        let differs = |b: &&Bursts| match b.name {
            "obs-exponential" => name.starts_with("histogram"),
            "obs-macro-enum" => name.ends_with("labels"),
            _ => true,
        };
        let variants = all.iter().filter(differs).map(|b| Variant {
            name: b.name,
            burst: select(b),
            drain: b.drain,
        });
        Row {
            name,
            title,
            variants: variants.collect(),
        }
    };
    ROWS.into_iter().map(row).collect()
}

type Selector = fn(&Bursts) -> fn(u64) -> u64;
const ROWS: [(&str, &str, Selector); 4] = [
    ("counter", "counter, kept handle", |b| b.counter),
    ("histogram", "histogram, kept handle", |b| b.histogram),
    ("counter-labels", "counter, labels by call", |b| {
        b.counter_labels
    }),
    ("histogram-labels", "histogram, labels by call", |b| {
        b.histogram_labels
    }),
];
