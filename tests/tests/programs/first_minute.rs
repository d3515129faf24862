//! What a newcomer sees who configures nothing, or loses the guard.

use std::process::{Command, Output};

use obs_tests::programs;

const PROGRAM: &str = env!("CARGO_BIN_EXE_first_minute");

fn run(how: &str, vars: &[(&str, &str)]) -> String {
    let mut command = programs::unconfigured(Command::new(PROGRAM));
    let command = command.arg(how).envs(vars.iter().copied());
    text(&command.output().unwrap())
}

fn text(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8(all).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

// bug: a program that configured nothing printed nothing, and did not say why.
#[test]
fn who_configures_nothing_is_told_how_to_see_or_send() {
    let line = run("main", &[]);
    assert_eq!(
        line,
        "obs: nothing is configured: what is recorded is neither shown nor sent. \
         OTEL_TRACES_EXPORTER=console shows it on standard error; \
         OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 sends it to a receiver there; \
         OTEL_TRACES_EXPORTER=none says that this is meant\n"
    );
    assert_eq!(run("main", &[("OTEL_TRACES_EXPORTER", "none")]), "");
    assert_eq!(run("main", &[("OTEL_SDK_DISABLED", "true")]), "");
}

#[cfg(unix)]
#[test]
fn on_a_terminal_they_see_trees() {
    // `script` runs a command on a terminal of its own.
    let mut command = programs::unconfigured(Command::new("script"));
    let command = command.args(["-qec", &format!("{PROGRAM} main"), "/dev/null"]);
    let output = match command.env("NO_COLOR", "1").output() {
        Ok(output) => output,
        Err(error) => {
            return programs::missing(
                "on_a_terminal_they_see_trees",
                &format!("script of util-linux: {error}"),
            );
        }
    };
    let text = text(&output);
    assert!(
        text.starts_with("trace ") && text.contains(" hello "),
        "{text:?}"
    );
    assert!(!text.contains("nothing is configured"), "{text:?}");
}

#[test]
fn the_service_is_named_after_the_program() {
    let text = run("main", &[("OTEL_METRICS_EXPORTER", "console")]);
    assert!(text.contains("first_minute"), "{text}");
    assert!(!text.contains("unknown_service"), "{text}");
}

// bug: `let _ = …install()?`, which rustc proposes, recorded nothing without a word.
#[test]
fn who_loses_the_guard_is_told_once() {
    let line = run("dropped", &[]);
    let expected = "obs: the guard that `install` returns was dropped before anything was recorded";
    assert!(line.starts_with(expected), "{line:?}");
    assert_eq!(line.lines().count(), 1, "{line:?}");
    assert_eq!(run("kept", &[]), "");
    assert_eq!(run("idle", &[]), "", "no call has come");
}
