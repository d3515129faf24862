//! What obs says on standard error about alerts that are lost.

use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use obs_runtime::alert::{Alert, AlertManager, Notifier, NotifyError, Severity};
use obs_runtime::stats::DropReason;

/// Names the case that a process was started for.
const CASE: &str = "OBS_TESTS_ALERT_CASE";
const HOSTILE: &str = "down\nobs: all is well\u{1b}[2J";

/// Runs a case in a process of its own, and returns what that wrote on standard error.
fn said_by(test: &str) -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args([test, "--exact", "--nocapture"])
        .env(CASE, test)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("obs: "));
    lines.map(str::to_owned).collect()
}

fn is_own_process(test: &str) -> bool {
    std::env::var(CASE).is_ok_and(|case| case == test)
}

/// A notifier whose alerts are all refused, or wait for the end of a channel.
struct Stuck(Option<mpsc::Receiver<()>>, mpsc::Sender<()>);

impl Notifier for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    fn notify(&mut self, _: &Alert, _: Instant) -> Result<(), NotifyError> {
        self.1.send(()).unwrap();
        match &self.0 {
            Some(end) => {
                let _ = end.recv();
                Ok(())
            }
            None => Err(NotifyError::permanent(DropReason::Rejected, "no")),
        }
    }
}

// bug: the title stood in the line as it was, with commands for the terminal and forged lines.
#[test]
fn a_lost_alert_is_one_line() {
    let test = "alerts::a_lost_alert_is_one_line";
    if is_own_process(test) {
        let (called, _calls) = mpsc::channel();
        let builder = AlertManager::builder().notifier(Stuck(None, called));
        let alerts = builder.build().unwrap();
        alerts.send(Alert::new(Severity::Error, HOSTILE));
        alerts.flush(Duration::MAX).unwrap();
        return;
    }
    let expected = r"obs: stuck: an alert is lost (down\nobs: all is well\u{1b}[2J): no";
    assert_eq!(said_by(test), [expected]);
}

// bug: a full queue lost alerts, critical ones too, and nothing said so.
#[test]
fn a_full_queue_is_said_and_a_critical_alert_for_itself() {
    let test = "alerts::a_full_queue_is_said_and_a_critical_alert_for_itself";
    if is_own_process(test) {
        let (called, calls) = mpsc::channel();
        let (end, wait) = mpsc::channel();
        let builder = AlertManager::builder().notifier(Stuck(Some(wait), called));
        let alerts = builder.queue(1).build().unwrap();
        alerts.send(Alert::new(Severity::Info, "in hand"));
        calls.recv().unwrap();
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let before = threads();
        alerts.send(Alert::new(Severity::Info, "waits"));
        alerts.send(Alert::new(Severity::Info, "first"));
        alerts.send(Alert::new(Severity::Info, "second"));
        alerts.send(Alert::new(Severity::Critical, HOSTILE));
        drop(end);
        alerts.flush(Duration::MAX).unwrap();
        // The lines are written by threads of their own, which are there once `send` has returned.
        while threads() > before {
            std::thread::yield_now();
        }
        return;
    }
    let full = "the queue is full: the notifier is slower than the alerts come";
    let mut said = said_by(test);
    said.sort();
    let expected = [
        format!(r"obs: stuck: an alert is lost (down\nobs: all is well\u{{1b}}[2J): {full}"),
        format!("obs: stuck: an alert is lost (first): {full}"),
    ];
    assert_eq!(said, expected);
}

// bug: an alert to a webhook that hangs was lost at the end of the program without a word.
#[test]
fn the_end_says_which_alert_a_hanging_webhook_costs() {
    let test = "alerts::the_end_says_which_alert_a_hanging_webhook_costs";
    if is_own_process(test) {
        // The system takes connections; nobody ever answers.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let alerts = AlertManager::builder().webhook(url).build().unwrap();
        alerts.send(Alert::new(Severity::Critical, "disk full"));
        drop(alerts);
        return;
    }
    let expected =
        "obs: webhook: an alert is lost (disk full): the program ended before it was delivered";
    assert_eq!(said_by(test), [expected]);
}
