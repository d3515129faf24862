//! The usage and the metadata of a model call, as the provider reports them.
//!
//! Adapters and user code fill [`LlmResponse`] and [`Usage`] by hand or through the `usage`
//! argument of `#[llm_call]`. Neither type has room for prompts or answers: what was said must not
//! get into telemetry this way.

use std::borrow::Cow;

use serde::Serialize;

/// A number of tokens, in one of the integer types that clients of providers use.
///
/// A negative number is none: a call that reports one has no known usage, and its cost is incomplete.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no number of tokens",
    label = "expected `u32`, `u64`, `usize`, `i32` or `i64`"
)]
pub trait TokenCount {
    /// Returns the number; [`u64::MAX`] in place of a negative one, which no provider counts to.
    fn tokens(self) -> u64;
}

macro_rules! counts {
    ($($t:ty),*) => { $(
        impl TokenCount for $t {
            fn tokens(self) -> u64 {
                u64::try_from(self).unwrap_or(u64::MAX)
            }
        }
    )* };
}

counts!(u32, u64, usize, i32, i64);

/// The tokens of one model call.
///
/// The sums include their parts: `input_tokens` includes the cached ones, `output_tokens` those of
/// reasoning (GenAI semantic conventions, `gen_ai.usage.*`).
///
/// ```
/// use obs_runtime::llm::Usage;
/// let usage = Usage::new(1_200, 80).cache_read(1_000);
/// assert_eq!(usage.input_tokens, 1_200);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[expect(clippy::struct_field_names, reason = "the conventions' names")]
pub struct Usage {
    /// All input tokens.
    pub input_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// Input tokens that came from the provider's cache.
    pub cache_read_tokens: u64,
    /// Input tokens that the provider wrote to its cache.
    pub cache_write_tokens: u64,
    /// Output tokens of reasoning.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Creates a usage from all input and all output tokens, parts included.
    pub fn new(input_tokens: impl TokenCount, output_tokens: impl TokenCount) -> Self {
        Self {
            input_tokens: input_tokens.tokens(),
            output_tokens: output_tokens.tokens(),
            cache_read_tokens: 0,
            cache_write_tokens: 0,
            reasoning_tokens: 0,
        }
    }

    /// Creates a usage with input tokens alone, as of embeddings.
    pub fn input(tokens: impl TokenCount) -> Self {
        Self::new(tokens, 0_u64)
    }

    /// Sets how many of the input tokens came from the cache.
    #[must_use]
    pub fn cache_read(mut self, tokens: impl TokenCount) -> Self {
        self.cache_read_tokens = tokens.tokens();
        self
    }

    /// Sets how many of the input tokens were written to the cache.
    #[must_use]
    pub fn cache_write(mut self, tokens: impl TokenCount) -> Self {
        self.cache_write_tokens = tokens.tokens();
        self
    }

    /// Sets how many of the output tokens were for reasoning.
    #[must_use]
    pub fn reasoning(mut self, tokens: impl TokenCount) -> Self {
        self.reasoning_tokens = tokens.tokens();
        self
    }

    /// Adds cached tokens that the provider reports apart from the input tokens, as Anthropic does.
    ///
    /// They are added to the input tokens too, which include all their parts.
    ///
    /// ```
    /// use obs_runtime::llm::Usage;
    /// let usage = Usage::new(50, 80).cached_apart(1_000, 200);
    /// assert_eq!(usage, Usage::new(1_250, 80).cache_read(1_000).cache_write(200));
    /// ```
    #[must_use]
    pub fn cached_apart(mut self, read: impl TokenCount, written: impl TokenCount) -> Self {
        let (read, written) = (read.tokens(), written.tokens());
        self.input_tokens = self
            .input_tokens
            .saturating_add(read)
            .saturating_add(written);
        self.cache_read_tokens = read;
        self.cache_write_tokens = written;
        self
    }

    /// Returns whether every count can be one of tokens: a negative number that was cast is beyond what telemetry's
    /// numbers hold.
    const fn is_possible(&self) -> bool {
        const MOST: u64 = i64::MAX as u64;
        self.input_tokens <= MOST
            && self.output_tokens <= MOST
            && self.cache_read_tokens <= MOST
            && self.cache_write_tokens <= MOST
            && self.reasoning_tokens <= MOST
    }

    /// Returns the sum of two usages, as for a call that asked the provider twice.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_read_tokens: self
                .cache_read_tokens
                .saturating_add(other.cache_read_tokens),
            cache_write_tokens: self
                .cache_write_tokens
                .saturating_add(other.cache_write_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_add(other.reasoning_tokens),
        }
    }
}

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
    /// Whether counts were reported that cannot be, which are left out.
    pub(crate) usage_is_impossible: bool,
    pub(crate) model: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) finish_reasons: Vec<Cow<'static, str>>,
    pub(crate) cost_usd: Option<f64>,
    pub(crate) dimensions: Option<u64>,
}

impl LlmResponse {
    /// Creates an answer of which nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what a later chunk says; what the chunk does not say stays as it is.
    pub(crate) fn merge(&mut self, later: Self) {
        self.usage = later.usage.or(self.usage);
        self.usage_is_impossible |= later.usage_is_impossible;
        self.model = later.model.or_else(|| self.model.take());
        self.id = later.id.or_else(|| self.id.take());
        self.finish_reasons.extend(later.finish_reasons);
        self.cost_usd = later.cost_usd.or(self.cost_usd);
        self.dimensions = later.dimensions.or(self.dimensions);
    }

    /// Sets the tokens: a [`Usage`], a pair of input and output tokens, or an option of these.
    #[must_use]
    pub fn usage(mut self, usage: impl IntoUsage) -> Self {
        let response = usage.into_llm_response();
        self.usage = response.usage;
        self.usage_is_impossible = response.usage_is_impossible;
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
    #[must_use]
    pub fn finish_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.finish_reasons.push(reason.into());
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
            usage: self.is_possible().then_some(self),
            usage_is_impossible: !self.is_possible(),
            ..LlmResponse::default()
        }
    }
}

impl<I: TokenCount, O: TokenCount> From<(I, O)> for Usage {
    /// Creates a usage from input and output tokens.
    fn from((input, output): (I, O)) -> Self {
        Self::new(input, output)
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
