//! Forked children record nothing until they install obs, then for themselves, and nothing that is their parent's.
#![cfg(unix)]

use std::collections::HashSet;
use std::process::Stdio;

use obs_tests::otlp_receiver::{Arrived, Mode, OtlpReceiver};

use crate::program::{PROGRAM, command};

fn run(arg: &str) -> (u64, Vec<Arrived>, String) {
    let receiver = OtlpReceiver::start(Mode::Accept);
    let spool = std::env::temp_dir().join(format!("obs-{arg}-{}", std::process::id()));
    let child = command(PROGRAM, arg, &receiver)
        .env("OBS_SPOOL", &spool)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = u64::from(child.id());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 0, "{text}");
    std::fs::remove_dir_all(&spool).unwrap();
    let spans = receiver.spans();
    let ids: HashSet<_> = spans.iter().map(|span| &span.span_id).collect();
    assert_eq!(
        ids.len(),
        spans.len(),
        "ids are repeated, or spans sent twice"
    );
    (id, spans, text.into_owned())
}

#[test]
fn a_child_sends_what_is_its_own() {
    let (parent, spans, text) = run("fork");
    let (own, others): (Vec<_>, Vec<_>) = spans.into_iter().partition(|s| s.pid == Some(parent));
    let names: HashSet<_> = own.iter().map(|span| span.name.as_str()).collect();
    assert_eq!((names, own.len()), (HashSet::from(["work", "forks"]), 3));
    let numbers: Vec<_> = others.iter().map(|span| span.n).collect();
    assert_eq!(numbers, [Some(2)]);
    let said = text
        .matches("records nothing: call `install` in the child")
        .count();
    assert_eq!(said, 1, "{text}");
}

#[test]
fn children_of_a_busy_program() {
    let (parent, spans, _) = run("fork-often");
    let of_parent = spans.iter().filter(|span| span.pid == Some(parent)).count();
    assert_eq!((of_parent, spans.len()), (40_000, 40_100));
    let numbers: HashSet<_> = spans.iter().map(|span| span.n).collect();
    assert_eq!(numbers.len(), 40_100);
}

/// A program that sends every signal, and prints metrics too; what it prints.
fn run_with_all(arg: &str, receiver: &OtlpReceiver) -> String {
    let output = command(PROGRAM, arg, receiver)
        .env("OTEL_METRICS_EXPORTER", "otlp,console")
        .env_remove("OTEL_LOGS_EXPORTER")
        .env_remove("OBS_SPOOL")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn a_child_has_logs_metrics_and_tail_sampling() {
    let receiver = OtlpReceiver::start(Mode::Accept);
    let text = run_with_all("fork-all", &receiver);
    // Traces without an error are not kept, on either side.
    assert_eq!(receiver.names(), ["refuse"]);
    for said in ["the parent says", "the child says", "refused"] {
        assert_eq!(receiver.requests_with("/v1/logs", said), 1, "{said}");
    }
    assert!(receiver.requests_with("/v1/metrics", "step") > 0);
    // Calls of the two, which the other side has not: every table is of one side.
    let counts = text.split("metrics · ").skip(1).map(|table| {
        let calls = table.split_once("\nfunction.calls [").unwrap().1;
        ["work", "step"].map(|name| {
            let name = format!("function={name} ");
            let line = calls.lines().find(|line| line.contains(&name));
            // What was not called has no line.
            line.map_or("0", |line| line.rsplit(' ').next().unwrap())
                .to_owned()
        })
    });
    let counts: HashSet<_> = counts.collect();
    assert!(counts.contains(&["0".into(), "3".into()]), "{text}");
    assert!(counts.contains(&["2".into(), "0".into()]), "{text}");
    assert_eq!(counts.len(), 2, "{counts:?}");
}

#[test]
fn children_of_a_program_whose_threads_log() {
    let receiver = OtlpReceiver::start(Mode::Accept);
    run_with_all("fork-logging", &receiver);
    for child in 0..10 {
        let said = format!("child {child} says");
        assert_eq!(receiver.requests_with("/v1/logs", &said), 1, "{said}");
    }
}

#[test]
fn children_of_a_program_whose_threads_make_metrics() {
    // They have nothing to send; a child that hung would have failed the program.
    let (_, spans, _) = run("fork-counting");
    assert_eq!(spans.len(), 0);
}
