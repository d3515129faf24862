//! Slots are held by work alone, under tokio's paused clock: a moment is exact.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use tokio::time::{Instant, sleep};

use crate::pipeline::{
    Backoff, Pipeline, PipelineBuilder, RetryPolicy, RunResult, RunState, Task, TaskContext,
};

const SECOND: Duration = Duration::from_secs(1);

/// The attempts, and the second of the run in which each began.
#[derive(Clone)]
struct Begun {
    since: Instant,
    attempts: Arc<Mutex<Vec<(&'static str, u64)>>>,
}

impl Begun {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            attempts: Arc::default(),
        }
    }

    /// A task that works for some seconds, and fails its first attempts.
    fn task(&self, name: &'static str, seconds: u32, failures: u32) -> Task {
        let begun = self.clone();
        Task::new(name, move |context: TaskContext| {
            let second = begun.since.elapsed().as_secs();
            begun.attempts.lock().unwrap().push((name, second));
            async move {
                sleep(SECOND * seconds).await;
                if context.attempt() <= failures {
                    return Err("not yet");
                }
                Ok(())
            }
        })
    }

    fn all(&self) -> Vec<(&'static str, u64)> {
        self.attempts.lock().unwrap().clone()
    }
}

async fn run(builder: PipelineBuilder, set: impl FnOnce(Pipeline) -> Pipeline) -> RunResult {
    set(builder.build().unwrap()).run().await.unwrap()
}

// bug: a task that waited for its named limit held a slot of the whole run meanwhile.
#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_its_limit_keeps_nobody_from_running() {
    let begun = Begun::new();
    let builder = Pipeline::builder("limits")
        .add_task(begun.task("one", 1, 0).concurrency("gpu"))
        .add_task(begun.task("two", 1, 0).concurrency("gpu"))
        .add_task(begun.task("free", 1, 0));
    let result = run(builder, |p| p.max_parallel_tasks(2).concurrency("gpu", 1)).await;
    assert_eq!(begun.all(), [("one", 0), ("free", 0), ("two", 1)]);
    assert_eq!(result.task_results["two"].waited, SECOND);
    assert_eq!(result.task_results["two"].duration, SECOND);
    assert_eq!(result.task_results["free"].waited, Duration::ZERO);
    let summary = result.summary();
    assert!(
        summary.contains("\n  waited for a slot: two 1.00 s\n"),
        "{summary}"
    );
}

// bug: a task held a slot of the whole run in the pause before a repetition.
#[tokio::test(start_paused = true)]
async fn a_pause_holds_no_slot() {
    let begun = Begun::new();
    let retry = RetryPolicy::new(1).delay(SECOND * 2);
    let builder = Pipeline::builder("pauses")
        .add_task(begun.task("flaky", 1, 1).retry(retry).concurrency("gpu"))
        .add_task(begun.task("other", 3, 0).concurrency("gpu"));
    let result = run(builder, |p| p.max_parallel_tasks(1).concurrency("gpu", 1)).await;
    // Its pause ends in the third second, and `other` in the fourth.
    assert_eq!(begun.all(), [("flaky", 0), ("other", 1), ("flaky", 4)]);
    let flaky = &result.task_results["flaky"];
    assert_eq!((flaky.waited, flaky.duration), (SECOND, SECOND * 5));
    assert_eq!(result.task_results["other"].waited, SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_repetition_without_a_pause_is_behind_those_who_wait() {
    let begun = Begun::new();
    let flaky = begun.task("flaky", 1, 1).retries(1).backoff(Backoff::None);
    let builder = Pipeline::builder("fair")
        .add_task(flaky)
        .add_task(begun.task("b", 1, 0))
        .add_task(begun.task("c", 1, 0));
    drop(run(builder, |p| p.max_parallel_tasks(1)).await);
    let order = [("flaky", 0), ("b", 1), ("c", 2), ("flaky", 3)];
    assert_eq!(begun.all(), order);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_begin_in_the_order_of_the_graph() {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let begun = Begun::new();
    let tasks = NAMES.map(|name| begun.task(name, 0, 0));
    let builder = tasks
        .into_iter()
        .fold(Pipeline::builder("order"), PipelineBuilder::add_task);
    drop(run(builder, |p| p.max_parallel_tasks(1)).await);
    let order: Vec<_> = begun.all().iter().map(|(name, _)| *name).collect();
    assert_eq!(order, NAMES);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_when_the_run_is_cancelled_has_never_begun() {
    let begun = Begun::new();
    let pipeline = Pipeline::builder("cancelled")
        .add_task(begun.task("one", 60, 0))
        .add_task(begun.task("two", 60, 0))
        .build()
        .unwrap()
        .max_parallel_tasks(1);
    let handle = pipeline.cancel_handle();
    let (result, ()) = tokio::join!(pipeline.run(), async {
        sleep(SECOND).await;
        handle.cancel();
    });
    let result = result.unwrap();
    assert_eq!(result.state, RunState::Cancelled);
    assert_eq!(result.task_results["one"].attempts, 1);
    let two = &result.task_results["two"];
    assert_eq!((two.attempts, two.waited), (0, SECOND));
}
