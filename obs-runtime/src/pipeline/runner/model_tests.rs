//! Random graphs on the real runner, held against the sequential reference that the driver is held
//! against: with failures, panics, timeouts, deadlines, cancels, and futures that are dropped.
//!
//! Beside the ends of the tasks it is looked at what the attempts saw themselves, which handlers were
//! called, and which spans are left.

#[path = "world.rs"]
mod world;

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use self::world::World;
use crate::pipeline::driver::Skip;
use crate::pipeline::driver::model::{Cut, Model, Outcome, Random, TICK};
use crate::pipeline::handler::{
    HandlerCall, HandlerEntry, HandlerEvent, HandlerFuture, HandlerMeta,
};
use crate::pipeline::{RunResult, RunState, SkipReason, TaskState};
use crate::testing;

impl World {
    /// How the run's tasks ended.
    fn outcomes(&self, result: &RunResult) -> Vec<Outcome> {
        let number = |name: &str| name[1..].parse::<u32>().unwrap();
        let tasks = 0..self.model.plan.tasks.len();
        let outcomes = tasks.map(|at| {
            let task = &result.task_results[&*format!("t{at}")];
            Outcome {
                state: task.state,
                attempts: task.attempts,
                skip: task.skip_reason.as_ref().map(|reason| match reason {
                    SkipReason::Condition => Skip::Condition,
                    SkipReason::UpstreamFailed(name) => Skip::UpstreamFailed(number(name)),
                    SkipReason::UpstreamSkipped(name) => Skip::UpstreamSkipped(number(name)),
                    SkipReason::NotReached => Skip::NotReached,
                }),
                items: task.items.iter().map(|i| (i.state, i.attempts)).collect(),
            }
        });
        outcomes.collect()
    }
}

/// The state of the run as its tasks' ends say.
fn state(outcomes: &[Outcome], result: &RunResult) -> RunState {
    let is_cut = |end: &Outcome, at: usize| {
        let error = &result.task_results[&*format!("t{at}")].error;
        let by_run = error
            .as_ref()
            .is_some_and(|e| e.error_type() == "run_deadline");
        by_run || end.skip == Some(Skip::NotReached)
    };
    let mut ends = outcomes.iter().enumerate();
    if outcomes.iter().any(|end| end.state == TaskState::Cancelled) {
        RunState::Cancelled
    } else if ends.any(|(at, end)| is_cut(end, at)) {
        RunState::TimedOut
    } else if outcomes.iter().any(|end| end.state.is_failure()) {
        RunState::Failed
    } else {
        RunState::Succeeded
    }
}

const NAME: &str = "random graphs";

/// The calls of handlers since they were last taken, with what they were given.
static CALLS: Mutex<Vec<(HandlerEvent, RunResult)>> = Mutex::new(Vec::new());

fn called<const EVENT: u8>(call: HandlerCall<'_>) -> HandlerFuture<'_> {
    let event = EVENTS[EVENT as usize];
    CALLS.lock().unwrap().push((event, call.result.clone()));
    Box::pin(async { Ok(()) })
}

const EVENTS: [HandlerEvent; 4] = [
    HandlerEvent::Failure,
    HandlerEvent::Complete,
    HandlerEvent::Cancel,
    HandlerEvent::Late,
];

const fn handler(
    event: usize,
    run: for<'a> fn(HandlerCall<'a>) -> HandlerFuture<'a>,
) -> HandlerMeta {
    HandlerMeta {
        event: EVENTS[event],
        pipeline: Some(NAME),
        task: None,
        module: "random",
        path: "random",
        line: event as u32,
        deadline: None,
        blocks: false,
        run,
    }
}

inventory::submit! { HandlerEntry(&const { handler(0, called::<0>) }) }
inventory::submit! { HandlerEntry(&const { handler(1, called::<1>) }) }
inventory::submit! { HandlerEntry(&const { handler(2, called::<2>) }) }
inventory::submit! { HandlerEntry(&const { handler(3, called::<3>) }) }

/// Looks whether each handler that the run's end concerns was called once, and no other, and returns
/// what they were given.
fn check_handlers(late: Option<Duration>) -> Result<RunResult, String> {
    let calls = core::mem::take(&mut *CALLS.lock().unwrap());
    let (late_calls, calls): (Vec<_>, Vec<_>) = calls
        .into_iter()
        .partition(|(event, _)| *event == HandlerEvent::Late);
    let events: Vec<HandlerEvent> = calls.iter().map(|(event, _)| *event).collect();
    let (_, result) = calls.into_iter().next().ok_or("no handler was called")?;
    let expected = match result.state {
        RunState::Succeeded => &[HandlerEvent::Complete][..],
        RunState::Failed | RunState::TimedOut => &[HandlerEvent::Failure, HandlerEvent::Complete],
        RunState::Cancelled => &[HandlerEvent::Cancel],
        RunState::Running => return Err("a handler after the end sees a run that runs".to_owned()),
    };
    if events != expected {
        return Err(format!("{:?} called {events:?}", result.state));
    }
    let is_late = late.map_or(Some(false), |late| {
        (late != result.duration).then_some(late < result.duration)
    });
    let running = late_calls
        .iter()
        .all(|(_, so_far)| so_far.state == RunState::Running);
    if !running || late_calls.len() > 1 || is_late.is_some_and(|is| is != (late_calls.len() == 1)) {
        let took = result.duration;
        return Err(format!(
            "late {late:?}, took {took:?}, {} calls",
            late_calls.len()
        ));
    }
    Ok(result)
}

/// Runs a graph as its model says, and waits until nothing is left of it.
async fn run(world: &Arc<World>) -> Option<RunResult> {
    let pipeline = world.pipeline();
    let cancel = pipeline.cancel_handle();
    let result = match world.model.cut {
        Cut::Drop(after) => tokio::select! {
            biased;
            result = pipeline.run() => Some(result),
            () = tokio::time::sleep(after) => None,
        },
        Cut::Cancel(after) => {
            let cancels = tokio::spawn(async move {
                if after > Duration::ZERO {
                    tokio::time::sleep(after).await;
                }
                cancel.cancel();
            });
            let result = pipeline.run().await;
            cancels.abort();
            Some(result)
        }
        _ => Some(pipeline.run().await),
    };
    if world.has_clock {
        // What was dropped ends by itself.
        tokio::time::sleep(TICK * 1_000).await;
    }
    result.map(Result::unwrap)
}

fn check(seed: u64) -> Result<RunState, String> {
    let model = Model::random(seed).cut_at_random(&mut Random::new(seed ^ 0x5eed));
    let late = model.limits.late;
    let world = Arc::new(World {
        model,
        seed,
        has_clock: true,
        seen: Mutex::default(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let captured = runtime.block_on(testing::capture_async(run(&world)));
    drop(runtime);
    let told = check_handlers(late)?;
    let result = captured.value.unwrap_or_else(|| told.clone());
    if result.run_id != told.run_id || result.state != told.state {
        return Err("the handlers were given another run".to_owned());
    }
    let outcomes = world.outcomes(&result);
    world.model.judge(&outcomes)?;
    let expected = state(&outcomes, &result);
    if expected != result.state {
        return Err(format!("{:?} instead of {expected:?}", result.state));
    }
    world.check_log(&outcomes)?;
    world.check_spans(&captured.spans)?;
    Ok(expected)
}

/// `OBS_RANDOM_GRAPHS=n` runs another number of them, and `OBS_RANDOM_SEED=n` begins with another one.
#[test]
fn random_graphs_end_as_the_reference_says_on_the_runner_too() {
    let said = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let graphs = said("OBS_RANDOM_GRAPHS").unwrap_or(10_000);
    let first = said("OBS_RANDOM_SEED").unwrap_or(0);
    let mut states: HashMap<RunState, u64> = HashMap::new();
    for seed in first..first + graphs {
        match check(seed) {
            Ok(state) => *states.entry(state).or_default() += 1,
            Err(why) => {
                let model = Model::random(seed).cut_at_random(&mut Random::new(seed ^ 0x5eed));
                panic!("seed {seed}: {why}\n{:?}\n{model:?}", model.cut);
            }
        }
    }
    let rare = |state| states.get(&state).copied().unwrap_or(0) < graphs / 50;
    let all = [
        RunState::Succeeded,
        RunState::Failed,
        RunState::Cancelled,
        RunState::TimedOut,
    ];
    assert!(!all.into_iter().any(rare) || graphs < 100, "{states:?}");
}

/// On two threads, where attempts really meet, and without times, on which nothing may hang there.
#[test]
fn random_graphs_end_as_the_reference_says_on_two_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    for seed in 0..300 {
        let mut model = Model::random(seed).without_times();
        if seed % 3 == 0 {
            model.cut = Cut::Cancel(Duration::ZERO);
        }
        let world = Arc::new(World {
            model,
            seed,
            has_clock: false,
            seen: Mutex::default(),
        });
        let result = runtime.block_on(run(&world)).unwrap();
        let outcomes = world.outcomes(&result);
        assert_eq!(world.model.judge(&outcomes), Ok(()), "seed {seed}");
        assert_eq!(state(&outcomes, &result), result.state, "seed {seed}");
        assert_eq!(world.check_log(&outcomes), Ok(()), "seed {seed}");
    }
}
