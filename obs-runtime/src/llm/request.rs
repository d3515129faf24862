//! What a call asks of the provider: what bounds its cost, who is asked, and what its span says of the request.

use std::borrow::Cow;

use crate::llm::price::Bounds;
use crate::llm::server::{IntoServer, Server};

/// A text of a request.
type Text = Cow<'static, str>;

/// What a call asks for beside its model. None of it is content.
///
/// The two maxima bound the cost of a call that is cut off, or of which nothing is reported, unless the request lets
/// the provider run tools of its own ([`server_tools`](Self::server_tools)). All else is an attribute of the span. Names and meanings are those of OpenTelemetry's conventions for generative AI
/// ([`GEN_AI_CONVENTIONS`](crate::semconv::GEN_AI_CONVENTIONS)).
///
/// ```
/// use obs_runtime::llm::{self, Request};
/// use obs_runtime::llm_call;
///
/// #[llm_call(provider = "openai", model = "gpt-4o-mini")]
/// fn ask(prompt: &str) -> Result<String, String> {
///     // Text has no more tokens than bytes.
///     let input = prompt.len() as u64;
///     llm::asked(Request::new().max_tokens(1_000).max_input_tokens(input));
///     Err("connection reset".to_owned())
/// }
///
/// # let obs = obs_runtime::Observability::builder().install().unwrap();
/// ask("why?").unwrap_err();
/// assert_eq!(obs.llm_totals().cost.to_string(), "$0.00 to $0.0006006 (no_usage)");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub(crate) max_tokens: Option<u64>,
    pub(crate) max_input_tokens: Option<u64>,
    pub(crate) server: Option<Server>,
    /// Whether the answer is streamed, where the call itself does not show it.
    pub(crate) stream: bool,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<u64>,
    pub(crate) frequency_penalty: Option<f64>,
    pub(crate) presence_penalty: Option<f64>,
    pub(crate) seed: Option<i64>,
    pub(crate) choices: Option<u64>,
    pub(crate) stop_sequences: Vec<Text>,
    pub(crate) encoding_formats: Vec<Text>,
    pub(crate) reasoning_level: Option<Text>,
    pub(crate) output_type: Option<Text>,
    pub(crate) tier: Option<Text>,
    pub(crate) prompt: Option<Text>,
    pub(crate) prompt_version: Option<Text>,
    pub(crate) conversation: Option<Text>,
    pub(crate) previous_response: Option<Text>,
    pub(crate) server_tools: bool,
}

impl Request {
    /// Creates a request of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the most output tokens that the request allows for each answer, those of reasoning among them.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets the most input tokens that the prompt can have, such as its length in bytes.
    #[must_use]
    pub fn max_input_tokens(mut self, tokens: u64) -> Self {
        self.max_input_tokens = Some(tokens);
        self
    }

    /// Sets who is asked: the name or address of the server, and its port.
    #[must_use]
    pub fn server(mut self, address: impl Into<Text>, port: impl Into<Option<u16>>) -> Self {
        self.server = Some((address.into(), port.into()));
        self
    }

    /// Sets who is asked from the URL of the endpoint, or from `host:port`. What else is in the URL is not recorded.
    ///
    /// ```
    /// use obs_runtime::llm::Request;
    /// let url = Request::new().server_of("https://api.openai.com/v1");
    /// assert_eq!(url, Request::new().server("api.openai.com", 443));
    /// ```
    #[must_use]
    pub fn server_of(mut self, server: impl IntoServer) -> Self {
        if let Some((address, port)) = server.into_server() {
            self.server = Some((address.into(), port));
        }
        self
    }

    /// Says that the answer is streamed. A call that gives a stream says so itself.
    #[must_use]
    pub fn stream(mut self) -> Self {
        self.stream = true;
        self
    }

    /// Sets the temperature of the request.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets whether the request lets the provider run tools of its own: searches of the web, runs of code.
    ///
    /// It charges for each, and for what they find as input, so nothing bounds such a call that is cut off. Unless this is
    /// said, or the answer shows a tool that ran, it is taken that none may: providers run only those that are asked for.
    #[must_use]
    pub fn server_tools(mut self, may_run: bool) -> Self {
        self.server_tools = may_run;
        self
    }

    /// Sets the share of probability that tokens are sampled from, from 0 to 1.
    #[must_use]
    pub fn top_p(mut self, share: f64) -> Self {
        self.top_p = Some(share);
        self
    }

    /// Sets how many tokens each token is sampled from. (`top_logprobs` of OpenAI is not this.)
    #[must_use]
    pub fn top_k(mut self, tokens: u64) -> Self {
        self.top_k = Some(tokens);
        self
    }

    /// Sets the penalty for tokens that are frequent so far.
    #[must_use]
    pub fn frequency_penalty(mut self, penalty: f64) -> Self {
        self.frequency_penalty = Some(penalty);
        self
    }

    /// Sets the penalty for tokens that occurred so far.
    #[must_use]
    pub fn presence_penalty(mut self, penalty: f64) -> Self {
        self.presence_penalty = Some(penalty);
        self
    }

    /// Sets the seed of the sampling.
    #[must_use]
    pub fn seed(mut self, seed: i64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets how many answers are asked for.
    #[must_use]
    pub fn choices(mut self, number: u64) -> Self {
        self.choices = Some(number);
        self
    }

    /// Sets the texts at which the model stops.
    #[must_use]
    pub fn stop_sequences<T: Into<Text>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        self.stop_sequences = texts.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the formats in which embeddings are asked for: `float`, `base64`.
    #[must_use]
    pub fn encoding_formats<T: Into<Text>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.encoding_formats = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how much the model is to reason, in the provider's word: `low`, `high`.
    #[must_use]
    pub fn reasoning_level(mut self, level: impl Into<Text>) -> Self {
        self.reasoning_level = Some(level.into());
        self
    }

    /// Sets the type of the content that is asked for: `text`, `json`, `image` or `speech`.
    #[must_use]
    pub fn output_type(mut self, kind: impl Into<Text>) -> Self {
        self.output_type = Some(kind.into());
        self
    }

    /// Sets the tier that is asked for, in the provider's word: `flex`, `priority`. The price is that of the tier that
    /// served ([`LlmResponse::tier`](crate::llm::LlmResponse::tier)).
    #[must_use]
    pub fn tier(mut self, tier: impl Into<Text>) -> Self {
        self.tier = Some(tier.into());
        self
    }

    /// Sets the name of the prompt, if it is made of a template that has one.
    #[must_use]
    pub fn prompt(mut self, name: impl Into<Text>) -> Self {
        self.prompt = Some(name.into());
        self
    }

    /// Sets the version of the prompt that [`prompt`](Self::prompt) names.
    #[must_use]
    pub fn prompt_version(mut self, version: impl Into<Text>) -> Self {
        self.prompt_version = Some(version.into());
        self
    }

    /// Sets the id of the conversation, as the provider or your program has it; one is never made up.
    #[must_use]
    pub fn conversation(mut self, id: impl Into<Text>) -> Self {
        self.conversation = Some(id.into());
        self
    }

    /// Sets the id of the response that this request goes on from.
    #[must_use]
    pub fn previous_response(mut self, id: impl Into<Text>) -> Self {
        self.previous_response = Some(id.into());
        self
    }

    /// Takes what a later request of the same call says. Each may be the dear one: of the maxima the higher is taken.
    pub(crate) fn merge(&mut self, later: Self) {
        fn newer<T>(held: &mut Option<T>, later: Option<T>) {
            if later.is_some() {
                *held = later;
            }
        }
        fn newer_list(held: &mut Vec<Text>, later: Vec<Text>) {
            if !later.is_empty() {
                *held = later;
            }
        }

        // Whole, so that a new part cannot be forgotten.
        let Self {
            max_tokens,
            max_input_tokens,
            server,
            stream,
            temperature,
            top_p,
            top_k,
            frequency_penalty,
            presence_penalty,
            seed,
            choices,
            stop_sequences,
            encoding_formats,
            reasoning_level,
            output_type,
            tier,
            prompt,
            prompt_version,
            conversation,
            previous_response,
            server_tools,
        } = later;
        self.max_tokens = self.max_tokens.max(max_tokens);
        self.max_input_tokens = self.max_input_tokens.max(max_input_tokens);
        self.stream |= stream;
        newer(&mut self.server, server);
        newer(&mut self.temperature, temperature);
        newer(&mut self.top_p, top_p);
        newer(&mut self.top_k, top_k);
        newer(&mut self.frequency_penalty, frequency_penalty);
        newer(&mut self.presence_penalty, presence_penalty);
        newer(&mut self.seed, seed);
        newer(&mut self.choices, choices);
        newer_list(&mut self.stop_sequences, stop_sequences);
        newer_list(&mut self.encoding_formats, encoding_formats);
        newer(&mut self.reasoning_level, reasoning_level);
        newer(&mut self.output_type, output_type);
        newer(&mut self.tier, tier);
        newer(&mut self.prompt, prompt);
        newer(&mut self.prompt_version, prompt_version);
        newer(&mut self.conversation, conversation);
        newer(&mut self.previous_response, previous_response);
        self.server_tools |= server_tools;
    }

    pub(crate) const fn bounds(&self) -> Bounds {
        Bounds {
            // Each of the answers may be that long.
            output: match (self.max_tokens, self.choices) {
                (Some(tokens), Some(choices)) if choices > 1 => {
                    Some(tokens.saturating_mul(choices))
                }
                (tokens, _) => tokens,
            },
            input: self.max_input_tokens,
            server_tools: self.server_tools,
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
