//! Spans and metrics of a whole program, judged by a receiver that shares no code with obs.

use std::process::Command;

use crate::otlp_program::{check_logs, check_metrics, check_resource, check_spans, run};
use obs_tests::otlp_oracle::{Dump, OtlpOracle};
use obs_tests::programs;
use serde_json::Value;

fn transports(dump: &Dump) -> Vec<&Value> {
    let mut all: Vec<&Value> = dump.requests().iter().map(|r| &r["transport"]).collect();
    all.dedup();
    all
}

#[test]
fn everything_arrives_over_http() {
    let Some(oracle) = OtlpOracle::start("everything_arrives_over_http") else {
        return;
    };
    let lines = run(&[&oracle.http_url(), "http"], &[]);
    let dump = oracle.dump();
    check_spans(&dump);
    check_metrics(&dump);
    check_logs(&dump, &lines);
    check_resource(&dump, "otlp_program");
    assert_eq!(dump.only("bill")["resource"]["service.version"], "1.2.3");
    assert_eq!(transports(&dump), ["http"]);
}

#[test]
fn everything_arrives_over_grpc() {
    let Some(oracle) = OtlpOracle::start("everything_arrives_over_grpc") else {
        return;
    };
    let lines = run(&[&oracle.grpc_url(), "grpc"], &[]);
    let dump = oracle.dump();
    check_spans(&dump);
    check_metrics(&dump);
    check_logs(&dump, &lines);
    check_resource(&dump, "otlp_program");
    assert_eq!(transports(&dump), ["grpc"]);
}

#[test]
fn the_environment_alone_is_enough() {
    let Some(oracle) = OtlpOracle::start("the_environment_alone_is_enough") else {
        return;
    };
    let lines = run(
        &[],
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &oracle.http_url()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_SERVICE_NAME", "from the environment"),
        ],
    );
    let dump = oracle.dump();
    check_spans(&dump);
    check_metrics(&dump);
    check_logs(&dump, &lines);
    check_resource(&dump, "from the environment");
}

#[test]
fn a_program_without_a_receiver_runs_and_says_what_it_lost() {
    // Nothing listens on the discard port of the loopback interface.
    let mut command = Command::new(env!("CARGO_BIN_EXE_otlp_program"));
    command.args(["http://127.0.0.1:9", "http"]);
    let output = programs::run(command, b"").expect("the program was built with this test");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(1),
        "shutdown reports the loss: {text}"
    );
    assert!(text.contains("127.0.0.1:9"), "{text}");
}
