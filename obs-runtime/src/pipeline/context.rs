//! The shared state of one run, and a task's view of it.
//!
//! [`Run`] is made when a run starts, and never changes except in its [`Cell`]s: each belongs to
//! one task, which fills it from whatever thread it runs on, while dependants and the runner read
//! it. An output stays in its cell until the last task that needs it has ended.

use core::any::{Any, type_name};
use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::Instant;

use crate::SpanContext;
use crate::pipeline::CancelHandle;
use crate::pipeline::graph::{Graph, Node};
use crate::pipeline::params::{TypeMap, missing};
use crate::pipeline::result::{Output, TaskError, TaskResult, TaskState};
use crate::pipeline::slots::{Held, Slots};
use crate::pipeline::telemetry::Meters;

/// The state that all tasks of one run share.
pub(crate) struct Run {
    pub(crate) graph: Arc<Graph>,
    pub(crate) id: String,
    pub(crate) inputs: TypeMap,
    pub(crate) resources: TypeMap,
    pub(crate) cancel: CancelHandle,
    pub(crate) began: Instant,
    /// The run's span, the parent of all task spans.
    pub(crate) span: Option<SpanContext>,
    pub(crate) meters: Meters,
    pub(crate) slots: Slots,
    /// The tasks' own state, in the order of the graph's nodes.
    pub(crate) cells: Box<[Mutex<Cell>]>,
}

impl Run {
    pub(crate) fn cell(&self, task: usize) -> MutexGuard<'_, Cell> {
        self.cells[task]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the result of a task that ends now, and counts it in the metrics.
    pub(crate) fn result_of(
        &self,
        at: usize,
        state: TaskState,
        error: Option<TaskError>,
    ) -> TaskResult {
        let cell = self.cell(at);
        let result = TaskResult {
            name: self.graph.nodes[at].name.clone(),
            state,
            attempts: cell.attempts,
            duration: cell.began.map_or(Duration::ZERO, |began| {
                self.began.elapsed().saturating_sub(began)
            }),
            waited: cell.waited,
            records: cell.records.filter(|_| state == TaskState::Succeeded),
            error,
            still_running: 0,
        };
        drop(cell);
        self.meters.task(&self.graph.pipeline, &result);
        result
    }
}

/// The state of one task in a run.
///
/// Its lock is held for moments only: not while an output is dropped, which may run code of the
/// user's.
#[derive(Default)]
pub(crate) struct Cell {
    pub(crate) output: Option<Output>,
    pub(crate) attempts: u32,
    pub(crate) records: Option<u64>,
    /// When the first attempt began, counted from the run's start.
    pub(crate) began: Option<Duration>,
    /// The span of the last attempt, which dependants link to.
    pub(crate) span: Option<SpanContext>,
    /// The time that its attempts have waited for slots.
    pub(crate) waited: Duration,
    /// The slots of the attempt that runs, if anything limits it.
    pub(crate) held: Weak<Held>,
    /// The number of its attempts that run on threads that may block.
    pub(crate) blocking: u32,
}

/// A task's view of its run.
///
/// An annotated task gets it through a parameter `&TaskContext`; a closure is called with it.
#[derive(Clone)]
pub struct TaskContext {
    pub(crate) run: Arc<Run>,
    pub(crate) task: u32,
    pub(crate) attempt: u32,
}

impl TaskContext {
    /// Returns the pipeline's name.
    pub fn pipeline(&self) -> &str {
        &self.run.graph.pipeline
    }

    /// Returns the task's name.
    pub fn task(&self) -> &str {
        &self.node().name
    }

    /// Returns the run's id.
    pub fn run_id(&self) -> &str {
        &self.run.id
    }

    /// Returns the number of this attempt; the first one is 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns whether the run is being cancelled.
    ///
    /// Loops of synchronous tasks should ask for it, because nothing can stop them from the
    /// outside.
    pub fn is_cancelled(&self) -> bool {
        self.run.cancel.is_cancelled()
    }

    /// Sets how many records the task has worked on.
    ///
    /// The last call counts. A `records` argument of the task replaces it.
    pub fn set_records(&self, records: u64) {
        self.cell().records = Some(records);
    }

    /// Returns the output of a task that this one depends on.
    ///
    /// # Errors
    /// Returns an error when this task does not depend on it, or its output has another type.
    pub fn output<T: Any + Send + Sync>(&self, task: &str) -> Result<Arc<T>, TaskError> {
        let position = self
            .node()
            .dependencies
            .iter()
            .position(|d| self.run.graph.nodes[*d as usize].name == task);
        match position {
            Some(position) => self.dependency(position, false),
            None => Err(TaskError::new(
                "pipeline",
                format!(
                    "task `{}` does not depend on `{task}`: add it to its dependencies",
                    self.task()
                ),
            )),
        }
    }

    /// Returns the run's input of this type.
    ///
    /// # Errors
    /// Returns an error when the run was given no input of this type.
    pub fn input<T: Any + Send + Sync>(&self) -> Result<Arc<T>, TaskError> {
        let value = self.run.inputs.get();
        value.ok_or_else(|| missing("input", type_name::<T>()))
    }

    /// Returns the run's resource of this type, such as a client or a connection pool.
    ///
    /// # Errors
    /// Returns an error when the run was given no resource of this type.
    pub fn resource<T: Any + Send + Sync>(&self) -> Result<Arc<T>, TaskError> {
        let value = self.run.resources.get();
        value.ok_or_else(|| missing("resource", type_name::<T>()))
    }

    /// Returns the output of the dependency at a position; `take` also removes it from its cell.
    pub(crate) fn dependency<T: Any + Send + Sync>(
        &self,
        position: usize,
        take: bool,
    ) -> Result<Arc<T>, TaskError> {
        let index = self.node().dependencies[position] as usize;
        let mut cell = self.run.cell(index);
        let output = if take {
            cell.output.take()
        } else {
            cell.output.clone()
        };
        drop(cell);
        let name = &self.run.graph.nodes[index].name;
        let output = output.ok_or_else(|| gone(name))?;
        output.downcast().map_err(|_| {
            TaskError::new(
                "pipeline",
                format!("the output of task `{name}` is no `{}`", type_name::<T>()),
            )
        })
    }

    pub(crate) fn node(&self) -> &Node {
        &self.run.graph.nodes[self.task as usize]
    }

    pub(crate) fn cell(&self) -> MutexGuard<'_, Cell> {
        self.run.cell(self.task as usize)
    }
}

pub(crate) fn gone(task: &str) -> TaskError {
    TaskError::new(
        "pipeline",
        format!("the output of task `{task}` is no longer there: another task has taken it"),
    )
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext")
            .field("pipeline", &self.pipeline())
            .field("task", &self.task())
            .field("run_id", &self.run_id())
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
