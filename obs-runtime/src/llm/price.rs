//! The price of a model call: amounts that add up exactly, and prices by provider and model.
//!
//! A [`Pricer`] belongs to one `Observability`. It asks the program's own prices first, then the
//! price list of `genai-prices`, which is decoded once per process. A call that cannot be priced is
//! never priced at zero: it gets an [`Unpriced`] reason instead.

use core::fmt;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use genai_prices::{Calculator, PriceRequest, UsageKey};

use crate::fork::PerProcess;
use crate::guarded::guarded;
use crate::llm::usage::Usage;
use crate::lock::lock;

/// An amount of US dollars that is exact to 1e-12, so that sums do not drift.
///
/// It is serialized as a decimal text with all its digits, `"0.00015"`: readers of JSON keep numbers
/// as `f64`, in which amounts drift.
///
/// ```
/// use obs_runtime::llm::Usd;
/// let call = Usd::from_f64(0.000_15).unwrap();
/// assert_eq!((call + call).to_string(), "0.0003");
/// assert_eq!(call.as_f64(), 0.000_15);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i128);

/// The parts of a dollar in which amounts are kept: its millionth millionths.
const PICO: f64 = 1e12;

impl Usd {
    /// The amount of zero dollars.
    pub const ZERO: Self = Self(0);

    /// Creates an amount from dollars, rounded to 1e-12.
    ///
    /// Returns `None` for NaN, infinities, negative amounts and amounts above 1e18.
    pub fn from_f64(dollars: f64) -> Option<Self> {
        (0.0..=1e18)
            .contains(&dollars)
            .then(|| Self((dollars * PICO).round() as i128))
    }

    /// Returns the amount in units of 1e-12 dollars.
    pub const fn picodollars(self) -> i128 {
        self.0
    }

    /// Returns the amount in dollars, as the nearest `f64`.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / PICO
    }
}

impl core::ops::Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl core::ops::AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl core::iter::Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |sum, amount| sum + amount)
    }
}

/// Writes dollars without their sign: all significant digits, and at least two decimals.
///
/// A precision rounds, as in `{:.4}`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(digits) = f.precision() {
            return write!(f, "{:.digits$}", self.as_f64());
        }
        let text = format!("{:012}", self.0 % PICO as i128);
        let decimals = text.trim_end_matches('0').len().max(2);
        write!(f, "{}.{}", self.0 / PICO as i128, &text[..decimals])
    }
}

crate::serialize::serialize_text!(display: Usd);

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
        let cached = usage
            .cache_read_tokens
            .saturating_add(usage.cache_write_tokens);
        let plain = usage
            .input_tokens
            .checked_sub(cached)
            .ok_or(Unpriced::InvalidUsage)?;
        let dollars = plain as f64 * self.input
            + usage.cache_read_tokens as f64 * self.cache_read.unwrap_or(self.input)
            + usage.cache_write_tokens as f64 * self.cache_write.unwrap_or(self.input)
            + usage.output_tokens as f64 * self.output;
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
    let mut tokens = genai_prices::Usage::from([
        (UsageKey::INPUT_TOKENS, usage.input_tokens as f64),
        (UsageKey::OUTPUT_TOKENS, usage.output_tokens as f64),
    ]);
    if usage.cache_read_tokens > 0 {
        tokens.insert(UsageKey::CACHE_READ_TOKENS, usage.cache_read_tokens as f64);
    }
    if usage.cache_write_tokens > 0 {
        tokens.insert(
            UsageKey::CACHE_WRITE_TOKENS,
            usage.cache_write_tokens as f64,
        );
    }
    let request = PriceRequest::new(model, &tokens).with_provider_id(listed_provider(provider));
    let price = calculator.calculate(&request).map_err(|e| match e.kind() {
        genai_prices::ErrorKind::InvalidUsage => Unpriced::InvalidUsage,
        _ => Unpriced::UnknownModel,
    })?;
    // The list says $0 for models whose price it lacks. Some models are free, and say so.
    let silent = (usage.input_tokens > 0 && price.input_price == 0.0)
        || (usage.output_tokens > 0 && price.output_price == 0.0);
    if silent && !price.model_id.ends_with(":free") {
        return Err(Unpriced::UnknownModel);
    }
    Usd::from_f64(price.total_price).ok_or(Unpriced::InvalidUsage)
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
