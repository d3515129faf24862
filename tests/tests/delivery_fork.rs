//! Forked children record and send for themselves, and nothing that is their parent's.
#![cfg(unix)]

use std::collections::HashSet;
use std::process::{Command, Stdio};

use obs_tests::otlp_receiver::{Arrived, Mode, OtlpReceiver};

fn run(arg: &str) -> (u64, Vec<Arrived>) {
    let receiver = OtlpReceiver::start(Mode::Accept);
    let spool = std::env::temp_dir().join(format!("obs-{arg}-{}", std::process::id()));
    let child = Command::new(env!("CARGO_BIN_EXE_delivery_program"))
        .arg(arg)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url())
        .env("OTEL_METRICS_EXPORTER", "none")
        .env("OTEL_LOGS_EXPORTER", "none")
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
    (id, spans)
}

#[test]
fn a_child_sends_what_is_its_own() {
    let (parent, spans) = run("fork");
    let (own, others): (Vec<_>, Vec<_>) = spans.into_iter().partition(|s| s.pid == Some(parent));
    assert!(own.iter().all(|span| span.name == "work"));
    assert_eq!(own.len(), 2);
    let numbers: Vec<_> = others.iter().map(|span| span.n).collect();
    assert_eq!(numbers, [Some(1), Some(2)]);
}

#[test]
fn children_of_a_busy_program() {
    let (parent, spans) = run("fork-often");
    let of_parent = spans.iter().filter(|span| span.pid == Some(parent)).count();
    assert_eq!((of_parent, spans.len()), (40_000, 40_100));
    let numbers: HashSet<_> = spans.iter().map(|span| span.n).collect();
    assert_eq!(numbers.len(), 40_100);
}
