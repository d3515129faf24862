//! A pipeline that is ready to run: what it was given, the checks, and the run itself.
//!
//! Methods that set something cannot fail, so that they chain; what they got wrong is kept and
//! reported by [`Pipeline::check`], which every run calls first.

use core::any::{Any, type_name};
use core::fmt;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::guarded::guarded;
use crate::pipeline::cancel::Running;
use crate::pipeline::context::Run;
use crate::pipeline::graph::{Graph, all_well, pipeline_error};
use crate::pipeline::handler::Alerts;
use crate::pipeline::params::TypeMap;
use crate::pipeline::result::{RunResult, RunState, TaskResults, TaskState};
use crate::pipeline::runner::{Finished, Runner};
use crate::pipeline::slots::Slots;
use crate::pipeline::task::TaskPolicy;
use crate::pipeline::telemetry::{Meters, RunTelemetry};
use crate::pipeline::{CancelHandle, PipelineBuilder, handler, registry};
use crate::run_id::run_id;
use crate::{Error, Instrument as _, SpanContext, scope};

/// A task graph and the values that it needs, ready to run once.
///
/// See the [module](crate::pipeline) for an example.
#[must_use = "a pipeline does nothing until `run()` is awaited"]
pub struct Pipeline {
    graph: Arc<Graph>,
    inputs: TypeMap,
    resources: TypeMap,
    limits: HashMap<Cow<'static, str>, usize>,
    max_parallel: usize,
    cancel: CancelHandle,
    alerts: Alerts,
    /// The mistakes in calls on it, which are reported when it starts.
    problems: Vec<String>,
}

impl Pipeline {
    pub(crate) fn new(graph: Graph) -> Self {
        Self {
            graph: Arc::new(graph),
            inputs: TypeMap::default(),
            resources: TypeMap::default(),
            limits: HashMap::new(),
            max_parallel: usize::MAX,
            cancel: CancelHandle::default(),
            alerts: Alerts::default(),
            problems: Vec::new(),
        }
    }

    /// Creates the pipeline of all functions with `#[pipeline_task(pipeline = "name", …)]`.
    ///
    /// # Errors
    /// Returns an error when no task belongs to it, two of its tasks have the same name, or an
    /// output is taken by value although another task uses it.
    pub fn named(name: &str) -> Result<Self, Error> {
        registry::graph(name).map(Self::new)
    }

    /// Creates a builder for a pipeline whose tasks are closures.
    pub fn builder(name: impl Into<Cow<'static, str>>) -> PipelineBuilder {
        PipelineBuilder::new(name.into())
    }

    /// Returns the pipeline's name.
    pub fn name(&self) -> &str {
        &self.graph.pipeline
    }

    /// Returns the names of the tasks, each after those it depends on.
    pub fn task_names(&self) -> impl Iterator<Item = &str> {
        self.graph.nodes.iter().map(|node| &*node.name)
    }

    /// Sets what the run works on: the value of every [`Input<T>`](crate::pipeline::Input) parameter.
    pub fn input<T: Any + Send + Sync>(mut self, value: T) -> Self {
        if !self.inputs.insert(value) {
            self.given_twice::<T>("input");
        }
        self
    }

    /// Sets what the run works with, the value of every [`Resource<T>`](crate::pipeline::Resource) parameter.
    ///
    /// Typical resources are clients and connection pools.
    pub fn resource<T: Any + Send + Sync>(mut self, value: T) -> Self {
        if !self.resources.insert(value) {
            self.given_twice::<T>("resource");
        }
        self
    }

    fn given_twice<T>(&mut self, method: &str) {
        self.problems.push(format!(
            "two values of type `{0}` were given with `.{method}(…)`: wrap one of them in a type of its own",
            type_name::<T>()
        ));
    }

    /// Sets how many attempts of tasks with `concurrency = "name"` may run at once.
    ///
    /// As with [`max_parallel_tasks`](Self::max_parallel_tasks), an attempt counts while it works.
    pub fn concurrency(mut self, name: impl Into<Cow<'static, str>>, limit: usize) -> Self {
        let name = name.into();
        if limit == 0 {
            self.problems.push(format!(
                "the concurrency limit `{name}` is 0: it must be at least 1"
            ));
        } else if !self.graph.limits.contains(&name) {
            self.problems.push(format!(
                "no task has `concurrency = \"{name}\"`: remove the limit or name it on a task"
            ));
        }
        self.limits.insert(name, limit);
        self
    }

    /// Sets how many tasks may run at once; 0 counts as 1. By default there is no limit.
    ///
    /// A task counts while an attempt of it works: not in the pause before a repetition, and not
    /// while it waits for its [`concurrency`](Self::concurrency) limit. An attempt of a synchronous
    /// task counts until its thread has ended, even after its timeout, because nothing can stop
    /// such a thread: the repetition waits for it if the limit is reached.
    /// [`TaskResult::waited`](crate::pipeline::TaskResult::waited) says how long a task has waited.
    ///
    /// A thread that never ends does not keep the run from its end. If all that is left of a run
    /// waits for such threads, one that has taken its timeout once more stops counting, and what
    /// waited runs beside it, above the limit. The same holds for limits by name.
    /// [`RunResult::still_running`] counts the threads that are left.
    pub fn max_parallel_tasks(mut self, limit: usize) -> Self {
        self.max_parallel = limit;
        self
    }

    /// Sets the manager that sends the alerts of this run's handlers.
    ///
    /// By default it is the manager of the installed `Observability`.
    #[cfg(feature = "alert")]
    pub fn alerts(mut self, manager: crate::alert::AlertManager) -> Self {
        self.alerts.own = Some(manager);
        self
    }

    /// Returns a handle that cancels the run from anywhere.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// Checks everything that can be checked without running a task.
    ///
    /// # Errors
    /// Returns an error when an `Input<T>` or `Resource<T>` parameter has no value, a limit that
    /// tasks name has no number, or a value was given twice.
    pub fn check(&self) -> Result<(), Error> {
        let mut problems = self.problems.clone();
        for node in &self.graph.nodes {
            for requirement in node.requires.iter().filter_map(|r| r()) {
                let given = match requirement.method {
                    "input" => &self.inputs,
                    _ => &self.resources,
                };
                if !given.has(requirement.id) {
                    let others = match &*given.type_names() {
                        [] => String::new(),
                        names => format!(" (given was `{}`)", names.join("`, `")),
                    };
                    problems.push(format!(
                        "task `{}` needs a value of type `{}`: call `.{}(…)` before `run`{others}",
                        node.name, requirement.type_name, requirement.method
                    ));
                }
            }
        }
        for name in &self.graph.limits {
            if !self.limits.contains_key(name) {
                problems.push(format!(
                    "tasks count against the concurrency limit `{name}`, which has no number: call `.concurrency(\"{name}\", n)`"
                ));
            }
        }
        all_well(self.name(), &problems)
    }

    /// Runs every task, then the handlers. It must be awaited on a tokio runtime.
    ///
    /// Dropping the future aborts the tasks; handlers are not called then. SIGINT and SIGTERM cancel the
    /// run under [`#[obs_runtime::main]`](crate::main), which waits for its handlers.
    ///
    /// # Errors
    /// Returns an error when the pipeline could not start: see [`check`](Self::check). A run whose
    /// tasks failed is `Ok`, with the state [`RunState::Failed`]; [`RunResult::into_result`] makes it
    /// an error.
    pub async fn run(self) -> Result<RunResult, Error> {
        self.check()?;
        if Handle::try_current().is_err() {
            return Err(pipeline_error(
                self.name(),
                "not inside a tokio runtime: await `run()` under `#[obs_runtime::main]`, `#[tokio::main]` or `Runtime::block_on`",
            ));
        }
        if let Some(task) = self.task_with_timer()
            && !has_timer()
        {
            return Err(pipeline_error(
                self.name(),
                &format!(
                    "the task `{task}` has a timeout or pauses before a retry, and this tokio runtime has no timer: \
                     build it with `enable_time()` or `enable_all()`"
                ),
            ));
        }
        let running = Running::begin(&self.cancel);
        let started_at = SystemTime::now();
        let alerts = self.alerts.clone();
        let run_id = run_id(started_at);
        let meters = Meters::of(&scope::current(), &self.graph);
        let telemetry = RunTelemetry::begin(self.graph.pipeline.clone(), &run_id, meters.clone());
        let run = Arc::new(self.into_run(run_id, telemetry.context(), meters));
        let finished = Runner::new(Arc::clone(&run)).drive().await;
        let mut result = result(&run, started_at, finished);
        let handlers = handler::concerned(&result);
        handler::call_all(&handlers, &mut result, &alerts)
            .in_span_context(run.span)
            .await;
        telemetry.end(&result);
        drop(running);
        Ok(result)
    }

    /// Returns the first task that waits for a time.
    fn task_with_timer(&self) -> Option<&str> {
        let waits = |policy: &TaskPolicy| policy.timeout.is_some() || policy.retry.pauses();
        let mut nodes = self.graph.nodes.iter();
        nodes
            .find(|node| waits(&node.policy))
            .map(|node| &*node.name)
    }

    fn into_run(self, id: String, span: Option<SpanContext>, meters: Meters) -> Run {
        let limits = self.graph.limits.iter();
        let limits = limits.map(|name| self.limits.get(name).copied().unwrap_or(1));
        Run {
            slots: Slots::new(self.max_parallel, limits),
            cells: self.graph.nodes.iter().map(|_| Mutex::default()).collect(),
            graph: self.graph,
            id,
            inputs: self.inputs,
            resources: self.resources,
            cancel: self.cancel,
            began: Instant::now(),
            span,
            meters,
        }
    }
}

/// Returns whether the runtime can wait for a time. Tokio cannot be asked: without a timer it panics.
fn has_timer() -> bool {
    guarded(|| drop(tokio::time::sleep(Duration::ZERO))).is_some()
}

fn result(run: &Run, started_at: SystemTime, finished: Finished) -> RunResult {
    let count = |state| {
        let results = finished.results.iter();
        results.filter(|task| task.state == state).count()
    };
    let tasks_failed = count(TaskState::Failed);
    let tasks_cancelled = count(TaskState::Cancelled);
    RunResult {
        run_id: run.id.clone(),
        pipeline_name: run.graph.pipeline.clone(),
        state: match (tasks_cancelled, tasks_failed) {
            (0, 0) => RunState::Succeeded,
            (0, _) => RunState::Failed,
            _ => RunState::Cancelled,
        },
        started_at,
        duration: run.began.elapsed(),
        records_count: finished
            .results
            .iter()
            .filter_map(|task| task.records)
            .fold(0, u64::saturating_add),
        tasks_succeeded: count(TaskState::Succeeded),
        tasks_failed,
        tasks_skipped: count(TaskState::Skipped),
        tasks_cancelled,
        still_running: finished
            .results
            .iter()
            .map(|task| task.still_running)
            .fold(0, u32::saturating_add),
        trace_id: run
            .span
            .filter(SpanContext::is_sampled)
            .map(|span| span.trace_id()),
        handler_errors: Vec::new(),
        outputs: finished.outputs,
        task_results: TaskResults {
            results: finished.results,
            graph: Arc::clone(&run.graph),
        },
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("name", &self.name())
            .field("tasks", &self.task_names().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
