//! The spans of a run, and what is measured of it as a whole.

use core::cell::Cell;
use std::borrow::Cow;

use crate::callsite::{CallsiteSpec, More, Source};
use crate::pipeline::TaskContext;
use crate::pipeline::meters::{Active, Meters};
use crate::pipeline::result::{RunResult, RunState};
use crate::semconv::attribute;
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
    _active: Option<Active>,
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
            _active: meters.active_run(&pipeline),
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

#[cfg(test)]
#[path = "telemetry_tests.rs"]
mod tests;
