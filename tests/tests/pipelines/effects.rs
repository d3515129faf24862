//! What tasks do to others, their versions, and what the registry says of each argument.

use std::sync::Mutex;

use obs_runtime::pipeline::{self, EffectKey, Pipeline, TaskContext, TaskInfo, TaskState};
use obs_runtime::pipeline_task;

/// The keys of the requests of each attempt.
static ASKED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

#[pipeline_task(pipeline = "payments")]
async fn orders() -> Vec<u32> {
    vec![7, 8]
}

#[pipeline_task(pipeline = "payments", depends_on(orders), map(order in orders), effects = "once", retries = 1, backoff = "none")]
async fn pay(order: &u32, key: &EffectKey, context: &TaskContext) -> Result<u32, String> {
    assert_eq!(*key, context.effect_key());
    let asked = (context.run_id().to_owned(), key.to_string());
    ASKED.lock().unwrap().push(asked);
    match context.attempt() {
        1 => Err("no answer".to_owned()),
        _ => Ok(*order),
    }
}

#[tokio::test]
async fn a_key_is_the_same_over_the_attempts_of_an_item() {
    let mut all = Vec::new();
    for _ in 0..2 {
        let run = Pipeline::named("payments").unwrap().run().await.unwrap();
        assert!(run.succeeded(), "{run}");
        let asked = ASKED.lock().unwrap();
        let mut keys: Vec<_> = asked
            .iter()
            .filter(|(id, _)| *id == run.run_id)
            .map(|(_, key)| key.clone())
            .collect();
        // Two attempts of each of two items.
        assert_eq!(keys.len(), 4);
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 2);
        all.extend(keys);
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4, "another run has other keys");
}

#[pipeline_task(pipeline = "once", effects = "once")]
async fn send() -> Result<(), String> {
    Err("no answer".to_owned())
}

#[tokio::test]
async fn what_may_have_happened_is_not_repeated() {
    let run = Pipeline::named("once").unwrap().run().await.unwrap();
    let send = &run.task_results["send"];
    assert_eq!((send.state, send.attempts), (TaskState::Failed, 1));
}

mod one {
    #[obs_runtime::pipeline_task(pipeline = "versions one")]
    async fn total() -> u32 {
        1 + 2
    }
}

mod reformatted {
    // The same code.
    #[rustfmt::skip]
    #[obs_runtime::pipeline_task(pipeline = "versions two", retries = 3)]
    async fn total(
    ) -> u32
    { 1 /* and */ + 2 }
}

const SCHEMA: &str = "v2";

mod other {
    #[obs_runtime::pipeline_task(pipeline = "versions three", version = super::SCHEMA)]
    async fn total() -> u32 {
        1 + 2
    }

    #[obs_runtime::pipeline_task(pipeline = "versions three", version = 3)]
    async fn sum() -> u32 {
        1 + 3
    }
}

fn info(pipeline: &str, name: &str) -> TaskInfo {
    let mut tasks = pipeline::tasks().into_iter();
    let found = tasks.find(|task| task.pipeline == pipeline && task.name == name);
    found.unwrap()
}

#[test]
fn a_version_changes_with_the_code_and_with_what_is_added() {
    let one = info("versions one", "total").version;
    assert_eq!(info("versions two", "total").version, one);
    assert_eq!(info("versions three", "total").version, format!("v2-{one}"));
    let sum = info("versions three", "sum").version;
    assert!(sum.starts_with("3-") && !sum.ends_with(&*one), "{sum}");
}

mod everything {
    use super::*;

    #[pipeline_task(pipeline = "everything")]
    async fn first() -> u8 {
        1
    }

    #[pipeline_task(pipeline = "everything")]
    async fn pages() -> Vec<u8> {
        vec![1]
    }

    #[pipeline_task(
        pipeline = "everything",
        name = "all of it",
        depends_on(first, pages),
        retries = 4,
        backoff = "linear",
        delay = "1s",
        max_delay = "1m",
        jitter = 0.5,
        max_elapsed = "10m",
        retry_if = |_: &String| true,
        retry_after = |_: &String| None,
        timeout = "1500ms",
        deadline = "1h",
        queue_timeout = "5m",
        concurrency = "gpu",
        run_if = "success",
        when = |first, pages| *first > 0 && !pages.is_empty(),
        cache(ttl = "2h", key = |first| *first, max = 5),
        effects = "idempotent",
        version = "7",
        records = |_| 1
    )]
    async fn all_arguments(first: &u8) -> Result<u8, String> {
        Ok(*first)
    }

    #[pipeline_task(pipeline = "everything", depends_on(pages), map(page in pages, parallel = 8, max = 100, allow_failed = "5%"), effects = "none")]
    async fn mapped(page: &u8) -> u8 {
        *page
    }

    #[pipeline_task(pipeline = "everything", depends_on(pages), map(page in pages, allow_failed = 2), effects = "once")]
    async fn counted(page: &u8) {
        let _ = page;
    }
}

// Every argument that decides on a run is in the manifest, as it was written, and can be read back.
#[test]
fn every_argument_is_in_the_manifest_and_back() {
    let all: Vec<TaskInfo> = pipeline::tasks();
    let json = serde_json::to_string(&all).unwrap();
    let back: Vec<TaskInfo> = serde_json::from_str(&json).unwrap();
    assert_eq!(back, all);
    let task = back.iter().find(|task| task.name == "all of it").unwrap();
    let json = serde_json::to_value(task).unwrap();
    let line = json["line"].as_u64().unwrap();
    assert!(line > 100);
    assert_eq!(
        json,
        serde_json::json!({
            "pipeline": "everything",
            "name": "all of it",
            "path": "pipelines::effects::everything::all_arguments",
            "file": file!(),
            "line": line,
            "version": task.version,
            "effects": "idempotent",
            "depends_on": [
                {"task": "first", "usage": "read"},
                {"task": "pages", "usage": "read"},
            ],
            "retries": 4,
            "backoff": "linear",
            "delay": 1.0,
            "max_delay": 60.0,
            "jitter": 0.5,
            "max_elapsed": 600.0,
            "retry_if": true,
            "retry_after": true,
            "timeout": 1.5,
            "deadline": 3600.0,
            "queue_timeout": 300.0,
            "concurrency": "gpu",
            "run_if": "success",
            "when": ["first", "pages"],
            "map": null,
            "records": true,
            "cache": {"ttl": 7200.0, "max": 5, "key": "closure"},
        })
    );
    assert!(task.version.starts_with("7-"));
    let mapped = info("everything", "mapped");
    assert_eq!(
        serde_json::to_value(&mapped.map).unwrap(),
        serde_json::json!({
            "source": "pages",
            "parallel": 8,
            "max": 100,
            "allow_failed": null,
            "allow_failed_part": 0.05,
        })
    );
    let counted = info("everything", "counted");
    assert_eq!(counted.map.unwrap().allow_failed, Some(2));
    assert_eq!(counted.effects.as_deref(), Some("once"));
    assert_eq!(info("everything", "first").effects, None);
}
