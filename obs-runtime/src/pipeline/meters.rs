//! The metrics of runs and tasks, and the zeros that they have before the first run.

use core::hash::{Hash as _, Hasher as _};
use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::DefaultHasher;
use std::sync::{Mutex, OnceLock};

use crate::lock::lock;
use crate::metrics::bound::Bound;
use crate::metrics::builder::{Instrument, report};
use crate::metrics::{
    BoundCounter, BoundUpDownCounter, Counter, Histogram, InstrumentBuilder, MetricsCollector,
    UpDownCounter,
};
use crate::pipeline::graph::{Graph, Node};
use crate::pipeline::handler;
use crate::pipeline::plan::Rule;
use crate::pipeline::result::{ItemResult, RunState, TaskResult, TaskState};
use crate::scope::{Extension, Scope};
use crate::semconv::{MetricDef, attribute, metric};

/// The instruments of pipelines. One that the program has defined otherwise is left out.
#[derive(Clone)]
pub(crate) struct Meters {
    runs: Option<Counter>,
    active_runs: Option<UpDownCounter>,
    detached: Option<UpDownCounter>,
    active_attempts: Option<UpDownCounter>,
    queue_depth: Option<UpDownCounter>,
    queue_wait: Option<Histogram>,
    #[cfg(feature = "llm")]
    cost: Option<Counter>,
    #[cfg(feature = "llm")]
    model_calls: Option<Counter>,
    run_duration: Option<Histogram>,
    tasks: Option<Counter>,
    task_errors: Option<Counter>,
    items: Option<Counter>,
    task_duration: Option<Histogram>,
    task_retries: Option<Counter>,
    records: Option<Counter>,
    handler_calls: Option<Counter>,
}

impl Meters {
    /// Finds or defines the instruments for runs of a graph, with these handlers beside the annotated
    /// ones. Where counters start at 0, they show every way in which its runs, tasks and handlers can
    /// end, so that a rate knows the first failure.
    pub(crate) fn of(scope: &Scope, graph: &Graph, closures: &[Cow<'static, str>]) -> Self {
        let known = scope.extension::<Known>();
        // Each run would look all of them up by name.
        let meters = known.meters.get_or_init(|| Self::new(&scope.metrics));
        let meters = meters.clone();
        if scope.counts_from_zero() && known.is_new(graph, closures) {
            meters.count_from_zero(graph, closures);
        }
        meters
    }

    fn new(collector: &MetricsCollector) -> Self {
        let pipeline = [attribute::PIPELINE];
        let run = [attribute::PIPELINE, attribute::STATE];
        let task = [attribute::PIPELINE, attribute::TASK];
        let ended = [attribute::PIPELINE, attribute::TASK, attribute::STATE];
        let failed = [attribute::PIPELINE, attribute::TASK, attribute::ERROR_TYPE];
        let called = [attribute::PIPELINE, attribute::HANDLER, attribute::RESULT];
        Self {
            runs: instrument(collector, &metric::OBS_PIPELINE_RUNS, &run),
            active_runs: instrument(collector, &metric::OBS_PIPELINE_ACTIVE_RUNS, &pipeline),
            detached: instrument(collector, &metric::OBS_PIPELINE_DETACHED, &task),
            active_attempts: instrument(collector, &metric::OBS_PIPELINE_ACTIVE_ATTEMPTS, &task),
            queue_depth: instrument(collector, &metric::OBS_PIPELINE_QUEUE_DEPTH, &pipeline),
            queue_wait: instrument(collector, &metric::OBS_PIPELINE_QUEUE_WAIT_TIME, &task),
            #[cfg(feature = "llm")]
            cost: instrument(collector, &metric::OBS_PIPELINE_COST, &task),
            #[cfg(feature = "llm")]
            model_calls: instrument(collector, &metric::OBS_PIPELINE_MODEL_CALLS, &task),
            run_duration: instrument(collector, &metric::OBS_PIPELINE_RUN_DURATION, &run),
            tasks: instrument(collector, &metric::OBS_PIPELINE_TASKS, &ended),
            task_errors: instrument(collector, &metric::OBS_PIPELINE_TASK_ERRORS, &failed),
            items: instrument(collector, &metric::OBS_PIPELINE_ITEMS, &ended),
            task_duration: instrument(collector, &metric::OBS_PIPELINE_TASK_DURATION, &ended),
            task_retries: instrument(collector, &metric::OBS_PIPELINE_TASK_RETRIES, &task),
            records: instrument(collector, &metric::OBS_PIPELINE_RECORDS, &task),
            handler_calls: instrument(collector, &metric::OBS_PIPELINE_HANDLER_CALLS, &called),
        }
    }

    /// How many records a task counts is not known before it has counted some: there is no 0. How
    /// long runs and tasks take is not either, and histograms have many lines.
    fn count_from_zero(&self, graph: &Graph, closures: &[Cow<'static, str>]) {
        let pipeline = &*graph.pipeline;
        for state in RunState::ALL.iter().filter(|state| state.is_terminal()) {
            ahead(self.runs.as_ref(), &[pipeline, state.as_str()]);
        }
        ahead_up_down(self.active_runs.as_ref(), &[pipeline]);
        ahead_up_down(self.queue_depth.as_ref(), &[pipeline]);
        for (node, rule) in tasks(graph) {
            let task = &*node.name;
            let states = TaskState::ALL.iter().filter(|state| state.is_terminal());
            for state in states {
                ahead(self.tasks.as_ref(), &[pipeline, task, state.as_str()]);
                if node.map.is_some() {
                    ahead(self.items.as_ref(), &[pipeline, task, state.as_str()]);
                }
            }
            for kind in error_types(node, rule) {
                ahead(self.task_errors.as_ref(), &[pipeline, task, kind]);
            }
            if rule.retry.retries() > 0 {
                ahead(self.task_retries.as_ref(), &[pipeline, task]);
            }
        }
        let annotated = handler::names(pipeline).map(Cow::Borrowed);
        for name in annotated.chain(closures.iter().cloned()) {
            for result in handler::RESULTS {
                ahead(self.handler_calls.as_ref(), &[pipeline, &name, result]);
            }
        }
    }

    /// A run is active until the returned value is dropped.
    pub(crate) fn active_run(&self, pipeline: &str) -> Option<Active> {
        Some(Active::new(
            self.active_runs.as_ref()?.with([pipeline]).ok()?,
        ))
    }

    /// A thread of a synchronous task, which nobody waits for, goes on until the returned value is
    /// dropped.
    pub(crate) fn detached(&self, pipeline: &str, task: &str) -> Option<Active> {
        let counter = self.detached.as_ref()?.with([pipeline, task]);
        Some(Active::new(counter.ok()?))
    }

    pub(crate) fn run(&self, pipeline: &str, state: RunState, seconds: f64) {
        let labels = [pipeline, state.as_str()];
        count(self.runs.as_ref(), labels, 1);
        observe(self.run_duration.as_ref(), labels, seconds);
    }

    /// Counts a call of a handler.
    pub(crate) fn handler(&self, pipeline: &str, handler: &str, result: &str) {
        count(self.handler_calls.as_ref(), [pipeline, handler, result], 1);
    }

    /// An attempt works until the returned value is dropped.
    pub(crate) fn active_attempt(&self, pipeline: &str, task: &str) -> Option<Active> {
        let counter = self.active_attempts.as_ref()?.with([pipeline, task]);
        Some(Active::new(counter.ok()?))
    }

    /// Shows how many attempts of a run wait.
    pub(crate) fn queue(&self, pipeline: &str) -> Queue {
        let counter = self.queue_depth.as_ref();
        Queue {
            depth: counter.and_then(|counter| counter.with([pipeline]).ok()),
            shown: 0,
        }
    }

    /// Counts a task that has ended; one that never ran has no duration. `may_wait` says whether it
    /// had to have a slot.
    pub(crate) fn task(&self, pipeline: &str, task: &TaskResult, may_wait: bool) {
        if may_wait && (task.attempts > 0 || !task.waited.is_zero()) {
            let labels = [pipeline, &*task.name];
            observe(self.queue_wait.as_ref(), labels, task.waited.as_secs_f64());
        }
        #[cfg(feature = "llm")]
        if let Some(spent) = &task.spent {
            let labels = [pipeline, &*task.name];
            count(self.model_calls.as_ref(), labels, spent.model_calls);
            let usd = spent.cost.at_least.as_f64();
            if usd > 0.0
                && let Some(Ok(cost)) = self.cost.as_ref().map(|cost| cost.with(labels))
            {
                cost.add(usd);
            }
        }
        let labels = [pipeline, &task.name, task.state.as_str()];
        count(self.tasks.as_ref(), labels, 1);
        if let Some(error) = task.error.as_ref().filter(|_| task.failed()) {
            let labels = [pipeline, &task.name, error.error_type()];
            count(self.task_errors.as_ref(), labels, 1);
        }
        self.count_items(pipeline, task);
        if task.attempts == 0 || task.state == TaskState::Skipped {
            return;
        }
        let seconds = task.duration.as_secs_f64();
        observe(self.task_duration.as_ref(), labels, seconds);
        let labels = [pipeline, &*task.name];
        count(self.task_retries.as_ref(), labels, retries(task));
        if let Some(records) = task.records {
            // Of a task that counts its records 0 of them is known, too.
            if let Some(Ok(counter)) = self.records.as_ref().map(|m| m.with(labels)) {
                counter.add(records);
            }
        }
    }

    fn count_items(&self, pipeline: &str, task: &TaskResult) {
        if task.items.is_empty() {
            return;
        }
        for state in TaskState::ALL {
            let is = |item: &&ItemResult| item.state == *state;
            let ended = task.items.iter().filter(is).count() as u64;
            let labels = [pipeline, &*task.name, state.as_str()];
            count(self.items.as_ref(), labels, ended);
        }
    }
}

/// Something that is counted as active until this is dropped.
#[derive(Debug)]
pub(crate) struct Active(BoundUpDownCounter);

impl Active {
    fn new(counter: BoundUpDownCounter) -> Self {
        counter.inc();
        Self(counter)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The part of a run in the number of attempts that wait.
#[derive(Debug)]
pub(crate) struct Queue {
    depth: Option<BoundUpDownCounter>,
    shown: usize,
}

impl Queue {
    /// So many wait now.
    pub(crate) fn show(&mut self, waiting: usize) {
        if waiting != self.shown
            && let Some(depth) = &self.depth
        {
            depth.add(waiting as i64 - self.shown as i64);
            self.shown = waiting;
        }
    }
}

/// Whoever waited when the run was dropped waits no more.
impl Drop for Queue {
    fn drop(&mut self) {
        self.show(0);
    }
}

/// Adds to a series, which need not be there for nothing.
fn count<const N: usize>(counter: Option<&Counter>, labels: [&str; N], amount: u64) {
    if amount > 0
        && let Some(Ok(series)) = counter.map(|counter| counter.with(labels))
    {
        series.add(amount);
    }
}

fn observe<const N: usize>(histogram: Option<&Histogram>, labels: [&str; N], value: f64) {
    if let Some(Ok(series)) = histogram.map(|histogram| histogram.with(labels)) {
        series.observe(value);
    }
}

/// The repetitions of a task: those of its items added up, if it is mapped.
fn retries(task: &TaskResult) -> u64 {
    if task.items.is_empty() {
        return u64::from(task.attempts.saturating_sub(1));
    }
    let items = task.items.iter();
    items
        .map(|item| u64::from(item.attempts.saturating_sub(1)))
        .sum()
}

fn ahead(counter: Option<&Counter>, labels: &[&str]) {
    if let Some(counter) = counter {
        BoundCounter::add_ahead(counter, labels);
    }
}

fn ahead_up_down(counter: Option<&UpDownCounter>, labels: &[&str]) {
    if let Some(counter) = counter {
        BoundUpDownCounter::add_ahead(counter, labels);
    }
}

fn tasks(graph: &Graph) -> impl Iterator<Item = (&Node, &Rule)> {
    graph.nodes.iter().zip(&graph.plan.tasks)
}

/// The types of errors with which a task can fail, as far as its declaration tells: that of its
/// `Result`, a panic, and the limits that it has.
fn error_types<'a>(node: &'a Node, rule: &Rule) -> impl Iterator<Item = &'a str> {
    let times = rule.times;
    let limits = [
        (times.timeout.is_some(), "timeout"),
        (times.deadline.is_some(), "deadline"),
        (times.queue_timeout.is_some(), "queue_timeout"),
        (node.map.is_some(), "items"),
        (true, "run_deadline"),
        (true, "panic"),
    ];
    let limits = limits
        .into_iter()
        .filter_map(|(has, kind)| has.then_some(kind));
    node.error_types.iter().map(|kind| kind()).chain(limits)
}

/// The instruments of a scope, and the graphs whose counters show 0 in it.
#[derive(Default)]
struct Known {
    meters: OnceLock<Meters>,
    graphs: Mutex<HashSet<u64>>,
}

impl Extension for Known {}

impl Known {
    /// Returns whether the counters of a graph are to be shown: once, as each run of a pipeline
    /// makes its graph anew. What it counts tells graphs apart. A program that makes up pipelines
    /// is remembered up to the number of names that the label `pipeline` takes.
    fn is_new(&self, graph: &Graph, closures: &[Cow<'static, str>]) -> bool {
        let mut hasher = DefaultHasher::new();
        (&graph.pipeline, closures).hash(&mut hasher);
        for (node, rule) in tasks(graph) {
            (&node.name, rule.retry.retries() > 0).hash(&mut hasher);
            error_types(node, rule).for_each(|kind| kind.hash(&mut hasher));
        }
        let mut known = lock(&self.graphs);
        known.len() < MOST_TASKS && known.insert(hasher.finish())
    }
}

/// Values of the label `task`: the names of a program's tasks are few by nature, but more than 100 in
/// a large one.
const MOST_TASKS: usize = 2_000;

/// Series of one metric: of each task every state in which it can end.
const MOST_SERIES: usize = MOST_TASKS * 8;

/// Finds or defines an instrument. What the program has defined otherwise is said once.
fn instrument<I: Instrument>(
    collector: &MetricsCollector,
    def: &MetricDef,
    labels: &[&'static str],
) -> Option<I> {
    let builder = InstrumentBuilder::<I>::of(collector, def);
    let builder = builder.labels(labels.iter().copied());
    let builder = builder.max_series(MOST_SERIES).max_label_values(MOST_TASKS);
    report(def, builder.build())
}

#[cfg(test)]
#[path = "meters_tests.rs"]
mod tests;
