//! The shared state of one run, and a task's view of it.
//!
//! [`Run`] is made when a run starts, and never changes except in its [`Cell`]s: each belongs to
//! one task, which fills it from whatever thread it runs on, while dependants and the runner read
//! it. An output stays in its cell until the last task that needs it has ended.

use core::any::{Any, type_name};
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::SpanContext;
use crate::pipeline::CancelHandle;
#[cfg(feature = "llm")]
use crate::pipeline::account::Account;
use crate::pipeline::driver::{Unit, Why};
use crate::pipeline::graph::{Graph, Node};
use crate::pipeline::meters::{Active, Meters};
use crate::pipeline::params::{TypeMap, missing};
use crate::pipeline::plan::Rule;
use crate::pipeline::result::{Output, TaskError};
use crate::pipeline::runner::{Mailbox, Message};
use crate::pipeline::state::TaskState;

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
    /// What its model calls are added to.
    #[cfg(feature = "llm")]
    pub(crate) account: Option<Account>,
    /// What attempts tell the runner.
    pub(crate) mailbox: Arc<Mailbox>,
    /// Whether a task has said how far it is, and the runner was told.
    pub(crate) has_news: AtomicBool,
    /// The tasks' own state, in the order of the graph's nodes.
    pub(crate) cells: Box<[Mutex<Cell>]>,
}

impl Run {
    /// Counts a thread of this task that nobody waits for any more, as long as it goes on.
    pub(crate) fn detached(&self, task: u32) -> Option<Active> {
        let task = &self.graph.nodes[task as usize].name;
        self.meters.detached(&self.graph.pipeline, task)
    }

    pub(crate) fn cell(&self, task: usize) -> MutexGuard<'_, Cell> {
        self.cells[task]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of one task in a run.
///
/// Its lock is held for moments only: not while an output is dropped, which may run code of the
/// user's.
#[derive(Default)]
pub(crate) struct Cell {
    own: UnitCell,
    /// Those of its items that have begun, if it is mapped.
    pub(crate) items: Vec<UnitCell>,
    /// How far it is, as it has said last.
    pub(crate) said: Option<Box<(u64, u64)>>,
    /// How the task as a whole has ended.
    pub(crate) ended: Option<TaskState>,
    /// What its model calls are added to, from its first attempt to its end.
    #[cfg(feature = "llm")]
    pub(crate) account: Option<Account>,
    /// The span of the last attempt, which dependants link to.
    pub(crate) span: Option<SpanContext>,
    /// Its attempts that have a thread which nothing can stop, or will have one. A mapped task may
    /// have as many as items.
    pub(crate) threads: BTreeMap<(Unit, u32), Thread>,
}

impl Cell {
    /// Returns what a unit of the task leaves behind.
    pub(crate) fn of(&mut self, unit: Unit) -> &mut UnitCell {
        let Some(item) = unit.item_number() else {
            return &mut self.own;
        };
        let item = item as usize;
        if self.items.len() <= item {
            self.items.resize_with(item + 1, UnitCell::default);
        }
        &mut self.items[item]
    }
}

/// What the attempts of a task, or of one item of it, leave behind.
#[derive(Default)]
pub(crate) struct UnitCell {
    pub(crate) output: Option<Output>,
    pub(crate) records: Option<u64>,
    /// When the first attempt began to work.
    pub(crate) began: Option<Instant>,
    /// What the last attempt that did not succeed said.
    pub(crate) error: Option<Box<TaskError>>,
    /// Why the attempt that runs is being stopped.
    pub(crate) stop: Option<Why>,
    /// The span of the last attempt.
    pub(crate) span: Option<SpanContext>,
}

/// The thread of an attempt of a synchronous task.
#[derive(Default)]
pub(crate) struct Thread {
    /// Whether nobody waits for it any more.
    pub(crate) is_left: bool,
    /// Counts it as long as it goes on all the same.
    pub(crate) counted: Option<Active>,
}

/// A task's view of its run.
///
/// An annotated task gets it through a parameter `&TaskContext`; a closure is called with it.
#[derive(Clone)]
pub struct TaskContext {
    pub(crate) run: Arc<Run>,
    pub(crate) unit: Unit,
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

    /// Returns whether nobody waits for this attempt any more: the run is being cancelled, or a
    /// timeout or a deadline has passed.
    ///
    /// Loops of synchronous tasks should ask for it, because nothing can stop them from the
    /// outside.
    pub fn is_cancelled(&self) -> bool {
        if self.run.cancel.is_cancelled() {
            return true;
        }
        let mut cell = self.cell();
        let thread = cell.threads.get(&(self.unit, self.attempt));
        thread.is_some_and(|thread| thread.is_left) || cell.of(self.unit).stop.is_some()
    }

    /// Sets how many records the task has worked on.
    ///
    /// The last call counts. A `records` argument of the task replaces it.
    pub fn set_records(&self, records: u64) {
        self.cell().of(self.unit).records = Some(records);
    }

    /// Says how far the task is, for those who follow the run: so much is done, of so much, in
    /// whatever unit. The last call counts, also over the attempts that follow.
    ///
    /// It may be called often. In an item of a mapped task it does nothing: the items that have
    /// ended show how far that one is.
    ///
    /// ```
    /// # use obs_runtime::pipeline::TaskContext;
    /// async fn copy(rows: &[u32], context: &TaskContext) {
    ///     for (done, row) in rows.iter().enumerate() {
    ///         println!("{row}");
    ///         context.progress(done as u64 + 1, rows.len() as u64);
    ///     }
    /// }
    /// ```
    pub fn progress(&self, done: u64, of: u64) {
        if self.unit.item_number().is_some() {
            return;
        }
        let mut cell = self.cell();
        match &mut cell.said {
            Some(said) => **said = (done, of),
            said => *said = Some(Box::new((done, of))),
        }
        drop(cell);
        // Once for each time that the runner has looked.
        if !self.run.has_news.swap(true, Ordering::AcqRel) {
            self.run.mailbox.send(Message::Said);
        }
    }

    /// Returns which item of a mapped task the attempt is for, from 0; none if it is not mapped.
    pub fn item(&self) -> Option<usize> {
        self.unit.item_number().map(|item| item as usize)
    }

    /// Returns the output of a task that this one depends on.
    ///
    /// # Errors
    /// Returns an error when this task does not depend on it, or its output has another type; and
    /// when it has none, which a task that runs whatever became of the other (`run_if`) must expect.
    pub fn output<T: Any + Send + Sync>(&self, task: &str) -> Result<Arc<T>, TaskError> {
        let position = self
            .rule()
            .dependencies
            .iter()
            .position(|edge| self.run.graph.nodes[edge.task as usize].name == task);
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
        let index = self.rule().dependencies[position].task as usize;
        let mut cell = self.run.cell(index);
        let own = &mut cell.own;
        let output = if take {
            own.output.take()
        } else {
            own.output.clone()
        };
        drop(cell);
        let name = &self.run.graph.nodes[index].name;
        let output = output.ok_or_else(|| self.gone(position))?;
        output.downcast().map_err(|_| {
            TaskError::new(
                "pipeline",
                format!("the output of task `{name}` is no `{}`", type_name::<T>()),
            )
        })
    }

    /// The error of a dependency's output that is not there.
    pub(crate) fn gone(&self, position: usize) -> TaskError {
        let index = self.rule().dependencies[position].task as usize;
        let name = &self.run.graph.nodes[index].name;
        let ended = self.run.cell(index).ended;
        let text = match ended.filter(|state| !state.is_success()) {
            Some(state) => format!("task `{name}` has no output, since it ended as {state}"),
            None => {
                format!("the output of task `{name}` is no longer there: another task has taken it")
            }
        };
        TaskError::new("pipeline", text)
    }

    pub(crate) fn node(&self) -> &Node {
        &self.run.graph.nodes[self.unit.task as usize]
    }

    pub(crate) fn rule(&self) -> &Rule {
        self.run.graph.rule(self.unit.task)
    }

    pub(crate) fn cell(&self) -> MutexGuard<'_, Cell> {
        self.run.cell(self.unit.task as usize)
    }
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
