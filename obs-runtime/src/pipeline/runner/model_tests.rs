//! Random graphs beside a model: which tasks run, how often, and how they end.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use crate::pipeline::{Backoff, Pipeline, RunResult, Task, TaskContext, TaskState};

/// A task of a random graph.
#[derive(Clone, Debug)]
struct Plan {
    /// Tasks with smaller numbers.
    dependencies: Vec<usize>,
    retries: u32,
    /// The first attempt that succeeds, if any does.
    succeeds_at: Option<u32>,
    yields: usize,
}

fn graphs() -> impl Strategy<Value = Vec<Plan>> {
    (1_usize..25).prop_flat_map(|tasks| {
        (0..tasks)
            .map(|task| {
                let dependencies = prop::collection::btree_set(0..task.max(1), 0..4);
                let succeeds_at = prop::option::weighted(0.9, 1_u32..4);
                (dependencies, 0_u32..3, succeeds_at, 0_usize..4).prop_map(
                    move |(dependencies, retries, succeeds_at, yields)| Plan {
                        dependencies: dependencies.into_iter().filter(|d| *d < task).collect(),
                        retries,
                        succeeds_at,
                        yields,
                    },
                )
            })
            .collect::<Vec<_>>()
    })
}

/// States and attempts by the rules alone.
fn model(plans: &[Plan]) -> Vec<(TaskState, u32)> {
    let mut ends: Vec<(TaskState, u32)> = Vec::new();
    for plan in plans {
        let ready = |d: &usize| ends[*d].0 == TaskState::Succeeded;
        let end = if plan.dependencies.iter().all(ready) {
            match plan.succeeds_at {
                Some(attempt) if attempt <= plan.retries + 1 => (TaskState::Succeeded, attempt),
                _ => (TaskState::Failed, plan.retries + 1),
            }
        } else {
            (TaskState::Skipped, 0)
        };
        ends.push(end);
    }
    ends
}

/// Runs the graph; the log has each task when it ends well.
fn run(plans: &[Plan], max_parallel: usize) -> (RunResult, Vec<usize>) {
    let log: Arc<Mutex<Vec<usize>>> = Arc::default();
    let names: Vec<String> = (0..plans.len()).map(|n| format!("t{n}")).collect();
    let mut builder = Pipeline::builder("random");
    // Backwards: the order of the graph is not that of the calls.
    for (number, plan) in plans.iter().enumerate().rev() {
        let (plan, log) = (plan.clone(), Arc::clone(&log));
        let before: Vec<&str> = plan.dependencies.iter().map(|d| &*names[*d]).collect();
        let (retries, yields, succeeds_at) = (plan.retries, plan.yields, plan.succeeds_at);
        let task = Task::new(names[number].clone(), move |context: TaskContext| {
            let log = Arc::clone(&log);
            async move {
                for _ in 0..yields {
                    tokio::task::yield_now().await;
                }
                if succeeds_at.is_none_or(|first| context.attempt() < first) {
                    return Err("not yet");
                }
                log.lock().unwrap().push(number);
                Ok(number)
            }
        });
        let task = task.depends_on(before).retries(retries);
        builder = builder.add_task(task.backoff(Backoff::None));
    }
    let pipeline = builder.build().unwrap().max_parallel_tasks(max_parallel);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let result = runtime.block_on(pipeline.run()).unwrap();
    let log = log.lock().unwrap().clone();
    (result, log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_run_ends_as_the_rules_say(plans in graphs(), max_parallel in 1_usize..6) {
        let (result, log) = run(&plans, max_parallel);
        let expected = model(&plans);
        for (number, (state, attempts)) in expected.iter().enumerate() {
            let task = &result.task_results[&*format!("t{number}")];
            prop_assert_eq!((task.state, task.attempts), (*state, *attempts), "t{}", number);
        }
        let succeeded = expected.iter().filter(|(s, _)| *s == TaskState::Succeeded).count();
        prop_assert_eq!(result.tasks_succeeded, succeeded);
        prop_assert_eq!(log.len(), succeeded, "each once");
        for (at, number) in log.iter().enumerate() {
            for dependency in &plans[*number].dependencies {
                prop_assert!(log[..at].contains(dependency), "t{} before t{}", number, dependency);
            }
        }
        let failed = expected.iter().any(|(s, _)| *s == TaskState::Failed);
        prop_assert_eq!(result.failed(), failed);
    }
}
