//! A whole program sends through a collector: what arrives behind it is what was sent.

use crate::otlp_program::{check_logs, check_metrics, check_resource, check_spans, run};
use obs_tests::otlp_oracle::OtlpOracle;
use obs_tests::rotel::Rotel;

fn through_the_collector(test: &str, protocol: &str) {
    let Some(oracle) = OtlpOracle::start(test) else {
        return;
    };
    let Some(rotel) = Rotel::start(test, &oracle.grpc_url()) else {
        return;
    };
    let endpoint = match protocol {
        "http" => rotel.http_url(),
        _ => rotel.grpc_url(),
    };
    let lines = run(&[&endpoint, protocol], &[]);
    rotel.end();
    let dump = oracle.dump();
    check_spans(&dump);
    check_metrics(&dump);
    check_logs(&dump, &lines);
    check_resource(&dump, "otlp_program");
}

#[test]
fn everything_passes_the_collector_over_http() {
    through_the_collector("everything_passes_the_collector_over_http", "http");
}

#[test]
fn everything_passes_the_collector_over_grpc() {
    through_the_collector("everything_passes_the_collector_over_grpc", "grpc");
}
