//! Whole programs under `#[obs_runtime::main]`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

const ASYNC: &str = env!("CARGO_BIN_EXE_main_async");
const SYNC: &str = env!("CARGO_BIN_EXE_main_sync");
#[cfg(unix)]
const ENDS_ITSELF: &str = env!("CARGO_BIN_EXE_main_ends_itself");
#[cfg(unix)]
const PIPELINE: &str = env!("CARGO_BIN_EXE_main_pipeline");

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

/// A program that a signal is to end.
#[cfg(unix)]
struct Signalled {
    child: Child,
    output: BufReader<ChildStdout>,
    lines: Vec<String>,
}

#[cfg(unix)]
impl Signalled {
    fn start(program: &str, arg: &str) -> Self {
        let mut child = Command::new(program)
            .arg(arg)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            lines: Vec::new(),
        }
    }

    /// Waits for a line, which is left out of the others.
    fn until(&mut self, last: &str) {
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "{:?}", self.lines);
            if line.trim_end() == last {
                return;
            }
            self.lines.push(line.trim_end().to_owned());
        }
    }

    fn send(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end, and returns the status and the lines.
    fn end(mut self) -> (Option<i32>, Vec<String>) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        self.lines.extend(rest.lines().map(str::to_owned));
        (self.child.wait().unwrap().code(), self.lines)
    }
}

/// Starts the program, sends the signal when it is ready, and returns its status and further lines.
#[cfg(unix)]
fn signalled(program: &str, signal: &str) -> (Option<i32>, Vec<String>) {
    let mut program = Signalled::start(program, "wait");
    program.until("ready");
    program.send(signal);
    program.end()
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

// bug: a program that waits for signals itself lost its `main`, with all that was being done, and ended with 130.
#[cfg(unix)]
#[test]
fn a_program_that_waits_for_signals_ends_by_itself() {
    let mut program = Signalled::start(ENDS_ITSELF, "");
    program.until("ready");
    program.send("-INT");
    program.until("stopping");
    program.child.stdin.take().unwrap().write_all(b".").unwrap();
    assert_eq!(program.end(), (Some(0), vec!["finish ok".to_owned()]));
}

// bug: a signal dropped `main`, and with it the run: no handler was called, nothing was said.
#[cfg(unix)]
#[test]
fn a_signal_cancels_the_runs_of_pipelines_properly() {
    for (signal, status) in [("-INT", 130), ("-TERM", 143)] {
        let mut program = Signalled::start(PIPELINE, "");
        program.until("ready");
        program.send(signal);
        let expected = [
            "told of cancelled",
            "1 cancelled",
            "wait cancelled",
            "tell ok",
            "pipeline endless cancelled",
            "program ok",
        ];
        let expected = expected.map(str::to_owned).to_vec();
        assert_eq!(program.end(), (Some(status), expected));
    }
}

// bug: the program ended while a synchronous task, which had asked whether it was to stop, was stopping.
#[cfg(unix)]
#[test]
fn a_signal_waits_for_synchronous_tasks_that_stop() {
    let mut program = Signalled::start(PIPELINE, "blocking");
    program.until("ready");
    program.send("-INT");
    program.until("1 cancelled");
    // Nobody waits for the task but the end of the program, which would have come in this time.
    let until = Instant::now() + Duration::from_millis(300);
    while Instant::now() < until {
        assert_eq!(program.child.try_wait().unwrap(), None);
        std::thread::yield_now();
    }
    let mut input = program.child.stdin.take().unwrap();
    input.write_all(b"go on\n").unwrap();
    let (status, lines) = program.end();
    assert_eq!(status, Some(130));
    assert!(lines.contains(&"cleaned: true".to_owned()), "{lines:?}");
}

// bug: the second signal waited for what the end of the process had to send.
#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_program_at_once() {
    let mut program = Signalled::start(PIPELINE, "stuck");
    program.until("ready");
    program.send("-INT");
    program.until("told of cancelled");
    program.send("-TERM");
    let (status, lines) = program.end();
    assert_eq!(
        (status, lines),
        (Some(143), Vec::new()),
        "nothing was sent any more"
    );
}
