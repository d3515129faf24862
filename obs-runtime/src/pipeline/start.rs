//! A pipeline that is ready to run: what it was given, the checks, and the run itself.
//!
//! Methods that set something cannot fail, so that they chain; what they got wrong is kept and
//! reported by [`Pipeline::check`], which every run calls first.

use core::any::{Any, type_name};
use core::fmt;
use core::sync::atomic::AtomicBool;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::guarded::guarded;
#[cfg(feature = "llm")]
use crate::pipeline::account::Account;
use crate::pipeline::analysis::Analysis;
use crate::pipeline::cancel::Running;
use crate::pipeline::context::Run;
use crate::pipeline::graph::{Graph, Node, all_well, pipeline_error};
use crate::pipeline::handler::{Calls, Handlers};
use crate::pipeline::meters::Meters;
use crate::pipeline::params::TypeMap;
use crate::pipeline::plan::{Rule, RunLimits};
use crate::pipeline::progress::ProgressWatch;
use crate::pipeline::result::{Output, RunResult, RunState, TaskResult, TaskResults, TaskState};
use crate::pipeline::run_handle::Teller;
use crate::pipeline::runner::{Finished, Runner};
use crate::pipeline::telemetry::RunTelemetry;
use crate::pipeline::{CancelHandle, PipelineBuilder, RunHandle, registry};
use crate::{Error, Instrument as _, SpanContext, run_id, scope};

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
    pub(super) handlers: Handlers,
    deadline: Option<Duration>,
    late: Option<Duration>,
    /// Whether people are shown how far the run is.
    #[cfg(feature = "progress")]
    pub(super) is_shown: bool,
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
            handlers: Handlers::default(),
            deadline: None,
            late: None,
            #[cfg(feature = "progress")]
            is_shown: false,
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
        self.handlers.alerts = Some(manager);
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

    /// Sets the longest that the run may take. By default there is no limit.
    ///
    /// Tasks that run when it has passed are stopped, and the run is [`RunState::TimedOut`]. The
    /// handlers come after it, with deadlines of their own.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets when the run counts as late: handlers with `#[on_late]` and [`on_late`](Self::on_late)
    /// are called then, once, while it goes on.
    pub fn late(mut self, late: Duration) -> Self {
        self.late = Some(late);
        self
    }

    /// Runs every task, then the handlers. It must be awaited on a tokio runtime.
    ///
    /// Dropping the future cancels the run: its tasks are aborted, and its handlers are called by a
    /// task of its own, for which [`#[obs_runtime::main]`](crate::main) waits. SIGINT and SIGTERM
    /// cancel the run under that macro too.
    ///
    /// # Errors
    /// Returns an error when the pipeline could not start: see [`check`](Self::check); and when the
    /// runtime was shut down before the run had ended. A run whose tasks failed is `Ok`, with the
    /// state [`RunState::Failed`]; [`RunResult::into_result`] makes it an error.
    pub async fn run(self) -> Result<RunResult, Error> {
        let run = self.start().await?;
        let cancel = CancelOnDrop(Some(run.cancel_handle()));
        let result = run.wait().await;
        cancel.disarm();
        result
    }

    /// Starts the run, and returns what follows and cancels it. The run goes on if that is dropped.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use obs_runtime::pipeline::Pipeline;
    ///
    /// let pipeline = Pipeline::builder("etl").task("load", [], |_| async { Ok::<_, String>(1) });
    /// let run = pipeline.build()?.start().await?;
    /// println!("run {} has begun", run.id());
    /// assert!(run.wait().await?.succeeded());
    /// # Ok::<(), obs_runtime::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Returns an error when the pipeline cannot start: see [`check`](Self::check).
    #[allow(
        clippy::unused_async,
        reason = "a run that is found again, or taken from a store, will be waited for"
    )]
    pub async fn start(self) -> Result<RunHandle, Error> {
        self.check()?;
        let Ok(runtime) = Handle::try_current() else {
            return Err(pipeline_error(
                self.name(),
                "not inside a tokio runtime: await `run()` under `#[obs_runtime::main]`, `#[tokio::main]` or `Runtime::block_on`",
            ));
        };
        if let Some(what) = self.needs_timer()
            && !has_timer()
        {
            return Err(pipeline_error(
                self.name(),
                &format!(
                    "{what}, and this tokio runtime has no timer: build it with `enable_time()` or `enable_all()`"
                ),
            ));
        }
        #[cfg(feature = "progress")]
        if self.is_shown {
            let pipeline = self.graph.pipeline.clone();
            return Ok(self.spawn(&runtime).shown(pipeline));
        }
        Ok(self.spawn(&runtime))
    }

    /// Returns what waits for a time, if anything does.
    fn needs_timer(&self) -> Option<String> {
        if self.deadline.is_some() || self.late.is_some() {
            return Some("the run has a deadline".to_owned());
        }
        #[cfg(feature = "progress")]
        if self.is_shown {
            return Some("the progress is shown now and then".to_owned());
        }
        let mut tasks = self.graph.nodes.iter().zip(&self.graph.plan.tasks);
        let waits = |node: &Node, rule: &Rule| {
            let may_ask = node.retry_after && rule.retry.retries() > 0;
            rule.times.any() || rule.retry.pauses() || may_ask
        };
        let (node, _) = tasks.find(|(node, rule)| waits(node, rule))?;
        Some(format!(
            "the task `{}` has a timeout or pauses before a retry",
            node.name
        ))
    }

    /// Gives the run to a task of its own.
    fn spawn(mut self, runtime: &Handle) -> RunHandle {
        let running = Running::begin(&self.cancel);
        let started_at = SystemTime::now();
        let handlers = core::mem::take(&mut self.handlers);
        let run_id = run_id::run_id(started_at);
        let closures = handlers.closure_names();
        let meters = Meters::of(&scope::current(), &self.graph, &closures);
        let telemetry = RunTelemetry::begin(self.graph.pipeline.clone(), &run_id, meters.clone());
        let limits = self.limits();
        let run = Arc::new(self.into_run(run_id, telemetry.context(), meters));
        let (span, id, cancel) = (run.span, run.id.clone(), run.cancel.clone());
        let watch = ProgressWatch::new(Arc::clone(&run.mailbox));
        let calls = Calls::new(handlers, run.span, run.meters.clone());
        let late = calls.clone();
        let for_late = Arc::clone(&run);
        let on_late = Box::new(move |results: Vec<TaskResult>| {
            let so_far = result(
                &for_late,
                started_at,
                RunState::Running,
                results,
                Arc::new([]),
            );
            late.spawn_late(so_far);
        });
        let runner = Runner::new(Arc::clone(&run), &limits, on_late);
        let (tell, told) = oneshot::channel();
        let whole = async move {
            let teller = Teller::new(run.graph.pipeline.clone(), tell);
            let finished = runner.drive().await;
            let Finished {
                state,
                results,
                outputs,
            } = finished;
            let result = result(&run, started_at, state, results, outputs);
            let result = calls.call_all(result).await;
            telemetry.end(&result);
            // Who waits for it has it before the run is over for the end of the program.
            teller.tell(result);
            drop(running);
        };
        runtime.spawn(whole.in_span_context(span));
        RunHandle::new(id, cancel, watch, told)
    }

    fn limits(&self) -> RunLimits {
        let few = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        let named = self.graph.limits.iter();
        RunLimits {
            parallel: (self.max_parallel < usize::MAX).then(|| few(self.max_parallel.max(1))),
            named: named
                .map(|name| few(self.limits.get(name).copied().unwrap_or(1)))
                .collect(),
            deadline: self.deadline,
            late: self.late,
            seed: RandomState::new().hash_one(0_u8),
        }
    }

    pub(super) fn into_run(self, id: String, span: Option<SpanContext>, meters: Meters) -> Run {
        #[cfg(feature = "llm")]
        let account = Account::of_run(self.graph.pipeline.clone());
        Run {
            mailbox: Arc::default(),
            has_news: AtomicBool::new(false),
            cells: self.graph.nodes.iter().map(|_| Mutex::default()).collect(),
            graph: self.graph,
            id,
            inputs: self.inputs,
            resources: self.resources,
            cancel: self.cancel,
            began: Instant::now(),
            #[cfg(feature = "llm")]
            account,
            span,
            meters,
        }
    }
}

/// Cancels a run whose future is dropped before it has ended.
struct CancelOnDrop(Option<CancelHandle>);

impl CancelOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(cancel) = &self.0 {
            cancel.cancel();
        }
    }
}

/// Returns whether the runtime can wait for a time. Tokio cannot be asked: without a timer it panics.
pub(super) fn has_timer() -> bool {
    guarded(|| drop(tokio::time::sleep(Duration::ZERO))).is_some()
}

fn result(
    run: &Run,
    started_at: SystemTime,
    state: RunState,
    results: Vec<TaskResult>,
    outputs: Arc<[Option<Output>]>,
) -> RunResult {
    let count = |is: fn(&TaskResult) -> bool| results.iter().filter(|task| is(task)).count();
    RunResult {
        run_id: run.id.clone(),
        pipeline_name: run.graph.pipeline.clone(),
        state,
        started_at,
        duration: run.began.elapsed(),
        records_count: results
            .iter()
            .filter_map(|task| task.records)
            .fold(0, u64::saturating_add),
        tasks_succeeded: count(TaskResult::succeeded),
        tasks_failed: count(TaskResult::failed),
        tasks_skipped: count(|task| task.state == TaskState::Skipped),
        tasks_cancelled: count(|task| task.state == TaskState::Cancelled),
        still_running: results
            .iter()
            .map(|task| task.still_running)
            .fold(0, u32::saturating_add),
        trace_id: run
            .span
            .filter(SpanContext::is_sampled)
            .map(|span| span.trace_id()),
        handler_errors: Vec::new(),
        #[cfg(feature = "llm")]
        spent: run.account.as_ref().and_then(Account::spent),
        analysis: Analysis::new(&run.graph, &results),
        outputs,
        task_results: TaskResults {
            results,
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

#[cfg(test)]
#[path = "start_tests.rs"]
mod tests;
