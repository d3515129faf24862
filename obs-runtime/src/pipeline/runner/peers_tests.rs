//! What other engines have got wrong in public, as tests: each names the report that it stands for.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::metrics::{MetricData, MetricFamily};
use crate::pipeline::blocking::blocking;
use crate::pipeline::items::{collect_all, count_items};
use crate::pipeline::plan::{MapRule, RunIf};
use crate::pipeline::task::{Attempt, Attempted, Body, Mapping};
use crate::pipeline::{
    Backoff, Lazy, Pipeline, RetryPolicy, RunResult, RunState, SkipReason, Task, TaskContext,
    TaskError, TaskState,
};
use crate::testing;

/// How the item at which something happens ends its run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    Fails,
    Panics,
    Cancels,
    CancelsAndFails,
}

const ITEMS: usize = 12;

/// Maps over twelve items, two at once, of which one ends the run in this way.
async fn mapped(at: usize, how: Ends) -> (RunResult, BTreeSet<usize>, usize) {
    let (ran, behind): (Arc<Mutex<BTreeSet<usize>>>, Arc<AtomicUsize>) = Default::default();
    let (seen, stored) = (Arc::clone(&ran), Arc::clone(&behind));
    let load = |_| async { Ok::<_, String>(vec![0_u8; ITEMS]) };
    let mut each = Task::new("each", move |context: TaskContext| {
        let item = context.item().unwrap();
        seen.lock().unwrap().insert(item);
        async move {
            tokio::task::yield_now().await;
            if item != at {
                return Ok(());
            }
            match how {
                Ends::Fails => Err("broken".to_owned()),
                Ends::Panics => panic!("broken"),
                Ends::Cancels => {
                    context.run.cancel.cancel();
                    core::future::pending().await
                }
                Ends::CancelsAndFails => {
                    context.run.cancel.cancel();
                    Err("broken".to_owned())
                }
            }
        }
    });
    each = each.depends_on(["load"]);
    each.map = Some(Mapping {
        rule: MapRule::DEFAULT.parallel(2),
        source: 0,
        count: count_items::<Vec<u8>>,
        collect: collect_all::<()>,
    });
    let store = move |context: TaskContext| {
        let list = context.output::<Vec<()>>("each").map(|list| list.len());
        let stored = Arc::clone(&stored);
        async move { list.map(|len| stored.store(len, Ordering::SeqCst)) }
    };
    let pipeline = Pipeline::builder("each").task("load", [], load);
    let pipeline = pipeline.add_task(each).task("store", ["each"], store);
    let result = pipeline.build().unwrap().run().await.unwrap();
    let ran = ran.lock().unwrap().clone();
    (result, ran, behind.load(Ordering::SeqCst))
}

/// dagster#30248, #30077, #19490: what was never started was read as "nothing to do", and data were
/// lost in silence.
#[tokio::test]
async fn no_item_is_lost_in_silence_whatever_stops_the_others_at_each_of_them() {
    for how in [
        Ends::Fails,
        Ends::Panics,
        Ends::Cancels,
        Ends::CancelsAndFails,
    ] {
        for at in 0..=ITEMS {
            let (result, ran, stored) = mapped(at, how).await;
            let each = &result.task_results["each"];
            if at == ITEMS {
                assert!(result.succeeded() && ran.len() == ITEMS && stored == ITEMS);
                continue;
            }
            assert!(!each.succeeded(), "{how:?} at {at}: {result}");
            assert_eq!(stored, 0, "nobody takes a part for the whole");
            assert_eq!(each.items.len(), ITEMS, "each item is in the result");
            for item in &each.items {
                let has_run = ran.contains(&item.item);
                assert!(item.state.is_terminal());
                assert!(has_run || !item.state.is_success(), "{how:?}: {item:?}");
                assert!(!has_run || item.attempts == 1, "{how:?}: {item:?}");
                let says_not = [TaskState::Skipped, TaskState::Cancelled].contains(&item.state);
                assert!(has_run || says_not, "{how:?}: {item:?}");
            }
            let expected = match how {
                Ends::Fails => TaskState::Failed,
                Ends::Panics => TaskState::Panicked,
                Ends::Cancels | Ends::CancelsAndFails => TaskState::Cancelled,
            };
            let own = each.items[at].state;
            // Its own end may come before the cancel, or not.
            assert!(
                own == expected || how == Ends::CancelsAndFails && own == TaskState::Failed,
                "{own}"
            );
        }
    }
}

/// airflow#65400, #56196: the handler for failures was called while repetitions were left.
#[tokio::test(start_paused = true)]
async fn no_handler_is_called_while_repetitions_are_left() {
    for succeeds_at in [3, 4] {
        let called = Arc::new(AtomicUsize::new(0));
        let (seen, counts) = (Arc::clone(&called), Arc::clone(&called));
        let task = Task::new("flaky", move |context: TaskContext| {
            assert_eq!(seen.load(Ordering::SeqCst), 0, "before the last attempt");
            async move {
                match context.attempt() {
                    // The three ways in which an attempt can go that is repeated.
                    1 => Err("refused"),
                    2 => core::future::pending().await,
                    n if n < succeeds_at => Err("refused"),
                    _ => Ok(()),
                }
            }
        });
        let task = task.timeout(Duration::from_secs(1));
        let policy = RetryPolicy::new(2).backoff(Backoff::Constant);
        let pipeline = Pipeline::builder("flaky").add_task(task.retry(policy));
        let pipeline = pipeline.build().unwrap().on_failure(move |run| {
            counts.fetch_add(1, Ordering::SeqCst);
            async move { assert_eq!(run.task_results["flaky"].attempts, 3) }
        });
        let result = pipeline.run().await.unwrap();
        assert!(result.handler_errors.is_empty(), "{result}");
        let times = usize::from(succeeds_at > 3);
        assert_eq!(called.load(Ordering::SeqCst), times, "{result}");
    }
}

/// A task whose thread nothing can stop: it says that it has begun, and waits.
fn stuck(begun: Arc<Notify>, until: Receiver<()>) -> Task {
    let until = Arc::new(Mutex::new(until));
    let mut task = Task::new("stuck", |_| async { Ok::<_, String>(()) });
    task.traced = true;
    task.body = Body::Closure(Box::new(move |_| -> Attempt {
        let (begun, until) = (Arc::clone(&begun), Arc::clone(&until));
        Box::pin(blocking(move || {
            begun.notify_one();
            // Until the other end is gone.
            let _ = until.lock().unwrap().recv();
            Ok(Attempted {
                value: Arc::new(()),
                records: None,
                is_cached: false,
            })
        }))
    }));
    task
}

/// prefect#10195, #15912, #17259: "cancelled" was shown while the work went on, and the hook for it was
/// not called.
#[test]
fn a_cancelled_thread_is_told_of_as_long_as_it_goes_on() {
    for is_dropped in [false, true] {
        let (free, until) = channel::<()>();
        let begun = Arc::new(Notify::new());
        let pipeline = Pipeline::builder("p").add_task(stuck(Arc::clone(&begun), until));
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let pipeline = pipeline.build().unwrap().on_cancel(move |run| async move {
            tell.send(run).unwrap();
        });
        let captured = testing::capture(|| {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_time().build().unwrap();
            let detached = || crate::scope::current_metrics().collect_all();
            let (result, during) = runtime.block_on(async {
                let cancel = pipeline.cancel_handle();
                tokio::select! {
                    biased;
                    result = pipeline.run() => assert!(!is_dropped, "{result:?}"),
                    () = async {
                        begun.notified().await;
                        if !is_dropped {
                            cancel.cancel();
                            core::future::pending::<()>().await;
                        }
                    } => {}
                }
                (told.recv().await.unwrap(), detached())
            });
            assert_eq!(result.state, RunState::Cancelled);
            let stuck = &result.task_results["stuck"];
            assert_eq!(
                (stuck.state, stuck.still_running),
                (TaskState::Cancelled, 1)
            );
            assert_eq!(result.still_running, 1);
            assert!(result.summary().contains("still running"), "{result}");
            assert_eq!(value(&during), Some(1.0), "it works on");
            drop(free);
            // It waits for its threads.
            drop(runtime);
            assert!(told.try_recv().is_err(), "the handler was called once");
        });
        let gauge = captured.assert_metric("obs.pipeline.detached");
        gauge
            .labels([("pipeline", "p"), ("task", "stuck")])
            .value(0);
    }
}

fn value(families: &[MetricFamily]) -> Option<f64> {
    let family = families
        .iter()
        .find(|f| f.name == "obs.pipeline.detached")?;
    match &family.data {
        MetricData::UpDownCounter(points) => Some(points.iter().next()?.value.as_f64()),
        _ => None,
    }
}

/// prefect#14329: memory grew with the tasks that were done.
#[tokio::test]
async fn a_chain_of_large_outputs_holds_two_of_them() {
    const TASKS: usize = 100_000;
    static HELD: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    struct Large(Vec<u8>);
    impl Large {
        fn new() -> Self {
            let held = HELD.fetch_add(1, Ordering::SeqCst) + 1;
            MOST.fetch_max(held, Ordering::SeqCst);
            Self(Vec::with_capacity(1 << 20))
        }
    }
    impl Drop for Large {
        fn drop(&mut self) {
            HELD.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let names: Vec<String> = (0..TASKS).map(|n| n.to_string()).collect();
    let mut builder = Pipeline::builder("chain");
    for at in 0..TASKS {
        let before = at.checked_sub(1).map(|before| &*names[before]);
        let name = before.map(str::to_owned);
        builder = builder.task(names[at].clone(), before, move |context| {
            let before = name.as_deref().map(|name| context.output::<Large>(name));
            let before = before.transpose();
            async move {
                let taken = before?.map_or(1 << 20, |large| large.0.capacity());
                assert!(taken >= 1 << 20);
                Ok::<_, TaskError>(Large::new())
            }
        });
    }
    let result = builder.build().unwrap().run().await.unwrap();
    assert!(result.succeeded());
    assert!(MOST.load(Ordering::SeqCst) < 3);
    assert_eq!(
        HELD.load(Ordering::SeqCst),
        1,
        "the last one is the result's"
    );
}

/// dagster#11475: nothing started before the last of 5,600 items had been made, which took 30 minutes.
#[tokio::test]
async fn the_first_of_many_items_begins_before_the_second_lot_is_made() {
    const ITEMS: usize = 100_000;
    static MADE: AtomicUsize = AtomicUsize::new(0);
    static HELD: AtomicUsize = AtomicUsize::new(0);
    struct Item;
    impl Drop for Item {
        fn drop(&mut self) {
            HELD.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let load = |_| async {
        Ok::<_, String>(Lazy::new((0..ITEMS).map(|_| {
            MADE.fetch_add(1, Ordering::SeqCst);
            HELD.fetch_add(1, Ordering::SeqCst);
            Item
        })))
    };
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let mut each = Task::new("each", move |context: TaskContext| {
        let item = context.item().unwrap();
        // No more are made than may work at once, and what has ended is let go.
        assert!(MADE.load(Ordering::SeqCst) <= item + 2 * 1_024);
        seen.fetch_max(HELD.load(Ordering::SeqCst), Ordering::SeqCst);
        async { Ok::<_, String>(()) }
    });
    each = each.depends_on(["load"]);
    each.map = Some(Mapping {
        rule: MapRule::DEFAULT.max(ITEMS as u32),
        source: 0,
        count: count_items::<Lazy<Item>>,
        collect: collect_all::<()>,
    });
    let pipeline = Pipeline::builder("each").task("load", [], load);
    let pipeline = pipeline.add_task(each).build().unwrap();
    let result = pipeline.run().await.unwrap();
    assert!(
        result.succeeded(),
        "{:?}",
        result.task_results["each"].error
    );
    assert_eq!(result.task_results["each"].items.len(), ITEMS);
    assert!(most.load(Ordering::SeqCst) <= 2 * 1_024);
    assert_eq!(HELD.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_output_that_is_not_there_says_how_its_task_ended() {
    for (fails, expected) in [(true, "failed"), (false, "skipped")] {
        let first = Task::new("first", move |_| async move {
            if fails { Err("broken") } else { Ok(()) }
        });
        let mut second = Task::new("second", |_| async { Ok::<_, String>(1) });
        second = second.depends_on(["first"]);
        second.policy.run_if = RunIf::Failed;
        let mut third = Task::new("third", |context| async move {
            let output = context.output::<i32>(if context.rule().dependencies.len() > 1 {
                "second"
            } else {
                "first"
            });
            Ok::<_, String>(output.unwrap_err().to_string())
        });
        third = third.depends_on(if fails {
            vec!["first"]
        } else {
            vec!["first", "second"]
        });
        third.policy.run_if = RunIf::Done;
        let builder = Pipeline::builder("p").add_task(first).add_task(second);
        let run = builder
            .add_task(third)
            .build()
            .unwrap()
            .run()
            .await
            .unwrap();
        let text = run.output::<String>("third").unwrap();
        assert!(text.contains(expected), "{text}");
        let second = &run.task_results["second"];
        assert_eq!(second.skip_reason == Some(SkipReason::Condition), !fails);
    }
}
