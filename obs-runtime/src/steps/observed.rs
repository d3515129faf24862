//! A step while it runs: a measured call with a span of its own.

use core::any::type_name;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::context::{Phase, WorkflowContext};
use super::label::{Label, StepKind};
use crate::causes::WithCauses;
use crate::semconv::attribute;
use crate::trace::measured::{End, Ended, Here, Measure, Measured};
use crate::{Capture as _, Span};

/// Where a step stands among those around it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// Its position, from 0, and how many there are.
    pub(super) of: Option<(usize, usize)>,
    /// Which attempt it is, if it is not the first.
    pub(super) attempt: Option<u32>,
}

impl Place {
    pub(super) const NONE: Self = Self {
        of: None,
        attempt: None,
    };

    /// The first of so many.
    pub(super) const fn first_of(total: usize) -> Self {
        Self {
            of: Some((0, total)),
            attempt: None,
        }
    }

    /// The place behind so many others.
    pub(super) fn behind(self, others: usize) -> Self {
        Self {
            of: self.of.map(|(index, total)| (index + others, total)),
            ..self
        }
    }
}

/// The checkpoints of a step in its workflow.
pub(super) struct StepMeasure {
    label: Label,
    context: Option<WorkflowContext>,
}

impl Measure for StepMeasure {
    type Said = ();

    fn begin(&mut self, _: Here) {
        self.checkpoint(Phase::Start);
    }

    fn end(self, _: Ended) {
        self.checkpoint(Phase::End);
    }
}

impl StepMeasure {
    fn checkpoint(&self, phase: Phase) {
        if let Some(context) = &self.context {
            context.pass(self.label.name().into(), phase);
        }
    }
}

pin_project! {
    /// A step that runs inside a span of its own. An `async fn` would hold the work twice, and so each step around it.
    pub struct Observed<W> {
        // Before the call: what is dropped early inside of it ends first.
        #[pin]
        work: W,
        // Once it has begun.
        call: Option<Measured<StepMeasure>>,
        label: Label,
        place: Place,
    }
}

/// Runs a step inside a span of its own.
pub(super) fn observed<W>(label: Label, place: Place, work: W) -> Observed<W> {
    Observed {
        work,
        call: None,
        label,
        place,
    }
}

impl<T, E: fmt::Display, W: Future<Output = Result<T, E>>> Future for Observed<W> {
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        let this = self.project();
        let (label, place) = (*this.label, *this.place);
        let call = this.call.get_or_insert_with(|| begin(label, place));
        let polled = call.run(|_| this.work.poll(cx));
        if let Poll::Ready(result) = &polled {
            end(call, result);
        }
        polled
    }
}

fn begin(label: Label, place: Place) -> Measured<StepMeasure> {
    let context = WorkflowContext::current();
    let values = || match &context {
        Some(context) if label.kind == StepKind::Workflow => vec![
            context.workflow_id().capture(),
            context.correlation_id().capture(),
            context.causation_id().capture(),
            context.session_id().capture(),
        ],
        _ => Vec::new(),
    };
    let measure = StepMeasure {
        label,
        context: context.clone(),
    };
    let call = Measured::begin(label.site, values, measure);
    if call.span().is_recording() {
        describe(call.span(), label.kind, place, context.as_ref());
    }
    call
}

fn end<T, E: fmt::Display>(call: &mut Measured<StepMeasure>, result: &Result<T, E>) {
    let end = match result {
        Ok(_) => End::Ok,
        Err(error) => {
            let kind = type_name::<E>();
            // As in `try_instrument`: the alternate form is that with the causes for `anyhow` and `eyre`.
            let said = WithCauses::new(&format_args!("{error:#}"), None);
            call.span().set_error(kind, &said.text);
            End::Failed(kind.into())
        }
    };
    call.end(end);
}

fn describe(span: &Span, kind: StepKind, place: Place, context: Option<&WorkflowContext>) {
    if kind == StepKind::Workflow {
        if let Some(context) = context {
            for (key, value) in context.tags() {
                span.set_attribute(format!("{}.{key}", attribute::OBS_TAG), value);
            }
        }
        return;
    }
    span.set_attribute(attribute::OBS_STEP_KIND, kind.as_str());
    if let Some((index, total)) = place.of {
        span.set_attribute(attribute::OBS_STEP_INDEX, index as i64);
        span.set_attribute(attribute::OBS_STEP_TOTAL, total as i64);
    }
    if let Some(attempt) = place.attempt {
        span.set_attribute(attribute::OBS_STEP_ATTEMPT, i64::from(attempt));
    }
    if let Some(context) = context {
        span.set_attribute(attribute::OBS_WORKFLOW_ID, context.workflow_id().to_owned());
        span.set_attribute(
            attribute::OBS_CORRELATION_ID,
            context.correlation_id().to_owned(),
        );
        if let Some(cause) = context.causation_id() {
            span.set_attribute(attribute::OBS_CAUSATION_ID, cause.to_owned());
        }
    }
}
