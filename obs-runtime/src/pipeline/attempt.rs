//! One task's attempts, from the first to the one that decides.
//!
//! A wide graph has as many of these futures at once as tasks, so they are kept small: what few
//! tasks need (a limit, a timeout, a pause) is in a box of its own.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use tokio::task::Unconstrained;
use tokio::time::Sleep;

use crate::backoff;
use crate::guarded::caught;
use crate::pipeline::TaskContext;
use crate::pipeline::context::Run;
use crate::pipeline::result::{Output, TaskError, TaskResult, TaskState};
use crate::pipeline::slots::{Place, Slots};
use crate::pipeline::task::{Attempt, Attempted, Body};
use crate::pipeline::telemetry::{self, Beginning};
use crate::retry::Hint;
use crate::trace::active::drop_failed;
use crate::trace::{Outcome, SpanError};
use crate::{Span, SpanContext};

/// How a task's attempts ended.
pub(crate) struct Ended {
    pub(crate) task: u32,
    pub(crate) result: TaskResult,
    pub(crate) output: Option<Output>,
}

/// Attempts the task until one succeeds or no repetition is left. The first attempt has its place
/// in the line for slots already.
pub(crate) async fn run_task(run: Arc<Run>, task: u32, mut place: Place) -> Ended {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let ended = {
            // Held for the attempt only: others may run during the pause.
            let held = match place {
                Some(place) => Some(place.await),
                None => None,
            };
            if let Some(held) = &held {
                run.cell(task as usize).held = Arc::downgrade(held);
            }
            Attempting::start(&run, task, attempt).await
        };
        // What is told apart here does not live on in the pause: there may be many of them.
        let pause = match ended {
            Ok(done) => return account(&run, task, Ok(done)),
            Err(Failure::Final(error)) => return account(&run, task, Err(error)),
            Err(Failure::Repeatable(error)) => match next_pause(&run, task, attempt) {
                Some(pause) => pause,
                None => return account(&run, task, Err(error)),
            },
        };
        if !pause.is_zero() {
            Box::pin(tokio::time::sleep(pause)).await;
        }
        place = Slots::line_up(&run, task);
    }
}

/// Returns the pause before the next attempt, if there is one.
fn next_pause(run: &Run, task: u32, failed: u32) -> Option<Duration> {
    let began = run.cell(task as usize).began.unwrap_or_default();
    let elapsed = run.began.elapsed().saturating_sub(began);
    let policy = &run.graph.nodes[task as usize].policy;
    policy
        .retry
        .next(failed, elapsed, Hint::None, backoff::random())
}

/// The account of the task, here and not by the driver of the run: it has the moment of the end,
/// and the driver is one for all tasks.
fn account(run: &Run, task: u32, ended: Result<Attempted, TaskError>) -> Ended {
    let at = task as usize;
    let (state, output, error) = match ended {
        Ok(done) => {
            if done.records.is_some() {
                run.cell(at).records = done.records;
            }
            (TaskState::Succeeded, Some(done.value), None)
        }
        Err(error) => (TaskState::Failed, None, Some(error)),
    };
    Ended {
        task,
        result: run.result_of(at, state, error),
        output,
    }
}

enum Failure {
    Repeatable(TaskError),
    /// A panic is a mistake in the program: it would come again.
    Final(TaskError),
}

/// An attempt, with or without a timeout.
enum Attempting {
    Begun(Begun),
    /// With a timeout. It counts whatever the attempt has used of tokio's budget for a poll.
    Limited(Begun, Unconstrained<Pin<Box<Sleep>>>),
    /// The closure panicked instead of making the attempt.
    Failed(Option<Failure>),
}

impl Attempting {
    fn start(run: &Arc<Run>, task: u32, attempt: u32) -> Self {
        let node = &run.graph.nodes[task as usize];
        let mut cell = run.cell(task as usize);
        cell.began.get_or_insert_with(|| run.began.elapsed());
        cell.attempts = attempt;
        drop(cell);
        let context = TaskContext {
            run: Arc::clone(run),
            task,
            attempt,
        };
        let _inside = run.span.as_ref().map(SpanContext::attach);
        let mut span = if node.traced {
            Span::none()
        } else {
            telemetry::task_span(&context)
        };
        // Until it is told otherwise: an attempt that is dropped was cancelled.
        span.set_outcome(Outcome::Cancelled);
        let made = {
            let _inside = span.enter();
            caught(|| match &node.body {
                Body::Function(make) => make(context),
                Body::Closure(make) => make(context),
            })
        };
        let begun = match made {
            Ok(attempt) => Begun {
                beginning: node.traced,
                run: Arc::clone(run),
                task,
                attempt,
                span,
            },
            Err(said) => {
                let failure = panicked(said);
                end(span, &failure);
                return Self::Failed(Some(failure));
            }
        };
        match node.policy.timeout {
            Some(limit) => {
                let sleep = Box::pin(tokio::time::sleep(limit));
                Self::Limited(begun, tokio::task::unconstrained(sleep))
            }
            None => Self::Begun(begun),
        }
    }
}

impl Future for Attempting {
    type Output = Result<Attempted, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Begun(begun) => Pin::new(begun).poll(cx),
            Self::Limited(begun, limit) => match Pin::new(&mut *begun).poll(cx) {
                Poll::Pending => Pin::new(limit).poll(cx).map(|()| Err(begun.late())),
                ready @ Poll::Ready(_) => ready,
            },
            Self::Failed(failure) => match failure.take() {
                Some(failure) => Poll::Ready(Err(failure)),
                None => Poll::Pending,
            },
        }
    }
}

/// An attempt that runs: under the run's span, or one of its own, at each poll.
struct Begun {
    run: Arc<Run>,
    task: u32,
    attempt: Attempt,
    /// Of a closure task; annotated functions bring their own.
    span: Span,
    /// Whether the next poll is the first of an annotated function.
    beginning: bool,
}

impl Begun {
    /// The attempt took too long.
    fn late(&mut self) -> Failure {
        let limit = self.run.graph.nodes[self.task as usize].policy.timeout;
        let limit = limit.unwrap_or_default();
        let message = format!("timed out after {limit:?}");
        let error = SpanError::redacted("timeout", &message);
        let failure = Failure::Repeatable(TaskError::new("timeout", message));
        end(core::mem::replace(&mut self.span, Span::none()), &failure);
        let attempt = core::mem::replace(&mut self.attempt, Box::pin(core::future::pending()));
        let span = self.run.cell(self.task as usize).span;
        drop_failed(attempt, span, error);
        Slots::give_up(&self.run, self.task, limit);
        failure
    }

    fn poll_inside(&mut self, cx: &mut Context<'_>) -> Poll<Result<Attempted, Failure>> {
        let _inside = self.run.span.as_ref().map(SpanContext::attach);
        let _own = self.span.enter();
        let _beginning = core::mem::take(&mut self.beginning).then(|| {
            Beginning::enter(TaskContext {
                run: Arc::clone(&self.run),
                task: self.task,
                attempt: self.run.cell(self.task as usize).attempts,
            })
        });
        // After a panic the attempt is only dropped, never polled again.
        match caught(|| self.attempt.as_mut().poll(cx)) {
            Ok(poll) => poll.map_err(Failure::Repeatable),
            Err(said) => Poll::Ready(Err(panicked(said))),
        }
    }
}

impl Future for Begun {
    type Output = Result<Attempted, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.poll_inside(cx);
        if let Poll::Ready(ended) = &polled {
            let span = core::mem::replace(&mut self.span, Span::none());
            match ended {
                Ok(_) => span.end(Outcome::Ok),
                Err(failure) => end(span, failure),
            }
        }
        polled
    }
}

fn end(span: Span, failure: &Failure) {
    let (Failure::Repeatable(error) | Failure::Final(error)) = failure;
    span.set_error(error.kind.clone(), error.message());
    span.end(Outcome::Error);
}

fn panicked(said: String) -> Failure {
    Failure::Final(TaskError::new("panic", said))
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
