//! Caches that keep nothing, or know their outputs by nothing.

#![allow(unused_variables)]

use obs_runtime::pipeline::TaskContext;
use obs_runtime::pipeline_task;

#[pipeline_task(pipeline = "p", cache)]
async fn alone() {}

#[pipeline_task(pipeline = "p", cache())]
async fn empty() {}

#[pipeline_task(pipeline = "p", cache(ttl = 60))]
async fn no_unit() {}

#[pipeline_task(pipeline = "p", cache(ttl = "0s"))]
async fn no_time() {}

#[pipeline_task(pipeline = "p", cache(ttl = "1h", keys = 1))]
async fn misspelled() {}

#[pipeline_task(pipeline = "p", cache(ttl = "1h", ttl = "2h"))]
async fn twice() {}

#[pipeline_task(pipeline = "p", cache(ttl = "1h", key = "page"))]
async fn no_closure() {}

#[pipeline_task(pipeline = "p", depends_on(load), cache(ttl = "1h", key = |laod| laod.len()))]
async fn misspelled_parameter(load: &[u8]) {}

#[pipeline_task(pipeline = "p", depends_on(load), cache(ttl = "1h", key = |(a, b)| a))]
async fn taken_apart(load: &[u8]) {}

#[pipeline_task(pipeline = "p", cache(ttl = "1h", key = |context| context.run_id()))]
async fn by_the_run(context: &TaskContext) {}

#[pipeline_task(pipeline = "p", cache(ttl = "1h"))]
async fn asks(context: &TaskContext) {}

#[pipeline_task(pipeline = "p", cache(ttl = "1h"), effects = "once")]
async fn pays() {}

fn main() {}
