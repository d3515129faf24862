//! Shows a pipeline: tasks in the order of what they need, a retry, a task that fails and the one
//! that is skipped for it, as the run's trace and its summary.
//!
//! ```sh
//! cargo run -p obs-examples --example pipeline
//! ```
//!
//! A program of your own needs `obs-runtime` with the feature `pipeline`, and the crate `tokio`.

#![allow(clippy::print_stdout, reason = "the summary is the point")]

use std::time::Duration;

use obs_runtime::pipeline::{Input, Pipeline, TaskContext};
use obs_runtime::{Error, Observability, pipeline_task};
use tokio::time::sleep;

#[pipeline_task(pipeline = "sales", retries = 2, delay = "40ms", records = Vec::len)]
async fn load_orders(day: Input<String>, task: &TaskContext) -> Result<Vec<f64>, String> {
    sleep(Duration::from_millis(30)).await;
    if task.attempt() == 1 {
        return Err(format!("503 from the shop for {}", *day));
    }
    Ok(vec![19.5, 7.25, 112.0])
}

#[pipeline_task(pipeline = "sales")]
async fn load_rate() -> f64 {
    sleep(Duration::from_millis(80)).await;
    1.25
}

// A parameter named like a task is that task's output; with another type it would not compile. This
// one runs as soon as the two are done, which run at the same time.
#[pipeline_task(pipeline = "sales", depends_on(load_orders, load_rate), timeout = "5s")]
fn total(load_orders: &[f64], load_rate: f64) -> f64 {
    load_orders.iter().sum::<f64>() * load_rate
}

#[pipeline_task(pipeline = "sales", depends_on(load_orders))]
fn forecast(load_orders: &[f64]) -> Result<f64, String> {
    Err(format!(
        "{} orders are too few for a forecast",
        load_orders.len()
    ))
}

#[pipeline_task(pipeline = "sales", depends_on(forecast))]
fn order_stock(forecast: f64) -> bool {
    forecast > 100.0
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let obs = Observability::builder()
        .service_name("sales")
        .console(true)
        .install()?;
    let run = Pipeline::named("sales")?
        .input("2026-11-30".to_owned())
        .run()
        .await?;
    obs.shutdown()?;
    println!("{}", run.summary());
    Ok(())
}
