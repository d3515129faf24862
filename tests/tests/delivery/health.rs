//! What `health` says of exporters that fail, while the program runs.
// bug: nothing, but of exporters of metrics.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use obs_runtime::exporter::RecordExporter;
use obs_runtime::exporter::otlp::OtlpConfig;
use obs_runtime::stats::ExporterStats;
use obs_runtime::trace::SpanRecord;
use obs_runtime::{Error, Observability, counter, traced};
use obs_tests::otlp_receiver::{Mode, OtlpReceiver};
use obs_tests::own_process;

#[traced]
fn step() -> Result<(), String> {
    counter!("steps").add(1);
    Err("it failed".to_owned())
}

#[test]
fn every_signal_of_otlp_says_why_it_fails_until_it_succeeds() {
    own_process!();
    let receiver = OtlpReceiver::start(Mode::Refuse);
    let config = OtlpConfig::new(receiver.url()).metric_interval(Duration::from_secs(3600));
    let obs = Observability::builder()
        .otlp_with(config)
        .install()
        .unwrap();
    assert!(obs.health().is_ok(), "{:?}", obs.health());
    let _ = step();
    obs.force_flush().unwrap_err();
    let problems = obs.health().problems;
    assert_eq!(problems.len(), 3, "{problems:?}");
    for signal in ["traces", "metrics", "logs"] {
        let begin = format!(
            "otlp: {signal}: {}/v1/{signal}: answered 400",
            receiver.url()
        );
        let said = problems.iter().find(|problem| problem.starts_with(&begin));
        assert!(
            said.is_some_and(|said| said.contains("(since 20")),
            "{problems:?}"
        );
    }
    receiver.set(Mode::Accept);
    let _ = step();
    obs.force_flush().unwrap();
    assert!(obs.health().is_ok(), "{:?}", obs.health());
}

// bug: after the end the account was empty, so nobody could say what the end had lost.
#[test]
fn the_last_account_stays_after_the_end() {
    own_process!();
    let receiver = OtlpReceiver::start(Mode::Accept);
    let obs = Observability::builder()
        .otlp(receiver.url())
        .install()
        .unwrap();
    let handle = Observability::current().unwrap();
    for _ in 0..3 {
        let _ = step();
    }
    obs.shutdown().unwrap();
    let stats = handle.stats();
    assert_eq!(stats.spans.recorded, 3);
    let account = |e: &ExporterStats| (e.taken, e.exported, e.in_flight);
    assert_eq!(account(&stats.spans.exporters[0]), (3, 3, 0));
    assert_eq!(account(&stats.logs.exporters[0]), (3, 3, 0));
    assert_eq!(stats.metrics[0].in_flight, 0);
    assert!(stats.metrics[0].exported > 0);
    // Another one counts for itself.
    let next = Observability::builder().install().unwrap();
    let _ = step();
    assert_eq!(
        (handle.stats().spans.recorded, next.stats().spans.recorded),
        (3, 1)
    );
}

/// What the exporter does next: it succeeds, fails or panics.
static NEXT: AtomicU8 = AtomicU8::new(0);

struct Moody;

impl RecordExporter for Moody {
    fn export(&mut self, _: Vec<SpanRecord>) -> Result<(), Error> {
        match NEXT.load(Ordering::SeqCst) {
            0 => Ok(()),
            1 => Err(Observability::builder()
                .otlp("mailbox")
                .install()
                .unwrap_err()),
            _ => panic!("a bug"),
        }
    }
}

// bug: a flush was `Ok` after an exporter had failed or panicked, and its batches were lost.
#[test]
fn an_exporter_of_ones_own_says_why_it_fails_until_it_succeeds() {
    own_process!();
    let obs = Observability::builder()
        .record_exporter(Moody)
        .install()
        .unwrap();
    for (next, expected) in [(1, "installed already"), (2, "panicked")] {
        NEXT.store(next, Ordering::SeqCst);
        let _ = step();
        let error = obs.force_flush().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let problems = obs.health().problems;
        assert!(
            problems.len() == 1 && problems[0].contains(expected),
            "{problems:?}"
        );
        NEXT.store(0, Ordering::SeqCst);
        let _ = step();
        obs.force_flush().unwrap();
        assert!(obs.health().is_ok(), "{:?}", obs.health());
    }
}

// bug: gRPC went past the proxy of the environment without a word.
#[test]
fn a_proxy_that_is_gone_past_is_said() {
    let program = env!("CARGO_BIN_EXE_child_process");
    let output = std::process::Command::new(program)
        .arg("installed")
        .env(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://receiver.invalid:4317",
        )
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .env("ALL_PROXY", "http://user:word@proxy.invalid:3128")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("gRPC goes past the proxy"), "{said}");
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("ALL_PROXY") && !log.contains("word"), "{log}");
}
