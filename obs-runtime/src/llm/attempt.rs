//! The attempts of one call: each was sent to the provider, and may have been billed.
//!
//! Several tell of the same attempt: a layer of the HTTP client, the body of the call, the closure that looks at the
//! value. What they say comes together in one [`Attempt`], by the id of the answer where there is one, and else in the
//! order of their reports.

use core::time::Duration;

use crate::llm::price::{Cost, Reason};
use crate::llm::usage::{LlmResponse, Source, Usage};

/// One request to the provider, as far as somebody reported it.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact that somebody reported"
)]
pub(crate) struct Attempt {
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
    /// The body has reported it, too.
    body_has_said: bool,
    /// The provider may bill what it refuses.
    bills_refusals: bool,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AttemptEnd {
    /// The provider answered and said what it used.
    Answered,
    /// The provider refused it, which is free: a status, or the error of the client, proves it.
    Refused,
    /// It ended before the provider's last word: it used at least what was reported.
    Cut,
    /// Nothing was reported, and nothing proves that it was refused.
    Unknown,
}

/// Whether a status proves that the provider refused the request before it worked on it, and so charges nothing.
///
/// What the server broke off or timed out (`408`, `499`, `5xx`) may have been billed.
const fn proves_refusal(status: u16) -> bool {
    matches!(status, 400..=498) && status != 408
}

impl Attempt {
    /// Returns what became of it.
    pub(crate) fn end(&self) -> AttemptEnd {
        let usage = self.response.usage;
        let said = usage.is_some_and(|usage| !usage.is_unknown() || usage.is_impossible());
        if said || self.response.cost_usd.is_some() {
            if self.last_word {
                AttemptEnd::Answered
            } else {
                AttemptEnd::Cut
            }
        } else if self.is_refused() {
            AttemptEnd::Refused
        } else {
            AttemptEnd::Unknown
        }
    }

    fn is_refused(&self) -> bool {
        let is_free = |status| proves_refusal(status) && !(self.bills_refusals && status == 400);
        self.refused || self.status.is_some_and(is_free)
    }

    /// Returns the status of the HTTP response, if a layer saw it.
    pub(crate) const fn status(&self) -> Option<u16> {
        self.status
    }

    /// Returns how long the provider asked to wait before the next attempt.
    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns who made it: the layer that saw it first, or `body` for the call's own code.
    pub(crate) fn made_by(&self) -> &'static str {
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
    pub(crate) fn value(&mut self, mut said: LlmResponse, is_item: bool) {
        let known = said.id.as_ref().and_then(|id| self.find(id));
        let at = known.unwrap_or_else(|| match self.all.len() {
            0 => self.begin(),
            // What came after the answer, such as a request for something else, is not what it is about.
            len => self.last_answered(0).unwrap_or(len - 1),
        });
        if known.is_none() && self.covers(&said) {
            said.usage = None;
        }
        let attempt = &mut self.all[at];
        let has_stopped = |answer: &LlmResponse| answer.finish_reasons().len() > 0;
        let last = !is_item || has_stopped(&said) || has_stopped(&attempt.response);
        attempt.take(said, last);
    }

    /// What the body says of an answer: of the attempt with its id, of the last one that a layer saw and of which the
    /// body has not spoken yet, of the last one if its last word has not been said, and else of a new one.
    pub(crate) fn body(&mut self, said: LlmResponse) {
        let known = said.id.as_ref().and_then(|id| self.find(id));
        let seen = |attempt: &Attempt| {
            let is_open = !attempt.layers.is_empty() && !attempt.body_has_said;
            is_open && !attempt.is_refused() && !attempt.is_another(&said)
        };
        let known = known.or_else(|| self.all.iter().rposition(seen));
        let at = known.unwrap_or_else(|| match self.all.last() {
            Some(last) if last.is_awaited(&said) => self.all.len() - 1,
            _ => self.begin(),
        });
        self.all[at].body_has_said |= said.usage.is_some_and(|u| u.source() == Source::Provider);
        if self.more > 0 && known.is_none() {
            self.add(at, said.usage.unwrap_or_default());
        } else {
            self.all[at].take(said, true);
        }
    }

    /// The last attempt behind the first `from` whose answer was reported.
    fn last_answered(&self, from: usize) -> Option<usize> {
        let answered = |attempt: &Attempt| attempt.end() == AttemptEnd::Answered;
        let at = self.all.iter().rposition(answered)?;
        (at >= from).then_some(at)
    }

    /// Whether a usage says no more than several attempts together: a value may be of all of them.
    fn covers(&self, said: &LlmResponse) -> bool {
        let Some(usage) = said.usage else {
            return false;
        };
        let reported = self
            .iter()
            .filter(|attempt| attempt.response.usage.is_some());
        let sum = self.usage().unwrap_or_default();
        reported.count() > 1 && sum.merge(usage) == sum
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

    /// A layer sees the status of an answer. A provider that `bills` may bill what it calls a bad request.
    pub(crate) fn status(
        &mut self,
        at: usize,
        status: u16,
        retry_after: Option<Duration>,
        bills: bool,
    ) {
        if let Some(attempt) = self.all.get_mut(at) {
            attempt.status = Some(status);
            attempt.bills_refusals = bills;
            attempt.retry_after = retry_after.or(attempt.retry_after);
        }
    }

    /// What a layer says of the attempt that it watches; of another one if the id of the answer, or a refusal that
    /// was repeated inside, says so.
    pub(crate) fn said(&mut self, at: usize, said: LlmResponse) {
        let found = said.id.as_ref().and_then(|id| self.find(id));
        let at = match (found, self.all.get(at)) {
            (Some(found), _) => found,
            (None, Some(attempt)) if attempt.is_another(&said) => self.begin(),
            (None, Some(attempt)) if attempt.is_refused() => self.last_answered(at).unwrap_or(at),
            (None, _) => at,
        };
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

    /// Returns the sum of the prices of all attempts.
    pub(crate) fn price(&self, price: &mut dyn FnMut(&Attempt) -> Cost) -> Cost {
        let sum = self.iter().map(|attempt| match attempt.end() {
            AttemptEnd::Refused => Cost::ZERO,
            _ => price(attempt),
        });
        let mut sum: Cost = sum.sum();
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

    /// The layers that sent more than one request each, and of these the ones that made an attempt after the first.
    pub(crate) fn repeaters(&self) -> Vec<&'static str> {
        let has_repeated = |by: &'static str| {
            let is_of = |a: &&Attempt| a.layers.contains(&by) || a.made_by() == by;
            self.iter().filter(is_of).count() > 1
        };
        let mut repeaters: Vec<&'static str> = Vec::new();
        for attempt in self.all.iter().skip(1) {
            let by = attempt.made_by();
            if !repeaters.contains(&by) && has_repeated(by) {
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
        !self.last_word && self.end() != AttemptEnd::Refused && !self.is_another(said)
    }

    /// Whether both have an id, and not the same.
    fn is_another(&self, said: &LlmResponse) -> bool {
        let (held, said) = (&self.response.id, &said.id);
        held.is_some() && said.is_some() && held != said
    }
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
