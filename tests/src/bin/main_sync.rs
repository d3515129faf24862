//! A program under `#[obs_runtime::main]` without a runtime: prints what it exports.

#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::io::Read as _;
use std::process::ExitCode;

use obs_runtime::{Observability, traced};
use obs_tests::exporters::Print;

#[traced]
fn work() {}

#[obs_runtime::main(service = "main-test", setup = |builder| builder.record_exporter(Print))]
fn main() -> ExitCode {
    work();
    let arg = std::env::args().nth(1);
    if arg.as_deref() == Some("handle") {
        // Nobody holds the guard here.
        let obs = Observability::current().expect("it runs");
        assert!(obs.health().is_ok() && obs.force_flush().is_ok());
        println!("{} sent", obs.stats().spans.recorded);
    }
    if arg.as_deref() == Some("wait") {
        println!("ready");
        // Nobody writes: the end of it comes with a signal.
        let _ = std::io::stdin().read(&mut [0]);
    }
    return ExitCode::from(3);
}
