//! The attempts of one call.
//!
//! Several tell of the same attempt: a layer of the HTTP client, the body of the call, the closure that looks at the
//! value. What they say comes together in one [`Attempt`], by the id of the answer where there is one, and else in the
//! order of their reports. Where that does not tell two attempts apart, the cost says so.

use core::time::Duration;

use crate::llm::attempt::{Attempt, AttemptEnd, Pairing};
use crate::llm::price::{Cost, Reason};
use crate::llm::server::Server;
use crate::llm::usage::{LlmResponse, Source, Unit, Usage};

/// The most attempts of a call that are kept. Of what comes before the last of them, only the tokens are.
pub(super) const MOST: usize = 100;

/// The attempts of one call, in the order of their begin. Their places stay what they are when some are not kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Attempts {
    all: Vec<Attempt>,
    /// Attempts that are not kept; they came before the last one.
    more: usize,
    /// What these used.
    folded: Option<Usage>,
    /// Reports could not be told apart.
    ambiguous: bool,
    /// What the caller counted before anything was asked.
    guess: Option<LlmResponse>,
    /// The call has ended: what is reported now comes too late.
    closed: bool,
}

impl Attempts {
    /// One attempt with this answer.
    pub(crate) fn answered(response: LlmResponse) -> Self {
        let mut this = Self::default();
        this.value(response, false);
        this
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Attempt> {
        self.all.iter().filter(|attempt| !attempt.withdrawn)
    }

    pub(crate) fn into_vec(mut self) -> Vec<Attempt> {
        self.all.retain(|attempt| !attempt.withdrawn);
        self.all
    }

    pub(crate) fn count(&self) -> u64 {
        let of = |pairing| self.iter().filter(|a| a.pairing == pairing).count();
        let twice = of(Pairing::Doubted).min(of(Pairing::Unpaired));
        (self.iter().count() + self.more - twice) as u64
    }

    /// The last one; a new one if there is none.
    fn last_or_new(&mut self) -> usize {
        let last = self.all.iter().rposition(|attempt| !attempt.withdrawn);
        last.unwrap_or_else(|| self.begin())
    }

    /// Nothing is taken from now on.
    pub(crate) fn close_call(&mut self) {
        self.closed = true;
    }

    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// A new attempt; returns its index.
    fn begin(&mut self) -> usize {
        if self.all.len() < MOST {
            let mut attempt = Attempt::default();
            if let Some(guess) = self.guess.take() {
                attempt.take(guess, false);
            }
            self.all.push(attempt);
        } else if let Some(last) = self.all.last_mut() {
            let folded = std::mem::take(last);
            self.more += 1;
            if let Some(usage) = folded.response.usage {
                self.folded = Some(self.folded.unwrap_or_default().plus(usage));
            }
        }
        self.all.len() - 1
    }

    /// The place of an attempt that is kept.
    const fn place_of(&self, index: usize) -> usize {
        if index + 1 == self.all.len() {
            index + self.more
        } else {
            index
        }
    }

    /// The attempt of a place, if it is kept.
    fn at(&self, place: usize) -> Option<usize> {
        let last = self.all.len().checked_sub(1)?;
        if place < last {
            Some(place)
        } else {
            (place == last + self.more).then_some(last)
        }
    }

    /// What the returned value or an item of the returned stream says, which is of the last attempt.
    ///
    /// A value is the last word. An item is one if the model has said why it stopped: usage is in the last chunk of
    /// some providers, and in all of others.
    pub(crate) fn value(&mut self, mut said: LlmResponse, is_item: bool) {
        let known = said.id.as_ref().and_then(|id| self.find(id));
        // What came after the answer, such as a request for something else, is not what it is about.
        let known_or_answered = known.or_else(|| self.last_answered(|_| true));
        let at = known_or_answered.unwrap_or_else(|| self.last_or_new());
        if known.is_none() && self.covers(&said) {
            said.usage = None;
        }
        let attempt = &mut self.all[at];
        let has_stopped = |answer: &LlmResponse| answer.finish_reasons().len() > 0;
        let last = !is_item || has_stopped(&said) || has_stopped(&attempt.response);
        attempt.take(said, last);
    }

    /// What the body says of an answer: of the attempt with its id, of one that a layer saw and of which the body has
    /// not spoken yet, of one whose last word has not been said, and else of a new one.
    pub(crate) fn body(&mut self, said: LlmResponse) {
        if said == LlmResponse::default() {
            return;
        }
        let counted = said.usage.is_some_and(|u| u.source() == Source::Counted);
        let known = said.id.as_ref().and_then(|id| self.find(id));
        let (at, said, last) = match known {
            Some(at) => (at, said, true),
            // What the caller counts is of what was asked last, or else of what will be asked first.
            None if counted && self.all.is_empty() => {
                self.guess.get_or_insert_default().merge(said);
                return;
            }
            None if counted => (self.last_or_new(), said, false),
            None => self.of_body(said),
        };
        self.all[at].body_has_said |= !counted;
        self.all[at].take(said, last);
    }

    /// Of which attempt a report of the body is whose id is not known; what of it can be taken, and whether it may be
    /// the last word.
    fn of_body(&mut self, mut said: LlmResponse) -> (usize, LlmResponse, bool) {
        let seen = |attempt: &&Attempt| {
            let is_open = !attempt.layers.is_empty() && !attempt.body_has_said;
            is_open && !attempt.is_refused() && !attempt.is_another(&said)
        };
        let places = |is: &dyn Fn(&&Attempt) -> bool| -> Vec<usize> {
            let all = self.all.iter().enumerate();
            all.filter(|(_, attempt)| is(attempt))
                .map(|(at, _)| at)
                .collect()
        };
        // A layer has read the same chunk already.
        let read = |at: &usize| {
            let attempt = &self.all[*at];
            attempt.layer_has_said && attempt.response.usage.is_some() && attempt.has(&said)
        };
        if said.is_chunk()
            && let Some(at) = (0..self.all.len()).rev().find(read)
        {
            return (at, said, true);
        }
        let seen = places(&seen);
        if let Some(last) = seen.last() {
            // A layer has read the same, or nothing; where neither tells which one it is, it is none for certain.
            let same = seen
                .iter()
                .rev()
                .find(|at| self.all[**at].response.usage.is_some() && self.all[**at].has(&said));
            if let Some(same) = same {
                return (*same, said, true);
            }
            if seen.len() > 1 {
                return self.ambiguous(*last, said);
            }
            return (*last, said, true);
        }
        let awaiting = places(&|attempt| attempt.is_awaited(&said));
        match *awaiting {
            [] => (self.begin(), said, true),
            [at] => {
                let held = self.all[at].response.usage;
                let input = |usage: Option<Usage>| usage.and_then(|u| u.certain(Unit::InputTokens));
                let partial = said.usage.is_some_and(|u| u.source() != Source::Provider);
                match (input(held), input(said.usage)) {
                    _ if said.is_chunk() || partial => (at, said, true),
                    // An answer with another input is another answer.
                    (Some(held), Some(new)) if new < held => (self.begin(), said, true),
                    // It may be the end of what was begun, or all of the next one.
                    (Some(_), Some(_)) => {
                        self.ambiguous = true;
                        (at, said, false)
                    }
                    _ => (at, said, true),
                }
            }
            [.., last] => {
                let same = |at: &usize| {
                    self.all[*at]
                        .response
                        .is_priced_as(&self.all[last].response)
                };
                if !awaiting.iter().all(same) {
                    said.usage = None;
                }
                self.ambiguous(last, said)
            }
        }
    }

    /// A report that may be of several attempts is taken for one of the last of them, and not for its last word.
    fn ambiguous(&mut self, at: usize, mut said: LlmResponse) -> (usize, LlmResponse, bool) {
        self.ambiguous = true;
        // Another answer than the one that a layer has read would be added to it.
        if !self.all[at].layers.is_empty() {
            said.usage = None;
        }
        (at, said, false)
    }

    /// The last attempt of these whose answer was reported.
    fn last_answered(&self, of: impl Fn(usize) -> bool) -> Option<usize> {
        let answered = |at: &usize| self.all[*at].end() == AttemptEnd::Answered && of(*at);
        (0..self.all.len()).rev().find(answered)
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

    fn find(&self, id: &str) -> Option<usize> {
        self.all
            .iter()
            .rposition(|attempt| attempt.response.id.as_deref() == Some(id))
    }

    /// A layer sees a request go out, inside of an attempt of another layer if that is known; returns its place.
    ///
    /// A layer outside of this one has seen the same request: then it is one attempt. A second request of this layer
    /// is a second attempt.
    pub(crate) fn layer(&mut self, layer: &'static str, within: Option<usize>) -> usize {
        let outer = within.and_then(|place| self.at(place));
        let waits = |attempt: &Attempt| {
            attempt.open && !attempt.withdrawn && !attempt.layers.contains(&layer)
        };
        let at = if let Some(outer) = outer {
            if waits(&self.all[outer]) {
                outer
            } else {
                let at = self.begin();
                self.all[at].within = within;
                at
            }
        } else {
            let open: Vec<usize> = (0..self.all.len())
                .filter(|at| waits(&self.all[*at]))
                .collect();
            match *open {
                [] => self.begin(),
                [at] => at,
                // Which of them asks cannot be told.
                _ => {
                    for at in open {
                        self.all[at].pairing = Pairing::Doubted;
                    }
                    self.ambiguous = true;
                    let at = self.begin();
                    self.all[at].pairing = Pairing::Unpaired;
                    at
                }
            }
        };
        let attempt = &mut self.all[at];
        attempt.open = true;
        if !attempt.layers.contains(&layer) {
            attempt.layers.push(layer);
        }
        self.place_of(at)
    }

    /// Changes the attempt of a place, if it is kept.
    fn change(&mut self, place: usize, change: impl FnOnce(&mut Attempt)) {
        if let Some(at) = self.at(place) {
            change(&mut self.all[at]);
        }
    }

    /// Somebody sees whom an attempt asks.
    #[cfg(any(feature = "reqwest", feature = "tracing", feature = "opentelemetry"))]
    pub(crate) fn server(&mut self, place: usize, server: Server) {
        self.change(place, |attempt| attempt.server = Some(server));
    }

    /// Who was asked by the attempt whose answer the call gave.
    pub(crate) fn asked_server(&self) -> Option<Server> {
        self.decisive()?.server.clone()
    }

    /// A layer sees the status of an answer. A provider that `bills` may bill what it calls a bad request.
    pub(crate) fn status(
        &mut self,
        place: usize,
        status: u16,
        retry_after: Option<Duration>,
        bills: bool,
    ) {
        self.change(place, |attempt| {
            attempt.status = Some(status);
            attempt.bills_refusals = bills;
            attempt.retry_after = retry_after.or(attempt.retry_after);
        });
    }

    /// What a layer says of the attempt that it watches; of another one if the id of the answer, or a refusal that
    /// was repeated inside, says so.
    pub(crate) fn said(&mut self, place: usize, said: LlmResponse) {
        let found = said.id.as_ref().and_then(|id| self.find(id));
        let at = match (found, self.at(place)) {
            (Some(found), _) => Some(found),
            (None, None) => None,
            (None, Some(at)) => Some(self.said_of(at, place, &said)),
        };
        if let Some(at) = at {
            self.all[at].layer_has_said = true;
            self.all[at].take(said, true);
        }
    }

    fn said_of(&mut self, at: usize, place: usize, said: &LlmResponse) -> usize {
        let inner = |one: usize| self.all[one].within == Some(place);
        let repeated = (0..self.all.len()).any(inner);
        let attempt = &self.all[at];
        if repeated && (attempt.is_refused() || attempt.is_another(said)) {
            self.last_answered(inner).unwrap_or(at)
        } else if attempt.is_another(said) {
            self.begin()
        } else if attempt.is_refused() {
            self.last_answered(|one| one >= at).unwrap_or(at)
        } else {
            at
        }
    }

    pub(crate) fn refused(&mut self, place: usize) {
        self.change(place, |attempt| attempt.refused = true);
    }

    pub(crate) fn close(&mut self, place: usize) {
        self.change(place, |attempt| attempt.open = false);
    }

    /// The request was not to a model after all: it is no attempt.
    #[cfg(any(test, feature = "reqwest"))]
    pub(crate) fn withdraw(&mut self, place: usize) {
        // What comes after it keeps its place.
        self.change(place, |attempt| attempt.withdrawn = true);
    }

    /// The error of the call says with which status the last attempt ended, unless a layer saw it.
    pub(crate) fn last_status(&mut self, status: u16, retry_after: Option<Duration>) {
        let mut at = self.last_or_new();
        let last = &self.all[at];
        // What was answered did not fail like this: it was another request, which nobody saw.
        if status >= 400 && last.end() == AttemptEnd::Answered && last.status != Some(status) {
            at = self.begin();
        }
        let last = &mut self.all[at];
        last.status = last.status.or(Some(status));
        last.retry_after = last.retry_after.or(retry_after);
    }

    /// The error of the call says that the last request never reached the provider. An attempt of which somebody knows
    /// more is another one.
    pub(crate) fn unsent(&mut self) {
        let at = self.last_or_new();
        let last = &mut self.all[at];
        last.refused |= last.status.is_none() && last.response == LlmResponse::default();
    }

    /// The call ended with an error that proves a refusal: the last attempt was refused, unless it was answered.
    pub(crate) fn last_refused(&mut self) {
        let at = self.last_or_new();
        self.all[at].refused = true;
    }

    /// The stream or the call came to its end: what was reported of the last attempt is the last word, unless it was
    /// said to be partial.
    pub(crate) fn complete(&mut self) {
        // Somebody was asked, even if nobody says what became of it.
        let at = self.last_or_new();
        let last = &mut self.all[at];
        let usage = last.response.usage;
        let partial = usage.is_some_and(|usage| usage.source() == Source::Partial);
        last.last_word |= !partial;
    }

    /// What it cost is not known at all: nobody reported an attempt.
    pub(crate) fn ensure_one(&mut self) {
        self.last_or_new();
    }

    /// Prices each attempt, and returns the sum.
    pub(crate) fn price(&mut self, price: &mut dyn FnMut(&Attempt) -> Cost) -> Cost {
        let (mut sum, mut doubted, mut unpaired) = (Cost::ZERO, Cost::ZERO, Cost::ZERO);
        for attempt in self.all.iter_mut().filter(|attempt| !attempt.withdrawn) {
            let cost = match attempt.end() {
                AttemptEnd::Refused => Cost::ZERO,
                _ => price(attempt),
            };
            attempt.cost = Some(cost);
            match attempt.pairing {
                Pairing::Known => sum += cost,
                Pairing::Doubted => doubted += cost,
                Pairing::Unpaired => unpaired += cost,
            }
        }
        // Both sides saw the same requests.
        sum.at_least += doubted.at_least.max(unpaired.at_least);
        sum.reasons = sum.reasons.union(doubted.reasons).union(unpaired.reasons);
        if self.ambiguous || self.more > 0 {
            sum += Cost::unknown(Reason::Ambiguous);
        }
        sum
    }

    /// The sum of what all attempts used; `None` where none reported anything.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let of = |pairing| {
            let reported = self
                .iter()
                .filter(move |attempt| attempt.pairing == pairing);
            reported
                .filter_map(|attempt| attempt.response.usage)
                .reduce(Usage::plus)
        };
        let (doubted, unpaired) = (of(Pairing::Doubted), of(Pairing::Unpaired));
        let both = match (doubted, unpaired) {
            (Some(one), Some(other)) => Some(one.merge(other)),
            (one, other) => one.or(other),
        };
        let parts = [self.folded, of(Pairing::Known), both];
        parts.into_iter().flatten().reduce(Usage::plus)
    }

    /// The attempt whose answer the call gave: the last one that has one, else the last.
    pub(crate) fn decisive(&self) -> Option<&Attempt> {
        let answered = |attempt: &&Attempt| attempt.end() == AttemptEnd::Answered;
        self.iter().rev().find(answered).or(self.iter().next_back())
    }

    /// The layers that sent more than one request each, and of these the ones that made an attempt after the first.
    pub(crate) fn repeaters(&self) -> Vec<&'static str> {
        let has_repeated = |by: &'static str| {
            let is_of = |a: &&Attempt| a.layers.contains(&by) || a.made_by() == by;
            self.iter().filter(is_of).count() > 1
        };
        let mut repeaters: Vec<&'static str> = Vec::new();
        for attempt in self.iter().skip(1) {
            let by = attempt.made_by();
            if !repeaters.contains(&by) && has_repeated(by) {
                repeaters.push(by);
            }
        }
        repeaters
    }
}

#[cfg(test)]
#[path = "attempts_tests.rs"]
mod tests;
