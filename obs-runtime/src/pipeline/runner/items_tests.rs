//! Mapped tasks, and what stops attempts, seen from the runner.

use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::task::Wake;

use super::*;
use crate::pipeline::context::Thread;
use crate::pipeline::items::{collect_all, count_items};
use crate::pipeline::meters::Meters;
use crate::pipeline::plan::MapRule;
use crate::pipeline::task::Mapping;
use crate::pipeline::{Backoff, Pipeline, Task, TaskContext, TaskState};
use crate::testing;
use crate::trace::Outcome;

/// A pipeline with a task that is called for each of so many items.
fn mapped<F, Fut>(items: usize, each: F) -> Pipeline
where
    F: Fn(TaskContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), String>> + Send + 'static,
{
    let mut task = Task::new("each", each).depends_on(["load"]).retries(1);
    task = task.backoff(Backoff::None);
    task.map = Some(Mapping {
        rule: MapRule::DEFAULT,
        source: 0,
        count: count_items::<Vec<u8>>,
        collect: collect_all::<()>,
    });
    let load = move |_| async move { Ok::<_, String>(vec![0_u8; items]) };
    let pipeline = Pipeline::builder("mapped").task("load", [], load);
    pipeline.add_task(task).build().unwrap()
}

// bug: the pause between two lots of items asked tokio for a timer, which panics where there is none.
#[test]
fn many_items_need_no_timer() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    let run = runtime.block_on(mapped(3_000, |_| async { Ok(()) }).run());
    let run = run.unwrap();
    assert!(run.succeeded(), "{run}");
    assert_eq!(run.task_results["each"].items.len(), 3_000);
}

// bug: of all items the repetitions of the one with the most of them were counted.
#[tokio::test]
async fn the_repetitions_of_all_items_are_counted() {
    let each = |context: TaskContext| async move {
        match (context.item(), context.attempt()) {
            (Some(0..3), 1) => Err("busy".to_owned()),
            _ => Ok(()),
        }
    };
    let captured = testing::capture_async(mapped(5, each).run()).await;
    assert!(captured.value.as_ref().unwrap().succeeded());
    let retries = captured.assert_metric("obs.pipeline.task.retries");
    retries.labels([("task", "each")]).total(3);
}

// bug: such attempts ended as cancelled, and their context said that they were not.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_a_deadline_stops_has_failed_and_knows_that_it_is_stopped() {
    struct Asks(TaskContext, Arc<AtomicBool>);
    impl Drop for Asks {
        fn drop(&mut self) {
            self.1.store(self.0.is_cancelled(), Ordering::SeqCst);
        }
    }
    for of_run in [false, true] {
        let told = Arc::new(AtomicBool::new(false));
        let asks = Arc::clone(&told);
        let mut task = Task::new("slow", move |context: TaskContext| {
            assert!(!context.is_cancelled());
            let asks = Asks(context, Arc::clone(&asks));
            async move {
                core::future::pending::<()>().await;
                drop(asks);
                Ok::<_, String>(())
            }
        });
        let second = Duration::from_secs(1);
        if !of_run {
            task.policy.times.deadline = Some(second);
        }
        let mut pipeline = Pipeline::builder("slow").add_task(task).build().unwrap();
        if of_run {
            pipeline = pipeline.deadline(second);
        }
        let captured = testing::capture_async(pipeline.run()).await;
        let run = captured.value.as_ref().unwrap();
        assert_eq!(run.task_results["slow"].state, TaskState::TimedOut);
        let error = run.task_results["slow"].error.as_ref().unwrap();
        assert!(!error.message().contains("the last error"), "{error}");
        assert_eq!(captured.span("slow").outcome, Outcome::Error);
        assert!(told.load(Ordering::SeqCst), "{of_run}");
    }
}

// bug: that a thread had ended could be told before that it had been left, and its permits were lost.
#[tokio::test]
async fn a_thread_cannot_end_between_its_attempt_and_the_word_of_it() {
    struct Looks(Arc<Run>, AtomicBool);
    impl Wake for Looks {
        fn wake(self: Arc<Self>) {
            let is_held = self.0.cells[0].try_lock().is_err();
            self.1.store(is_held, Ordering::SeqCst);
        }
    }
    let pipeline = Pipeline::builder("p").task("a", [], |_| async { Ok::<_, String>(()) });
    let pipeline = pipeline.build().unwrap();
    let graph = Pipeline::builder("p").task("a", [], |_| async { Ok::<_, String>(()) });
    let graph = graph.build().unwrap();
    let result = graph.run().await.unwrap();
    let meters = Meters::of(&crate::scope::current(), &result.task_results.graph, &[]);
    let run = Arc::new(pipeline.into_run("1".to_owned(), None, meters));
    let unit = Unit::task(0);
    run.cell(0).threads.insert((unit, 1), Thread::default());
    let looks = Arc::new(Looks(Arc::clone(&run), AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&looks));
    assert!(
        run.mailbox
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(Flight::new(Arc::clone(&run), unit, 1));
    assert!(looks.1.load(Ordering::SeqCst));
    let mut messages = Vec::new();
    run.mailbox.take(&mut messages);
    assert!(matches!(messages[..], [Message::Ended { left: true, .. }]));
}

// bug: a run was asked whether it is cancelled only when there was nothing else to do.
#[tokio::test]
async fn a_run_that_is_busy_notices_that_it_is_cancelled() {
    let busy = |context: TaskContext| async move {
        for _ in 0..=AT_ONCE {
            context.run.mailbox.send(Message::Released {
                unit: Unit::task(0),
                attempt: 9,
            });
        }
        // The runner reads all of them, and lets others have their turn.
        tokio::task::yield_now().await;
        context.run.cancel.cancel();
        Ok::<_, String>(())
    };
    let pipeline = Pipeline::builder("busy").task("busy", [], busy);
    let pipeline = pipeline.task("after", ["busy"], |_| async { Ok::<_, String>(()) });
    let run = pipeline.build().unwrap().run().await.unwrap();
    let after = &run.task_results["after"];
    assert_eq!((after.state, after.attempts), (TaskState::Cancelled, 0));
}
