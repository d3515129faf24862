//! One attempt of a call: it was sent to the provider, and may have been billed.

use core::time::Duration;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::llm::price::Cost;
use crate::llm::server::Server;
use crate::llm::usage::{LlmResponse, Source, Usage};
use crate::words::words;

/// One request of a model call to the provider, as far as somebody reported it.
///
/// A call has one for each request that a client sent, whoever repeated it. They are on the call's span as events
/// `obs.llm.attempt` where there were several or one was refused, in [`RunningCall::attempts`] while the call runs, and
/// in [`CallRecord::attempts`] when it has ended.
///
/// It is serialized as an object of what its methods return, in which `null` is unknown.
///
/// ```
/// use obs_runtime::llm::{self, AttemptEnd};
/// use obs_runtime::{llm_call, testing};
///
/// #[llm_call(provider = "openai", model = "gpt-4o-mini")]
/// fn ask() {
///     llm::attempt("sdk").status(429, None);
///     let last = llm::attempt("sdk");
///     last.status(200, None);
///     last.answered(llm::Usage::new(1_200, 80).nothing_else());
/// }
///
/// let captured = testing::capture(ask);
/// let [refused, answered] = captured.llm_calls[0].attempts() else { panic!() };
/// assert_eq!((refused.end(), refused.status()), (AttemptEnd::Refused, Some(429)));
/// assert_eq!(answered.cost().to_string(), "$0.000228");
/// assert_eq!(answered.made_by(), "sdk");
/// ```
///
/// [`RunningCall::attempts`]: crate::llm::RunningCall::attempts
/// [`CallRecord::attempts`]: crate::llm::CallRecord::attempts
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact that somebody reported"
)]
pub struct Attempt {
    pub(crate) response: LlmResponse,
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
    /// Who was asked, as a layer or the client saw it.
    pub(super) server: Option<Server>,
    /// The layers that see this attempt. The first of them made it.
    pub(super) layers: Vec<&'static str>,
    /// The attempt of an outer layer inside of which a layer repeated the request.
    pub(super) within: Option<usize>,
    /// A layer watches it until its answer is read.
    pub(super) open: bool,
    /// Somebody proved that it was refused.
    pub(super) refused: bool,
    /// The provider's last word on its usage was reported.
    pub(super) last_word: bool,
    /// A layer has read something of its answer: it reads all of it before the body does.
    pub(super) layer_has_said: bool,
    /// The body has reported it, too.
    pub(super) body_has_said: bool,
    /// The provider may bill what it refuses.
    pub(super) bills_refusals: bool,
    /// The request was not to a model after all.
    pub(super) withdrawn: bool,
    pub(super) pairing: Pairing,
    pub(crate) cost: Option<Cost>,
}

/// Whether it is known which layers see the same request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pairing {
    #[default]
    Known,
    /// An inner layer saw a request that may be of this attempt or of another.
    Doubted,
    /// Seen by an inner layer, and one of the doubted ones.
    Unpaired,
}

words! {
    /// What became of an attempt.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum AttemptEnd {
        /// The provider answered and said what it used.
        Answered => "answered",
        /// The provider refused it, which is free: a status, or the error of the client, proves it.
        Refused => "refused",
        /// It ended before the provider's last word: it used at least what was reported.
        Cut => "cut",
        /// Nothing was reported, and nothing proves that it was refused.
        Unknown => "unknown",
    }
}

/// Whether a status proves that the provider refused the request before it worked on it, and so charges nothing.
///
/// What the server broke off or timed out (`408`, `499`, `5xx`) may have been billed.
pub(crate) const fn proves_refusal(status: u16) -> bool {
    matches!(status, 400..=498) && status != 408
}

/// Who makes attempts if no layer does.
pub(super) const BODY: &str = "body";

impl Attempt {
    /// Returns what became of it.
    pub fn end(&self) -> AttemptEnd {
        let usage = self.response.usage.unwrap_or_default();
        let says = |usage: Usage| !usage.is_unknown() || usage.is_impossible();
        let paid = self.response.cost_usd.is_some() || says(usage.certain_part());
        // What the caller counted for a request that was refused was not used.
        if paid || says(usage) && !self.is_refused() {
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

    pub(super) fn is_refused(&self) -> bool {
        let is_free = |status| proves_refusal(status) && !(self.bills_refusals && status == 400);
        self.refused || self.status.is_some_and(is_free)
    }

    /// Returns the status of the HTTP response, if a layer saw it.
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// Returns how long the provider asked to wait before the next attempt.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns what it used, as far as somebody reported it.
    pub const fn usage(&self) -> Option<Usage> {
        self.response.usage
    }

    /// Returns the provider's id of the answer.
    pub fn response_id(&self) -> Option<&str> {
        self.response.id.as_deref()
    }

    /// Returns the model that served it, as the answer names it.
    pub fn response_model(&self) -> Option<&str> {
        self.response.model.as_deref()
    }

    /// Returns who made it: the layer that saw it first, or `body` for the call's own code.
    ///
    /// Of an attempt after the first that is who repeated the request.
    pub fn made_by(&self) -> &'static str {
        self.layers.first().copied().unwrap_or(BODY)
    }

    /// Returns all layers that saw it, the outermost first.
    pub fn layers(&self) -> &[&'static str] {
        &self.layers
    }

    /// Returns what it cost; nothing is known of that while the call runs.
    pub fn cost(&self) -> Cost {
        self.cost
            .unwrap_or(Cost::unknown(crate::llm::Reason::NoUsage))
    }

    /// Takes a report. `last` says that it may be the provider's last word.
    pub(super) fn take(&mut self, said: LlmResponse, last: bool) {
        let provider = |usage: Usage| usage.source() == Source::Provider;
        let is_word = said.cost_usd.is_some() || said.usage.is_some_and(provider);
        self.response.merge(said);
        self.last_word |= last && is_word;
    }

    /// Whether a report without a known id can be of this attempt, of which the body has spoken, or which it made: its
    /// last word has not been said, and its answer is not another.
    pub(super) fn is_awaited(&self, said: &LlmResponse) -> bool {
        (self.body_has_said || self.layers.is_empty())
            && !self.layer_has_said
            && !self.last_word
            && self.end() != AttemptEnd::Refused
            && !self.is_another(said)
    }

    /// Whether both have an id, and not the same.
    pub(super) fn is_another(&self, said: &LlmResponse) -> bool {
        let (held, said) = (&self.response.id, &said.id);
        held.is_some() && said.is_some() && held != said
    }

    /// Whether a report says what was said before, and nothing else.
    pub(super) fn has(&self, said: &LlmResponse) -> bool {
        match (self.response.usage, said.usage) {
            (Some(held), Some(said)) => held.merge(said) == held,
            (_, said) => said.is_none(),
        }
    }
}

impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Attempt", 9)?;
        object.serialize_field("end", &self.end())?;
        object.serialize_field("status", &self.status)?;
        let seconds = self.retry_after.map(|wait| wait.as_secs_f64());
        object.serialize_field("retry_after_seconds", &seconds)?;
        object.serialize_field("made_by", self.made_by())?;
        object.serialize_field("layers", &self.layers)?;
        object.serialize_field("response_id", &self.response.id)?;
        object.serialize_field("response_model", &self.response.model)?;
        object.serialize_field("usage", &self.response.usage)?;
        object.serialize_field("cost", &self.cost())?;
        object.end()
    }
}
