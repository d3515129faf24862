//! The handlers of a run: `#[on_failure]`, `#[on_complete]`, `#[on_cancel]`, `#[on_late]`, and
//! closures for the same.
//!
//! Which handlers there are is here; how they are called is in [`call`].

mod call;

use core::fmt;
use core::panic::Location;
use core::pin::Pin;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;

pub(crate) use self::call::{Calls, RESULTS};
use crate::pipeline::Pipeline;
use crate::pipeline::result::{RunResult, RunState, TaskState};
use crate::pipeline::task::TaskMeta;
use crate::printable::formatted;

/// The event that a handler is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerEvent {
    /// A run failed, or the handler's task did.
    Failure,
    /// A run came to its end, whether it succeeded or failed.
    Complete,
    /// A run was cancelled.
    Cancel,
    /// A run that has not ended takes longer than it usually may.
    Late,
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
    /// The longest that it may take; 30 s if `None`.
    pub deadline: Option<Duration>,
    /// Whether it is synchronous, so that it may block the thread that it runs on.
    pub blocks: bool,
    /// Calls the function.
    pub run: for<'a> fn(HandlerCall<'a>) -> HandlerFuture<'a>,
}

/// The entry of an annotated handler.
#[derive(Debug)]
pub struct HandlerEntry(pub &'static HandlerMeta);

inventory::collect!(HandlerEntry);

/// The longest that a handler may take that says nothing of it.
const DEADLINE: Duration = Duration::from_secs(30);

/// Returns the annotated handlers that may be called for runs of a pipeline, by their paths.
pub(crate) fn names(pipeline: &str) -> impl Iterator<Item = &'static str> {
    let all = inventory::iter::<HandlerEntry>.into_iter();
    all.filter(move |entry| entry.0.is_of(pipeline))
        .map(|entry| entry.0.path)
}

impl HandlerMeta {
    /// Returns whether it is for runs of a pipeline.
    fn is_of(&self, pipeline: &str) -> bool {
        let own = self.task.map_or(self.pipeline, |t| Some(t.pipeline));
        own.is_none_or(|name| name == pipeline)
    }
}

/// Returns the annotated handlers that this result concerns, by module and line.
fn concerned(result: &RunResult) -> Vec<&'static HandlerMeta> {
    let all = inventory::iter::<HandlerEntry>
        .into_iter()
        .map(|entry| entry.0);
    let mut handlers: Vec<_> = all.filter(|handler| concerns(handler, result)).collect();
    handlers.sort_by_key(|h| (h.module, h.line));
    handlers
}

fn concerns(handler: &HandlerMeta, result: &RunResult) -> bool {
    if !handler.is_of(&result.pipeline_name) {
        return false;
    }
    match handler.task {
        // While the run goes on, only handlers of late runs are called.
        Some(_) if !result.state.is_terminal() => false,
        Some(task) => result
            .task_results
            .get(task.name)
            .is_some_and(|task| concerns_task(handler.event, task.state)),
        None => concerns_run(handler.event, result),
    }
}

fn concerns_run(event: HandlerEvent, result: &RunResult) -> bool {
    match event {
        HandlerEvent::Failure => result.failed(),
        HandlerEvent::Complete => result.succeeded() || result.failed(),
        HandlerEvent::Cancel => result.state == RunState::Cancelled,
        HandlerEvent::Late => result.state == RunState::Running,
    }
}

fn concerns_task(event: HandlerEvent, state: TaskState) -> bool {
    match event {
        HandlerEvent::Failure => state.is_failure(),
        HandlerEvent::Complete => state.is_success() || state.is_failure(),
        HandlerEvent::Cancel => state == TaskState::Cancelled,
        HandlerEvent::Late => false,
    }
}

/// The handlers that a pipeline was given, and what they send by.
#[derive(Default)]
pub(crate) struct Handlers {
    /// The manager that the pipeline was given. Without one, that of the run's `Observability` is
    /// used.
    #[cfg(feature = "alert")]
    pub(crate) alerts: Option<crate::alert::AlertManager>,
    closures: Vec<Closure>,
}

/// A handler that is a closure. It is for one run, so it is called once at most.
struct Closure {
    event: HandlerEvent,
    /// Where it was given.
    name: Cow<'static, str>,
    call: Box<dyn FnOnce(Arc<RunResult>) -> HandlerFuture<'static> + Send>,
}

impl Handlers {
    /// Returns the names of those that are closures.
    pub(crate) fn closure_names(&self) -> Vec<Cow<'static, str>> {
        self.closures.iter().map(|one| one.name.clone()).collect()
    }
}

/// What a handler may return: nothing, or a `Result<(), E>`.
#[diagnostic::on_unimplemented(
    message = "a handler returns nothing or a `Result<(), E>`, not `{Self}`"
)]
pub trait HandlerReturn {
    /// Returns the text of the error, if it is one.
    ///
    /// # Errors
    /// When the handler failed.
    fn into_result(self) -> Result<(), String>;
}

impl HandlerReturn for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: fmt::Display> HandlerReturn for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        // The alternate form is that with the causes for `anyhow` and `eyre`, and for errors of tasks.
        self.map_err(|error| formatted(format_args!("{error:#}")).into_owned())
    }
}

/// Handlers that are closures, for pipelines that are put together at run time.
impl Pipeline {
    /// Calls this after the run if it failed: a task did, or its deadline passed. Its handler may
    /// take 30 s.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// use obs_runtime::pipeline::Pipeline;
    ///
    /// let pipeline = Pipeline::builder("etl").task("load", [], |_| async { Err::<(), _>("no disk") });
    /// let pipeline = pipeline.build()?.on_failure(|run| async move {
    ///     for task in run.get_failed_tasks() {
    ///         println!("{} failed: {}", task.name, task.error.as_ref().map_or("", |e| e.message()));
    ///     }
    /// });
    /// assert!(pipeline.run().await?.failed());
    /// # Ok::<(), obs_runtime::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn on_failure<F, Fut>(self, call: F) -> Self
    where
        F: FnOnce(Arc<RunResult>) -> Fut + Send + 'static,
        Fut: Future<Output: HandlerReturn> + Send + 'static,
    {
        self.handler(HandlerEvent::Failure, Location::caller(), call)
    }

    /// Calls this after the run if it succeeded or failed. Its handler may take 30 s.
    #[track_caller]
    pub fn on_complete<F, Fut>(self, call: F) -> Self
    where
        F: FnOnce(Arc<RunResult>) -> Fut + Send + 'static,
        Fut: Future<Output: HandlerReturn> + Send + 'static,
    {
        self.handler(HandlerEvent::Complete, Location::caller(), call)
    }

    /// Calls this after the run if it was cancelled, also because its future was dropped. Its handler
    /// may take 30 s.
    #[track_caller]
    pub fn on_cancel<F, Fut>(self, call: F) -> Self
    where
        F: FnOnce(Arc<RunResult>) -> Fut + Send + 'static,
        Fut: Future<Output: HandlerReturn> + Send + 'static,
    {
        self.handler(HandlerEvent::Cancel, Location::caller(), call)
    }

    /// Calls this once the run takes longer than [`late`](Self::late), while it goes on, with the
    /// results so far. Its handler may take 30 s.
    #[track_caller]
    pub fn on_late<F, Fut>(self, call: F) -> Self
    where
        F: FnOnce(Arc<RunResult>) -> Fut + Send + 'static,
        Fut: Future<Output: HandlerReturn> + Send + 'static,
    {
        self.handler(HandlerEvent::Late, Location::caller(), call)
    }

    fn handler<F, Fut>(mut self, event: HandlerEvent, place: &Location<'_>, call: F) -> Self
    where
        F: FnOnce(Arc<RunResult>) -> Fut + Send + 'static,
        Fut: Future<Output: HandlerReturn> + Send + 'static,
    {
        self.handlers.closures.push(Closure {
            event,
            name: format!("{}:{}", place.file(), place.line()).into(),
            call: Box::new(move |result| {
                let ended = call(result);
                Box::pin(async move { ended.await.into_result() })
            }),
        });
        self
    }
}

#[cfg(test)]
#[path = "handler_tests.rs"]
mod tests;
