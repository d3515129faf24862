//! The answer of a provider, as far as telemetry knows it.
//!
//! Adapters and user code fill [`LlmResponse`] by hand or through the `usage` argument of `#[llm_call]`. It has no room
//! for prompts or answers: what was said must not get into telemetry this way.

use std::borrow::Cow;

use super::{TokenCount, Usage};

/// The answer of a provider, without its content.
///
/// ```
/// use obs_runtime::llm::{LlmResponse, Usage};
/// LlmResponse::new()
///     .usage(Usage::new(1_200, 80))
///     .model("gpt-4o-mini-2024-07-18")
///     .id("chatcmpl-1")
///     .finish_reason("stop");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LlmResponse {
    pub(crate) usage: Option<Usage>,
    pub(crate) model: Option<String>,
    pub(crate) id: Option<String>,
    /// By the index of the choice, each once.
    finish_reasons: Vec<(u32, Cow<'static, str>)>,
    pub(crate) tier: Option<String>,
    pub(crate) batch: Option<bool>,
    pub(crate) search_type: Option<String>,
    pub(crate) cost_usd: Option<f64>,
    pub(crate) dimensions: Option<u64>,
    /// Of a chunk of a stream: whether it holds output of the model.
    pub(crate) token: Option<bool>,
    chunk: Chunk,
}

/// Whether this is read from a chunk of a stream. It is said of the report, and is no part of what it says.
#[derive(Clone, Copy, Debug, Default)]
struct Chunk(bool);

impl PartialEq for Chunk {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The most choices of which it is said that they broke off.
const MOST_CHOICES: u32 = 128;

impl LlmResponse {
    /// Creates an answer of which nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what a later report of the same answer says; what it does not say stays as it is.
    ///
    /// Usage comes together as [`Usage::merge`] says.
    pub(crate) fn merge(&mut self, later: Self) {
        fn newer<T>(held: &mut Option<T>, later: Option<T>) {
            if later.is_some() {
                *held = later;
            }
        }

        self.usage = match (self.usage, later.usage) {
            (Some(one), Some(other)) => Some(one.merge(other)),
            (one, other) => one.or(other),
        };
        for (choice, reason) in later.finish_reasons {
            self.set_finish(choice, reason);
        }
        newer(&mut self.model, later.model);
        newer(&mut self.id, later.id);
        newer(&mut self.tier, later.tier);
        newer(&mut self.batch, later.batch);
        newer(&mut self.search_type, later.search_type);
        newer(&mut self.cost_usd, later.cost_usd);
        newer(&mut self.dimensions, later.dimensions);
        newer(&mut self.token, later.token);
        self.chunk = later.chunk;
    }

    /// Says whether this is read from a chunk of a stream.
    pub(crate) fn chunk(mut self, is_chunk: bool) -> Self {
        self.chunk = Chunk(is_chunk);
        self
    }

    /// Whether this is read from a chunk of a stream, so that more of the same answer may come.
    pub(crate) const fn is_chunk(&self) -> bool {
        self.chunk.0
    }

    /// Whether another answer has the same prices.
    pub(crate) fn is_priced_as(&self, other: &Self) -> bool {
        self.model == other.model
            && self.tier == other.tier
            && self.batch == other.batch
            && self.search_type == other.search_type
    }

    fn set_finish(&mut self, choice: u32, reason: Cow<'static, str>) {
        match self
            .finish_reasons
            .binary_search_by_key(&choice, |(at, _)| *at)
        {
            Ok(at) => self.finish_reasons[at].1 = reason,
            Err(at) => self.finish_reasons.insert(at, (choice, reason)),
        }
    }

    /// The reasons why the model stopped, in the order of the choices.
    pub(crate) fn finish_reasons(&self) -> impl ExactSizeIterator<Item = &Cow<'static, str>> {
        self.finish_reasons.iter().map(|(_, reason)| reason)
    }

    /// The same for at least this number of choices: `error` stands in the place of a reason that did not come.
    pub(crate) fn finish_reasons_of(&self, choices: u64) -> Vec<Cow<'static, str>> {
        // Nobody asks for so many; a wrong number must not cost memory.
        let choices = u32::try_from(choices).map_or(MOST_CHOICES, |n| n.min(MOST_CHOICES));
        let mut reasons: Vec<_> = self.finish_reasons().cloned().collect();
        for choice in 0..choices {
            if !self.finish_reasons.iter().any(|(at, _)| *at == choice) {
                // All choices before this one are there by now.
                reasons.insert(choice as usize, "error".into());
            }
        }
        reasons
    }

    /// Sets the tokens: a [`Usage`], a pair of input and output tokens, or an option of these.
    #[must_use]
    pub fn usage(mut self, usage: impl IntoUsage) -> Self {
        self.usage = usage.into_llm_response().usage;
        self
    }

    /// Sets the model that answered, which may be more exact than the one that was asked.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets the provider's id of the answer.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds the reason why the model stopped; call it once for each choice, in order.
    ///
    /// Where the provider numbers its choices, [`finish`](Self::finish) is exact.
    #[must_use]
    pub fn finish_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        let next = self
            .finish_reasons
            .last()
            .map_or(0, |(choice, _)| choice + 1);
        self.finish_reasons.push((next, reason.into()));
        self
    }

    /// Sets the reason why the model stopped in the choice of this index; a later reason replaces it.
    ///
    /// ```
    /// use obs_runtime::llm::LlmResponse;
    /// LlmResponse::new().finish(1, "length").finish(0, "stop");
    /// ```
    #[must_use]
    pub fn finish(mut self, choice: u32, reason: impl Into<Cow<'static, str>>) -> Self {
        self.set_finish(choice, reason.into());
        self
    }

    /// Sets the tier that served the call, in the provider's word (`default`, `flex`, `priority`): it decides the
    /// price, not the tier that was asked for.
    #[must_use]
    pub fn tier(mut self, tier: impl Into<String>) -> Self {
        self.tier = Some(tier.into());
        self
    }

    /// Says that the answer is one of a batch, which most providers sell at a lower price.
    #[must_use]
    pub fn batch(mut self) -> Self {
        self.batch = Some(true);
        self
    }

    /// Sets the sort of search that the provider made, in its word, where the price depends on it.
    #[must_use]
    pub fn search_type(mut self, search_type: impl Into<String>) -> Self {
        self.search_type = Some(search_type.into());
        self
    }

    /// Sets the price in US dollars, where the provider reports it.
    ///
    /// Otherwise it is computed from the tokens.
    #[must_use]
    pub fn cost_usd(mut self, usd: f64) -> Self {
        self.cost_usd = Some(usd);
        self
    }

    /// Sets how many numbers each embedding has.
    #[must_use]
    pub fn dimensions(mut self, dimensions: usize) -> Self {
        self.dimensions = Some(dimensions as u64);
        self
    }

    /// Says of a chunk of a stream whether it holds output of the model: text, reasoning, or a part of a tool call. The
    /// first chunk of most streams holds a role alone.
    ///
    /// The time until the first such chunk is the time to the first token.
    #[must_use]
    pub fn token(mut self, holds_output: bool) -> Self {
        self.token = Some(holds_output);
        self
    }
}

/// A value that the `usage` argument of `#[llm_call]` may return.
#[diagnostic::on_unimplemented(
    message = "`usage` returned `{Self}`, which says nothing of tokens",
    label = "expected `Usage`, `(input, output)`, `LlmResponse`, or an `Option` of one of them",
    note = "for example `usage = |out| (out.usage.prompt_tokens, out.usage.completion_tokens)`"
)]
pub trait IntoUsage {
    /// Returns the answer as obs records it.
    fn into_llm_response(self) -> LlmResponse;
}

impl IntoUsage for LlmResponse {
    fn into_llm_response(self) -> LlmResponse {
        self
    }
}

impl IntoUsage for Usage {
    fn into_llm_response(self) -> LlmResponse {
        LlmResponse {
            usage: Some(self),
            ..LlmResponse::default()
        }
    }
}

impl<I: TokenCount, O: TokenCount> IntoUsage for (I, O) {
    fn into_llm_response(self) -> LlmResponse {
        Usage::from(self).into_llm_response()
    }
}

impl<T: IntoUsage> IntoUsage for Option<T> {
    fn into_llm_response(self) -> LlmResponse {
        self.map(T::into_llm_response).unwrap_or_default()
    }
}
