//! Dependencies that are no task of the pipeline.

#![allow(unused_variables)]

use obs_runtime::pipeline_task;

fn plain() {}

struct Type;

#[pipeline_task(pipeline = "p", depends_on(nowhere))]
async fn unknown() {}

#[pipeline_task(pipeline = "p", depends_on(plain))]
async fn on_a_function() {}

#[pipeline_task(pipeline = "p", depends_on(value = Type))]
async fn on_a_type(value: &u8) {}

fn main() {}
