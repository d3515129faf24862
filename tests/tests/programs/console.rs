//! A program whose environment has everything printed.

use std::process::Command;

use obs_tests::programs;

const PROGRAM: &str = env!("CARGO_BIN_EXE_otlp_program");

/// Standard error of the program with these exporters.
fn run(exporters: &[(&str, &str)]) -> String {
    let mut command = programs::unconfigured(Command::new(PROGRAM));
    command
        .env("OBS_LOG", "info")
        .envs(exporters.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn logs_are_lines_with_the_ids_of_their_span() {
    let text = run(&[("OTEL_LOGS_EXPORTER", "console"), ("OBS_LOG", "off")]);
    let error = text
        .lines()
        .find(|line| line.contains("exception.message=\"item is out of stock\""))
        .unwrap_or_else(|| panic!("{text}"));
    assert!(error.contains(" WARN otlp_program: exception "), "{error}");
    let (_, ids) = error.split_once(" trace_id=").unwrap();
    let (trace, span) = ids.split_once(" span_id=").unwrap();
    assert_eq!((trace.len(), span.len()), (32, 16), "{error}");
    let panic = text
        .lines()
        .find(|line| line.contains("exception.type=panic"));
    assert!(panic.is_some_and(|line| line.contains("ERROR")), "{text}");
    assert!(
        !text.contains("metrics ·") && !text.contains("trace "),
        "{text}"
    );
}

#[test]
fn events_of_tracing_are_records_too() {
    let text = run(&[
        ("OTEL_LOGS_EXPORTER", "console"),
        ("OBS_LOG_FORMAT", "json"),
    ]);
    let line = text
        .lines()
        .find(|line| line.contains(" WARN ") && line.contains("audited, password=***"))
        .unwrap_or_else(|| panic!("{text}"));
    assert!(line.contains("attempt=2 api_key=*** trace_id="), "{line}");
}

#[test]
fn metrics_are_printed_at_the_end() {
    let text = run(&[("OTEL_METRICS_EXPORTER", "console"), ("OBS_LOG", "off")]);
    let (_, metrics) = text
        .split_once("metrics · ")
        .unwrap_or_else(|| panic!("{text}"));
    let calls = metrics.split_once("\nfunction.calls [").unwrap().1;
    let leaf = calls
        .lines()
        .find(|line| line.contains("function=leaf"))
        .unwrap();
    assert!(leaf.ends_with("  20000"), "{leaf}");
    let lasted = metrics
        .split_once("\nfunction.calls.duration [s]\n")
        .unwrap()
        .1;
    let leaf = lasted
        .lines()
        .find(|line| line.contains("function=leaf"))
        .unwrap();
    assert!(
        leaf.contains("  count=20000 mean=") && leaf.contains(" p99="),
        "{leaf}"
    );
}

#[test]
fn nothing_is_printed_unless_asked() {
    let text = run(&[("OTEL_TRACES_EXPORTER", "none"), ("OBS_LOG", "off")]);
    assert_eq!(text, "");
}
