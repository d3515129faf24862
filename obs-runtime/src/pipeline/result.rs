//! The results of runs and tasks: states, errors, counts and outputs.
//!
//! These are the types that programs store, show and alert on. They are plain values without links
//! to the run, and no secret may be in their texts: [`TaskError`] masks its message when it is
//! made.

use core::any::Any;
use core::fmt;
use core::ops::{Deref, Index};
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use crate::Error;
use crate::error::ErrorKind;
use crate::pipeline::analysis::Analysis;
pub(crate) use crate::pipeline::error::TaskError;
use crate::pipeline::graph::Graph;
pub use crate::pipeline::state::{RunState, SkipReason, TaskState};
use crate::serialize;
use crate::trace::TraceId;

/// The result of one task.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TaskResult {
    /// The task's name.
    pub name: Cow<'static, str>,
    /// The state in which it ended.
    pub state: TaskState,
    /// The number of attempts that began; 0 for a task that never ran.
    pub attempts: u32,
    /// The time from the begin of the run to that of its first attempt; none for a task that never
    /// ran.
    #[serde(
        rename = "began_after_seconds",
        serialize_with = "serialize::optional_seconds"
    )]
    pub began_after: Option<Duration>,
    /// The time from the start of the first attempt to the end of the last, pauses and waits for a
    /// slot between them included.
    #[serde(rename = "duration_seconds", serialize_with = "serialize::seconds")]
    pub duration: Duration,
    /// The time that its attempts have waited for a slot of `max_parallel_tasks` or of a
    /// `concurrency` limit, before the first attempt and between two. It is part of no attempt.
    #[serde(rename = "waited_seconds", serialize_with = "serialize::seconds")]
    pub waited: Duration,
    /// The number of records that the task counted.
    ///
    /// It comes from the `records` argument or from
    /// [`TaskContext::set_records`](crate::pipeline::TaskContext::set_records).
    pub records: Option<u64>,
    /// The reason why it did not succeed, if it began or was to begin.
    pub error: Option<TaskError>,
    /// The reason why it was skipped.
    #[serde(rename = "skipped", skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<SkipReason>,
    /// What the model calls and tool calls of all its attempts used, failed attempts too; none if it
    /// made none. What it left behind, and what ends after it, is the run's alone.
    #[cfg(feature = "llm")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<crate::llm::Spent>,
    /// The results of its items, in their order, if it is mapped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemResult>,
    /// The number of attempts whose thread was still running when the run ended.
    ///
    /// Nothing can stop a synchronous task: after a timeout, or when the run is cancelled, its
    /// thread goes on until the function returns.
    pub still_running: u32,
}

impl TaskResult {
    /// Returns whether the task failed, timed out, panicked or crashed.
    pub fn failed(&self) -> bool {
        self.state.is_failure()
    }

    /// Returns whether the task succeeded, or its output was in the cache.
    pub fn succeeded(&self) -> bool {
        self.state.is_success()
    }
}

/// The name of the task, and why it failed: what there is to say of it in an alert.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use obs_runtime::alert::{Alert, Severity};
/// use obs_runtime::pipeline::Pipeline;
///
/// let pipeline = Pipeline::builder("etl").task("load", [], |_| async { Err::<(), _>("no disk") });
/// let run = pipeline.build()?.run().await?;
/// let alert = Alert::new(Severity::Critical, "etl failed").details(run.get_failed_tasks());
/// assert_eq!(alert.details, [("load".to_owned(), "no disk".to_owned())]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "alert")]
impl crate::alert::IntoDetail for &TaskResult {
    fn into_detail(self) -> (String, String) {
        let why = self.error.as_ref().map(TaskError::message);
        let why = why.unwrap_or(self.state.as_str());
        let said = match self.attempts {
            0 | 1 => why.to_owned(),
            attempts => format!("{why} ({attempts} attempts)"),
        };
        (self.name.clone().into_owned(), said)
    }
}

/// The result of one item of a mapped task.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ItemResult {
    /// Which item it is, from 0.
    pub item: usize,
    /// The state in which it ended. One that was never reached is skipped.
    pub state: TaskState,
    /// The number of attempts that began.
    pub attempts: u32,
    /// The time from the start of the first attempt to the end of the last.
    #[serde(rename = "duration_seconds", serialize_with = "serialize::seconds")]
    pub duration: Duration,
    /// The reason why it did not succeed.
    pub error: Option<TaskError>,
}

/// The results of all tasks, in the order of the graph: each after those it depends on.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct TaskResults {
    pub(crate) results: Vec<TaskResult>,
    #[serde(skip)]
    pub(crate) graph: Arc<Graph>,
}

impl TaskResults {
    /// Returns the result of the task of this name.
    pub fn get(&self, name: &str) -> Option<&TaskResult> {
        self.results.get(self.graph.position(name)?)
    }

    /// Returns an iterator over all results, in the order of the graph.
    pub fn iter(&self) -> core::slice::Iter<'_, TaskResult> {
        self.results.iter()
    }

    /// Returns the number of tasks.
    pub fn len(&self) -> usize {
        self.results.len()
    }

    /// Returns whether the pipeline has no task.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty()
    }
}

impl Index<&str> for TaskResults {
    type Output = TaskResult;

    /// Returns the result of the task of this name.
    ///
    /// # Panics
    /// Panics when the pipeline has no such task; [`get`](Self::get) does not.
    fn index(&self, name: &str) -> &TaskResult {
        match self.get(name) {
            Some(result) => result,
            None => panic!("the pipeline has no task `{name}`"),
        }
    }
}

impl<'a> IntoIterator for &'a TaskResults {
    type Item = &'a TaskResult;
    type IntoIter = core::slice::Iter<'a, TaskResult>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for TaskResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.results).finish()
    }
}

/// A handler that failed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HandlerError {
    /// The handler's path, or the place of its closure.
    pub handler: Cow<'static, str>,
    /// Its error, or the message of its panic; secrets are masked.
    pub message: String,
}

pub(crate) type Output = Arc<dyn Any + Send + Sync>;

/// The result of a run. A run whose tasks failed has one too: look at `state`.
///
/// It is serialized with its fields, without the outputs of tasks: `started_at` is RFC 3339 in UTC,
/// `duration_seconds` the duration, `task_results` a list in the order of the graph; `critical_path`
/// and `root_causes` are lists of names.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use obs_runtime::pipeline::Pipeline;
///
/// let pipeline = Pipeline::builder("etl").task("load", [], |_| async { Ok::<_, String>(1) });
/// let result = pipeline.build()?.run().await?;
/// let json = serde_json::to_value(&result)?;
/// assert_eq!(json["state"], "succeeded");
/// assert_eq!(json["task_results"][0]["name"], "load");
/// assert_eq!(json["duration_seconds"], result.duration.as_secs_f64());
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[must_use = "a run whose tasks failed is no error: look at `state`, or call `into_result()`"]
#[non_exhaustive]
pub struct RunResult {
    /// The id of the run: a version 7 UUID, so that runs sort by their start.
    pub run_id: String,
    /// The pipeline's name.
    pub pipeline_name: Cow<'static, str>,
    /// The state in which the run ended.
    pub state: RunState,
    /// The time at which the run began.
    #[serde(serialize_with = "serialize::time")]
    pub started_at: SystemTime,
    /// The time from the start of the first task to the end of the last; handlers are not part of
    /// it.
    #[serde(rename = "duration_seconds", serialize_with = "serialize::seconds")]
    pub duration: Duration,
    /// The sum of the tasks' records; tasks that count none add nothing.
    pub records_count: u64,
    /// The number of tasks that succeeded.
    pub tasks_succeeded: usize,
    /// The number of tasks that failed, timed out, panicked or crashed.
    pub tasks_failed: usize,
    /// The number of tasks that never ran: [`TaskResult::skip_reason`] says why.
    pub tasks_skipped: usize,
    /// The number of tasks that had not finished when the run was cancelled.
    pub tasks_cancelled: usize,
    /// The number of attempts of synchronous tasks that could not be stopped, and whose threads were
    /// still running when the run ended; [`TaskResult::still_running`] says of which tasks.
    pub still_running: u32,
    /// The results of the tasks.
    pub task_results: TaskResults,
    /// The id of the run's trace, if spans are recorded.
    pub trace_id: Option<TraceId>,
    /// The handlers that failed or panicked. A handler sees those that were called before it.
    pub handler_errors: Vec<HandlerError>,
    /// What its model calls and tool calls used; none if it made none.
    #[cfg(feature = "llm")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<crate::llm::Spent>,
    #[serde(flatten)]
    pub(crate) analysis: Analysis,
    #[serde(skip)]
    pub(crate) outputs: Arc<[Option<Output>]>,
}

impl RunResult {
    /// Returns whether every task succeeded.
    pub fn succeeded(&self) -> bool {
        self.state == RunState::Succeeded
    }

    /// Returns whether a task failed, or the run's deadline passed before its end.
    pub fn failed(&self) -> bool {
        matches!(self.state, RunState::Failed | RunState::TimedOut)
    }

    /// Returns the result as an error unless every task succeeded, for `?`.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use obs_runtime::pipeline::Pipeline;
    ///
    /// let pipeline = Pipeline::builder("etl").task("load", [], |_| async { Err::<(), _>("no disk") });
    /// let error = pipeline.build()?.run().await?.into_result().unwrap_err();
    /// assert_eq!(error.to_string(), "pipeline `etl` failed: task `load`: no disk");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the run failed or was cancelled. The text names the tasks that failed and why, the first
    /// three of them; [`summary`](Self::summary) has the rest.
    pub fn into_result(self) -> Result<Succeeded, Error> {
        const SHOWN: usize = 3;
        if self.succeeded() {
            return Ok(Succeeded(self));
        }
        let failed = self.get_failed_tasks();
        let mut reasons: Vec<_> = failed
            .iter()
            .take(SHOWN)
            .map(|task| match &task.error {
                Some(error) => format!("task `{}`: {error:#}", task.name),
                None => format!("task `{}`", task.name),
            })
            .collect();
        if failed.len() > SHOWN {
            reasons.push(format!("{} more", failed.len() - SHOWN));
        }
        let reasons = match &*reasons.join("; ") {
            "" => String::new(),
            reasons => format!(": {reasons}"),
        };
        let state = match self.state {
            RunState::Cancelled => "was cancelled",
            RunState::TimedOut => "took longer than its deadline",
            _ => "failed",
        };
        let text = format!("pipeline `{}` {state}{reasons}", self.pipeline_name);
        Err(Error::new(ErrorKind::Pipeline, text))
    }

    /// Returns the tasks that failed, in the order of the graph.
    pub fn get_failed_tasks(&self) -> Vec<&TaskResult> {
        self.task_results.iter().filter(|t| t.failed()).collect()
    }

    /// Returns the output of a task that succeeded and that no other task depends on.
    ///
    /// Outputs between tasks are freed as soon as the last task that needs them has ended. The
    /// result is also `None` when `T` is not the type of the output (for a `Result` the `Ok` type).
    pub fn output<T: Any + Send + Sync>(&self, task: &str) -> Option<&T> {
        let position = self.task_results.graph.position(task)?;
        self.outputs.get(position)?.as_ref()?.downcast_ref()
    }
}

/// The result of a run in which every task succeeded: see [`RunResult::into_result`].
///
/// It dereferences to the result.
#[derive(Clone, Debug)]
pub struct Succeeded(RunResult);

impl Succeeded {
    /// Returns the result itself.
    pub fn into_inner(self) -> RunResult {
        self.0
    }
}

impl Deref for Succeeded {
    type Target = RunResult;

    fn deref(&self) -> &RunResult {
        &self.0
    }
}

impl fmt::Display for RunResult {
    /// Writes the same text as [`summary`](Self::summary) returns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

#[cfg(test)]
#[path = "result_tests.rs"]
mod tests;
