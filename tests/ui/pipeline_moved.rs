//! A task that is repeated cannot take its inputs away.

#![allow(unused_variables)]

use obs_runtime::pipeline_task;

#[pipeline_task(pipeline = "p")]
async fn rows() -> Vec<u8> {
    Vec::new()
}

#[pipeline_task(pipeline = "p", depends_on(rows), retries = 3)]
async fn repeated(rows: Vec<u8>) {}

fn main() {}
