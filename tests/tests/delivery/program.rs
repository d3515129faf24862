//! The programs whose spans arrive, or not.

use std::process::Command;

use obs_tests::otlp_receiver::OtlpReceiver;

/// Records what its first argument says (`src/bin/delivery_program.rs`).
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_delivery_program");
/// Ends as its first argument says, under `#[obs_runtime::main]`.
pub(crate) const MAIN: &str = env!("CARGO_BIN_EXE_delivery_main");

/// The program, sending its spans to the receiver, and nothing else.
pub(crate) fn command(program: &str, arg: &str, receiver: &OtlpReceiver) -> Command {
    let mut command = Command::new(program);
    command
        .arg(arg)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url())
        .env("OTEL_METRICS_EXPORTER", "none")
        .env("OTEL_LOGS_EXPORTER", "none");
    command
}
