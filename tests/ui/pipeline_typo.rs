//! Names of dependencies that are mistyped, each with one error.

#![allow(unused_variables)]

use std::sync::Arc;

use obs_runtime::pipeline::{Pipeline, RunResult};
use obs_runtime::{on_failure, pipeline_task};

#[pipeline_task(pipeline = "p")]
async fn load() -> Result<u8, std::io::Error> {
    Ok(1)
}

#[pipeline_task(pipeline = "p", depends_on(load))]
async fn wait() {}

#[pipeline_task(pipeline = "p", depends_on(laod))]
async fn after() {}

#[pipeline_task(pipeline = "p", depends_on(rows = laod))]
async fn with_value(rows: &u8) -> u8 {
    *rows
}

#[pipeline_task(pipeline = "p", depends_on(laod))]
async fn of_parameter(laod: u8) {}

#[pipeline_task(pipeline = "p", depends_on(n = with_value, after))]
async fn behind(n: u8) {}

#[pipeline_task(pipeline = "p", depends_on(laod), retries = 2, timeout = "1s")]
fn in_a_thread(laod: Vec<u8>) -> Result<Vec<u8>, std::io::Error> {
    Ok(laod)
}

#[pipeline_task(pipeline = "p", depends_on(shared = laod, in_a_thread))]
async fn of_arc(shared: Arc<Vec<u8>>, in_a_thread: &[u8]) -> usize {
    shared.len() + in_a_thread.len()
}

#[on_failure(task = laod)]
async fn failed(run: &RunResult) {}

fn main() {
    let _ = Pipeline::named("p").unwrap().run();
}
