//! A pipeline under `#[obs_runtime::main]` that a signal ends: prints what it exports.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::future::pending;

use obs_runtime::pipeline::{Pipeline, RunResult, TaskContext};
use obs_runtime::{on_cancel, pipeline_task, traced};
use obs_tests::exporters::Print;

#[pipeline_task(pipeline = "endless")]
async fn wait() -> Result<(), String> {
    println!("ready");
    pending().await
}

#[on_cancel(pipeline = "endless")]
async fn tell(run: &RunResult) {
    println!("told of {}", run.state);
    if std::env::args().nth(1).as_deref() == Some("stuck") {
        pending::<()>().await;
    }
}

/// Sees that it is to stop, and takes its time for that.
#[pipeline_task(pipeline = "blocking")]
fn clean(context: &TaskContext) -> Result<(), String> {
    println!("ready");
    while !context.is_cancelled() {
        std::thread::yield_now();
    }
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    println!("cleaned: {}", read.is_ok());
    Ok(())
}

#[traced]
async fn program() -> Result<(), obs_runtime::Error> {
    let argument = std::env::args().nth(1);
    let is_blocking = argument.as_deref() == Some("blocking");
    let name = if is_blocking { "blocking" } else { "endless" };
    let result = Pipeline::named(name)?.run().await?;
    println!("{} cancelled", result.tasks_cancelled);
    Ok(())
}

#[obs_runtime::main(service = "main-test", setup = |builder| builder.record_exporter(Print))]
async fn main() -> Result<(), obs_runtime::Error> {
    program().await
}
