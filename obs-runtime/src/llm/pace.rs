//! The pace of a streamed answer: what came when, and who waited for whom.
//!
//! A stream that takes a minute has a slow provider, or a slow reader. Who it is shows in the polls: from a poll that
//! asks for a chunk until the chunk is there the reader waits for the provider, and from there to the next poll the
//! provider waits for the reader. So no time in which nobody asked is ever put down to the provider.

use core::time::Duration;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::clock::Moment;
use crate::serialize;

/// How a streamed answer has come so far, or came.
///
/// It is serialized with its fields; the durations as numbers of seconds (`first_chunk_seconds`).
///
/// ```
/// use futures_util::{StreamExt as _, stream};
/// use obs_runtime::llm::{LlmCall, Usage, observe_stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let call = LlmCall::new("openai", "chat", "gpt-4o-mini");
/// let mut chunks = observe_stream(call, stream::iter(["Hel", "lo"]), |_| None::<Usage>);
/// chunks.next().await;
/// let times = chunks.times().unwrap();
/// assert_eq!(times.chunks, 1);
/// assert!(times.first_chunk.is_some() && times.first_token.is_none());
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StreamTimes {
    /// Chunks that came. An error is none.
    pub chunks: u64,
    /// How long the first chunk took, from the begin of the call, without the time in which nobody read.
    #[serde(
        rename = "first_chunk_seconds",
        serialize_with = "serialize::optional_seconds"
    )]
    pub first_chunk: Option<Duration>,
    /// How long the first chunk took that holds output of the model, likewise. `None` if nobody said which chunks do,
    /// or none did.
    #[serde(
        rename = "first_token_seconds",
        serialize_with = "serialize::optional_seconds"
    )]
    pub first_token: Option<Duration>,
    /// How long the reader waited for the provider, since it has the stream.
    #[serde(rename = "provider_seconds", serialize_with = "serialize::seconds")]
    pub provider: Duration,
    /// How long the provider waited for the reader: from the moment at which the reader had the stream, or a chunk,
    /// until it asked for the next.
    #[serde(rename = "consumer_seconds", serialize_with = "serialize::seconds")]
    pub consumer: Duration,
}

/// Who waits for whom, and since when.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// The body of the call works, and nobody has the stream yet. Nothing was heard of the provider since then.
    Body(Moment),
    /// The reader has asked.
    Provider(Moment),
    /// The reader has the stream, or a chunk.
    Consumer(Moment),
    /// The call has ended.
    Nobody,
}

/// The pace of a stream while it is read.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    started: Moment,
    turn: Turn,
    times: StreamTimes,
    /// The waits for all chunks but the first.
    waits: Waits,
    /// The program says which chunks hold output; nobody else does.
    is_told: bool,
}

impl Pace {
    /// The call begins.
    pub(crate) fn new(now: Moment) -> Self {
        Self {
            started: now,
            turn: Turn::Body(now),
            times: StreamTimes::default(),
            waits: Waits::default(),
            is_told: false,
        }
    }

    /// The body was told something of the provider, or asks it once more.
    pub(crate) fn heard(&mut self, now: Moment) {
        if let Turn::Body(since) = &mut self.turn {
            *since = now;
        }
    }

    /// The reader has the stream.
    pub(crate) fn handed_over(&mut self, now: Moment) {
        if matches!(self.turn, Turn::Body(_)) {
            self.turn = Turn::Consumer(now);
        }
    }

    /// The reader asks, or asks again.
    pub(crate) fn asked(&mut self, now: Moment) {
        if let Turn::Consumer(since) = self.turn {
            self.times.consumer += now.since(since);
            self.turn = Turn::Provider(now);
        }
    }

    /// The reader gets an item.
    pub(crate) fn gave(&mut self, now: Moment, is_chunk: bool) {
        let wait = self.wait(now);
        self.times.provider += wait;
        if is_chunk {
            if self.times.chunks == 0 {
                self.times.first_chunk = Some(self.elapsed(now));
            } else {
                self.waits.add(wait);
            }
            self.times.chunks += 1;
        }
        self.turn = Turn::Consumer(now);
    }

    /// A chunk holds output. `told` is what the program said of it, if it is asked; else a reader of wire formats saw it.
    pub(crate) fn output(&mut self, now: Moment, told: Option<bool>) {
        if told.is_some() && !self.is_told {
            self.is_told = true;
            self.times.first_token = None;
        }
        if told.unwrap_or(!self.is_told) && self.times.first_token.is_none() {
            self.times.first_token = Some(self.elapsed(now));
        }
    }

    /// The call has ended.
    pub(crate) fn end(&mut self, now: Moment) {
        self.times = self.times(now);
        self.turn = Turn::Nobody;
    }

    /// How long the reader has waited since it asked.
    pub(crate) fn wait(&self, now: Moment) -> Duration {
        match self.turn {
            Turn::Provider(asked) => now.since(asked),
            _ => Duration::ZERO,
        }
    }

    /// How long nothing has come for which somebody waits: the stream itself, or its next item.
    pub(crate) fn silence(&self, now: Moment) -> Duration {
        match self.turn {
            Turn::Body(since) | Turn::Provider(since) => now.since(since),
            Turn::Consumer(_) | Turn::Nobody => Duration::ZERO,
        }
    }

    /// The times up to now.
    pub(crate) fn times(&self, now: Moment) -> StreamTimes {
        let mut times = self.times;
        times.provider += self.wait(now);
        times.consumer += self.idle(now);
        times
    }

    pub(crate) fn waits(&self) -> &Waits {
        &self.waits
    }

    /// How long the reader has not asked.
    fn idle(&self, now: Moment) -> Duration {
        match self.turn {
            Turn::Consumer(since) => now.since(since),
            _ => Duration::ZERO,
        }
    }

    /// How long the call has lasted, without the time in which nobody read.
    fn elapsed(&self, now: Moment) -> Duration {
        let idle = self.times.consumer + self.idle(now);
        now.since(self.started).saturating_sub(idle)
    }
}

/// How long each of many chunks was waited for, in the memory of a few.
///
/// Waits that differ by less than a tenth are kept together, by their sum. The borders lie on those of the metric's
/// buckets, so that each wait is counted in its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waits(BTreeMap<i16, Alike>);

/// Waits that are about as long.
#[derive(Clone, Copy, Debug, Default)]
struct Alike {
    count: u32,
    seconds: f64,
}

/// The upper border of group 0, in seconds: the lowest bound of the metric's buckets, which double from there on.
const BORDER: f64 = 0.01;

/// Groups for each doubling.
const FINENESS: f64 = 8.0;

impl Waits {
    fn add(&mut self, wait: Duration) {
        let seconds = wait.as_secs_f64();
        // A wait of nothing has no logarithm; the cast takes the lowest number for it.
        let group = ((seconds / BORDER).log2() * FINENESS).ceil() as i16;
        let alike = self.0.entry(group).or_default();
        alike.count = alike.count.saturating_add(1);
        alike.seconds += seconds;
    }

    /// As many numbers of seconds as there were waits, with the same sum.
    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> {
        self.0.values().flat_map(|alike| {
            let mean = alike.seconds / f64::from(alike.count);
            core::iter::repeat_n(mean, alike.count as usize)
        })
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
