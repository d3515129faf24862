//! Shows metrics: of annotated functions, and counters, gauges and histograms that are counted
//! where they stand. Prints what Prometheus would scrape.
//!
//! ```sh
//! cargo run -p obs-examples --example metrics
//! ```
//!
//! A program of your own needs `obs-runtime` with the feature `prometheus`, and the crate `tokio`.

#![allow(clippy::print_stdout, reason = "the page is the point")]

use obs_runtime::{Label, Observability, buckets, counter, gauge, histogram, traced};

/// A label has few values, and the compiler knows them all; a `String` would not compile.
#[derive(Clone, Copy, Label)]
enum Region {
    EuWest,
    UsEast,
}

// Calls, errors and durations are counted without another word, here by region.
#[traced(labels(region))]
fn ship(region: Region, kilograms: f64) -> Result<(), String> {
    histogram!("parcels.weight", region).observe(kilograms);
    if kilograms > 30.0 {
        return Err("too heavy".to_owned());
    }
    counter!("parcels.shipped", region, express = kilograms < 1.0).inc();
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Port 0 is any free one.
    let obs = Observability::builder()
        .prometheus(([127, 0, 0, 1], 0))
        .install()?;
    // Optional: a metric without this has the default buckets and no unit.
    obs.metrics()
        .histogram("parcels.weight")
        .description("How much a parcel weighs.")
        .unit("kg")
        .labels(["region"])
        .buckets(buckets![1.0, 10.0, 30.0])
        .build()?;

    for kilograms in [0.4, 2.0, 7.5, 31.0] {
        let _ = ship(Region::EuWest, kilograms);
        let _ = ship(Region::UsEast, kilograms / 2.0);
    }
    gauge!("parcels.waiting").set(3);

    let address = obs.prometheus_addr().ok_or("no port could be opened")?;
    let page = obs_examples::get(&format!("http://{address}/metrics")).await?;
    // There is more on it: durations of calls, and what obs says of itself.
    for line in page.lines() {
        if line.contains("parcels_") || line.contains("function_calls_total") {
            println!("{line}");
        }
    }
    Ok(())
}
