//! A pipeline under `#[obs_runtime::main]` that a signal ends: prints what it exports.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::future::pending;

use obs_runtime::pipeline::{Pipeline, RunResult};
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

#[traced]
async fn program() -> Result<(), obs_runtime::Error> {
    let result = Pipeline::named("endless")?.run().await?;
    println!("{} cancelled", result.tasks_cancelled);
    Ok(())
}

#[obs_runtime::main(service = "main-test", setup = |builder| builder.record_exporter(Print))]
async fn main() -> Result<(), obs_runtime::Error> {
    program().await
}
