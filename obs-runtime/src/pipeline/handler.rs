//! The handlers that are called after a run: `#[on_failure]`, `#[on_complete]`, `#[on_cancel]`.
//!
//! Handlers run one after the other, on the task that awaits the run, after all tasks have ended.
//! A handler that fails or panics never changes the run's state: its error is added to the result.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::Poll;

use crate::guarded::caught;
use crate::pipeline::result::{HandlerError, RunResult, RunState, TaskState};
use crate::pipeline::task::TaskMeta;
use crate::trace::local::redact;

/// The event that a handler is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerEvent {
    /// A run failed, or the handler's task did.
    Failure,
    /// A run came to its end, whether it succeeded or failed.
    Complete,
    /// A run was cancelled.
    Cancel,
}

/// The arguments of a handler's call.
#[derive(Clone, Copy, Debug)]
pub struct HandlerCall<'a> {
    /// The result of the run.
    pub result: &'a RunResult,
    /// The alert manager of the pipeline, or of the `Observability` that the run belongs to.
    #[cfg(feature = "alert")]
    pub alerts: Option<&'a crate::alert::AlertManager>,
}

/// The future of a handler's work.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// The description of a handler, which generated code keeps in a static.
#[derive(Debug)]
pub struct HandlerMeta {
    /// The event that it is called for.
    pub event: HandlerEvent,
    /// The pipeline that it is for; every one if `None`.
    pub pipeline: Option<&'static str>,
    /// The task that it is for: it is called only if this task ended as the event says.
    pub task: Option<&'static TaskMeta>,
    /// The module of the function.
    pub module: &'static str,
    /// The function's path.
    pub path: &'static str,
    /// The line of the function in its source file.
    pub line: u32,
    /// Calls the function.
    pub run: for<'a> fn(HandlerCall<'a>) -> HandlerFuture<'a>,
}

/// The entry of an annotated handler.
#[derive(Debug)]
pub struct HandlerEntry(pub &'static HandlerMeta);

inventory::collect!(HandlerEntry);

/// Returns the handlers that this result concerns, by module and line.
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

/// The alert manager of a run's handlers.
#[derive(Clone, Default)]
pub(crate) struct Alerts {
    /// The manager that the pipeline was given. Without one, that of the run's `Observability` is
    /// used.
    #[cfg(feature = "alert")]
    pub(crate) own: Option<crate::alert::AlertManager>,
}

/// Calls one handler after the other, and adds their errors to the result.
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
            match caught(|| (handler.run)(call)) {
                Ok(future) => caught_future(future).await,
                Err(said) => Err(said),
            }
        };
        if let Err(message) = ended {
            result.handler_errors.push(HandlerError {
                handler: handler.path,
                // Summaries, alerts and stores show it, as the texts of tasks' errors.
                message: redact(&message).into_owned(),
            });
        }
    }
}

/// Turns a panic of the handler into its error.
async fn caught_future(mut future: HandlerFuture<'_>) -> Result<(), String> {
    poll_fn(|cx| {
        let polled = caught(|| future.as_mut().poll(cx));
        polled.unwrap_or_else(|said| Poll::Ready(Err(said)))
    })
    .await
}

#[cfg(test)]
#[path = "handler_tests.rs"]
mod tests;
