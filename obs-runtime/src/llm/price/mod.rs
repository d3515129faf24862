//! The price of a model call: amounts that add up exactly, costs with two ends, and prices by provider and model.
//!
//! A [`Pricer`] belongs to one `Observability`. It asks the program's own prices first, then the
//! price list of `genai-prices`, which is decoded once per process. A call that cannot be priced is
//! never priced at zero: it gets an [`Unpriced`] reason instead.

mod cost;
mod usd;

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use genai_prices::{Calculator, PriceRequest, UsageKey};

use crate::fork::PerProcess;
use crate::guarded::guarded;
use crate::llm::usage::Usage;
use crate::lock::lock;

pub use cost::{Cost, Reason, Reasons};
pub use usd::Usd;

/// The prices of one model, in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelPrice {
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
}

impl ModelPrice {
    /// Creates prices from those of a million input tokens and of a million output tokens.
    pub const fn per_million(input: f64, output: f64) -> Self {
        Self {
            input,
            output,
            cache_read: None,
            cache_write: None,
        }
    }

    /// Sets the price of a million tokens read from the cache; the default is the input price.
    #[must_use]
    pub const fn cache_read(mut self, price: f64) -> Self {
        self.cache_read = Some(price);
        self
    }

    /// Sets the price of a million tokens written to the cache; the default is the input price.
    #[must_use]
    pub const fn cache_write(mut self, price: f64) -> Self {
        self.cache_write = Some(price);
        self
    }

    fn of(&self, usage: &Usage) -> Result<Usd, Unpriced> {
        if usage.is_impossible() {
            return Err(Unpriced::InvalidUsage);
        }
        let input = usage.input_tokens().unwrap_or(0);
        let read = usage.cache_read_tokens().unwrap_or(0);
        let written = usage.cache_write_tokens().unwrap_or(0);
        let plain = input
            .checked_sub(read.saturating_add(written))
            .ok_or(Unpriced::InvalidUsage)?;
        let dollars = plain as f64 * self.input
            + read as f64 * self.cache_read.unwrap_or(self.input)
            + written as f64 * self.cache_write.unwrap_or(self.input)
            + usage.output_tokens().unwrap_or(0) as f64 * self.output;
        Usd::from_f64(dollars / 1e6).ok_or(Unpriced::InvalidUsage)
    }
}

/// Your own prices, for models that the price list of obs does not have, or at your discount.
///
/// ```
/// use obs_runtime::llm::{ModelPrice, Prices};
/// Prices::new()
///     .price("house-model", 0.15, 0.60)
///     .price_for("azure.ai.openai", "gpt-4o", ModelPrice::per_million(2.0, 8.0).cache_read(1.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices {
    /// The prices by provider and model; the empty provider stands for every provider.
    models: HashMap<(String, String), ModelPrice>,
}

impl Prices {
    /// Creates a list without prices.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the prices of a model for every provider.
    ///
    /// They are US dollars for a million input tokens and for a million output tokens.
    #[must_use]
    pub fn price(
        self,
        model: impl Into<String>,
        input_per_mtok: f64,
        output_per_mtok: f64,
    ) -> Self {
        self.price_for(
            "",
            model,
            ModelPrice::per_million(input_per_mtok, output_per_mtok),
        )
    }

    /// Adds the prices of a model at one provider; they come before those for every provider.
    #[must_use]
    pub fn price_for(
        mut self,
        provider: impl Into<String>,
        model: impl Into<String>,
        price: ModelPrice,
    ) -> Self {
        self.models.insert((provider.into(), model.into()), price);
        self
    }

    fn find(&self, provider: &str, model: &str) -> Option<&ModelPrice> {
        if self.models.is_empty() {
            return None;
        }
        let of = |provider: &str| self.models.get(&(provider.to_owned(), model.to_owned()));
        of(provider).or_else(|| of(""))
    }
}

/// The reason why a call has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unpriced {
    /// Neither the price list nor the user's prices have the model.
    UnknownModel,
    /// The tokens contradict each other: more are cached than there are.
    InvalidUsage,
    /// The provider did not report tokens, or the call gave none.
    NoUsage,
    /// The call was abandoned, so what it used is not known.
    Cancelled,
}

impl Unpriced {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownModel => "unknown_model",
            Self::InvalidUsage => "invalid_usage",
            Self::NoUsage => "no_usage",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The price list. Decoding it takes tens of milliseconds, so that happens once, ahead of calls.
static CALCULATOR: PerProcess<Option<&'static Calculator>> =
    // Should a release of the list be broken, calls are unpriced and the program continues. Miri
    // would need an hour to decode it.
    PerProcess::new(|| {
        let decoded = || guarded(Calculator::bundled);
        (!cfg!(miri)).then(decoded).flatten()
    });

/// Decodes the price list, which takes some 60 ms.
///
/// It is called when obs is installed, so that no model call waits for it.
pub(crate) fn warm_up() {
    let _ = *CALCULATOR;
}

/// The most models that are remembered as unknown.
const MAX_UNKNOWN: usize = 1_024;

/// Finds the prices of calls for one `Observability`.
#[derive(Debug, Default)]
pub(crate) struct Pricer {
    own: Prices,
    /// The models without a price: searching all rules fails only once for each, with one warning.
    unknown: Mutex<HashMap<String, HashSet<String>>>,
}

impl Pricer {
    pub(crate) fn new(own: Prices) -> Self {
        Self {
            own,
            unknown: Mutex::default(),
        }
    }

    /// Returns the price of a call.
    ///
    /// The model that answered decides. The model that was asked stands in where no price is known
    /// for the one that answered.
    pub(crate) fn price(
        &self,
        provider: &str,
        requested: &str,
        answered: Option<&str>,
        usage: &Usage,
    ) -> Result<Usd, Unpriced> {
        let models = answered.into_iter().chain([requested]);
        let models = models.filter(|model| !model.is_empty());
        if let Some(own) = models.clone().find_map(|m| self.own.find(provider, m)) {
            return own.of(usage);
        }
        let mut failure = Unpriced::UnknownModel;
        for model in models {
            match self.listed(provider, model, usage) {
                Ok(price) => return Ok(price),
                Err(Unpriced::UnknownModel) => {}
                Err(other) => failure = other,
            }
        }
        Err(failure)
    }

    /// Returns the price of the list, in which a model that it lacks is looked for once.
    fn listed(&self, provider: &str, model: &str, usage: &Usage) -> Result<Usd, Unpriced> {
        if self.is_unknown(provider, model) {
            return Err(Unpriced::UnknownModel);
        }
        let price = listed(provider, model, usage);
        if price == Err(Unpriced::UnknownModel) {
            let mut unknown = lock(&self.unknown);
            if unknown.values().map(HashSet::len).sum::<usize>() < MAX_UNKNOWN {
                let models = unknown.entry(provider.to_owned()).or_default();
                models.insert(model.to_owned());
            }
        }
        price
    }

    fn is_unknown(&self, provider: &str, model: &str) -> bool {
        let unknown = lock(&self.unknown);
        unknown.get(provider).is_some_and(|m| m.contains(model))
    }
}

/// Returns the price list's name of a provider.
///
/// Some differ from OpenTelemetry's (GenAI semantic conventions, `gen_ai.provider.name`).
fn listed_provider(provider: &str) -> &str {
    match provider {
        "aws.bedrock" => "aws",
        "azure.ai.inference" | "azure.ai.openai" => "azure",
        "gcp.gemini" | "gcp.gen_ai" | "gcp.vertex_ai" => "google",
        "mistral_ai" => "mistral",
        "moonshot_ai" => "moonshotai",
        "x_ai" => "x-ai",
        other => other,
    }
}

fn listed(provider: &str, model: &str, usage: &Usage) -> Result<Usd, Unpriced> {
    let calculator = CALCULATOR.ok_or(Unpriced::UnknownModel)?;
    if usage.is_impossible() {
        return Err(Unpriced::InvalidUsage);
    }
    let (input, output) = (
        usage.input_tokens().unwrap_or(0),
        usage.output_tokens().unwrap_or(0),
    );
    let mut tokens = genai_prices::Usage::from([
        (UsageKey::INPUT_TOKENS, input as f64),
        (UsageKey::OUTPUT_TOKENS, output as f64),
    ]);
    for (key, count) in [
        (UsageKey::CACHE_READ_TOKENS, usage.cache_read_tokens()),
        (UsageKey::CACHE_WRITE_TOKENS, usage.cache_write_tokens()),
        (
            UsageKey::CACHE_WRITE_5M_TOKENS,
            usage.cache_write_5m_tokens(),
        ),
        (
            UsageKey::CACHE_WRITE_1H_TOKENS,
            usage.cache_write_1h_tokens(),
        ),
    ] {
        if let Some(count) = count.filter(|count| *count > 0) {
            tokens.insert(key, count as f64);
        }
    }
    let request = PriceRequest::new(model, &tokens).with_provider_id(listed_provider(provider));
    let price = calculator.calculate(&request).map_err(|e| match e.kind() {
        genai_prices::ErrorKind::InvalidUsage => Unpriced::InvalidUsage,
        _ => Unpriced::UnknownModel,
    })?;
    // The list says $0 for models whose price it lacks. Some models are free, and say so.
    let silent =
        (input > 0 && price.input_price == 0.0) || (output > 0 && price.output_price == 0.0);
    if silent && !price.model_id.ends_with(":free") {
        return Err(Unpriced::UnknownModel);
    }
    Usd::from_f64(price.total_price).ok_or(Unpriced::InvalidUsage)
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
