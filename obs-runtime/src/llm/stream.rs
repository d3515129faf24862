//! Streamed answers: the span lasts until the last chunk, and the tokens are in one of them.

use core::fmt::{self, Display};
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::Stream;

use crate::callsite::CallsiteSpec;
use crate::llm::call::{End, LlmCall};
use crate::llm::generated::RunningLlmCall;
use crate::llm::usage::{IntoUsage, LlmResponse};
use crate::{Callsite, Construct, Outcome, Span, SpanKind};

/// The span of every stream; its name is that of the call.
static SITE: Callsite = Callsite::new(CallsiteSpec {
    name: "llm stream",
    kind: SpanKind::Client,
    construct: Construct::LlmCall,
    // The function that made the stream counts its calls.
    metrics: false,
    ..CallsiteSpec::new("observe_stream", module_path!(), file!(), line!())
});

/// A stream of chunks whose call is recorded, see [`observe_stream`].
#[must_use = "streams do nothing unless polled"]
pub struct LlmStream<S, L> {
    inner: Pin<Box<S>>,
    look: L,
    response: LlmResponse,
    /// The call and its span, until they have ended.
    running: Option<(RunningLlmCall, Span)>,
    failed: Option<&'static str>,
}

/// Records a streamed model call: a span from now until the stream has ended, time to the first
/// chunk, and the tokens that `usage` finds in the chunks; a later value replaces an earlier one.
///
/// A stream that is dropped before its end is a cancelled call.
///
/// ```
/// use futures_util::{StreamExt as _, stream};
/// use obs_runtime::llm::{LlmCall, Usage, observe_stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // Providers send the tokens with the last chunk.
/// let chunks = stream::iter([("Hel", None), ("lo", Some(Usage::new(9, 2)))]);
/// let call = LlmCall::new("openai", "chat", "gpt-4o-mini");
/// let mut chunks = observe_stream(call, chunks, |(_, usage)| *usage);
/// while let Some((text, _)) = chunks.next().await {
///     print!("{text}");
/// }
/// # }
/// ```
pub fn observe_stream<S, U, F>(
    call: LlmCall,
    stream: S,
    mut usage: F,
) -> LlmStream<S, impl FnMut(&S::Item, &Span) -> Result<LlmResponse, &'static str>>
where
    S: Stream,
    U: IntoUsage,
    F: FnMut(&S::Item) -> U,
{
    LlmStream::new(call, stream, move |chunk: &S::Item, _: &Span| {
        Ok(usage(chunk).into_llm_response())
    })
}

/// As [`observe_stream`], for streams of results: `usage` sees the `Ok` chunks, and an error makes the call a
/// failed one.
#[expect(clippy::type_complexity, reason = "the closure's type has no name")]
pub fn observe_try_stream<S, T, E, U, F>(
    call: LlmCall,
    stream: S,
    mut usage: F,
) -> LlmStream<S, impl FnMut(&Result<T, E>, &Span) -> Result<LlmResponse, &'static str>>
where
    S: Stream<Item = Result<T, E>>,
    E: Display,
    U: IntoUsage,
    F: FnMut(&T) -> U,
{
    LlmStream::new(
        call,
        stream,
        move |chunk: &Result<T, E>, span: &Span| match chunk {
            Ok(chunk) => Ok(usage(chunk).into_llm_response()),
            Err(error) => {
                let kind = core::any::type_name::<E>();
                if span.is_recording() {
                    span.set_error(kind, &error.to_string());
                }
                Err(kind)
            }
        },
    )
}

impl<S: Stream, L> LlmStream<S, L> {
    fn new(call: LlmCall, stream: S, look: L) -> Self {
        let span = Span::begin(&SITE, Vec::new);
        span.set_name(match &*call.model {
            // GenAI spans, "Inference": `{operation} {model}`.
            "" => call.operation.clone(),
            model => format!("{} {model}", call.operation).into(),
        });
        let running = span.in_scope(|_| RunningLlmCall::reported(call, span.attributes()));
        Self {
            inner: Box::pin(stream),
            look,
            response: LlmResponse::default(),
            running: Some((running, span)),
            failed: None,
        }
    }
}

impl<S, L> LlmStream<S, L> {
    fn end(&mut self, end: End) {
        if let Some((running, span)) = self.running.take() {
            let outcome = match &end {
                End::Ok => Outcome::Ok,
                End::Failed(kind) if kind == "panic" => Outcome::Panicked,
                End::Failed(_) => Outcome::Error,
                End::Cancelled => Outcome::Cancelled,
            };
            let response = core::mem::take(&mut self.response);
            span.in_scope(|_| running.finish(end, response));
            span.end(outcome);
        }
    }
}

// The stream is in a box: nothing else of this type is pinned.
impl<S, L> Unpin for LlmStream<S, L> {}

impl<S, L> Stream for LlmStream<S, L>
where
    S: Stream,
    L: FnMut(&S::Item, &Span) -> Result<LlmResponse, &'static str>,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.get_mut();
        let Some((running, span)) = &mut this.running else {
            return this.inner.as_mut().poll_next(cx);
        };
        let polled = span.in_scope(|_| this.inner.as_mut().poll_next(cx));
        match &polled {
            Poll::Ready(Some(chunk)) => {
                running.chunk();
                match (this.look)(chunk, span) {
                    Ok(response) => this.response.merge(response),
                    Err(kind) => this.failed = this.failed.or(Some(kind)),
                }
            }
            Poll::Ready(None) => {
                let failed = this.failed.map(|kind| End::Failed(kind.into()));
                this.end(failed.unwrap_or(End::Ok));
            }
            Poll::Pending => {}
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<S, L> Drop for LlmStream<S, L> {
    fn drop(&mut self) {
        // Who stops reading after an error has seen the call's end.
        let failed = self.failed.map(|kind| End::Failed(kind.into()));
        self.end(failed.unwrap_or_else(crate::llm::generated::abandoned));
    }
}

impl<S, L> fmt::Debug for LlmStream<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LlmStream")
            .field("ended", &self.running.is_none())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
