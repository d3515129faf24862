//! Shows how far a run is while it goes on: bars on a terminal, lines elsewhere, on standard error.
//!
//! ```sh
//! cargo run -p obs-examples --example progress
//! ```
//!
//! A program of your own needs `obs-runtime` with the feature `progress`, and the crate `tokio`.

#![allow(clippy::print_stdout, reason = "the program's own output stays apart")]

use std::time::Duration;

use obs_runtime::pipeline::{Pipeline, TaskContext};
use obs_runtime::{Error, Observability, pipeline_task};

#[pipeline_task(pipeline = "index")]
async fn load(context: &TaskContext) -> Vec<u32> {
    for page in 1..=20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        context.progress(page, 20);
    }
    (1..=100).collect()
}

// Of a mapped task the items are its progress.
#[pipeline_task(pipeline = "index", depends_on(load), map(page in load, parallel = 8))]
async fn embed(page: &u32) -> u32 {
    tokio::time::sleep(Duration::from_millis(40)).await;
    page * 2
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let _obs = Observability::builder().install()?;
    let run = Pipeline::named("index")?.show_progress().run().await?;
    println!("{}", run.summary());
    Ok(())
}
