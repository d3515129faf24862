//! Parameters that are not what the pipeline has for them.

#![allow(unused_variables)]

use std::sync::Arc;

use obs_runtime::{pipeline::Input, pipeline_task};

#[pipeline_task(pipeline = "p")]
async fn rows() -> Result<Vec<u8>, String> {
    Ok(Vec::new())
}

#[pipeline_task(pipeline = "p", depends_on(rows))]
async fn lent(rows: &[String]) {}

#[pipeline_task(pipeline = "p", depends_on(rows))]
async fn owned(rows: String) {}

#[pipeline_task(pipeline = "p", depends_on(rows))]
async fn shared(rows: Arc<String>) {}

#[pipeline_task(pipeline = "p")]
async fn from_nowhere(number: u32) {}

#[pipeline_task(pipeline = "p")]
async fn lent_from_nowhere(number: &u32) {}

#[pipeline_task(pipeline = "p")]
async fn input_by_reference(numbers: &Input<Vec<u32>>) {}

#[pipeline_task(pipeline = "p", records = |rows| rows.first().copied().unwrap_or_default().to_string())]
async fn records() -> Vec<u32> {
    Vec::new()
}

fn main() {}
