//! The spans and metrics of a run.

use core::cell::Cell;
use core::hash::{Hash as _, Hasher as _};
use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::DefaultHasher;
use std::sync::Mutex;

use crate::callsite::{CallsiteSpec, More, Source};
use crate::lock::lock;
use crate::metrics::bound::Bound;
use crate::metrics::{BoundCounter, Counter, Histogram, MetricsCollector};
use crate::pipeline::TaskContext;
use crate::pipeline::graph::Graph;
use crate::pipeline::result::{RunResult, RunState, TaskResult, TaskState};
use crate::scope::{Extension, Scope};
use crate::semconv::{MetricDef, attribute, metric};
use crate::trace::current;
use crate::trace::measured::{Attributes, End, Ended, Measure, Measured};
use crate::{
    Capture as _, Span, SpanContext,
    callsite::{Callsite, Construct},
};

/// Of every run: the span's name carries that of the pipeline.
static RUN_SITE: Callsite = Callsite::new(CallsiteSpec {
    construct: Construct::Span,
    metrics: false,
    ..CallsiteSpec::new(
        "pipeline",
        &Source {
            module: module_path!(),
            file: file!(),
        },
        line!(),
    )
});

/// Of every attempt of a closure task: the span has the task's name.
static TASK_SITE: Callsite = Callsite::new(CallsiteSpec {
    construct: Construct::PipelineTask,
    metrics: false,
    more: Some(&More {
        keys: &[attribute::OBS_PIPELINE_NAME, attribute::OBS_TASK_ATTEMPT],
        ..More::NONE
    }),
    ..CallsiteSpec::new(
        "task",
        &Source {
            module: module_path!(),
            file: file!(),
        },
        line!(),
    )
});

/// A run's span and metrics. If it is dropped early, the run was.
pub(crate) struct RunTelemetry(Measured<RunMeasure>);

/// How long a run takes and how it ends.
struct RunMeasure {
    pipeline: Cow<'static, str>,
    meters: Meters,
}

impl Measure for RunMeasure {
    type Said = ();

    fn end(self, ended: Ended) {
        let state = match ended.end {
            End::Ok => RunState::Succeeded,
            End::Failed(kind) if kind == TIMED_OUT => RunState::TimedOut,
            End::Failed(_) => RunState::Failed,
            End::Panicked | End::Cancelled => RunState::Cancelled,
        };
        self.meters
            .run(&self.pipeline, state, ended.duration.as_secs_f64());
        if ended.attributes != Attributes::None {
            current::set_attribute(attribute::OBS_PIPELINE_STATE, state.as_str());
        }
    }
}

impl RunTelemetry {
    pub(crate) fn begin(pipeline: Cow<'static, str>, run_id: &str, meters: Meters) -> Self {
        let measure = RunMeasure {
            pipeline: pipeline.clone(),
            meters,
        };
        let call = Measured::begin(&RUN_SITE, Vec::new, measure);
        let span = call.span();
        if span.is_recording() {
            span.set_name(format!("pipeline {pipeline}"));
            span.set_attribute(attribute::OBS_PIPELINE_NAME, pipeline);
            span.set_attribute(attribute::OBS_RUN_ID, run_id.to_owned());
        }
        Self(call)
    }

    /// What the tasks' spans are children of.
    pub(crate) fn context(&self) -> Option<SpanContext> {
        // A run below a span that is not recorded belongs to that one's trace all the same.
        let own = self.0.span().context();
        own.or_else(SpanContext::current)
    }

    pub(crate) fn end(mut self, result: &RunResult) {
        let span = self.0.span();
        span.set_attribute(attribute::OBS_PIPELINE_RECORDS, result.records_count);
        if result.still_running > 0 {
            span.set_attribute(attribute::OBS_PIPELINE_STILL_RUNNING, result.still_running);
        }
        let end = match result.state {
            RunState::Succeeded => End::Ok,
            RunState::Cancelled | RunState::Running => End::Cancelled,
            RunState::Failed => failed(span, "task_failed", &failure(result)),
            RunState::TimedOut => failed(span, TIMED_OUT, "the run's deadline has passed"),
        };
        self.0.end(end);
    }
}

/// The error of a run whose deadline has passed.
const TIMED_OUT: &str = "run_deadline";

fn failed(span: &Span, kind: &'static str, message: &str) -> End {
    span.set_error(kind, message);
    End::Failed(kind.into())
}

/// `2 of 5 tasks failed: extract, load`
fn failure(result: &RunResult) -> String {
    const SHOWN: usize = 5;
    let failed = result.get_failed_tasks();
    let shown: Vec<&str> = failed.iter().take(SHOWN).map(|task| &*task.name).collect();
    let more = if failed.len() > SHOWN { ", …" } else { "" };
    format!(
        "{} of {} tasks failed: {}{more}",
        failed.len(),
        result.task_results.len(),
        shown.join(", ")
    )
}

/// The span of a closure task's attempt. Annotated tasks bring their own.
pub(crate) fn task_span(context: &TaskContext) -> Span {
    let span = Span::begin(&TASK_SITE, || {
        vec![
            context.run.graph.pipeline.capture(),
            context.attempt.capture(),
        ]
    });
    if span.is_recording() {
        span.set_name(context.node().name.clone());
        if let Some(item) = context.item() {
            span.set_attribute(attribute::OBS_TASK_ITEM, item as i64);
        }
        for link in links(context) {
            span.add_link(link);
        }
        keep(context, span.context());
    }
    span
}

/// Keeps the span of an attempt, for those that depend on its task and for its own end.
fn keep(context: &TaskContext, span: Option<SpanContext>) {
    let mut cell = context.cell();
    cell.span = span;
    cell.of(context.unit).span = span;
}

/// The spans of the tasks that this one depends on.
fn links(context: &TaskContext) -> impl Iterator<Item = SpanContext> + '_ {
    let dependencies = context.rule().dependencies.iter();
    dependencies.filter_map(|edge| context.run.cell(edge.task as usize).span)
}

thread_local! {
    /// The attempt whose function is about to begin its span on this thread.
    static BEGINNING: Cell<Option<TaskContext>> = const { Cell::new(None) };
}

/// Called inside the span that an annotated task has just begun, if it is recorded: links it to
/// the spans of its dependencies. The number of the attempt, if the function was called by a run.
pub fn span_began() -> Option<u32> {
    let context = BEGINNING.take()?;
    keep(&context, SpanContext::current());
    if let Some(item) = context.item() {
        current::set_attribute(attribute::OBS_TASK_ITEM, item as i64);
    }
    links(&context).for_each(current::add_link);
    Some(context.attempt)
}

/// Until this is dropped, the function that begins its span on this thread can find out that a
/// run has called it.
pub(crate) struct Beginning {
    before: Option<TaskContext>,
}

impl Beginning {
    pub(crate) fn enter(context: TaskContext) -> Self {
        Self {
            before: BEGINNING.replace(Some(context)),
        }
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        BEGINNING.set(self.before.take());
    }
}

/// Returns the attempt whose function is about to begin its span on this thread.
pub(crate) fn beginning() -> Option<TaskContext> {
    let context = BEGINNING.take();
    BEGINNING.set(context.clone());
    context
}

/// Makes a call see the span that is entered here, and the attempt that begins here, on whatever
/// thread it runs.
pub(crate) fn carry<R>(call: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let span = SpanContext::current();
    let beginning = BEGINNING.take();
    move || {
        let _inside = span.as_ref().map(SpanContext::attach);
        let _here = beginning.map(Beginning::enter);
        call()
    }
}

/// The instruments of pipelines. One that the program has defined otherwise is left out.
#[derive(Clone)]
pub(crate) struct Meters {
    runs: Option<Counter>,
    run_duration: Option<Histogram>,
    task_duration: Option<Histogram>,
    task_retries: Option<Counter>,
    records: Option<Counter>,
    handler_calls: Option<Counter>,
}

impl Meters {
    /// Finds or defines the instruments for runs of a graph. Where counters start at 0, they show
    /// every way in which its runs can end, and its retries, so that a rate knows the first failure.
    pub(crate) fn of(scope: &Scope, graph: &Graph) -> Self {
        let meters = Self::new(&scope.metrics);
        if scope.counts_from_zero() && scope.extension::<Ahead>().is_new(graph) {
            meters.count_from_zero(graph);
        }
        meters
    }

    fn new(collector: &MetricsCollector) -> Self {
        let run = [attribute::PIPELINE, attribute::STATE];
        let task = [attribute::PIPELINE, attribute::TASK];
        Self {
            runs: counter(collector, &metric::OBS_PIPELINE_RUNS, run),
            run_duration: histogram(collector, &metric::OBS_PIPELINE_RUN_DURATION, run),
            task_duration: histogram(
                collector,
                &metric::OBS_PIPELINE_TASK_DURATION,
                [attribute::PIPELINE, attribute::TASK, attribute::STATE],
            ),
            task_retries: counter(collector, &metric::OBS_PIPELINE_TASK_RETRIES, task),
            records: counter(collector, &metric::OBS_PIPELINE_RECORDS, task),
            handler_calls: counter(
                collector,
                &metric::OBS_PIPELINE_HANDLER_CALLS,
                [attribute::PIPELINE, attribute::HANDLER, attribute::RESULT],
            ),
        }
    }

    /// How many records a task counts is not known before it has counted some: there is no 0. How
    /// long runs and tasks take is not either, and histograms have many lines.
    fn count_from_zero(&self, graph: &Graph) {
        let pipeline = &*graph.pipeline;
        for state in RunState::ALL.iter().filter(|state| state.is_terminal()) {
            ahead(self.runs.as_ref(), &[pipeline, state.as_str()]);
        }
        for task in retried(graph) {
            ahead(self.task_retries.as_ref(), &[pipeline, task]);
        }
    }

    fn run(&self, pipeline: &str, state: RunState, seconds: f64) {
        let labels = [pipeline, state.as_str()];
        if let Some(Ok(runs)) = self.runs.as_ref().map(|m| m.with(labels)) {
            runs.inc();
        }
        if let Some(Ok(duration)) = self.run_duration.as_ref().map(|m| m.with(labels)) {
            duration.observe(seconds);
        }
    }

    /// Counts a call of a handler.
    pub(crate) fn handler(&self, pipeline: &str, handler: &str, result: &str) {
        let labels = [pipeline, handler, result];
        if let Some(Ok(calls)) = self.handler_calls.as_ref().map(|m| m.with(labels)) {
            calls.inc();
        }
    }

    /// Counts a task that has ended; one that never ran has no duration.
    pub(crate) fn task(&self, pipeline: &str, task: &TaskResult) {
        if task.attempts == 0 || task.state == TaskState::Skipped {
            return;
        }
        let labels = [pipeline, &task.name, task.state.as_str()];
        if let Some(Ok(duration)) = self.task_duration.as_ref().map(|m| m.with(labels)) {
            duration.observe(task.duration.as_secs_f64());
        }
        let labels = [pipeline, &*task.name];
        let repeated = retries(task);
        if repeated > 0
            && let Some(Ok(retries)) = self.task_retries.as_ref().map(|m| m.with(labels))
        {
            retries.add(repeated);
        }
        if let Some(count) = task.records
            && let Some(Ok(records)) = self.records.as_ref().map(|m| m.with(labels))
        {
            records.add(count);
        }
    }
}

/// The repetitions of a task: those of its items added up, if it is mapped.
fn retries(task: &TaskResult) -> u32 {
    if task.items.is_empty() {
        return task.attempts.saturating_sub(1);
    }
    let items = task.items.iter();
    let repeated = items.map(|item| item.attempts.saturating_sub(1));
    repeated.fold(0, u32::saturating_add)
}

fn ahead(counter: Option<&Counter>, labels: &[&str]) {
    if let Some(counter) = counter {
        BoundCounter::add_ahead(counter, labels);
    }
}

/// Returns the tasks that have retries.
fn retried(graph: &Graph) -> impl Iterator<Item = &str> {
    let tasks = graph.nodes.iter().zip(&graph.plan.tasks);
    let retried = tasks.filter(|(_, rule)| rule.retry.retries() > 0);
    retried.map(|(node, _)| &*node.name)
}

/// The graphs whose counters show 0 in a scope.
#[derive(Default)]
struct Ahead(Mutex<HashSet<u64>>);

impl Extension for Ahead {}

impl Ahead {
    /// Returns whether the counters of a graph are to be shown: once, as each run of a pipeline
    /// makes its graph anew. What it counts tells graphs apart. A program that makes up pipelines
    /// is remembered up to the number of names that the label `pipeline` takes.
    fn is_new(&self, graph: &Graph) -> bool {
        let mut hasher = DefaultHasher::new();
        graph.pipeline.hash(&mut hasher);
        retried(graph).for_each(|task| task.hash(&mut hasher));
        let mut known = lock(&self.0);
        known.len() < MOST_TASKS && known.insert(hasher.finish())
    }
}

/// Values of the label `task`: the names of a program's tasks are few by nature, but more than 100 in
/// a large one.
const MOST_TASKS: usize = 2_000;

fn counter<const N: usize>(
    collector: &MetricsCollector,
    def: &MetricDef,
    labels: [&'static str; N],
) -> Option<Counter> {
    let counter = collector.counter(def.name).unit(def.unit);
    let counter = counter.description(def.description).labels(labels);
    counter.max_label_values(MOST_TASKS).build().ok()
}

fn histogram<const N: usize>(
    collector: &MetricsCollector,
    def: &MetricDef,
    labels: [&'static str; N],
) -> Option<Histogram> {
    let histogram = collector.histogram(def.name).unit(def.unit);
    let histogram = histogram.description(def.description).labels(labels);
    let histogram = histogram.max_label_values(MOST_TASKS);
    histogram.buckets(def.bounds.iter().copied()).build().ok()
}

#[cfg(test)]
#[path = "telemetry_tests.rs"]
mod tests;
