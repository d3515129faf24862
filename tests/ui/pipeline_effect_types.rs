//! Effects and versions that the compiler refuses where it knows the types.

#![allow(unused_variables)]

use obs_runtime::pipeline::{EffectKey, TaskContext};
use obs_runtime::pipeline_task;

const RETRIES: u32 = 3;
const SCHEMA: u32 = 7;

#[pipeline_task(pipeline = "p", effects = "once", retries = RETRIES)]
async fn pay(context: &TaskContext) {}

#[pipeline_task(pipeline = "p", effects = "once")]
async fn by_value(key: EffectKey) {}

#[pipeline_task(pipeline = "p", effects = "once", retries = 0)]
async fn never_again() {}

#[pipeline_task(pipeline = "p", effects = "once", retries = 3)]
async fn with_key(key: &EffectKey) {}

#[pipeline_task(pipeline = "p", version = SCHEMA)]
async fn no_text() {}

#[pipeline_task(pipeline = "p", version = &std::env::var("VERSION").unwrap())]
async fn no_constant() {}

fn main() {}
