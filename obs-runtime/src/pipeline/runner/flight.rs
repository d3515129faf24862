//! One attempt of a task or of an item, from its begin to its end: a future of its own on tokio.
//!
//! It knows nothing of what follows. However it ends, also when it is dropped, it says so once.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use tokio::time::Instant;

use crate::guarded::{caught, guarded};
use crate::pipeline::TaskContext;
#[cfg(feature = "llm")]
use crate::pipeline::account::{Account, InFrame};
use crate::pipeline::context::Run;
use crate::pipeline::driver::{Unit, Why};
use crate::pipeline::meters::Active;
use crate::pipeline::plan::Times;
use crate::pipeline::result::TaskError;
use crate::pipeline::runner::mailbox::{Ended, Message};
use crate::pipeline::task::{Attempt, Body, Unmade};
use crate::pipeline::telemetry::{self, Beginning};
use crate::trace::active::drop_failed;
#[cfg(feature = "llm")]
use crate::trace::frame::FrameId;
use crate::trace::{Outcome, SpanError};
use crate::{Span, SpanContext};

/// An attempt: under the run's span, or one of its own, at each poll.
pub(super) struct Flight {
    run: Arc<Run>,
    unit: Unit,
    attempt: u32,
    stage: Stage,
    /// Of a closure task; annotated functions bring their own.
    span: Span,
    active: Option<Active>,
    /// Its task's, to which model calls are added.
    #[cfg(feature = "llm")]
    frame: Option<FrameId>,
}

enum Stage {
    New,
    /// With whether the next poll is the first of an annotated function.
    Working(Attempt, bool),
    Over,
}

impl Flight {
    pub(super) fn new(run: Arc<Run>, unit: Unit, attempt: u32) -> Self {
        Self {
            run,
            unit,
            attempt,
            stage: Stage::New,
            span: Span::none(),
            active: None,
            #[cfg(feature = "llm")]
            frame: None,
        }
    }

    fn context(&self) -> TaskContext {
        TaskContext {
            run: Arc::clone(&self.run),
            unit: self.unit,
            attempt: self.attempt,
        }
    }

    /// Begins the span and the work.
    fn begin(&mut self) -> Result<(), Ended> {
        let now = Instant::now();
        let task = self.unit.task;
        let mut cell = self.run.cell(task as usize);
        cell.of(self.unit).began.get_or_insert(now);
        let graph = &self.run.graph;
        let name = &graph.nodes[task as usize].name;
        #[cfg(feature = "llm")]
        {
            let account = cell.account.take();
            let make = || Account::of_task(self.run.account.as_ref(), name.clone());
            cell.account = account.or_else(make);
            self.frame = cell.account.as_ref().map(Account::id);
        }
        drop(cell);
        self.active = self.run.meters.active_attempt(&graph.pipeline, name);
        if self.run.graph.rule(task).times.timeout.is_some() {
            self.run.mailbox.send(Message::Began {
                unit: self.unit,
                attempt: self.attempt,
                at: now,
            });
        }
        let context = self.context();
        let run = Arc::clone(&self.run);
        let node = &run.graph.nodes[task as usize];
        let _inside = run.span.as_ref().map(SpanContext::attach);
        #[cfg(feature = "llm")]
        let _frame = self.frame.map(InFrame::enter);
        if !node.traced {
            self.span = telemetry::task_span(&context);
        }
        // Until it is told otherwise: an attempt that is dropped was cancelled.
        self.span.set_outcome(Outcome::Cancelled);
        let made = {
            let _inside = self.span.enter();
            caught(|| match &node.body {
                Body::Function(make) => make(context),
                Body::Closure(make) => make(context),
            })
        };
        match made {
            Ok(attempt) => {
                self.stage = Stage::Working(attempt, node.traced);
                Ok(())
            }
            Err(said) => Err(panicked(said)),
        }
    }

    fn work(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if matches!(self.stage, Stage::New)
            && let Err(ended) = self.begin()
        {
            return Poll::Ready(ended);
        }
        let Stage::Working(attempt, is_first) = &mut self.stage else {
            return Poll::Pending;
        };
        let _inside = self.run.span.as_ref().map(SpanContext::attach);
        let _own = self.span.enter();
        #[cfg(feature = "llm")]
        let _frame = self.frame.map(InFrame::enter);
        let _beginning = core::mem::take(is_first).then(|| {
            Beginning::enter(TaskContext {
                run: Arc::clone(&self.run),
                unit: self.unit,
                attempt: self.attempt,
            })
        });
        // After a panic the attempt is only dropped, never polled again.
        match caught(|| attempt.as_mut().poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(done))) => Poll::Ready(Ended::Done(done)),
            Ok(Poll::Ready(Err(Unmade::Declined))) => Poll::Ready(Ended::Declined),
            Ok(Poll::Ready(Err(Unmade::Failed(error, hint)))) => {
                Poll::Ready(Ended::Failed(error, hint))
            }
            Err(said) => Poll::Ready(panicked(said)),
        }
    }

    /// Ends the span, and says how the attempt ended.
    fn end(&mut self, ended: Ended) {
        let span = core::mem::replace(&mut self.span, Span::none());
        match &ended {
            Ended::Done(_) | Ended::Declined => span.end(Outcome::Ok),
            Ended::Failed(error, _) | Ended::Panicked(error) | Ended::Dropped(Some(error)) => {
                span.set_error(error.kind.clone(), error.message());
                span.end(Outcome::Error);
            }
            Ended::Dropped(None) => span.end(Outcome::Cancelled),
        }
        self.active = None;
        let work = core::mem::replace(&mut self.stage, Stage::Over);
        // What the attempt holds may panic when it is dropped.
        guarded(|| match &ended {
            Ended::Dropped(Some(error)) => {
                let span = self.run.cell(self.unit.task as usize).of(self.unit).span;
                let error = SpanError::redacted(error.kind.clone(), error.message());
                drop_failed(work, span, error);
            }
            _ => drop(work),
        });
        let at = Instant::now();
        let mut cell = self.run.cell(self.unit.task as usize);
        let thread = cell.threads.get_mut(&(self.unit, self.attempt));
        let left = thread.map(|thread| {
            thread.is_left = true;
            thread.counted = self.run.detached(self.unit.task);
        });
        let left = left.is_some();
        // The thread asks for the cell when it ends: that it has ended must not overtake this.
        self.run.mailbox.send(Message::Ended {
            unit: self.unit,
            attempt: self.attempt,
            at,
            ended,
            left,
        });
        drop(cell);
    }
}

impl Future for Flight {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.work(cx).map(|ended| self.end(ended))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Over) {
            return;
        }
        let stop = self.run.cell(self.unit.task as usize).of(self.unit).stop;
        let times = &self.run.graph.rule(self.unit.task).times;
        let error = match stop {
            Some(Why::Timeout) => {
                let limit = times.timeout.unwrap_or_default();
                let message = format!("timed out after {limit:?}");
                Some(TaskError::new("timeout", message))
            }
            Some(Why::Deadline) => Some(missed_deadline(times)),
            Some(Why::RunDeadline) => Some(missed_run_deadline()),
            Some(Why::Cancel) | None => None,
        };
        self.end(Ended::Dropped(error));
    }
}

/// The error of a task that took longer than it may.
pub(super) fn missed_deadline(times: &Times) -> TaskError {
    let limit = times.deadline.unwrap_or_default();
    TaskError::new(
        "deadline",
        format!("not done within its deadline of {limit:?}"),
    )
}

/// The error of a task whose run took longer than it may.
pub(super) fn missed_run_deadline() -> TaskError {
    TaskError::new("run_deadline", "the deadline of the run has passed")
}

fn panicked(said: String) -> Ended {
    Ended::Panicked(TaskError::new("panic", said))
}
