//! Shows traces of annotated functions as trees: what took how long, and which call failed why.
//!
//! ```sh
//! cargo run -p obs-examples --example traced
//! ```
//!
//! A program of your own needs `obs-runtime` with the feature `tokio`, and the crate `tokio`.

use std::time::Duration;

use obs_runtime::{current, traced};
use tokio::time::sleep;

// Only what is named is recorded: the order, not the card.
#[traced(fields(order))]
async fn checkout(order: u32, card: &str) -> Result<f64, String> {
    let (price, shelf) = tokio::join!(price(order), reserve(order));
    // What becomes known on the way.
    current::set_attribute("shelf", shelf);
    charge(price, card).await?;
    Ok(price)
}

#[traced]
async fn price(order: u32) -> f64 {
    sleep(Duration::from_millis(20)).await;
    f64::from(order) * 1.5
}

#[traced(kind = "client")]
async fn reserve(order: u32) -> String {
    sleep(Duration::from_millis(35)).await;
    format!("aisle {}", order % 10)
}

#[traced(kind = "client", fields(usd))]
async fn charge(usd: f64, card: &str) -> Result<(), String> {
    sleep(Duration::from_millis(25)).await;
    if card.starts_with("4242") {
        return Ok(());
    }
    // Errors carry secrets into logs; obs masks them before they leave the program.
    Err("402 from https://shop:hunter2@bank.example/charge?token=tok_8Zk3vQ".to_owned())
}

#[obs_runtime::main(service = "shop", setup = |obs| obs.console(true))]
async fn main() {
    for (order, card) in [(4, "4242 4242"), (7, "4000 0002")] {
        let _ = checkout(order, card).await;
    }
}
