//! Shows an alert that a failed run of a pipeline sends, to standard error and to a channel of its
//! own, and the trace that the alert names.
//!
//! ```sh
//! cargo run -p obs-examples --example alerts
//! ```
//!
//! `OBS_ALERT_WEBHOOK` is a URL to which alerts are posted as well. A program of your own needs
//! `obs-runtime` with the features `pipeline` and `alert`.

#![allow(clippy::print_stdout, reason = "the chat is standard output")]

use std::time::{Duration, Instant};

use obs_runtime::alert::{Alert, AlertManager, Notifier, NotifyError, Severity};
use obs_runtime::pipeline::{Pipeline, RunResult};
use obs_runtime::{Error, Observability, on_failure, pipeline_task};

#[pipeline_task(pipeline = "backup", retries = 1, delay = "10ms")]
fn upload() -> Result<(), String> {
    Err("disk full on s3://backup?X-Amz-Signature=9f2c31e07b".to_owned())
}

/// Runs once after each run that failed, whatever task it was.
#[on_failure(pipeline = "backup")]
fn page_somebody(run: &RunResult, alerts: &AlertManager) {
    let alert = Alert::new(Severity::Critical, "The backup failed").label("team", "storage");
    alerts.send(alert.details(run.get_failed_tasks()));
}

/// A channel: whatever can deliver an alert. It has a thread and a queue of its own.
struct Chat;

impl Notifier for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn notify(&mut self, alert: &Alert, _deadline: Instant) -> Result<(), NotifyError> {
        println!("#storage  [{}] {}", alert.severity, alert.title);
        for (task, why) in &alert.details {
            println!("#storage  {task}: {why}");
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    // The log on standard error, the webhook of OBS_ALERT_WEBHOOK if there is one, and the chat.
    let alerts = AlertManager::builder()
        .log(true)
        .with_env()
        .notifier(Chat)
        .build()?;
    let obs = Observability::builder()
        .console(true)
        .alerts(alerts.clone())
        .install()?;
    let run = Pipeline::named("backup")?.run().await?;
    println!("the backup {}", run.state);
    alerts.flush(Duration::from_secs(5))?;
    obs.shutdown()
}
