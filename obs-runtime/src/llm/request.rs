//! What a call asks of the provider, as far as it bounds the cost or names the other side.

use std::borrow::Cow;

use crate::llm::price::Bounds;

/// What a call asks for beside its model. None of it is content.
///
/// The two maxima bound the cost of a call that is cut off, or of which nothing is reported.
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
    pub(crate) temperature: Option<f64>,
    pub(crate) server: Option<(Cow<'static, str>, Option<u16>)>,
}

impl Request {
    /// Creates a request of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the most output tokens that the request allows, those of reasoning among them.
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

    /// Sets the temperature of the request.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets who is asked: the name or address of the server, and its port.
    #[must_use]
    pub fn server(
        mut self,
        address: impl Into<Cow<'static, str>>,
        port: impl Into<Option<u16>>,
    ) -> Self {
        self.server = Some((address.into(), port.into()));
        self
    }

    /// Takes what a later request of the same call says. Each may be the dear one: of the maxima the higher is taken.
    pub(crate) fn merge(&mut self, later: Self) {
        self.max_tokens = self.max_tokens.max(later.max_tokens);
        self.max_input_tokens = self.max_input_tokens.max(later.max_input_tokens);
        self.temperature = later.temperature.or(self.temperature);
        self.server = later.server.or_else(|| self.server.take());
    }

    pub(crate) const fn bounds(&self) -> Bounds {
        Bounds {
            output: self.max_tokens,
            input: self.max_input_tokens,
        }
    }
}
