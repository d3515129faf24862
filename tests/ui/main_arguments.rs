//! `#[obs_runtime::main]` with the wrong arguments.

#[obs_runtime::main(servce = "x", worker_threads = 2)]
fn main() {}

#[obs_runtime::main(flavor = "multi", name = "x")]
async fn flavor() {}

#[obs_runtime::main(flavor = "current_thread", worker_threads = 2)]
async fn workers(arguments: u8) {}

#[obs_runtime::main("x")]
async fn bare() {}
