//! Calls that are measured beside their span: the one mechanism for model calls, operations of vector stores, requests
//! and runs of pipelines.
//!
//! What a sort of call measures is a [`Measure`]: a struct of its own with what to do when the call begins, gives an
//! item and ends. [`Measured`] sees to it that the call begins once and ends once, whatever becomes of it: with a value,
//! an error or a panic, or dropped by whoever waited for it.
//!
//! The span is one of two:
//!
//! - The call's own ([`Measured::begin`]). It is entered while [`Measured::run`] works on the call, which notices
//!   panics, and it ends with the call.
//! - That of an annotated function, in whose body the call runs ([`Measured::in_body`]). Generated code ends both.

use core::mem;
use core::time::Duration;
use std::borrow::Cow;

use crate::callsite::Callsite;
use crate::clock::Moment;
#[cfg(feature = "llm")]
use crate::trace::frame::FrameId;
use crate::trace::local::local;
use crate::trace::open_call::{Open, Place};
use crate::trace::suppress::{NOBODY, is_suppressed};
use crate::trace::{Outcome, Span, SpanContext, SpanError, Value};

/// What one sort of call measures.
pub trait Measure: Sized {
    /// What is read from a value of the call, or from each item of the stream that it gives.
    type Said;

    /// Whether the call shows its body a place to report to ([`place`](Self::place)), or opens a frame for it.
    const OPENS: bool = false;

    /// The call begins.
    fn begin(&mut self, here: Here) {
        let _ = here;
    }

    /// The call gives a stream: its values are the items.
    fn streams(&mut self) {}

    /// The reader has the stream.
    fn handed_over(&mut self) {}

    /// The reader asks for an item, or asks again.
    fn asked(&mut self) {}

    /// What the call shows to its body while it works.
    fn place(&self) -> Option<Place> {
        None
    }

    /// The frame to which is added what the body does.
    #[cfg(feature = "llm")]
    fn frame(&self) -> Option<FrameId> {
        None
    }

    /// The call gave a value or an item.
    fn item(&mut self, said: Self::Said) {
        let _ = said;
    }

    /// The call gave an error, or an item that is one, of which nothing is said.
    fn error(&mut self) {}

    /// The call has ended. Its own span is still entered.
    fn end(self, ended: Ended);
}

/// How a call ended, as its metrics say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It gave a value, or its stream was read to the end.
    Ok,
    /// It failed with an error of this `error.type`.
    Failed(Cow<'static, str>),
    /// It panicked.
    Panicked,
    /// It was dropped by whoever waited for it.
    Cancelled,
}

impl End {
    /// The end of a call whose span ends like this.
    pub(crate) fn of(outcome: Outcome, error: Option<&SpanError>) -> Self {
        match outcome {
            Outcome::Ok => Self::Ok,
            Outcome::Error => Self::Failed(error.map_or("_OTHER".into(), |e| e.kind.clone())),
            Outcome::Panicked => Self::Panicked,
            Outcome::Cancelled => Self::Cancelled,
        }
    }

    /// The outcome of the span of a call that ended like this.
    pub(crate) const fn outcome(&self) -> Outcome {
        match self {
            Self::Ok => Outcome::Ok,
            Self::Failed(_) => Outcome::Error,
            Self::Panicked => Outcome::Panicked,
            Self::Cancelled => Outcome::Cancelled,
        }
    }

    /// The value of the label `error.type`; empty if there is no error.
    pub(crate) fn error_type(&self) -> &str {
        match self {
            Self::Ok => "",
            Self::Failed(kind) => kind,
            Self::Panicked => "panic",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Where a call is made: the `Observability` that it belongs to, and the span that it runs in.
#[derive(Clone, Copy, Debug)]
pub struct Here {
    pub(crate) scope: u16,
    pub(crate) context: Option<SpanContext>,
    /// The frame that it is added to.
    #[cfg(feature = "llm")]
    pub(crate) frame: FrameId,
}

impl Here {
    pub(crate) fn now() -> Self {
        Self::inside(SpanContext::current())
    }

    /// The place of a call inside this span.
    fn inside(context: Option<SpanContext>) -> Self {
        let scope = if is_suppressed() {
            NOBODY
        } else {
            local().scope()
        };
        Self {
            scope,
            context,
            #[cfg(feature = "llm")]
            frame: local().frame.get(),
        }
    }

    /// Whether its span is the one that is entered now. A call that is abandoned may end outside.
    pub(crate) fn is_entered(self) -> bool {
        SpanContext::current().map(|now| now.span_id) == self.context.map(|then| then.span_id)
    }
}

/// What a call says on the entered span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attributes {
    /// Nothing: the call has no span, and the entered one is another's.
    None,
    /// What was answered; generated code has put the request's attributes on the span.
    Response,
    /// What was asked for, and what was answered.
    All,
}

/// A call that has ended.
#[derive(Debug)]
pub struct Ended {
    pub(crate) end: End,
    pub(crate) here: Here,
    pub(crate) attributes: Attributes,
    pub(crate) duration: Duration,
    /// Whether the call gave a stream, of which its values were the items.
    pub(crate) streamed: bool,
}

/// A call that is measured until it ends; one that is dropped was cancelled.
#[derive(Debug)]
pub struct Measured<M: Measure> {
    /// `None` once the call has ended.
    measure: Option<M>,
    /// The call's own span, until it has ended.
    span: Span,
    here: Here,
    started: Moment,
    streams: bool,
    /// Whether the call runs in the body of a function, whose span is not ours.
    in_body: bool,
    /// Whether that span is the function's own.
    recorded: bool,
}

impl<M: Measure> Measured<M> {
    /// Begins a call with a span of its own, under the thread's context.
    pub(crate) fn begin(
        site: &'static Callsite,
        values: impl FnOnce() -> Vec<Value>,
        measure: M,
    ) -> Self {
        let started = Moment::now();
        let span = Span::begin(site, values);
        let here = Here::inside(span.context().or_else(SpanContext::current));
        Self::new(measure, span, here, started, false)
    }

    /// Begins a call in the body of an annotated function, inside its span.
    pub(crate) fn in_body(measure: M) -> Self {
        Self::new(measure, Span::none(), Here::now(), Moment::now(), true)
    }

    fn new(mut measure: M, span: Span, here: Here, started: Moment, in_body: bool) -> Self {
        measure.begin(here);
        Self {
            measure: Some(measure),
            span,
            here,
            started,
            streams: false,
            in_body,
            recorded: true,
        }
    }

    /// The call gives a stream: its values are the items.
    #[must_use]
    pub(crate) fn streaming(mut self) -> Self {
        self.streams = true;
        self.change(M::streams);
        self
    }

    /// What the call shows to its body.
    pub(crate) fn place(&self) -> Option<Place> {
        self.measure.as_ref().and_then(M::place)
    }

    /// The frame that the call has opened for its body.
    #[cfg(feature = "llm")]
    pub(crate) fn frame(&self) -> Option<FrameId> {
        self.measure.as_ref().and_then(M::frame)
    }

    /// The call's own span.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// What is measured, until the call has ended.
    #[cfg(feature = "llm")]
    pub(crate) fn measure(&self) -> Option<&M> {
        self.measure.as_ref()
    }

    /// Changes what is measured, until the call has ended.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut M)) {
        if let Some(measure) = &mut self.measure {
            change(measure);
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.measure.is_none()
    }

    /// The function around the call is not recorded: the entered span is another's, and not to be changed.
    pub(crate) fn unrecorded(&mut self) {
        self.recorded = false;
    }

    /// The reader has the stream, if there is one.
    pub(crate) fn handed_over(&mut self) {
        if self.streams {
            self.change(M::handed_over);
        }
    }

    /// The reader asks for an item of the stream, if there is one.
    pub(crate) fn asked(&mut self) {
        if self.streams {
            self.change(M::asked);
        }
    }

    /// The call gave a value or an item; nothing may be read from one that is an error.
    pub(crate) fn item(&mut self, said: Option<M::Said>) {
        self.change(|measure| match said {
            Some(said) => measure.item(said),
            None => measure.error(),
        });
    }

    /// Works on the call inside its span; a panic ends it.
    pub(crate) fn run<R>(&mut self, work: impl FnOnce(&Span) -> R) -> R {
        struct Unwinding<'a, M: Measure>(&'a mut Measured<M>);

        impl<M: Measure> Drop for Unwinding<'_, M> {
            #[cold]
            fn drop(&mut self) {
                self.0.end(End::Panicked);
            }
        }

        let this = Unwinding(self);
        let open = this.0.place().map(Open::new);
        let inside = this.0.span.enter();
        let value = work(&this.0.span);
        drop(inside);
        drop(open);
        mem::forget(this);
        value
    }

    /// Ends the call; later calls change nothing.
    pub(crate) fn end(&mut self, end: End) {
        let attributes = match self.in_body {
            true if self.recorded => Attributes::Response,
            false if self.span.is_recording() => Attributes::All,
            _ => Attributes::None,
        };
        let Some(measure) = self.measure.take() else {
            return;
        };
        let outcome = end.outcome();
        let ended = Ended {
            end,
            here: self.here,
            attributes,
            duration: self.started.elapsed(),
            streamed: self.streams,
        };
        self.span.in_scope(|_| measure.end(ended));
        mem::replace(&mut self.span, Span::none()).end(outcome);
    }
}

impl<M: Measure> Drop for Measured<M> {
    fn drop(&mut self) {
        // A panic of the function's body comes by here; one of a call with its own span was noticed by `run`.
        let end = if self.in_body && std::thread::panicking() {
            End::Panicked
        } else {
            End::Cancelled
        };
        // Whether the function's span is entered here is not known.
        self.recorded = false;
        self.end(end);
    }
}

#[cfg(test)]
#[path = "measured_tests.rs"]
mod tests;
