//! A library of annotated functions that nobody calls.

#![forbid(unsafe_code)]

use obs_runtime::pipeline::RunResult;
use obs_runtime::{on_failure, pipeline_task, traced};

#[traced]
pub fn plain() {}

#[traced]
pub async fn asynchronous() -> Result<u8, String> {
    Ok(1)
}

#[traced]
pub fn generic<T: Default>() -> T {
    T::default()
}

#[traced]
#[allow(dead_code)]
fn private_and_unused() {}

pub struct Method;

#[traced]
impl Method {
    pub fn method(&self) {}
}

#[pipeline_task(pipeline = "registry")]
pub fn task() -> u8 {
    1
}

#[on_failure(pipeline = "registry")]
pub fn handler(_: &RunResult) {}

/// The names of all that is registered, sorted.
pub fn registered() -> Vec<&'static str> {
    let mut names: Vec<_> = obs_runtime::registry::callsites()
        .map(|site| site.name())
        .collect();
    names.extend(obs_runtime::pipeline::names());
    names.sort_unstable();
    names
}

/// What [`registered`] must say.
pub const EXPECTED: [&str; 8] = [
    "asynchronous",
    "generic",
    "handler",
    "method",
    "plain",
    "private_and_unused",
    "registry",
    "task",
];
