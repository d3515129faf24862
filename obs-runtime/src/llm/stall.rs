//! Streams that stand still: the time for which a reader may wait for a chunk.

use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::task::Context;
use core::time::Duration;

use crate::clock;
use crate::llm::price::Cost;
use crate::metrics::BoundUpDownCounter;
use crate::timer::Sleep;

/// The `error.type` of a call whose stream ended because it stood still.
pub(crate) const STALLED: &str = "stalled";

/// No chunk of a streamed answer came for as long as its reader may wait, or no stream: what `stall = "60s"` of
/// [`#[llm_call]`](crate::llm_call) gives in place of the next one.
///
/// The stream of a function with `stall` ends with this error if its items are `Result`s whose error can be made from it,
/// and so does the call if that is true of the `Result` that holds the stream.
///
/// ```
/// use futures_util::stream::{self, BoxStream, StreamExt as _};
/// use obs_runtime::llm::Stalled;
/// use obs_runtime::llm_call;
///
/// #[derive(Debug)]
/// enum ModelError {
///     Stalled(Stalled),
/// }
///
/// impl From<Stalled> for ModelError {
///     fn from(stalled: Stalled) -> Self {
///         Self::Stalled(stalled)
///     }
/// }
///
/// #[llm_call(provider = "openai", model = "gpt-4o-mini", stream, stall = "10ms")]
/// async fn ask(question: &str) -> BoxStream<'static, Result<String, ModelError>> {
///     stream::iter([Ok(question.to_owned())]).chain(stream::pending()).boxed()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut chunks = ask("why?").await;
/// assert_eq!(chunks.next().await.unwrap().unwrap(), "why?");
/// let ModelError::Stalled(stalled) = chunks.next().await.unwrap().unwrap_err();
/// assert_eq!(stalled.chunks(), 1);
/// assert!(chunks.next().await.is_none());
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stalled(
    // It is a part of the errors of programs, which are not to grow by it.
    Box<Known>,
);

/// What is known of a stream that stands still, or does not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) waited: Duration,
    pub(crate) chunks: u64,
    pub(crate) cost: Cost,
}

impl Stalled {
    pub(crate) fn new(known: Known) -> Self {
        Self(Box::new(known))
    }

    /// Returns the provider of the call.
    pub fn provider(&self) -> &str {
        &self.0.provider
    }

    /// Returns the model that was asked for.
    pub fn model(&self) -> &str {
        &self.0.model
    }

    /// Returns how long was waited: for the chunk, or for the stream since the begin of the call.
    pub fn waited(&self) -> Duration {
        self.0.waited
    }

    /// Returns how many chunks came before.
    pub fn chunks(&self) -> u64 {
        self.0.chunks
    }

    /// Returns what the call has cost up to here: at least what was reported.
    pub fn cost(&self) -> Cost {
        self.0.cost
    }
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the stream of {}/{} stands still: nothing came for {:.1?} after {} chunk{}; it cost {} so far",
            self.0.provider,
            self.0.model,
            self.0.waited,
            self.0.chunks,
            if self.0.chunks == 1 { "" } else { "s" },
            self.0.cost
        )
    }
}

impl Error for Stalled {}

/// Who comes back later than this may find bytes that nobody has read yet: what runs a task may run the connection too.
const LATE: Duration = Duration::from_millis(100);

/// Watches one stream.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    sleep: Option<Sleep>,
    /// The reader has asked before, and there was nothing.
    waits: bool,
    /// What the connection gets beyond the limit, because the reader was late.
    more: Duration,
    /// It stands still, and that was told.
    stands: bool,
    /// The number of streams that stand still, which this one is part of.
    standing: Option<BoundUpDownCounter>,
}

impl Watch {
    /// There is nothing yet, after a wait of `waited`: whether it stands still from now on.
    pub(crate) fn stands(
        &mut self,
        cx: &mut Context<'_>,
        waited: Duration,
        limit: Duration,
    ) -> bool {
        if self.stands {
            return false;
        }
        let left = limit.saturating_add(self.more).saturating_sub(waited);
        // Who asks for the first time waits, however short the limit is.
        let is_first = !core::mem::replace(&mut self.waits, true);
        if is_first || !left.is_zero() {
            self.wake(cx, left);
            return false;
        }
        let late = waited.saturating_sub(limit);
        if self.more.is_zero() && late > LATE {
            self.more = late + LATE;
            self.wake(cx, LATE);
            return false;
        }
        self.sleep = None;
        self.stands = true;
        true
    }

    /// Has the task polled again after this time, or earlier.
    fn wake(&mut self, cx: &mut Context<'_>, left: Duration) {
        // One that began with an earlier chunk ends too early, and is followed by the rest.
        if self.sleep.is_none() {
            self.sleep = Sleep::until(clock::after(left));
        }
        let Some(sleep) = &mut self.sleep else {
            return;
        };
        if Pin::new(sleep).poll(cx).is_ready() {
            self.sleep = Sleep::until(clock::after(left));
            if let Some(sleep) = &mut self.sleep
                && Pin::new(sleep).poll(cx).is_ready()
            {
                cx.waker().wake_by_ref();
            }
        }
    }

    /// Counts the stream as one that stands still.
    pub(crate) fn count(&mut self, standing: Option<BoundUpDownCounter>) {
        if let Some(standing) = &standing {
            standing.add(1);
        }
        self.standing = standing;
    }

    /// Something came, or the call has ended.
    pub(crate) fn goes_on(&mut self) {
        self.stands = false;
        self.waits = false;
        self.more = Duration::ZERO;
        if let Some(standing) = self.standing.take() {
            standing.add(-1);
        }
    }
}

#[cfg(test)]
#[path = "stall_tests.rs"]
mod tests;
