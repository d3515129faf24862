//! Whole programs under `#[obs_runtime::main]`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};

const ASYNC: &str = env!("CARGO_BIN_EXE_main_async");
const SYNC: &str = env!("CARGO_BIN_EXE_main_sync");

fn lines(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_end_of_main_flushes_and_keeps_its_value() {
    let good = Command::new(ASYNC).arg("7").output().unwrap();
    assert_eq!(good.status.code(), Some(0));
    assert_eq!(lines(&good), ["work ok"]);
    let bad = Command::new(ASYNC).arg("x").output().unwrap();
    assert_eq!(bad.status.code(), Some(1));
    assert_eq!(lines(&bad), ["work ok"]);
    let sync = Command::new(SYNC).output().unwrap();
    assert_eq!(sync.status.code(), Some(3));
    assert_eq!(lines(&sync), ["work ok"]);
}

#[test]
fn the_program_reaches_what_runs() {
    let output = Command::new(SYNC).arg("handle").output().unwrap();
    assert_eq!(lines(&output), ["work ok", "1 sent"], "{output:?}");
}

/// Starts the program, sends the signal when it is ready, and returns its status and further lines.
#[cfg(unix)]
fn signalled(program: &str, signal: &str) -> (Option<i32>, Vec<String>) {
    let mut child = Command::new(program)
        .arg("wait")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut before = Vec::new();
    loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "{before:?}");
        if line == "ready\n" {
            break;
        }
        before.push(line.trim_end().to_owned());
    }
    let id = child.id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(sent.success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    before.extend(rest.lines().map(str::to_owned));
    (child.wait().unwrap().code(), before)
}

#[cfg(unix)]
#[test]
fn a_signal_cancels_main_and_flushes() {
    let expected = ["work ok", "wait cancelled"].map(str::to_owned).to_vec();
    assert_eq!(signalled(ASYNC, "-INT"), (Some(130), expected.clone()));
    assert_eq!(signalled(ASYNC, "-TERM"), (Some(143), expected));
}

#[cfg(unix)]
#[test]
fn a_signal_flushes_wherever_a_synchronous_main_is() {
    let expected = vec!["work ok".to_owned()];
    assert_eq!(signalled(SYNC, "-INT"), (Some(130), expected));
}
