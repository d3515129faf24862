//! Synchronous tasks that a run has given up: nothing can stop them, so they count until they end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use obs_runtime::AttributeValue;
use obs_runtime::pipeline::{Pipeline, Resource, TaskContext, TaskState};
use obs_runtime::pipeline_task;
use obs_runtime::testing::capture_async;

const TIMEOUT: Duration = Duration::from_secs(1);

/// Attempts that say when they begin, and go on until they are told to end.
struct Gate {
    running: AtomicUsize,
    most: AtomicUsize,
    begun: tokio::sync::mpsc::UnboundedSender<u32>,
    end: Mutex<Receiver<()>>,
}

type Gated = Arc<Gate>;

fn gate() -> (Gated, tokio::sync::mpsc::UnboundedReceiver<u32>, Sender<()>) {
    let (begun, begins) = tokio::sync::mpsc::unbounded_channel();
    let (ends, end) = channel();
    let gate = Gate {
        running: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
        begun,
        end: Mutex::new(end),
    };
    (Arc::new(gate), begins, ends)
}

impl Gate {
    fn work(&self, attempt: u32) {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.begun.send(attempt).unwrap();
        // An error is the end too: the test is over.
        let _ended = self.end.lock().unwrap().recv();
        self.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Moves the clock, which stands still while a thread that may block works, and lets everything
/// happen that is due then: a timer, the task that it wakes, and the driver of the run.
async fn pass(time: Duration) {
    tokio::time::advance(time).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[pipeline_task(
    pipeline = "stubborn",
    timeout = TIMEOUT,
    retries = 1,
    backoff = "none",
    concurrency = "one"
)]
fn stubborn(gate: Resource<Gated>, context: &TaskContext) {
    gate.work(context.attempt());
}

// bug: each attempt after a timeout ran beside those that were given up, whatever the limit.
#[tokio::test(start_paused = true)]
async fn a_repetition_waits_for_the_attempt_that_was_given_up() {
    let (gate, mut begins, ends) = gate();
    let pipeline = Pipeline::named("stubborn").unwrap();
    let pipeline = pipeline.resource(Arc::clone(&gate)).concurrency("one", 1);
    // Nothing may panic before the attempts can end: the runtime waits for their threads.
    let (result, early) = tokio::join!(pipeline.run(), async {
        begins.recv().await;
        pass(TIMEOUT).await;
        pass(TIMEOUT / 2).await;
        let early = begins.try_recv();
        drop(ends);
        early
    });
    assert!(early.is_err(), "the limit is reached: {early:?}");
    assert_eq!(begins.try_recv(), Ok(2));
    let result = result.unwrap();
    assert_eq!(gate.most.load(Ordering::SeqCst), 1);
    let task = &result.task_results["stubborn"];
    assert_eq!((task.state, task.attempts), (TaskState::Succeeded, 2));
    assert_eq!(task.waited, TIMEOUT / 2);
    assert_eq!((task.still_running, result.still_running), (0, 0));
}

#[pipeline_task(pipeline = "hung", timeout = TIMEOUT, concurrency = "one")]
fn hangs(gate: Resource<Gated>, context: &TaskContext) {
    gate.work(context.attempt());
}

#[pipeline_task(pipeline = "hung", concurrency = "one")]
async fn waits() {}

#[pipeline_task(pipeline = "hung", depends_on(waits), concurrency = "one")]
async fn comes_after() {}

// bug: an attempt that hung kept its slots for ever, and the run never ended, whatever its timeout.
#[tokio::test(start_paused = true)]
async fn a_task_that_never_returns_does_not_keep_a_run_from_its_end() {
    for (whole, named) in [(1, 2), (2, 1), (1, 1)] {
        let (gate, mut begins, ends) = gate();
        let pipeline = Pipeline::named("hung").unwrap();
        let pipeline = pipeline.resource(gate).concurrency("one", named);
        let pipeline = pipeline.max_parallel_tasks(whole);
        let handle = pipeline.cancel_handle();
        let (result, ()) = tokio::join!(pipeline.run(), async {
            begins.recv().await;
            // The first ends the attempt. After the second it has had its time once more.
            for _ in 0..2 {
                pass(TIMEOUT).await;
            }
            // A run that hangs fails this test, and does not keep it from its end.
            handle.cancel();
        });
        drop(ends);
        let result = result.unwrap();
        let state = |task| result.task_results[task].state;
        let states = ["hangs", "waits", "comes_after"].map(state);
        let expected = [
            TaskState::TimedOut,
            TaskState::Succeeded,
            TaskState::Succeeded,
        ];
        assert_eq!(states, expected, "{whole} {named}");
        assert_eq!(result.task_results["waits"].waited, TIMEOUT * 2);
        assert_eq!(result.task_results["hangs"].still_running, 1);
    }
}

// bug: a repetition waited for ever for an attempt that hung.
#[tokio::test(start_paused = true)]
async fn a_task_whose_attempts_never_return_fails() {
    let (gate, mut begins, ends) = gate();
    let pipeline = Pipeline::named("stubborn").unwrap();
    let pipeline = pipeline.resource(gate).concurrency("one", 1);
    let (result, ()) = tokio::join!(pipeline.run(), async {
        begins.recv().await;
        pass(TIMEOUT).await;
        pass(TIMEOUT).await;
        begins.recv().await;
        pass(TIMEOUT).await;
    });
    drop(ends);
    let result = result.unwrap();
    let task = &result.task_results["stubborn"];
    assert_eq!((task.state, task.attempts), (TaskState::TimedOut, 2));
    assert_eq!((task.waited, task.still_running), (TIMEOUT, 2));
}

#[tokio::test(start_paused = true)]
async fn what_still_runs_at_the_end_is_named() {
    let (gate, mut begins, ends) = gate();
    let pipeline = Pipeline::named("stubborn").unwrap();
    let handle = pipeline.cancel_handle();
    let pipeline = pipeline.resource(Arc::clone(&gate)).concurrency("one", 2);
    let captured = capture_async(async {
        tokio::join!(pipeline.run(), async {
            begins.recv().await;
            tokio::time::advance(TIMEOUT).await;
            // There is a slot for it.
            begins.recv().await;
            handle.cancel();
        })
    })
    .await;
    drop(ends);
    let result = captured.value.0.as_ref().unwrap();
    let task = &result.task_results["stubborn"];
    assert_eq!((task.state, task.attempts), (TaskState::Cancelled, 2));
    assert_eq!((task.still_running, result.still_running), (2, 2));
    let summary = result.summary();
    let line = "\n  still running, as nothing can stop it: stubborn 2\n";
    assert!(summary.contains(line), "{summary}");
    let run = captured.span("pipeline stubborn");
    let said = run.attribute("obs.pipeline.still_running");
    assert_eq!(said, Some(&AttributeValue::I64(2)));
}

/// An attempt that is given up before a thread was free for it never begins.
#[test]
fn an_attempt_that_has_not_begun_is_taken_back() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (gate, mut begins, ends) = gate();
    let (busy, idle) = channel::<()>();
    let pipeline = Pipeline::named("stubborn").unwrap();
    let handle = pipeline.cancel_handle();
    let pipeline = pipeline.resource(Arc::clone(&gate)).concurrency("one", 1);
    let result = runtime.block_on(async {
        // The only thread that may block is taken.
        let taken = tokio::task::spawn_blocking(move || idle.recv());
        let (result, ()) = tokio::join!(pipeline.run(), async {
            // The driver is polled first, then its task.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            handle.cancel();
        });
        drop(busy);
        let _idle = taken.await.unwrap();
        result.unwrap()
    });
    drop(ends);
    // It waits for all that its threads have to do.
    drop(runtime);
    assert!(begins.try_recv().is_err(), "it never began");
    let task = &result.task_results["stubborn"];
    assert_eq!((task.state, task.attempts), (TaskState::Cancelled, 1));
    assert_eq!(task.still_running, 0);
}

static KNOWS: tokio::sync::Notify = tokio::sync::Notify::const_new();
static BEGAN: AtomicBool = AtomicBool::new(false);

#[pipeline_task(pipeline = "asks_whether_it_is_left", timeout = "1ms")]
fn works_until_it_is_left(context: &TaskContext) {
    BEGAN.store(true, Ordering::SeqCst);
    while !context.is_cancelled() {
        std::thread::yield_now();
    }
    KNOWS.notify_one();
}

// bug: only a cancel told the thread of an attempt that nobody waited for it.
#[tokio::test]
async fn a_thread_that_was_left_can_know() {
    // On a busy machine the timeout may pass before there is a thread: then it never begins.
    while !BEGAN.load(Ordering::SeqCst) {
        let pipeline = Pipeline::named("asks_whether_it_is_left").unwrap();
        let run = pipeline.run().await.unwrap();
        let state = run.task_results["works_until_it_is_left"].state;
        // It may have ended before its attempt was dropped, but not before it was stopped.
        assert!(matches!(state, TaskState::TimedOut | TaskState::Succeeded));
    }
    KNOWS.notified().await;
}
