//! Parameters and return types of handlers that the compiler refuses.

use obs_runtime::{on_complete, on_failure, pipeline::RunResult};

#[on_failure]
fn strange(_: &RunResult, _: &u32) {}

#[on_complete]
async fn counts(_: &RunResult) -> u32 {
    1
}

#[on_failure(task = nowhere)]
fn of_nothing(_: &RunResult) {}

fn main() {}
