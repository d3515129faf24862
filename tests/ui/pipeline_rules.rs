//! Rules of a task that name nothing, contradict each other, or have no form.

#![allow(unused_variables)]

use obs_runtime::{on_failure, on_late, pipeline::RunResult, pipeline_task};

#[pipeline_task(pipeline = "p", retry_if = |error: &String| true)]
async fn no_retries() -> Result<(), String> {
    Ok(())
}

#[pipeline_task(pipeline = "p", retries = 1, retry_if = true)]
async fn no_closure() -> Result<(), String> {
    Ok(())
}

#[pipeline_task(pipeline = "p", retries = 1, retry_after = |error: &String| None)]
async fn no_error() -> u8 {
    0
}

#[pipeline_task(pipeline = "p", max_elapsed = "1m")]
async fn elapsed_alone() {}

#[pipeline_task(pipeline = "p", deadline = 30)]
async fn without_unit() {}

#[pipeline_task(pipeline = "p", queue_timeout = "never")]
async fn no_duration() {}

#[pipeline_task(pipeline = "p", depends_on(load), run_if = "sucess")]
async fn strange_rule() {}

#[pipeline_task(pipeline = "p", run_if = "done")]
async fn no_dependency() {}

#[pipeline_task(pipeline = "p", depends_on(load), run_if = "failed")]
async fn no_output(load: &[u8]) {}

#[pipeline_task(pipeline = "p", depends_on(load), run_if = "done", when = |load| true)]
async fn no_output_to_look_at() {}

#[pipeline_task(pipeline = "p", depends_on(load), when = "load")]
async fn no_condition() {}

#[pipeline_task(pipeline = "p", depends_on(load), when = || true)]
async fn looks_at_nothing() {}

#[pipeline_task(pipeline = "p", depends_on(load), when = |laod| true)]
async fn misspelled_condition() {}

#[pipeline_task(pipeline = "p", depends_on(load), when = |(a, b)| true)]
async fn taken_apart() {}

#[pipeline_task(pipeline = "p", depends_on(load), map = load)]
async fn no_list(load: &u8) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(load))]
async fn no_item(load: &u8) {}

#[pipeline_task(pipeline = "p", map(page in load))]
async fn no_source(page: &u8) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(page in laod))]
async fn misspelled_source(page: &u8) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(page in load))]
async fn no_parameter(pag: &obs_runtime::pipeline::TaskContext) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(page in load))]
async fn by_value(page: u8) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(page in load, paralel = 3))]
async fn misspelled_limit(page: &u8) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(page in load, max = 3, max = 4))]
async fn given_twice(page: &u8) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(page in load, allow_failed = "101%"))]
async fn too_tolerant(page: &u8) {}

#[pipeline_task(pipeline = "p", depends_on(load), map(page in load), when = |load| true)]
async fn two_decisions(page: &u8) {}

#[on_late(task = load)]
fn late_task(_: &RunResult) {}

#[on_failure(deadline = 5)]
fn no_unit(_: &RunResult) {}

fn main() {}
