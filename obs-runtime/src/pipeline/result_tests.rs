use std::time::UNIX_EPOCH;

use serde_json::json;

use super::*;
use crate::pipeline::{Pipeline, TaskContext};

async fn run() -> RunResult {
    let pipeline = Pipeline::builder("etl")
        .task("extract", [], |context: TaskContext| async move {
            context.set_records(40);
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            Ok::<_, String>(())
        })
        .task("load", ["extract"], |_| async {
            Err::<(), _>("no login with password=hunter2")
        })
        .task("index", ["load"], |_| async { Ok::<_, String>(()) });
    pipeline.build().unwrap().run().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_run_is_an_object_of_its_fields() {
    let mut run = run().await;
    run.run_id = "019a".to_owned();
    run.started_at = UNIX_EPOCH + Duration::from_millis(1_795_172_645_007);
    run.trace_id = Some(TraceId::from_bytes([0xab; 16]));
    run.handler_errors = vec![HandlerError {
        handler: "app::tell".into(),
        message: "nobody listens".to_owned(),
    }];
    let error_type = run.task_results["load"].error.as_ref().unwrap();
    let error_type = error_type.error_type().to_owned();
    assert_eq!(
        serde_json::to_value(&run).unwrap(),
        json!({
            "run_id": "019a",
            "pipeline_name": "etl",
            "state": "failed",
            "started_at": "2026-11-20T11:04:05.007Z",
            "duration_seconds": 1.5,
            "records_count": 40,
            "tasks_succeeded": 1,
            "tasks_failed": 1,
            "tasks_skipped": 1,
            "tasks_cancelled": 0,
            "still_running": 0,
            "task_results": [
                {"name": "extract", "state": "succeeded", "attempts": 1,
                 "began_after_seconds": 0.0, "duration_seconds": 1.5, "waited_seconds": 0.0, "records": 40, "error": null,
                 "still_running": 0},
                {"name": "load", "state": "failed", "attempts": 1,
                 "began_after_seconds": 1.5, "duration_seconds": 0.0, "waited_seconds": 0.0, "records": null,
                 "error": {"error_type": error_type, "message": "no login with password=***"},
                 "still_running": 0},
                {"name": "index", "state": "skipped", "attempts": 0,
                 "began_after_seconds": null, "duration_seconds": 0.0, "waited_seconds": 0.0, "records": null,
                 "error": null, "skipped": {"reason": "upstream_failed", "task": "load"},
                 "still_running": 0},
            ],
            "trace_id": "abababababababababababababababab",
            "handler_errors": [{"handler": "app::tell", "message": "nobody listens"}],
            "critical_path": ["extract", "load"],
            "root_causes": ["load"],
        })
    );
}

#[test]
fn states_are_written_as_they_are_shown() {
    for state in TaskState::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.to_string());
    }
    for state in RunState::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.to_string());
    }
}
