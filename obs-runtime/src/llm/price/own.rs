//! The program's own prices.

use std::collections::HashMap;
use std::sync::Arc;

use super::cost::Reason;
use super::rates::{Counts, Rates};
use super::usd::Usd;
use crate::llm::usage::Unit;

/// The prices of one model, in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelPrice {
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    cache_write_1h: Option<f64>,
    web_searches: Option<f64>,
    code_runs: Option<f64>,
}

impl ModelPrice {
    /// Creates prices from those of a million input tokens and of a million output tokens.
    pub const fn per_million(input: f64, output: f64) -> Self {
        Self {
            input,
            output,
            cache_read: None,
            cache_write: None,
            cache_write_1h: None,
            web_searches: None,
            code_runs: None,
        }
    }

    /// Sets the price of a million tokens read from the cache; the default is the input price.
    #[must_use]
    pub const fn cache_read(mut self, price: f64) -> Self {
        self.cache_read = Some(price);
        self
    }

    /// Sets the price of a million tokens written to the cache for 5 minutes; the default is the input price.
    #[must_use]
    pub const fn cache_write(mut self, price: f64) -> Self {
        self.cache_write = Some(price);
        self
    }

    /// Sets the price of a million tokens written to the cache for an hour; the default is that of
    /// [`cache_write`](Self::cache_write).
    #[must_use]
    pub const fn cache_write_1h(mut self, price: f64) -> Self {
        self.cache_write_1h = Some(price);
        self
    }

    /// Sets the price of a thousand searches of the web; without it a search has no known price.
    #[must_use]
    pub const fn web_searches(mut self, price: f64) -> Self {
        self.web_searches = Some(price);
        self
    }

    /// Sets the price of a thousand runs of code; without it a run has no known price.
    #[must_use]
    pub const fn code_runs(mut self, price: f64) -> Self {
        self.code_runs = Some(price);
        self
    }
}

impl Rates for ModelPrice {
    fn price(&self, counts: &Counts) -> Option<Usd> {
        let written = counts.write_5m + counts.write_1h;
        let plain = counts.input.checked_sub(counts.read + written)?;
        let write = self.cache_write.unwrap_or(self.input);
        let each = [
            (plain, self.input),
            (counts.read, self.cache_read.unwrap_or(self.input)),
            (counts.write_5m, write),
            (counts.write_1h, self.cache_write_1h.unwrap_or(write)),
            (counts.output, self.output),
            // By the thousand.
            (counts.web_searches, self.web_searches.unwrap_or(0.0) * 1e3),
            (counts.code_runs, self.code_runs.unwrap_or(0.0) * 1e3),
        ];
        let dollars: f64 = each
            .iter()
            .map(|(count, price)| *count as f64 * price)
            .sum();
        Usd::from_f64(dollars / 1e6)
    }

    fn has(&self, unit: Unit) -> bool {
        match unit {
            Unit::InputTokens => self.input > 0.0,
            Unit::OutputTokens => self.output > 0.0,
            Unit::WebSearches => self.web_searches.is_some(),
            Unit::CodeRuns => self.code_runs.is_some(),
            _ => true,
        }
    }

    fn tells(&self, part: Unit) -> bool {
        let is_another =
            |price: Option<f64>| price.is_some_and(|price| price.to_bits() != self.input.to_bits());
        match part {
            Unit::CacheReadTokens => is_another(self.cache_read),
            Unit::CacheWrite5mTokens => is_another(self.cache_write),
            Unit::CacheWrite1hTokens => is_another(self.cache_write_1h.or(self.cache_write)),
            _ => false,
        }
    }

    /// One of the program's own prices is meant, even if it is zero.
    fn is_free(&self) -> bool {
        true
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
    /// The prices by provider, model and tier; the empty provider stands for every provider, the empty tier for the
    /// standard one.
    models: HashMap<(String, String, String), Row>,
    /// What the table is called on records: its date.
    name: Option<Arc<str>>,
}

/// A price, and the table that it comes from if that was merged into this one.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    price: ModelPrice,
    table: Option<Arc<str>>,
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
        self,
        provider: impl Into<String>,
        model: impl Into<String>,
        price: ModelPrice,
    ) -> Self {
        self.price_for_tier(provider, model, "", price)
    }

    /// Adds the prices of a model at one provider in one tier, in the word of the answer (`flex`, `priority`), or
    /// `batch`. An empty provider stands for every provider.
    ///
    /// A tier without a price has an unknown one, never that of the standard tier.
    #[must_use]
    pub fn price_for_tier(
        mut self,
        provider: impl Into<String>,
        model: impl Into<String>,
        tier: impl Into<String>,
        price: ModelPrice,
    ) -> Self {
        let key = (provider.into(), model.into(), tier.into());
        self.models.insert(key, Row { price, table: None });
        self
    }

    /// Says as of which day the prices are (`2026-11-30`). It stands on every total that they are part of.
    #[must_use]
    pub fn dated(mut self, date: impl Into<String>) -> Self {
        self.name = Some(format!("own {}", date.into()).into());
        self
    }

    /// The name of the table, as it stands on records.
    fn name(&self) -> Arc<str> {
        self.name.clone().unwrap_or_else(|| "own".into())
    }

    /// Adds the prices of another table, which come before those that are here. Each keeps the name of its own.
    pub(in crate::llm) fn extend(&mut self, other: Self) {
        let name = self.name();
        for row in self.models.values_mut() {
            row.table.get_or_insert_with(|| Arc::clone(&name));
        }
        let name = other.name();
        self.models
            .extend(other.models.into_iter().map(|(key, mut row)| {
                row.table.get_or_insert_with(|| Arc::clone(&name));
                (key, row)
            }));
        self.name = other.name.or(self.name.take());
    }

    /// Returns the model's price in this tier; `None` if it has prices in no tier.
    ///
    /// # Errors
    /// It has prices, but none in this tier.
    pub(super) fn find(
        &self,
        provider: &str,
        model: &str,
        tier: &str,
    ) -> Option<Result<(ModelPrice, Arc<str>), Reason>> {
        if self.models.is_empty() {
            return None;
        }
        let of = |provider: &str, tier: &str| {
            let key = (provider.to_owned(), model.to_owned(), tier.to_owned());
            let row = self.models.get(&key)?;
            let table = row.table.clone().unwrap_or_else(|| self.name());
            Some((row.price, table))
        };
        [provider, ""].into_iter().find_map(|provider| {
            let price = of(provider, tier);
            let known = price.is_some() || of(provider, "").is_some();
            known.then_some(price.ok_or(Reason::TierUnknown))
        })
    }
}
