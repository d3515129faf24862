//! When a task runs, when it is repeated, and how long it may take. Time is tokio's paused clock.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use obs_runtime::pipeline::{Pipeline, RunState, SkipReason, TaskContext, TaskState};
use obs_runtime::pipeline_task;
use tokio::time::Instant;

mod cleanup {
    use super::*;

    #[pipeline_task(pipeline = "cleanup")]
    async fn load() -> Result<Vec<u32>, String> {
        Err("no disk".to_owned())
    }

    #[pipeline_task(pipeline = "cleanup")]
    async fn other() -> u32 {
        7
    }

    #[pipeline_task(pipeline = "cleanup", depends_on(load))]
    async fn store(load: &[u32]) -> usize {
        load.len()
    }

    #[pipeline_task(pipeline = "cleanup", depends_on(store), run_if = "failed")]
    async fn page() -> &'static str {
        "paged"
    }

    #[pipeline_task(pipeline = "cleanup", depends_on(other), run_if = "failed")]
    async fn not_needed() {}

    #[pipeline_task(pipeline = "cleanup", depends_on(load, other), run_if = "done")]
    async fn close(context: &TaskContext) -> (bool, bool) {
        let load = context.output::<Vec<u32>>("load").is_ok();
        (load, context.output::<u32>("other").is_ok())
    }

    #[pipeline_task(pipeline = "cleanup", depends_on(load, other), run_if = "any_success")]
    async fn partly() {}

    #[pipeline_task(pipeline = "cleanup", depends_on(load, store), run_if = "any_success")]
    async fn nothing_to_go_on() {}
}

#[tokio::test]
async fn a_task_runs_as_its_rule_says() {
    let run = Pipeline::named("cleanup").unwrap().run().await.unwrap();
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.output::<&str>("page"), Some(&"paged"));
    assert_eq!(run.output::<(bool, bool)>("close"), Some(&(false, true)));
    assert_eq!(run.task_results["partly"].state, TaskState::Succeeded);
    let skipped = |task: &str| run.task_results[task].skip_reason.clone();
    let load = SkipReason::UpstreamFailed("load".into());
    assert_eq!(skipped("store"), Some(load.clone()));
    assert_eq!(skipped("nothing_to_go_on"), Some(load));
    assert_eq!(skipped("not_needed"), Some(SkipReason::Condition));
    assert_eq!(skipped("page"), None);
}

mod condition {
    use super::*;

    #[pipeline_task(pipeline = "condition")]
    async fn load() -> Vec<u32> {
        Vec::new()
    }

    #[pipeline_task(pipeline = "condition")]
    async fn limit() -> u32 {
        3
    }

    #[pipeline_task(pipeline = "condition")]
    async fn four() -> u32 {
        4
    }

    /// Takes what its condition looks at.
    #[pipeline_task(
        pipeline = "condition",
        depends_on(load, limit),
        when = |load: &[u32], limit| load.len() > *limit as usize
    )]
    async fn import(load: Vec<u32>) -> usize {
        load.len()
    }

    #[pipeline_task(pipeline = "condition", depends_on(four), when = |four| *four == 4)]
    fn three(four: u32) -> u32 {
        four - 1
    }

    #[pipeline_task(pipeline = "condition", depends_on(import))]
    async fn report(import: &usize) -> usize {
        *import
    }

    /// It needs nothing of what was left out.
    #[pipeline_task(pipeline = "condition", depends_on(import))]
    async fn afterwards() {}
}

#[tokio::test]
async fn a_condition_that_does_not_hold_skips_the_task_and_those_that_read_it() {
    let run = Pipeline::named("condition").unwrap().run().await.unwrap();
    assert_eq!(run.state, RunState::Succeeded, "{run}");
    let import = &run.task_results["import"];
    assert_eq!((import.state, import.attempts), (TaskState::Skipped, 0));
    assert_eq!(import.skip_reason, Some(SkipReason::Condition));
    assert_eq!(run.output::<u32>("three"), Some(&3));
    let report = &run.task_results["report"];
    let reason = SkipReason::UpstreamSkipped("import".into());
    assert_eq!(report.skip_reason, Some(reason));
    assert_eq!(run.task_results["afterwards"].state, TaskState::Succeeded);
    assert!(run.summary().contains("`import` was skipped"), "{run}");
}

/// An error that knows whether it will come again.
#[derive(Debug)]
enum Refused {
    Busy(u64),
    Wrong,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Refused {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(0) | Self::Wrong => None,
            Self::Busy(seconds) => Some(Duration::from_secs(*seconds)),
        }
    }
}

mod errors {
    use super::*;

    pub(crate) static BEGUN: Mutex<Vec<Instant>> = Mutex::new(Vec::new());

    #[pipeline_task(
        pipeline = "typed_errors",
        retries = 5,
        delay = "1s",
        retry_if = |error: &Refused| !matches!(error, Refused::Wrong),
        retry_after = Refused::retry_after
    )]
    async fn call(context: &TaskContext) -> Result<(), Refused> {
        BEGUN.lock().unwrap().push(Instant::now());
        Err(match context.attempt() {
            1 => Refused::Busy(90),
            2 => Refused::Busy(0),
            _ => Refused::Wrong,
        })
    }
}

#[tokio::test(start_paused = true)]
async fn the_typed_error_says_whether_and_when_there_is_a_next_attempt() {
    let run = Pipeline::named("typed_errors")
        .unwrap()
        .run()
        .await
        .unwrap();
    let call = &run.task_results["call"];
    assert_eq!((call.state, call.attempts), (TaskState::Failed, 3));
    assert_eq!(call.error.as_ref().unwrap().message(), "Wrong");
    let begun = errors::BEGUN.lock().unwrap();
    let pauses: Vec<_> = begun.windows(2).map(|w| (w[1] - w[0]).as_secs()).collect();
    // Longer than `max_delay`, as the server wants it; then the second of the policy.
    assert_eq!(pauses, [90, 2]);
}

mod times {
    use super::*;

    /// Each attempt is quick enough, and all of them are not.
    #[pipeline_task(
        pipeline = "times",
        retries = 100,
        backoff = "constant",
        delay = "2s",
        deadline = "5s"
    )]
    async fn slow(context: &TaskContext) -> Result<(), String> {
        if context.attempt() == 3 {
            std::future::pending::<()>().await;
        }
        Err(format!("attempt {}", context.attempt()))
    }

    #[pipeline_task(pipeline = "times", concurrency = "one")]
    async fn first() {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }

    #[pipeline_task(pipeline = "times", concurrency = "one", queue_timeout = "10s")]
    async fn waits() {}

    #[pipeline_task(
        pipeline = "times",
        retries = 100,
        backoff = "constant",
        delay = "2s",
        max_elapsed = "5s"
    )]
    async fn gives_up() -> Result<(), String> {
        Err("no".to_owned())
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_ends_when_its_time_is_over() {
    let pipeline = Pipeline::named("times").unwrap().concurrency("one", 1);
    let run = pipeline.run().await.unwrap();
    let of = |task: &str| {
        let task = &run.task_results[task];
        let error = task.error.as_ref();
        let kind = error.map_or("", |error| error.error_type());
        (task.state, task.attempts, task.duration.as_secs(), kind)
    };
    assert_eq!(of("slow"), (TaskState::TimedOut, 3, 5, "deadline"));
    let error = run.task_results["slow"].error.as_ref().unwrap();
    assert_eq!(
        error.message(),
        "not done within its deadline of 5s; the last error before: attempt 2"
    );
    assert_eq!(of("waits"), (TaskState::TimedOut, 0, 0, "queue_timeout"));
    assert_eq!(run.task_results["waits"].waited, Duration::from_secs(10));
    assert_eq!(of("first"), (TaskState::Succeeded, 1, 60, ""));
    let (state, attempts, seconds, _) = of("gives_up");
    assert_eq!((state, attempts, seconds), (TaskState::Failed, 3, 4));
    assert_eq!(run.tasks_failed, 3);
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_its_time_is_over() {
    let pipeline = Pipeline::named("times").unwrap().concurrency("one", 1);
    let began = Instant::now();
    let run = pipeline
        .deadline(Duration::from_secs(3))
        .run()
        .await
        .unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    assert_eq!(run.state, RunState::TimedOut);
    assert!(run.failed());
    let first = &run.task_results["first"];
    assert_eq!(first.state, TaskState::TimedOut);
    assert_eq!(first.error.as_ref().unwrap().error_type(), "run_deadline");
    let waits = &run.task_results["waits"];
    assert_eq!(waits.skip_reason, Some(SkipReason::NotReached));
    let error = run.into_result().unwrap_err().to_string();
    assert!(error.contains("took longer than its deadline"), "{error}");
}

mod asked_again {
    use super::*;

    #[pipeline_task(pipeline = "asked_again")]
    async fn load() -> Mutex<u32> {
        Mutex::new(0)
    }

    #[pipeline_task(
        pipeline = "asked_again",
        depends_on(load),
        when = |load| *load.lock().unwrap() == 0,
        retries = 2,
        backoff = "none"
    )]
    async fn fails_once(load: &Mutex<u32>) -> Result<(), String> {
        *load.lock().unwrap() += 1;
        Err("no".to_owned())
    }
}

// bug: only the first attempt asked, also if it had not come so far.
#[tokio::test]
async fn a_condition_holds_for_each_attempt() {
    let run = Pipeline::named("asked_again").unwrap().run().await.unwrap();
    let task = &run.task_results["fails_once"];
    assert_eq!((task.state, task.attempts), (TaskState::Skipped, 1));
    assert_eq!(task.skip_reason, Some(SkipReason::Condition));
}
