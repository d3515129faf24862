//! Streamed answers: the span lasts until the last chunk, and the tokens are in one of them.

use core::fmt::{self, Display};
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::Stream;

use crate::callsite::{CallsiteSpec, More, Source};
use crate::llm::call::LlmCall;
use crate::llm::measured::ModelCall;
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
pub struct LlmStream<S, L> {
    inner: Pin<Box<S>>,
    look: L,
    call: Measured<ModelCall>,
    /// The type of the first error.
    failed: Option<&'static str>,
}

/// Records a streamed model call: a span from now until the stream has ended, time to the first
/// chunk, and the tokens that `usage` finds in the chunks; of each count the highest is taken.
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

/// Does what [`observe_stream`] does, for streams of results: `usage` sees the `Ok` chunks, and an
/// error makes the call a failed one.
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
                    span.set_error(kind, &formatted(format_args!("{error}")));
                }
                Err(kind)
            }
        },
    )
}

impl<S: Stream, L> LlmStream<S, L> {
    fn new(call: LlmCall, stream: S, look: L) -> Self {
        // GenAI spans, "Inference": `{operation} {model}`.
        let name = match &*call.model {
            "" => call.operation.clone(),
            model => format!("{} {model}", call.operation).into(),
        };
        let call = Measured::begin(&SITE, Vec::new, ModelCall::new(call)).streaming();
        call.span().set_name(name);
        Self {
            inner: Box::pin(stream),
            look,
            call,
            failed: None,
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
        let Self {
            inner,
            look,
            call,
            failed,
        } = self.get_mut();
        if call.has_ended() {
            return inner.as_mut().poll_next(cx);
        }
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
            None => {}
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

fn failure(kind: &'static str) -> End {
    End::Failed(kind.into())
}

impl<S, L> Drop for LlmStream<S, L> {
    fn drop(&mut self) {
        // Who stops reading after an error has seen the call's end.
        self.call.end(self.failed.map_or(End::Cancelled, failure));
    }
}

impl<S, L> fmt::Debug for LlmStream<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LlmStream")
            .field("ended", &self.call.has_ended())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
