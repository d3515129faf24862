//! A span that goes with a future: entered at each poll, ended with the future.

use core::any::type_name;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::causes::WithCauses;
use crate::trace::SpanContext;
use crate::trace::local::local;
use crate::trace::span::{InContext, Span};
use crate::trace::view::Outcome;

/// Carries a span with a future. The names are those of `tracing`.
pub trait Instrument: Sized {
    /// Enters the span at each poll and ends it with the future.
    ///
    /// A future that is dropped early ends its span with the outcome "cancelled".
    fn instrument(self, span: Span) -> Instrumented<Self>
    where
        Self: Future,
    {
        Instrumented {
            inner: self,
            span,
            done: false,
            judge: |_, _| {},
        }
    }

    /// Does what [`instrument`](Self::instrument) does for a future that can fail: an `Err` fails the span,
    /// with the type of the error and its `Display` in the alternate form (which is that with the causes
    /// for `anyhow` and `eyre`), in which secrets are masked.
    ///
    /// A method for every future cannot see whether its output is a `Result`; `#[traced]` can.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use obs_runtime::{Instrument as _, span, testing, trace::Outcome};
    ///
    /// let captured = testing::capture_async(async {
    ///     let read = async { "many".parse::<u32>() };
    ///     read.try_instrument(span!("read")).await
    /// })
    /// .await;
    /// assert_eq!(captured.span("read").outcome, Outcome::Error);
    /// # });
    /// ```
    fn try_instrument<T, E>(self, span: Span) -> Instrumented<Self>
    where
        Self: Future<Output = Result<T, E>>,
        E: fmt::Display,
    {
        let judge = |span: &Span, value: &Result<T, E>| {
            if let Err(error) = value {
                // The alternate form is that with the causes for types that are no errors themselves.
                let error = WithCauses::new(&format_args!("{error:#}"), None);
                span.set_error(type_name::<E>(), &error.text);
            }
        };
        Instrumented {
            inner: self,
            span,
            done: false,
            judge,
        }
    }

    /// Runs the future under the span that is entered here. `tokio::spawn` starts without one.
    ///
    /// With the feature `llm` it also takes the running model call along: what is reported inside
    /// (`llm::answered`) is of that call.
    fn in_current_span(self) -> InContext<Self> {
        self.in_span_context(SpanContext::current())
    }

    /// Runs the future under the given span.
    ///
    /// With the feature `llm` it is part of the model call in whose body it is made, if there is one, and of no other.
    fn in_span_context(self, context: Option<SpanContext>) -> InContext<Self> {
        InContext::new(self, context, Some(local().scope()))
    }
}

impl<F: Future> Instrument for F {}

/// A future inside a span of its own.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Instrumented<F: Future> {
    inner: F,
    span: Span,
    done: bool,
    /// Says of the span what the value means.
    judge: fn(&Span, &F::Output),
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `inner` is never moved out of its place; the other fields are not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let _inside = this.span.enter();
        // SAFETY: as above.
        let polled = unsafe { Pin::new_unchecked(&mut this.inner) }.poll(cx);
        if let Poll::Ready(value) = &polled {
            this.done = true;
            (this.judge)(&this.span, value);
        }
        polled
    }
}

impl<F: Future> Drop for Instrumented<F> {
    fn drop(&mut self) {
        if !self.done {
            self.span.set_outcome(Outcome::Cancelled);
        }
    }
}
