//! A program under `#[obs_runtime::main]`, for the tests of it: prints what it exports.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::time::Duration;

use obs_runtime::{Builder, traced};
use obs_tests::exporters::Print;

fn setup(builder: Builder) -> Builder {
    builder.record_exporter(Print)
}

#[traced]
async fn work() {
    tokio::task::yield_now().await;
}

#[traced]
async fn wait() {
    println!("ready");
    tokio::time::sleep(Duration::from_secs(3600)).await;
}

#[obs_runtime::main(service = "main-test", setup = setup, worker_threads = 1)]
async fn main() -> Result<(), std::num::ParseIntError> {
    work().await;
    let argument = std::env::args().nth(1).unwrap_or_default();
    if argument == "wait" {
        wait().await;
    }
    let _: u8 = argument.parse()?;
    Ok(())
}
