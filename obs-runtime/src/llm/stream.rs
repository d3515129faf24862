//! Streamed answers: the span lasts until the last chunk, and the tokens are in one of them.

use core::fmt::{self, Display};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use futures_core::Stream;

use crate::callsite::{CallsiteSpec, More, Source};
use crate::llm::call::LlmCall;
use crate::llm::measured::ModelCall;
use crate::llm::pace::StreamTimes;
use crate::llm::stall::{STALLED, Stalled};
use crate::llm::usage::{IntoUsage, LlmResponse};
use crate::printable::formatted;
use crate::trace::measured::{End, Measured};
use crate::{
    Span, SpanKind,
    callsite::{Callsite, Construct},
};

/// The span of every stream; its name is that of the call.
static SITE: Callsite = Callsite::new(CallsiteSpec {
    kind: SpanKind::Client,
    construct: Construct::LlmCall,
    // The function that made the stream counts its calls.
    metrics: false,
    more: Some(&More {
        name: "llm stream",
        ..More::NONE
    }),
    ..CallsiteSpec::new(
        "observe_stream",
        &Source {
            module: module_path!(),
            file: file!(),
        },
        line!(),
    )
});

/// A stream of chunks whose call is recorded, see [`observe_stream`].
#[must_use = "streams do nothing unless polled"]
pub struct LlmStream<S: Stream, L> {
    inner: Pin<Box<S>>,
    look: L,
    call: Measured<ModelCall>,
    /// The type of the first error.
    failed: Option<&'static str>,
    stall: Option<OnStall<S::Item>>,
    /// The item that says that it stood still was given.
    stopped: bool,
}

/// What becomes of a stream that stands still.
struct OnStall<I> {
    limit: Duration,
    /// The item with which it ends; without one it waits on.
    item: Option<fn(Stalled) -> I>,
}

/// Records a streamed model call: a span from now until the stream has ended, time to the first
/// chunk, and the tokens that `usage` finds in the chunks; of each count the highest is taken.
///
/// A stream that is dropped before its end is a cancelled call. `usage` may give an `LlmResponse` whose
/// [`token`](LlmResponse::token) says which chunks hold output; readers of wire formats such as
/// [`openai::chat`](crate::llm::openai::chat) know it.
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
#[track_caller]
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

/// Does what [`observe_stream`] does, for streams of results: `usage` sees the `Ok` chunks, and an
/// error makes the call a failed one.
#[expect(clippy::type_complexity, reason = "the closure's type has no name")]
#[track_caller]
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
                    span.set_error(kind, &formatted(format_args!("{error}")));
                }
                Err(kind)
            }
        },
    )
}

impl<S: Stream, L> LlmStream<S, L> {
    /// Returns how the chunks have come so far; `None` once the call has ended, whose span says it.
    pub fn times(&self) -> Option<StreamTimes> {
        self.call.times()
    }

    /// Has obs warn once, and count, when no chunk comes for this time while the reader waits: `obs.llm.stalls`, and
    /// `obs.llm.stalled` until one comes.
    ///
    /// The time is the system's, also where an executor stops its clock for tests.
    pub fn warn_if_stalled(mut self, limit: Duration) -> Self {
        self.stall = Some(OnStall { limit, item: None });
        self
    }

    #[track_caller]
    fn new(call: LlmCall, stream: S, look: L) -> Self {
        // GenAI spans, "Inference": `{operation} {model}`.
        let name = match &*call.model {
            "" => call.operation.clone(),
            model => format!("{} {model}", call.operation).into(),
        };
        let mut call = Measured::begin(&SITE, Vec::new, ModelCall::new(call)).streaming();
        call.span().set_name(name);
        call.handed_over();
        Self {
            inner: Box::pin(stream),
            look,
            call,
            failed: None,
            stall: None,
            stopped: false,
        }
    }
}

impl<S, T, E, L> LlmStream<S, L>
where
    S: Stream<Item = Result<T, E>>,
    E: From<Stalled>,
{
    /// Ends the stream with an error when no chunk comes for this time while the reader waits.
    ///
    /// ```
    /// use futures_util::{StreamExt as _, stream};
    /// use obs_runtime::llm::{LlmCall, Stalled, Usage, observe_try_stream};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let silent = stream::pending::<Result<&str, Stalled>>();
    /// let call = LlmCall::new("openai", "chat", "gpt-4o-mini");
    /// let chunks = observe_try_stream(call, silent, |_| None::<Usage>);
    /// let mut chunks = chunks.fail_if_stalled(Duration::from_millis(10));
    /// assert_eq!(chunks.next().await.unwrap().unwrap_err().chunks(), 0);
    /// assert!(chunks.next().await.is_none());
    /// # }
    /// ```
    pub fn fail_if_stalled(mut self, limit: Duration) -> Self {
        let item = Some((|stalled| Err(stalled.into())) as fn(Stalled) -> S::Item);
        self.stall = Some(OnStall { limit, item });
        self
    }
}

impl<S: Stream, L> LlmStream<S, L> {
    /// The stream has nothing yet: the item with which it ends, if it has stood still for too long.
    fn pending(&mut self, cx: &mut Context<'_>) -> Option<S::Item> {
        let OnStall { limit, item } = self.stall.as_ref()?;
        let stalled = self.call.waits(cx, *limit)?;
        let Some(item) = item else {
            self.call.warn_of(&stalled);
            return None;
        };
        self.stopped = true;
        self.failed = Some(STALLED);
        self.call.item(None);
        let span = self.call.span();
        if span.is_recording() {
            span.set_error(STALLED, &stalled.to_string());
        }
        Some(item(stalled))
    }
}

// The stream is in a box: nothing else of this type is pinned.
impl<S: Stream, L> Unpin for LlmStream<S, L> {}

impl<S, L> Stream for LlmStream<S, L>
where
    S: Stream,
    L: FnMut(&S::Item, &Span) -> Result<LlmResponse, &'static str>,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.get_mut();
        let Self {
            inner,
            look,
            call,
            failed,
            stopped,
            ..
        } = this;
        if *stopped {
            call.end(failed.map_or(End::Ok, failure));
            return Poll::Ready(None);
        }
        if call.has_ended() {
            return inner.as_mut().poll_next(cx);
        }
        call.asked();
        let (polled, said) = call.run(|span| {
            let polled = inner.as_mut().poll_next(cx);
            let said = match &polled {
                Poll::Ready(Some(chunk)) => Some(look(chunk, span)),
                _ => None,
            };
            (polled, said)
        });
        match said {
            Some(Ok(response)) => call.item(Some(response.into())),
            Some(Err(kind)) => {
                call.item(None);
                failed.get_or_insert(kind);
            }
            None if polled.is_ready() => call.end(failed.map_or(End::Ok, failure)),
            None => {
                if let Some(last) = this.pending(cx) {
                    return Poll::Ready(Some(last));
                }
            }
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.stopped {
            return (0, Some(0));
        }
        self.inner.size_hint()
    }
}

fn failure(kind: &'static str) -> End {
    End::Failed(kind.into())
}

impl<S: Stream, L> Drop for LlmStream<S, L> {
    fn drop(&mut self) {
        // Who stops reading after an error has seen the call's end.
        self.call.end(self.failed.map_or(End::Cancelled, failure));
    }
}

impl<S: Stream, L> fmt::Debug for LlmStream<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LlmStream")
            .field("ended", &self.call.has_ended())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
