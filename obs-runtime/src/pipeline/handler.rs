//! Functions that are called after a run: `#[on_failure]`, `#[on_complete]`, `#[on_cancel]`.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::pipeline::attempt::panic_message;
use crate::pipeline::result::{HandlerError, RunResult, RunState, TaskState};
use crate::pipeline::task::TaskMeta;

/// When a handler is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerEvent {
    /// A run, or the handler's task, failed.
    Failure,
    /// A run came to its end, whether it succeeded or failed.
    Complete,
    /// A run was cancelled.
    Cancel,
}

/// What a handler is called with.
#[derive(Clone, Copy, Debug)]
pub struct HandlerCall<'a> {
    /// The run.
    pub result: &'a RunResult,
    /// The manager of the pipeline, or of the `Observability` that the run belongs to.
    #[cfg(feature = "alert")]
    pub alerts: Option<&'a crate::alert::AlertManager>,
}

/// A handler's work.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// All that is known of a handler; a static in generated code.
#[derive(Debug)]
pub struct HandlerMeta {
    /// When it is called.
    pub event: HandlerEvent,
    /// Of which pipeline; of every one if `None`.
    pub pipeline: Option<&'static str>,
    /// Only if this task had part in it.
    pub task: Option<&'static TaskMeta>,
    /// The module of the function.
    pub module: &'static str,
    /// The function's path.
    pub path: &'static str,
    /// The line.
    pub line: u32,
    /// Calls it.
    pub run: for<'a> fn(HandlerCall<'a>) -> HandlerFuture<'a>,
}

/// The entry of an annotated handler.
#[derive(Debug)]
pub struct HandlerEntry(pub &'static HandlerMeta);

inventory::collect!(HandlerEntry);

/// The handlers of the program that this result concerns, by module and line.
pub(crate) fn concerned(result: &RunResult) -> Vec<&'static HandlerMeta> {
    let all = inventory::iter::<HandlerEntry>
        .into_iter()
        .map(|entry| entry.0);
    let mut handlers: Vec<_> = all.filter(|handler| concerns(handler, result)).collect();
    handlers.sort_by_key(|h| (h.module, h.line));
    handlers
}

fn concerns(handler: &HandlerMeta, result: &RunResult) -> bool {
    let pipeline = handler.task.map_or(handler.pipeline, |t| Some(t.pipeline));
    if pipeline.is_some_and(|name| name != result.pipeline_name) {
        return false;
    }
    match handler.task {
        Some(task) => result
            .task_results
            .get(task.name)
            .is_some_and(|task| concerns_task(handler.event, task.state)),
        None => match handler.event {
            HandlerEvent::Failure => result.state == RunState::Failed,
            HandlerEvent::Complete => result.state != RunState::Cancelled,
            HandlerEvent::Cancel => result.state == RunState::Cancelled,
        },
    }
}

fn concerns_task(event: HandlerEvent, state: TaskState) -> bool {
    match event {
        HandlerEvent::Failure => state == TaskState::Failed,
        HandlerEvent::Complete => matches!(state, TaskState::Succeeded | TaskState::Failed),
        HandlerEvent::Cancel => state == TaskState::Cancelled,
    }
}

/// Who sends the alerts of a run's handlers.
#[derive(Clone, Default)]
pub(crate) struct Alerts {
    /// Else the manager of the `Observability` that the run belongs to.
    #[cfg(feature = "alert")]
    pub(crate) own: Option<crate::alert::AlertManager>,
}

/// Calls one after the other; what goes wrong is written into the result.
pub(crate) async fn call_all(
    handlers: &[&'static HandlerMeta],
    result: &mut RunResult,
    alerts: &Alerts,
) {
    #[cfg(not(feature = "alert"))]
    let _ = alerts;
    #[cfg(feature = "alert")]
    let alerts = alerts.own.clone().or_else(crate::alert::current);
    for handler in handlers {
        let ended = {
            let call = HandlerCall {
                result,
                #[cfg(feature = "alert")]
                alerts: alerts.as_ref(),
            };
            match catch_unwind(AssertUnwindSafe(|| (handler.run)(call))) {
                Ok(future) => CatchPanic(future).await,
                Err(payload) => Err(panic_message(&*payload)),
            }
        };
        if let Err(message) = ended {
            result.handler_errors.push(HandlerError {
                handler: handler.path,
                message,
            });
        }
    }
}

/// Turns a panic of the handler into its result.
struct CatchPanic<'a>(HandlerFuture<'a>);

impl Future for CatchPanic<'_> {
    type Output = Result<(), String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))) {
            Ok(poll) => poll,
            Err(payload) => Poll::Ready(Err(panic_message(&*payload))),
        }
    }
}

#[cfg(test)]
#[path = "handler_tests.rs"]
mod tests;
