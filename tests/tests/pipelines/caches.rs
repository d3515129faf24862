//! Outputs that are kept for later runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use obs_runtime::pipeline::{Input, Pipeline, Resource, RunResult, TaskContext, TaskState};
use obs_runtime::pipeline_task;
use obs_runtime::testing::{Captured, capture_async};

/// How often a function was called.
#[derive(Clone, Default)]
struct Calls(Arc<AtomicU32>);

impl Calls {
    fn call(&self) -> u32 {
        self.0.fetch_add(1, SeqCst) + 1
    }

    fn take(&self) -> u32 {
        self.0.swap(0, SeqCst)
    }
}

async fn run(name: &str, day: u32, calls: &Calls) -> RunResult {
    let pipeline = Pipeline::named(name).unwrap();
    let pipeline = pipeline.input(day).resource(calls.clone());
    pipeline.run().await.unwrap()
}

fn state(run: &RunResult, task: &str) -> TaskState {
    run.task_results[task].state
}

#[pipeline_task(pipeline = "by_inputs")]
async fn rows(day: Input<u32>, _calls: Resource<Calls>) -> Vec<u32> {
    vec![*day, 1]
}

#[pipeline_task(pipeline = "by_inputs", depends_on(rows), cache(ttl = "1h"), records = |n| u64::from(*n))]
async fn total(rows: &[u32], calls: Resource<Calls>) -> u32 {
    calls.call();
    rows.iter().sum()
}

#[pipeline_task(pipeline = "by_inputs")]
async fn names(day: Input<u32>) -> Vec<String> {
    vec![day.to_string(), "b".to_owned()]
}

// It takes its input away, which its key was made of before.
#[pipeline_task(pipeline = "by_inputs", depends_on(names), cache(ttl = "1h"))]
fn on_a_thread(names: Vec<String>, calls: Resource<Calls>) -> usize {
    calls.call();
    names.len()
}

#[pipeline_task(pipeline = "by_inputs", depends_on(total, on_a_thread))]
async fn shown(total: &u32, on_a_thread: Arc<usize>) -> String {
    format!("{total} of {on_a_thread}")
}

#[tokio::test(start_paused = true)]
async fn the_same_inputs_give_the_same_output_without_a_call() {
    let captured: Captured<()> = capture_async(async {
        let calls = Calls::default();
        let first = run("by_inputs", 7, &calls).await;
        assert_eq!(calls.take(), 2);
        assert_eq!(state(&first, "total"), TaskState::Succeeded);
        let again = run("by_inputs", 7, &calls).await;
        assert_eq!(calls.take(), 0);
        for task in ["total", "on_a_thread"] {
            assert_eq!(state(&again, task), TaskState::Cached);
        }
        assert!(again.succeeded() && again.task_results["total"].succeeded());
        assert_eq!(again.records_count, 8);
        let shown = [&first, &again].map(|run| run.output::<String>("shown").cloned());
        assert_eq!(shown[0].as_deref(), Some("8 of 2"));
        assert_eq!(shown[0], shown[1]);
        assert!(run("by_inputs", 8, &calls).await.succeeded());
        assert_eq!(calls.take(), 2, "another input is another key");
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert!(run("by_inputs", 7, &calls).await.succeeded());
        assert_eq!(calls.take(), 2, "the time is over");
    })
    .await;
    let count = |outcome: &str, value| {
        let metric = captured.assert_metric("obs.cache.lookups");
        metric
            .labels([("cache", "by_inputs.total"), ("outcome", outcome)])
            .value(value);
    };
    count("miss", 3);
    count("hit", 1);
    // A hit has a span, which dependants are linked to.
    assert_eq!(captured.spans_named("total").count(), 4);
}

#[pipeline_task(pipeline = "broken_keys", cache(ttl = "1h", key = |day| match **day {
    0 => panic!("no key"),
    1 => None,
    day => Some(day % 10),
}))]
async fn by_option(day: Input<u32>, calls: Resource<Calls>) -> u32 {
    calls.call();
    *day
}

#[pipeline_task(pipeline = "broken_keys", cache(ttl = "1h", key = |day| day.checked_sub(5).ok_or("too small")))]
fn by_result(day: Input<u32>, calls: Resource<Calls>) -> u32 {
    calls.call();
    *day
}

// prefect#15861: what cannot be computed is left out of the key, so another input's output is used.
#[tokio::test]
async fn a_key_that_cannot_be_computed_neither_reads_nor_writes() {
    let captured: Captured<()> = capture_async(async {
        let calls = Calls::default();
        for day in [0, 1, 0, 1] {
            let run = run("broken_keys", day, &calls).await;
            assert_eq!(calls.take(), 2, "day {day}");
            for task in ["by_option", "by_result"] {
                assert_eq!(state(&run, task), TaskState::Succeeded);
                assert_eq!(run.output::<u32>(task), Some(&day));
            }
        }
        assert!(run("broken_keys", 17, &calls).await.succeeded());
        assert_eq!(calls.take(), 2);
        let run = run("broken_keys", 27, &calls).await;
        assert_eq!(calls.take(), 1, "the key of one is 7 as before");
        assert_eq!(run.output::<u32>("by_option"), Some(&17));
    })
    .await;
    for task in ["by_option", "by_result"] {
        let metric = captured.assert_metric("obs.cache.lookups");
        let cache = format!("broken_keys.{task}");
        metric
            .labels([("cache", &*cache), ("outcome", "no_key")])
            .value(4);
    }
}

#[pipeline_task(
    pipeline = "failures",
    cache(ttl = "1h"),
    retries = 1,
    backoff = "none"
)]
async fn second_time(day: Input<u32>, calls: Resource<Calls>) -> Result<u32, String> {
    match calls.call() {
        1 => Err("no answer".to_owned()),
        _ => Ok(*day),
    }
}

#[pipeline_task(pipeline = "failures", depends_on(second_time), when = |second_time| *second_time > 5, cache(ttl = "1h"))]
async fn if_large(second_time: &u32, calls: Resource<Calls>) -> u32 {
    calls.call();
    *second_time
}

#[tokio::test]
async fn failures_and_what_was_declined_are_not_kept() {
    capture_async(async {
        let calls = Calls::default();
        let first = run("failures", 3, &calls).await;
        assert_eq!(first.task_results["second_time"].attempts, 2);
        assert_eq!(state(&first, "if_large"), TaskState::Skipped);
        assert_eq!(calls.take(), 2);
        let again = run("failures", 3, &calls).await;
        assert_eq!(state(&again, "second_time"), TaskState::Cached);
        assert_eq!(state(&again, "if_large"), TaskState::Skipped);
        assert_eq!(calls.take(), 0);
    })
    .await;
}

#[pipeline_task(pipeline = "cached_items")]
async fn numbers(day: Input<u32>) -> Vec<u32> {
    vec![*day, *day + 1, *day]
}

#[pipeline_task(pipeline = "cached_items", depends_on(numbers), map(number in numbers, parallel = 1), cache(ttl = "1h", max = 10))]
async fn doubled(
    number: &u32,
    calls: Resource<Calls>,
    _key: &obs_runtime::pipeline::EffectKey,
) -> Vec<u32> {
    calls.call();
    vec![number * 2]
}

#[pipeline_task(pipeline = "cached_items", depends_on(doubled))]
async fn all(doubled: &[Vec<u32>]) -> Vec<u32> {
    doubled.concat()
}

#[tokio::test]
async fn each_item_is_kept() {
    capture_async(async {
        let calls = Calls::default();
        let first = run("cached_items", 1, &calls).await;
        assert_eq!(calls.take(), 2, "two of three items are the same");
        let states: Vec<_> = first.task_results["doubled"]
            .items
            .iter()
            .map(|item| item.state)
            .collect();
        assert_eq!(
            states,
            [
                TaskState::Succeeded,
                TaskState::Succeeded,
                TaskState::Cached
            ]
        );
        assert_eq!(first.output::<Vec<u32>>("all"), Some(&vec![2, 4, 2]));
        let second = run("cached_items", 2, &calls).await;
        assert_eq!(calls.take(), 1);
        assert_eq!(second.output::<Vec<u32>>("all"), Some(&vec![4, 6, 4]));
    })
    .await;
}

#[pipeline_task(pipeline = "flight", cache(ttl = "1h", key = |day| **day))]
async fn slow(day: Input<u32>, calls: Resource<Calls>, context: &TaskContext) -> (u32, u32) {
    let call = calls.call();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(context.attempt(), 1);
    (*day, call)
}

#[tokio::test(start_paused = true)]
async fn runs_at_the_same_time_call_once() {
    let captured: Captured<()> = capture_async(async {
        let calls = Calls::default();
        let runs = (0..10).map(|_| run("flight", 3, &calls));
        let runs = futures_util::future::join_all(runs).await;
        assert_eq!(calls.take(), 1);
        let states: Vec<_> = runs.iter().map(|run| state(run, "slow")).collect();
        let cached = states.iter().filter(|state| **state == TaskState::Cached);
        assert_eq!(cached.count(), 9);
        assert!(
            runs.iter()
                .all(|run| run.output("slow") == Some(&(3_u32, 1_u32)))
        );
    })
    .await;
    assert_eq!(captured.spans_named("slow").count(), 10);
}

#[pipeline_task(pipeline = "follower", cache(ttl = "1h", key = || 1))]
async fn leads(day: Input<u32>, calls: Resource<Calls>) -> Result<u32, String> {
    calls.call();
    tokio::time::sleep(Duration::from_secs(u64::from(*day))).await;
    match *day {
        1 => Err("the leader fails".to_owned()),
        day => Ok(day),
    }
}

// Who waited for an attempt that fails makes its own, whose span is as that of any other.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_failure_tries_itself() {
    let captured: Captured<()> = capture_async(async {
        let calls = Calls::default();
        let (lead, follow) = tokio::join!(run("follower", 1, &calls), run("follower", 2, &calls));
        assert_eq!(state(&lead, "leads"), TaskState::Failed);
        assert_eq!(state(&follow, "leads"), TaskState::Succeeded);
        assert_eq!(calls.take(), 2);
    })
    .await;
    let spans: Vec<_> = captured.spans_named("leads").collect();
    assert_eq!(spans.len(), 2);
    for span in spans {
        let attempt = span.attribute("obs.task.attempt");
        assert_eq!(attempt, Some(&1.into()));
    }
}
