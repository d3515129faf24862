//! One task's attempts, from the first to the one that decides.

use core::any::Any;
use core::pin::Pin;
use core::sync::atomic::Ordering;
use core::task::{Context, Poll};
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::time::Instant;

use crate::pipeline::TaskContext;
use crate::pipeline::context::Run;
use crate::pipeline::result::{Output, TaskError};
use crate::pipeline::task::{Attempted, Body};
use crate::pipeline::telemetry::{self, Beginning};
use crate::trace::{Instrument as _, current};

/// How a task's attempts ended.
pub(crate) struct Ended {
    pub(crate) task: u32,
    pub(crate) duration: Duration,
    pub(crate) result: Result<Output, TaskError>,
}

/// Attempts the task until one succeeds or no repetition is left.
pub(crate) async fn run_task(run: Arc<Run>, task: u32) -> Ended {
    let mut began = None;
    let result = attempts(&run, task, &mut began).await;
    Ended {
        task,
        duration: began.map_or(Duration::ZERO, |began: Instant| began.elapsed()),
        result,
    }
}

async fn attempts(
    run: &Arc<Run>,
    task: u32,
    began: &mut Option<Instant>,
) -> Result<Output, TaskError> {
    let node = &run.graph.nodes[task as usize];
    let cell = &run.cells[task as usize];
    let mut attempt = 1;
    loop {
        let error = {
            // Held for the attempt only: others may run during the pause.
            let permit = match node.limit {
                Some(limit) => run.limits[limit as usize].acquire().await.ok(),
                None => None,
            };
            if began.is_none() {
                let now = Instant::now();
                cell.set_began(now.duration_since(run.began));
                *began = Some(now);
            }
            cell.attempts.store(attempt, Ordering::Release);
            let context = TaskContext {
                run: Arc::clone(run),
                task,
                attempt,
            };
            let ended = once(context).await;
            drop(permit);
            match ended {
                Ok(done) => {
                    if let Some(records) = done.records {
                        cell.set_records(records);
                    }
                    return Ok(done.value);
                }
                Err(Failure::Repeatable(error)) => error,
                Err(Failure::Final(error)) => return Err(error),
            }
        };
        if attempt > node.policy.retry.retries {
            return Err(error);
        }
        let pause = node.policy.retry.pause(attempt);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        attempt += 1;
    }
}

enum Failure {
    Repeatable(TaskError),
    /// A panic is a mistake in the program: it would come again.
    Final(TaskError),
}

async fn once(context: TaskContext) -> Result<Attempted, Failure> {
    if context.node().traced {
        return limited(context).await;
    }
    let span = telemetry::task_span(&context);
    let attempt = async {
        let ended = limited(context).await;
        if let Err(Failure::Repeatable(error) | Failure::Final(error)) = &ended {
            current::set_error(error.kind.clone(), error.message());
        }
        ended
    };
    attempt.instrument(span).await
}

/// Makes and runs an attempt within its time.
async fn limited(context: TaskContext) -> Result<Attempted, Failure> {
    let run = Arc::clone(&context.run);
    let node = &run.graph.nodes[context.task as usize];
    let beginning = context.clone();
    let attempt = match catch_unwind(AssertUnwindSafe(|| match &node.body {
        Body::Function(make) => make(context),
        Body::Closure(make) => make(context),
    })) {
        Ok(attempt) => CatchPanic(Beginning::new(attempt, beginning)),
        Err(payload) => return Err(panicked(&*payload)),
    };
    let Some(limit) = node.policy.timeout else {
        return attempt.await;
    };
    match tokio::time::timeout(limit, attempt).await {
        Ok(ended) => ended,
        Err(_) => Err(Failure::Repeatable(TaskError::new(
            "timeout",
            format!("timed out after {limit:?}"),
        ))),
    }
}

fn panicked(payload: &(dyn Any + Send)) -> Failure {
    Failure::Final(TaskError::new("panic", panic_message(payload)))
}

/// The text of a panic, as `panic!` leaves it.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    match text {
        Some(text) => format!("panicked: {text}"),
        None => "panicked".to_owned(),
    }
}

/// Turns a panic of the attempt into its result.
struct CatchPanic(Beginning);

impl Future for CatchPanic {
    type Output = Result<Attempted, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // After a panic the attempt is only dropped, never polled again.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
            Ok(poll) => poll.map_err(Failure::Repeatable),
            Err(payload) => Poll::Ready(Err(panicked(&*payload))),
        }
    }
}
