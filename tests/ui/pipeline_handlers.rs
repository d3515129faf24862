//! Handlers that cannot be called.

use obs_runtime::{on_complete, on_failure, pipeline::RunResult, pipeline_task};

#[pipeline_task(pipeline = "p")]
async fn load() {}

#[on_failure(pipeline = "p", task = load)]
fn both(_: &RunResult) {}

#[on_failure(pipelin = "p")]
fn misspelled(_: &RunResult) {}

#[on_failure(retries = 3)]
fn of_a_task(_: &RunResult) {}

#[on_complete]
fn owned(_: RunResult) {}

#[on_complete]
fn generic<T>(_: &T) {}

fn main() {}
