//! Effects that nobody could repeat, and versions that say nothing.

#![allow(unused_variables)]

use obs_runtime::pipeline_task;

#[pipeline_task(pipeline = "p", effects = "twice")]
async fn strange_effect() {}

#[pipeline_task(pipeline = "p", effects(once))]
async fn no_text() {}

#[pipeline_task(pipeline = "p", effect = "once")]
async fn misspelled() {}

#[pipeline_task(pipeline = "p", version = "")]
async fn no_version() {}

#[pipeline_task(pipeline = "p", version = 1.5)]
async fn no_whole_number() {}

#[pipeline_task(pipeline = "p", version)]
async fn no_value() {}

fn main() {}
