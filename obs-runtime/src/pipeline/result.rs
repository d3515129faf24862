//! What a run and its tasks came to.

use core::any::Any;
use core::fmt;
use core::ops::Index;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use crate::TraceId;
use crate::pipeline::graph::Graph;
use crate::trace::SpanError;
use crate::trace::local::redact;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunState {
    /// Every task succeeded.
    Succeeded,
    /// At least one task failed.
    Failed,
    /// It was cancelled before every task had finished.
    Cancelled,
}

impl RunState {
    /// The state's name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskState {
    /// An attempt succeeded.
    Succeeded,
    /// The last attempt failed, timed out or panicked.
    Failed,
    /// It never began, because a task that it depends on did not succeed.
    Skipped,
    /// The run was cancelled before the task had finished.
    Cancelled,
}

impl TaskState {
    /// The state's name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a task did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskError {
    pub(crate) kind: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
}

impl TaskError {
    pub(crate) fn new(
        kind: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind: kind.into(),
            message: match message.into() {
                Cow::Borrowed(text) => Cow::Borrowed(text),
                // Summaries and alerts show it: secrets are masked before it is stored.
                Cow::Owned(text) => redact(&text).into_owned().into(),
            },
        }
    }

    /// The error of a returned value: its text is redacted already, and the type's name if it has none.
    pub(crate) fn of(error: SpanError) -> Self {
        Self {
            message: match error.message {
                Some(text) => text.into(),
                None => error.kind.clone(),
            },
            kind: error.kind,
        }
    }

    /// The type of the error as `error.type` has it: a type's path, `panic`, `timeout`,
    /// `dependency` (skipped) or `cancelled`.
    pub fn error_type(&self) -> &str {
        &self.kind
    }

    /// What the error says; secrets in it are masked.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for TaskError {}

/// What became of one task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskResult {
    /// The task's name.
    pub name: Cow<'static, str>,
    /// How it ended.
    pub state: TaskState,
    /// How many attempts began; 0 for a task that never ran.
    pub attempts: u32,
    /// From the start of the first attempt to the end of the last, pauses included.
    pub duration: Duration,
    /// What the task counted: its `records` argument or [`TaskContext::set_records`](crate::TaskContext::set_records).
    pub records: Option<u64>,
    /// Why it did not succeed.
    pub error: Option<TaskError>,
}

impl TaskResult {
    /// Whether the task failed.
    pub fn failed(&self) -> bool {
        self.state == TaskState::Failed
    }

    /// Whether the task succeeded.
    pub fn succeeded(&self) -> bool {
        self.state == TaskState::Succeeded
    }
}

/// The results of all tasks, in the order of the graph: each after what it depends on.
#[derive(Clone)]
pub struct TaskResults {
    pub(crate) results: Vec<TaskResult>,
    pub(crate) graph: Arc<Graph>,
}

impl TaskResults {
    /// The result of the task of this name.
    pub fn get(&self, name: &str) -> Option<&TaskResult> {
        self.results.get(self.graph.position(name)?)
    }

    /// All results, in the order of the graph.
    pub fn iter(&self) -> core::slice::Iter<'_, TaskResult> {
        self.results.iter()
    }

    /// The number of tasks.
    pub fn len(&self) -> usize {
        self.results.len()
    }

    /// Whether the pipeline has no task.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty()
    }
}

impl Index<&str> for TaskResults {
    type Output = TaskResult;

    /// The result of the task of this name.
    ///
    /// # Panics
    /// When the pipeline has no such task; [`get`](Self::get) does not panic.
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

/// A handler that did not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerError {
    /// The handler's path.
    pub handler: &'static str,
    /// Its error, or the message of its panic.
    pub message: String,
}

pub(crate) type Output = Arc<dyn Any + Send + Sync>;

/// What a run came to. A run whose tasks failed is still a result: look at `state`.
#[derive(Clone)]
#[non_exhaustive]
pub struct RunResult {
    /// Unique for each run: a version 7 UUID, so that runs sort by their start.
    pub run_id: String,
    /// The pipeline's name.
    pub pipeline_name: Cow<'static, str>,
    /// How the run ended.
    pub state: RunState,
    /// When the run began.
    pub started_at: SystemTime,
    /// How long the tasks took, from the start of the first to the end of the last. Handlers are not part of it.
    pub duration: Duration,
    /// The sum of what the tasks counted; tasks without `records` add nothing.
    pub records_count: u64,
    /// Tasks that succeeded.
    pub tasks_succeeded: usize,
    /// Tasks that failed.
    pub tasks_failed: usize,
    /// Tasks that never began because a task that they depend on did not succeed.
    pub tasks_skipped: usize,
    /// Tasks that had not finished when the run was cancelled.
    pub tasks_cancelled: usize,
    /// What became of each task.
    pub task_results: TaskResults,
    /// The trace of the run, if spans are recorded.
    pub trace_id: Option<TraceId>,
    /// Handlers that failed or panicked. Handlers themselves see the list as far as it goes then.
    pub handler_errors: Vec<HandlerError>,
    pub(crate) outputs: Arc<[Option<Output>]>,
}

impl RunResult {
    /// Whether every task succeeded.
    pub fn succeeded(&self) -> bool {
        self.state == RunState::Succeeded
    }

    /// Whether a task failed.
    pub fn failed(&self) -> bool {
        self.state == RunState::Failed
    }

    /// The tasks that failed, in the order of the graph.
    pub fn get_failed_tasks(&self) -> Vec<&TaskResult> {
        self.task_results.iter().filter(|t| t.failed()).collect()
    }

    /// The output of a task that succeeded and that no other task depends on. Outputs between
    /// tasks are freed as soon as the last task that needs them has ended.
    ///
    /// `None` also when `T` is not the type of the output (of a `Result`, the `Ok` type).
    pub fn output<T: Any + Send + Sync>(&self, task: &str) -> Option<&T> {
        let position = self.task_results.graph.position(task)?;
        self.outputs.get(position)?.as_ref()?.downcast_ref()
    }
}

impl fmt::Debug for RunResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunResult")
            .field("run_id", &self.run_id)
            .field("pipeline_name", &self.pipeline_name)
            .field("state", &self.state)
            .field("duration", &self.duration)
            .field("records_count", &self.records_count)
            .field("task_results", &self.task_results)
            .field("handler_errors", &self.handler_errors)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for RunResult {
    /// The same text as [`summary`](Self::summary).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}
