//! One trace through several processes.

use std::process::Command;

use obs_runtime::testing::capture;
use obs_runtime::{
    propagation::{self, Baggage, RemoteContext},
    traced,
};

const CHILD: &str = env!("CARGO_BIN_EXE_child_process");

#[traced(parent = caller)]
fn run_child(caller: &RemoteContext) -> Vec<String> {
    let mut command = Command::new(CHILD);
    // What this process may have been given itself.
    command.env("TRACESTATE", "old=1").env_remove("BAGGAGE");
    propagation::inject_current(&mut command);
    caller.baggage().inject(&mut command);
    let output = command.output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn caller(headers: &[(&str, &str)]) -> RemoteContext {
    propagation::extract(headers)
}

#[test]
fn a_child_process_goes_on_with_the_trace() {
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let caller = caller(&[
        ("traceparent", traceparent),
        ("tracestate", "vendor=a b;c"),
        ("baggage", "tenant=L%C3%B6we"),
    ]);
    let captured = capture(|| run_child(&caller));
    let span = captured.span("run_child");
    assert_eq!(
        captured.value,
        [
            "0af7651916cd43dd8448eb211c80319c",
            &format!("Some({}) true", span.span_id),
            "vendor=a b;c",
            "tenant=L%C3%B6we",
        ]
    );
}

#[test]
fn a_child_process_without_a_state_is_not_given_an_old_one() {
    let captured = capture(|| run_child(&RemoteContext::default()));
    let span = captured.span("run_child");
    assert!(!span.parent_is_remote);
    assert_eq!(
        captured.value,
        [
            &span.trace_id.to_string(),
            &format!("Some({}) true", span.span_id),
            "",
            ""
        ]
    );
}

#[test]
fn an_environment_that_names_no_caller_begins_a_trace() {
    let mut command = Command::new(CHILD);
    command.env("TRACEPARENT", "00-not-a-caller-01");
    Baggage::new().inject(&mut command);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().nth(1), Some("None false"));
}

/// What a process with this `OTEL_PROPAGATORS` reads, writes, has OpenTelemetry's API write, and complains of.
fn with_propagators(value: Option<&str>) -> [String; 4] {
    let mut command = Command::new(CHILD);
    command
        .arg("installed")
        .env(
            "TRACEPARENT",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .env("BAGGAGE", "tenant=7")
        .env_remove("OTEL_PROPAGATORS");
    if let Some(value) = value {
        command.env("OTEL_PROPAGATORS", value);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.try_into().unwrap()
}

#[test]
fn the_environment_says_which_headers_are_read_and_written() {
    let both = [
        "true tenant=7",
        "baggage traceparent",
        "traceparent tracestate",
        "",
    ];
    assert_eq!(with_propagators(None), both);
    assert_eq!(with_propagators(Some("baggage,tracecontext")), both);
    assert_eq!(
        with_propagators(Some("tracecontext")),
        ["true ", "traceparent", "traceparent tracestate", ""]
    );
    assert_eq!(
        with_propagators(Some("baggage")),
        ["false tenant=7", "baggage", "", ""]
    );
    assert_eq!(with_propagators(Some("none")), ["false ", "", "", ""]);
    let [read, written, theirs, problem] = with_propagators(Some("xray,tracecontext"));
    assert_eq!([&*read, &*written], ["true ", "traceparent"]);
    assert_eq!(theirs, "traceparent tracestate");
    assert!(problem.contains("xray is not supported"), "{problem}");
}
