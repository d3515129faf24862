//! Whatever ends a program: what it recorded arrives, or the end comes in time.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use obs_tests::otlp_receiver::{Mode, OtlpReceiver};

use crate::program::{self, MAIN, PROGRAM};

fn command(program: &str, arg: &str, receiver: &OtlpReceiver) -> Command {
    let mut command = program::command(program, arg, receiver);
    command
        .env("OBS_LOG", "off")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// How the program ended, and the spans that arrived.
fn ends(program: &str, arg: &str) -> (ExitStatus, Vec<String>) {
    let receiver = OtlpReceiver::start(Mode::Accept);
    let output = command(program, arg, &receiver).output().unwrap();
    (output.status, receiver.names())
}

#[test]
fn a_guard_that_is_dropped() {
    let (status, spans) = ends(PROGRAM, "drop");
    assert_eq!((status.code(), spans), (Some(0), vec!["work".to_owned()]));
    let (status, spans) = ends(PROGRAM, "twice");
    assert_eq!((status.code(), spans.len()), (Some(0), 2));
}

#[test]
fn exit_with_a_guard_that_is_not_dropped() {
    for arg in ["exit", "exit-elsewhere"] {
        let (status, spans) = ends(PROGRAM, arg);
        assert_eq!(status.code(), Some(3), "{arg}");
        assert_eq!(spans, ["work"], "{arg}");
    }
    let (status, spans) = ends(PROGRAM, "forget");
    assert_eq!((status.code(), spans.len()), (Some(0), 1));
}

#[test]
fn panics() {
    let (status, spans) = ends(PROGRAM, "panic");
    assert_eq!((status.code(), spans.len()), (Some(101), 1));
    let (status, spans) = ends(PROGRAM, "panic-aborts");
    assert_eq!(spans, ["work"]);
    assert_eq!((status.code(), status.signal()), (None, Some(6)));
}

#[test]
fn inside_runtimes_and_at_the_end_of_threads() {
    for arg in ["current-thread", "multi-thread", "thread-end"] {
        let (status, spans) = ends(PROGRAM, arg);
        assert_eq!(status.code(), Some(0), "{arg}");
        assert_eq!(spans, ["work", "work"], "{arg}");
    }
}

#[test]
fn under_main() {
    for (arg, code) in [("return", 0), ("exit", 3), ("panic", 101)] {
        let (status, spans) = ends(MAIN, arg);
        assert_eq!(status.code(), Some(code), "{arg}");
        assert_eq!(spans, ["work"], "{arg}");
    }
}

#[test]
fn signals_under_main() {
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let receiver = OtlpReceiver::start(Mode::Accept);
        let mut child = command(MAIN, "wait", &receiver).spawn().unwrap();
        // Kept open: its end would be the program's.
        let _input = child.stdin.take();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let id = child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(receiver.names(), ["work"]);
    }
}

#[test]
fn no_end_waits_for_a_receiver_that_hangs_longer_than_its_deadline() {
    let began = Instant::now();
    let receiver = OtlpReceiver::start(Mode::Hang);
    let all: Vec<_> = [
        (PROGRAM, "drop"),
        (PROGRAM, "exit"),
        (PROGRAM, "panic-aborts"),
        (MAIN, "exit"),
    ]
    .map(|(program, arg)| command(program, arg, &receiver).spawn().unwrap())
    .into();
    for mut child in all {
        child.wait().unwrap();
    }
    // Five seconds each, all at once, and much room for a machine that is busy.
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(receiver.spans(), []);
}

/// What the program says about a receiver at an endpoint.
fn said(arg: &str, endpoint: &str, vars: &[(&str, &str)]) -> String {
    let output = Command::new(MAIN)
        .arg(arg)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .envs(vars.iter().copied())
        .env_remove("OBS_LOG")
        .output()
        .unwrap();
    String::from_utf8(output.stderr).unwrap()
}

// bug: a receiver that was not there cost five lines at the end, which said everything twice.
#[test]
fn a_receiver_that_is_not_there_is_said_in_one_line() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    for arg in ["return", "exit"] {
        let said = said(arg, &endpoint, &[]);
        assert_eq!(said.lines().count(), 1, "{said}");
        let begin = format!("obs: end: OTLP, {endpoint}: ");
        assert!(said.starts_with(&begin), "{said}");
        for part in [
            " metric points, 1 spans could not be delivered: ",
            "Connection refused",
            "; check that a receiver listens there (OTEL_EXPORTER_OTLP_ENDPOINT)\n",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
}

// bug: five seconds of silence, and then standard error was said not to have taken the trees.
#[test]
fn a_receiver_that_hangs_is_said_while_it_is_waited_for() {
    let receiver = OtlpReceiver::start(Mode::Hang);
    let said = said(
        "return",
        &receiver.url(),
        &[
            ("OTEL_TRACES_EXPORTER", "otlp,console"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ],
    );
    let of_obs: Vec<&str> = said.lines().filter(|l| l.starts_with("obs: ")).collect();
    let [waits, lost] = of_obs[..] else {
        panic!("{said}");
    };
    let expected =
        "obs: end: not everything that was recorded is delivered yet; waiting for it up to";
    assert!(waits.starts_with(expected), "{said}");
    let begin = format!("obs: end: OTLP, {}: ", receiver.url());
    assert!(lost.starts_with(&begin), "{said}");
    assert!(lost.contains("the shutdown deadline passed"), "{said}");
    assert!(said.contains("work"), "{said}");
}
