//! Handlers are called once for a run and the state that it ended in, whatever became of the run.

use core::task::{Context, Waker};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use obs_runtime::pipeline::{Backoff, Pipeline, RunResult, RunState, Task, TaskContext, TaskState};
use obs_runtime::testing::capture_async;
use obs_runtime::{on_cancel, on_complete, on_failure, on_late, pipeline_task};
use tokio::sync::Notify;

/// What the closures of a pipeline were told.
#[derive(Clone, Default)]
struct Told {
    calls: Arc<Mutex<Vec<&'static str>>>,
    any: Arc<Notify>,
}

impl Told {
    fn note(&self, what: &'static str) {
        self.calls.lock().unwrap().push(what);
        self.any.notify_one();
    }

    fn listen(&self, pipeline: Pipeline) -> Pipeline {
        let [failure, complete, cancel, late] =
            [self.clone(), self.clone(), self.clone(), self.clone()];
        pipeline
            .on_failure(|_| async move { failure.note("failure") })
            .on_complete(|_| async move { complete.note("complete") })
            .on_cancel(|_| async move { cancel.note("cancel") })
            .on_late(|_| async move { late.note("late") })
    }

    fn all(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().clone()
    }
}

fn pipeline(task: Task) -> Pipeline {
    Pipeline::builder("told").add_task(task).build().unwrap()
}

fn endless() -> Task {
    Task::new("endless", |_| std::future::pending::<Result<(), String>>())
}

#[tokio::test(start_paused = true)]
async fn each_end_calls_its_handlers_once() {
    let fine = || Task::new("fine", |_| async { Ok::<_, String>(()) });
    let fails = || {
        let task = Task::new("fails", |_| async { Err::<(), _>("no") });
        task.retries(2).backoff(Backoff::None)
    };
    let panics = || Task::new("panics", |_| async { panic!("boom") as Result<(), String> });
    let slow = || endless().timeout(Duration::from_secs(1));
    let failure: &[&str] = &["failure", "complete"];
    let ends = [
        (fine(), &failure[1..]),
        (fails(), failure),
        (panics(), failure),
        (slow(), failure),
    ];
    for (task, expected) in ends {
        let told = Told::default();
        let run = told.listen(pipeline(task)).run().await.unwrap();
        assert_eq!(told.all(), expected, "{run}");
        assert!(run.handler_errors.is_empty());
    }
    let told = Told::default();
    let over = told
        .listen(pipeline(endless()))
        .deadline(Duration::from_secs(1));
    assert_eq!(over.run().await.unwrap().state, RunState::TimedOut);
    assert_eq!(told.all(), ["failure", "complete"]);
    let told = Told::default();
    let cancelled = told.listen(pipeline(endless()));
    cancelled.cancel_handle().cancel();
    assert_eq!(cancelled.run().await.unwrap().state, RunState::Cancelled);
    assert_eq!(told.all(), ["cancel"]);
}

static DROPPED: Mutex<Vec<(RunState, TaskState)>> = Mutex::new(Vec::new());
static DROPPED_RUN: Notify = Notify::const_new();

#[pipeline_task(pipeline = "dropped")]
async fn wait_for_ever() {
    std::future::pending::<()>().await;
}

#[on_cancel(pipeline = "dropped")]
async fn of_a_dropped_run(run: &RunResult) {
    tokio::task::yield_now().await;
    let task = run.task_results["wait_for_ever"].state;
    DROPPED.lock().unwrap().push((run.state, task));
    DROPPED_RUN.notify_one();
}

// bug: a run whose future was dropped called no handler.
#[tokio::test]
async fn a_run_whose_future_is_dropped_is_cancelled_and_calls_its_handlers() {
    let mut run = Box::pin(Pipeline::named("dropped").unwrap().run());
    assert!(
        run.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    tokio::task::yield_now().await;
    drop(run);
    DROPPED_RUN.notified().await;
    let told = [(RunState::Cancelled, TaskState::Cancelled)];
    assert_eq!(*DROPPED.lock().unwrap(), told);
}

#[tokio::test]
async fn a_run_that_was_started_goes_on_without_its_handle() {
    let told = Told::default();
    let gate = Arc::new(Notify::new());
    let waits = Arc::clone(&gate);
    let task = Task::new("waits", move |_| {
        let waits = Arc::clone(&waits);
        async move {
            waits.notified().await;
            Ok::<_, String>(())
        }
    });
    let run = told.listen(pipeline(task)).start().await.unwrap();
    assert!(!run.id().is_empty());
    drop(run);
    gate.notify_one();
    told.any.notified().await;
    assert_eq!(told.all(), ["complete"]);
}

static LATE: AtomicUsize = AtomicUsize::new(0);

#[pipeline_task(pipeline = "overdue", name = "nap")]
async fn nap_for_an_hour() {
    tokio::time::sleep(Duration::from_secs(3_600)).await;
}

#[on_late(pipeline = "overdue")]
fn tell(run: &RunResult) {
    assert_eq!(run.state, RunState::Running);
    assert_eq!(run.task_results["nap"].state, TaskState::Running);
    LATE.fetch_add(1, Ordering::SeqCst);
}

#[tokio::test(start_paused = true)]
async fn a_late_run_tells_once_and_goes_on() {
    let pipeline = Pipeline::named("overdue").unwrap();
    let told = Told::default();
    let run = told.listen(pipeline.late(Duration::from_secs(1_800))).run();
    let run = run.await.unwrap();
    assert_eq!(run.state, RunState::Succeeded);
    assert_eq!(told.all(), ["late", "complete"]);
    assert_eq!(LATE.load(Ordering::SeqCst), 1);
    assert!(run.handler_errors.is_empty(), "{run}");
    let in_time = Pipeline::named("overdue")
        .unwrap()
        .late(Duration::from_secs(7_200));
    assert!(in_time.run().await.unwrap().succeeded());
    assert_eq!(LATE.load(Ordering::SeqCst), 1);
}

#[pipeline_task(pipeline = "slow_handlers")]
async fn quick() -> Result<(), String> {
    Err("no".to_owned())
}

#[on_failure(pipeline = "slow_handlers", deadline = "5s")]
async fn hangs(_: &RunResult) {
    std::future::pending::<()>().await;
}

#[on_complete(pipeline = "slow_handlers")]
async fn says_nothing_wrong(run: &RunResult) {
    assert_eq!(run.handler_errors.len(), 1);
}

#[on_complete(pipeline = "slow_handlers")]
fn panics(_: &RunResult) {
    panic!("boom");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_or_hangs_is_counted_and_changes_nothing() {
    let began = tokio::time::Instant::now();
    let pipeline = Pipeline::named("slow_handlers").unwrap();
    let hangs_too = pipeline.on_failure(|_| std::future::pending::<()>());
    let captured = capture_async(hangs_too.run()).await;
    let run = captured.value.as_ref().unwrap();
    // Its own deadline, and the one of handlers that say nothing.
    assert_eq!(began.elapsed(), Duration::from_secs(35));
    assert_eq!((run.state, run.tasks_failed), (RunState::Failed, 1));
    let errors: Vec<_> = run.handler_errors.iter().map(|e| &*e.message).collect();
    assert_eq!(
        errors,
        [
            "not done within its deadline of 5s; nobody waits for it any more",
            "panicked: boom",
            "not done within its deadline of 30s; nobody waits for it any more",
        ]
    );
    assert!(run.handler_errors[2].handler.contains("handlers.rs:"));
    for (result, count) in [("timeout", 2), ("panic", 1), ("ok", 1)] {
        let calls = captured.assert_metric("obs.pipeline.handler.calls");
        calls.labels([("result", result)]).total(count);
    }
}

#[tokio::test]
async fn a_context_knows_that_its_run_is_being_cancelled() {
    /// Says what its context knows when its attempt is dropped.
    struct Asks(TaskContext, Arc<Mutex<Vec<bool>>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            self.1.lock().unwrap().push(self.0.is_cancelled());
        }
    }
    let (begun, knows) = (Arc::new(Notify::new()), Arc::default());
    let (begins, asks) = (Arc::clone(&begun), Arc::clone(&knows));
    let task = Task::new("asks", move |context: TaskContext| {
        let asks = Asks(context, Arc::clone(&asks));
        let begins = Arc::clone(&begins);
        async move {
            asks.1.lock().unwrap().push(asks.0.is_cancelled());
            begins.notify_one();
            std::future::pending::<()>().await;
            Ok::<_, String>(())
        }
    });
    let told = Told::default();
    let run = told.listen(pipeline(task)).start().await.unwrap();
    begun.notified().await;
    run.cancel();
    assert_eq!(run.wait().await.unwrap().state, RunState::Cancelled);
    assert_eq!(*knows.lock().unwrap(), [false, true]);
    assert_eq!(told.all(), ["cancel"]);
}
