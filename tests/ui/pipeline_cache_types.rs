//! Caches whose types do not fit.

#![allow(unused_variables)]

use obs_runtime::pipeline::Input;
use obs_runtime::pipeline_task;

struct NoClone;

#[pipeline_task(pipeline = "p")]
async fn load() -> Vec<f64> {
    Vec::new()
}

#[pipeline_task(pipeline = "p", depends_on(load), cache(ttl = "1h"))]
async fn of_floats(load: &[f64]) -> f64 {
    0.0
}

#[pipeline_task(pipeline = "p", cache(ttl = "1h"))]
async fn of_a_float(day: Input<f64>) {}

#[pipeline_task(pipeline = "p", depends_on(load), cache(ttl = "1h", key = |load| load.first().copied()))]
async fn by_a_float(load: &[f64]) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(number in load), cache(ttl = "1h", key = |number| number.to_bits()))]
async fn each(number: &f64) -> NoClone {
    NoClone
}

#[pipeline_task(pipeline = "p", cache(ttl = "1h"))]
async fn kept() -> String {
    String::new()
}

#[pipeline_task(pipeline = "p", depends_on(kept))]
async fn takes_it_away(kept: String) {}

fn main() {}
