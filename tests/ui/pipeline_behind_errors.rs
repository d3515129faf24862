//! The mistake of one task is no mistake of those that depend on it.

#![allow(unused_variables)]

use obs_runtime::{on_failure, pipeline_task};

#[pipeline_task(pipeline = "p", retry = 3)]
async fn extract() -> Result<Vec<u8>, String> {
    Ok(Vec::new())
}

#[pipeline_task(pipeline = "p", depends_on(extract))]
async fn load(extract: &[u8]) -> usize {
    extract.len()
}

#[on_failure(task = extract)]
fn tell(_: &obs_runtime::pipeline::RunResult) {}

fn main() {}
