//! What handlers see of a run, and send: failed tasks with their causes, and conditions of their own.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use obs_runtime::alert::{Alert, AlertManager, Notifier, NotifyError, Severity};
use obs_runtime::pipeline::{Pipeline, RunResult};
use obs_runtime::testing::capture_async;
use obs_runtime::{AttributeValue, on_complete, on_failure, pipeline_task};

/// A channel that keeps what it is given.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<Alert>>>);

impl Notifier for Sent {
    fn name(&self) -> &'static str {
        "sent"
    }

    fn notify(&mut self, alert: &Alert, _: Instant) -> Result<(), NotifyError> {
        self.0.lock().unwrap().push(alert.clone());
        Ok(())
    }
}

/// Runs a pipeline, and returns its alerts by title.
async fn alerts_of(pipeline: Pipeline) -> (RunResult, Vec<Alert>) {
    let sent = Sent::default();
    let manager = AlertManager::builder().notifier(sent.clone());
    let manager = manager.build().unwrap();
    let run = pipeline.alerts(manager.clone()).run().await.unwrap();
    manager.flush(Duration::from_secs(60)).unwrap();
    let mut sent = sent.0.lock().unwrap().clone();
    sent.sort_by(|a, b| a.title.cmp(&b.title));
    (run, sent)
}

/// An error with a cause.
#[derive(Debug)]
enum Upload {
    NoHost,
    Failed(Box<Self>),
}

impl fmt::Display for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHost => "no host at s3://backup?X-Amz-Signature=9f2c31e07b",
            Self::Failed(_) => "upload failed",
        })
    }
}

impl Error for Upload {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoHost => None,
            Self::Failed(cause) => Some(cause),
        }
    }
}

#[pipeline_task(pipeline = "seed alerts", retries = 2, backoff = "none")]
async fn upload() -> Result<u8, Upload> {
    Err(Upload::Failed(Box::new(Upload::NoHost)))
}

#[pipeline_task(pipeline = "seed alerts", records = |rows| rows.len())]
async fn count() -> Vec<u8> {
    vec![1, 2, 3]
}

// The handlers of the seed, as they would be written here.
#[on_failure(pipeline = "seed alerts")]
fn handle_failure(run: &RunResult, alerts: &AlertManager) {
    let title = format!("Pipeline {} failed", run.pipeline_name);
    alerts.send(
        Alert::new(Severity::Critical, title)
            .message(format!(
                "Run {} failed after {:?}",
                run.run_id, run.duration
            ))
            .details(run.get_failed_tasks()),
    );
}

#[on_complete(pipeline = "seed alerts")]
fn check_metrics(run: &RunResult, alerts: &AlertManager) {
    if run.duration.as_secs() > 300 {
        alerts.send(Alert::new(Severity::Warning, "Slow pipeline execution"));
    }
    if run.records_count < 100 {
        alerts.send(Alert::new(Severity::Warning, "Low record count"));
    }
}

#[tokio::test]
async fn the_handlers_of_the_seed_work() {
    let (run, alerts) = alerts_of(Pipeline::named("seed alerts").unwrap()).await;
    let titles: Vec<&str> = alerts.iter().map(|alert| &*alert.title).collect();
    assert_eq!(titles, ["Low record count", "Pipeline seed alerts failed"]);
    let message = &alerts[1].message;
    assert!(
        message.starts_with(&format!("Run {}", run.run_id)),
        "{message}"
    );
    let why = "upload failed: no host at s3://backup?X-Amz-Signature=*** (3 attempts)";
    let details = [("upload".to_owned(), why.to_owned())];
    assert_eq!(alerts[1].details, details);
}

#[tokio::test(start_paused = true)]
async fn closures_are_handlers_of_graphs_made_at_run_time() {
    let (sent, alerts) = (Sent::default(), AlertManager::builder());
    let alerts = alerts.notifier(sent.clone()).build().unwrap();
    let by_handler = alerts.clone();
    let pipeline = Pipeline::builder("at run time").task("sleep", [], |context| async move {
        tokio::time::sleep(Duration::from_secs(301)).await;
        context.set_records(7);
        Ok::<_, String>(())
    });
    let pipeline = pipeline.build().unwrap().on_complete(|run| async move {
        if run.duration.as_secs() > 300 && run.records_count < 100 {
            by_handler.send(Alert::new(Severity::Warning, "Slow, and little"));
        }
    });
    assert!(pipeline.run().await.unwrap().succeeded());
    alerts.flush(Duration::from_secs(60)).unwrap();
    assert_eq!(sent.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_task_keeps_the_causes_of_its_typed_error() {
    let captured = capture_async(async {
        let pipeline = Pipeline::named("seed alerts").unwrap();
        let run = alerts_of(pipeline).await.0;
        let error = run.task_results["upload"].error.as_ref().unwrap();
        assert_eq!(error.to_string(), "upload failed");
        let cause = "no host at s3://backup?X-Amz-Signature=***";
        assert_eq!(error.source().unwrap().to_string(), cause);
        assert_eq!(error.causes().collect::<Vec<_>>(), [cause]);
        let json = serde_json::to_value(&run).unwrap();
        let json = json["task_results"].as_array().unwrap();
        let json = json.iter().find(|task| task["name"] == "upload").unwrap();
        assert_eq!(json["error"]["causes"], serde_json::json!([cause]));
    })
    .await;
    let message = "upload failed: no host at s3://backup?X-Amz-Signature=***";
    let attempts: Vec<_> = captured.spans_named("upload").collect();
    assert_eq!(attempts.len(), 3);
    for attempt in attempts {
        let error = attempt.error.as_ref().unwrap();
        assert!(error.exception);
        assert_eq!(error.message.as_deref(), Some(message));
    }
    let said = AttributeValue::from(message);
    let exceptions = captured.logs.iter().filter(|log| {
        let mut attributes = log.attributes.iter();
        attributes.any(|(key, value)| key == "exception.message" && *value == said)
    });
    assert_eq!(exceptions.count(), 3);
}
