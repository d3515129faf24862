//! Rules of a task whose types do not fit, said at the rule.

#![allow(unused_variables)]

use obs_runtime::pipeline_task;

#[pipeline_task(pipeline = "p")]
async fn load() -> Vec<u8> {
    Vec::new()
}

#[pipeline_task(pipeline = "p")]
async fn number() -> u8 {
    0
}

#[pipeline_task(pipeline = "p", retries = 1, retry_if = |error: &u8| true)]
async fn other_error() -> Result<(), String> {
    Ok(())
}

#[pipeline_task(pipeline = "p", retries = 1, retry_if = |error| 7)]
async fn no_answer() -> Result<(), String> {
    Ok(())
}

#[pipeline_task(pipeline = "p", retries = 1, retry_after = |error: &String| 30_u64)]
async fn no_pause() -> Result<(), String> {
    Ok(())
}

#[pipeline_task(pipeline = "p", depends_on(load), when = |load| load.len())]
async fn no_condition() {}

#[pipeline_task(pipeline = "p", depends_on(number), map(n in number))]
async fn no_items(n: &u8) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(byte in load))]
async fn other_item(byte: &str) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(byte in load, parallel = 0))]
async fn nobody_works(byte: &u8) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(byte in load))]
async fn double(byte: &u8) -> u8 {
    byte * 2
}

#[pipeline_task(pipeline = "p", depends_on(double))]
async fn one_of_many(double: &u8) {}

#[pipeline_task(pipeline = "p", depends_on(load, number), map(byte in load))]
async fn taken_by_the_first(byte: &u8, number: u8) {}

fn main() {}
