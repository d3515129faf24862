//! The attempts of one call: each was sent to the provider, and may have been billed.
//!
//! Several tell of the same attempt: a layer of the HTTP client, the body of the call, the closure that looks at the
//! value. What they say comes together in one [`Attempt`], by the id of the answer where there is one, and else in the
//! order of their reports.

use core::time::Duration;

use serde::Serialize;

use crate::llm::price::{Cost, Reason};
use crate::llm::usage::{LlmResponse, Source, Usage};

/// One request to the provider, as far as somebody reported it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attempt {
    pub(crate) response: LlmResponse,
    status: Option<u16>,
    retry_after: Option<Duration>,
    /// The layers that see this attempt. The first of them made it.
    layers: Vec<&'static str>,
    /// A layer watches it until its answer is read.
    open: bool,
    /// Somebody proved that it was refused.
    refused: bool,
    /// The provider's last word on its usage was reported.
    last_word: bool,
    /// What is known of its cost once the call has ended.
    pub(crate) cost: Cost,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// The provider answered and said what it used.
    Answered,
    /// The provider refused it, which is free: a status, or the error of the client, proves it.
    Refused,
    /// It ended before the provider's last word: it used at least what was reported.
    Cut,
    /// Nothing was reported, and nothing proves that it was refused.
    Unknown,
}

impl AttemptEnd {
    /// Returns the word for it: `answered`, `refused`, `cut` or `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Cut => "cut",
            Self::Unknown => "unknown",
        }
    }
}

crate::serialize::serialize_text!(as_str: AttemptEnd);

/// Whether a status proves that the provider refused the request before it worked on it, and so charges nothing.
///
/// What the server broke off or timed out (`408`, `499`, `5xx`) may have been billed.
const fn proves_refusal(status: u16) -> bool {
    matches!(status, 400..=498) && status != 408
}

impl Attempt {
    /// Returns what became of it.
    pub fn end(&self) -> AttemptEnd {
        let usage = self.response.usage;
        let said = usage.is_some_and(|usage| !usage.is_unknown() || usage.is_impossible());
        if said || self.response.cost_usd.is_some() {
            if self.last_word {
                AttemptEnd::Answered
            } else {
                AttemptEnd::Cut
            }
        } else if self.refused || self.status.is_some_and(proves_refusal) {
            AttemptEnd::Refused
        } else {
            AttemptEnd::Unknown
        }
    }

    /// Returns the status of the HTTP response, if a layer saw it.
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// Returns how long the provider asked to wait before the next attempt.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns what it used, as far as it was reported.
    pub fn usage(&self) -> Usage {
        self.response.usage.unwrap_or_default()
    }

    /// Returns what it cost.
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// Returns who made it: the layer that saw it first, or `body` for the call's own code.
    pub fn made_by(&self) -> &'static str {
        self.layers.first().copied().unwrap_or(BODY)
    }

    /// Takes a report. `last` says that it may be the provider's last word.
    fn take(&mut self, said: LlmResponse, last: bool) {
        let provider = |usage: Usage| usage.source() == Source::Provider;
        let is_word = said.cost_usd.is_some() || said.usage.is_some_and(provider);
        self.response.merge(said);
        self.last_word |= last && is_word;
    }
}

/// Who makes attempts if no layer does.
const BODY: &str = "body";

/// It is serialized with its end, usage and cost.
impl Serialize for Attempt {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut out = serializer.serialize_struct("Attempt", 6)?;
        out.serialize_field("end", &self.end())?;
        out.serialize_field("made_by", self.made_by())?;
        out.serialize_field("status", &self.status)?;
        let seconds = self.retry_after.map(|wait| wait.as_secs_f64());
        out.serialize_field("retry_after_seconds", &seconds)?;
        out.serialize_field("usage", &self.usage())?;
        out.serialize_field("cost", &self.cost)?;
        out.end()
    }
}

/// The most attempts of a call that are told apart; what comes later is added to the last of them.
const MOST: usize = 100;

/// The attempts of one call, in the order of their begin.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Attempts {
    all: Vec<Attempt>,
    /// Attempts that were not told apart.
    more: u64,
}

impl Attempts {
    /// One attempt with this answer.
    pub(crate) fn answered(response: LlmResponse) -> Self {
        let mut this = Self::default();
        this.value(response, false);
        this
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Attempt> {
        self.all.iter()
    }

    pub(crate) fn into_vec(self) -> Vec<Attempt> {
        self.all
    }

    pub(crate) fn count(&self) -> u64 {
        self.all.len() as u64 + self.more
    }

    /// A new attempt; the last one again if there are too many.
    fn begin(&mut self) -> usize {
        if self.all.len() < MOST {
            self.all.push(Attempt::default());
        } else {
            self.more += 1;
        }
        self.all.len() - 1
    }

    /// What the returned value or an item of the returned stream says, which is of the last attempt.
    ///
    /// A value is the last word. An item is one if the model has said why it stopped: usage is in the last chunk of
    /// some providers, and in all of others.
    pub(crate) fn value(&mut self, said: LlmResponse, is_item: bool) {
        let known = said.id.as_ref().and_then(|id| self.find(id));
        let at = known.unwrap_or_else(|| match self.all.len() {
            0 => self.begin(),
            len => len - 1,
        });
        let attempt = &mut self.all[at];
        let has_stopped = |answer: &LlmResponse| answer.finish_reasons().len() > 0;
        let last = !is_item || has_stopped(&said) || has_stopped(&attempt.response);
        attempt.take(said, last);
    }

    /// What the body says of an answer: of the attempt with its id, of the last one if its last word has not been
    /// said, and else of a new one.
    pub(crate) fn body(&mut self, said: LlmResponse) {
        let known = said.id.as_ref().and_then(|id| self.find(id));
        let at = known.unwrap_or_else(|| match self.all.last() {
            Some(last) if last.is_awaited(&said) => self.all.len() - 1,
            _ => self.begin(),
        });
        if self.more > 0 && known.is_none() {
            self.add(at, said.usage.unwrap_or_default());
        } else {
            self.all[at].take(said, true);
        }
    }

    /// Adds the answer of an attempt that is not told apart.
    fn add(&mut self, at: usize, usage: Usage) {
        let held = &mut self.all[at].response;
        let sum = held.usage.unwrap_or_default();
        held.usage = Some(sum.plus(usage));
    }

    fn find(&self, id: &str) -> Option<usize> {
        self.all
            .iter()
            .rposition(|attempt| attempt.response.id.as_deref() == Some(id))
    }

    /// A layer sees a request go out; returns the place of its attempt.
    ///
    /// A layer outside of this one has seen the same request: then it is one attempt. A second request of this layer
    /// is a second attempt.
    pub(crate) fn layer(&mut self, layer: &'static str) -> usize {
        let at = match self.all.last() {
            Some(last) if last.open && !last.layers.contains(&layer) => self.all.len() - 1,
            _ => self.begin(),
        };
        let attempt = &mut self.all[at];
        attempt.open = true;
        if !attempt.layers.contains(&layer) {
            attempt.layers.push(layer);
        }
        at
    }

    pub(crate) fn status(&mut self, at: usize, status: u16, retry_after: Option<Duration>) {
        if let Some(attempt) = self.all.get_mut(at) {
            attempt.status = Some(status);
            attempt.retry_after = retry_after.or(attempt.retry_after);
        }
    }

    pub(crate) fn said(&mut self, at: usize, said: LlmResponse) {
        if let Some(attempt) = self.all.get_mut(at) {
            attempt.take(said, true);
        }
    }

    pub(crate) fn refused(&mut self, at: usize) {
        if let Some(attempt) = self.all.get_mut(at) {
            attempt.refused = true;
        }
    }

    pub(crate) fn close(&mut self, at: usize) {
        if let Some(attempt) = self.all.get_mut(at) {
            attempt.open = false;
        }
    }

    /// The call ended with an error that proves a refusal: the last attempt was refused, unless it was answered.
    pub(crate) fn last_refused(&mut self) {
        let at = match self.all.len() {
            0 => self.begin(),
            len => len - 1,
        };
        self.all[at].refused = true;
    }

    /// The stream or the call came to its end: what was reported of the last attempt is the last word, unless it was
    /// said to be partial.
    pub(crate) fn complete(&mut self) {
        match self.all.last_mut() {
            Some(last) => {
                let usage = last.response.usage;
                let partial = usage.is_some_and(|usage| usage.source() == Source::Partial);
                last.last_word |= !partial;
            }
            // Somebody was asked, even if nobody says what became of it.
            None => drop(self.begin()),
        }
    }

    /// What it cost is not known at all: nobody reported an attempt.
    pub(crate) fn ensure_one(&mut self) {
        if self.all.is_empty() {
            self.begin();
        }
    }

    /// Prices each attempt; returns the sum.
    pub(crate) fn price(&mut self, price: &mut dyn FnMut(&Attempt) -> Cost) -> Cost {
        let mut sum = Cost::ZERO;
        for attempt in &mut self.all {
            attempt.cost = match attempt.end() {
                AttemptEnd::Refused => Cost::ZERO,
                _ => price(attempt),
            };
            sum += attempt.cost;
        }
        if self.more > 0 {
            sum += Cost::unknown(Reason::NoUsage);
        }
        sum
    }

    /// The sum of what all attempts used; `None` where none reported anything.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let reported = self.iter().filter_map(|attempt| attempt.response.usage);
        reported.reduce(Usage::plus)
    }

    /// The attempt whose answer the call gave: the last one that has one, else the last.
    pub(crate) fn decisive(&self) -> Option<&Attempt> {
        let answered = |attempt: &&Attempt| attempt.end() == AttemptEnd::Answered;
        self.iter().rev().find(answered).or(self.all.last())
    }

    /// The layers that made more attempts than one each: who repeats.
    pub(crate) fn repeaters(&self) -> Vec<&'static str> {
        let mut repeaters: Vec<&'static str> = Vec::new();
        for attempt in self.all.iter().skip(1) {
            let by = attempt.made_by();
            if !repeaters.contains(&by) {
                repeaters.push(by);
            }
        }
        repeaters
    }
}

impl Attempt {
    /// Whether a report without a known id can be of this attempt: its last word has not been said, and its answer is
    /// not another.
    fn is_awaited(&self, said: &LlmResponse) -> bool {
        let other = |held: &Option<String>, said: &Option<String>| {
            held.is_some() && said.is_some() && held != said
        };
        !self.last_word && self.end() != AttemptEnd::Refused && !other(&self.response.id, &said.id)
    }
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
