//! The program's own prices from a file of JSON.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use super::own::{ModelPrice, Prices};
use crate::Error;

/// The whole file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(deserialize_with = "date")]
    date: String,
    models: Models,
}

/// The prices of one model, in US dollars for a million tokens; searches and runs by the thousand.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(default)]
    provider: String,
    model: String,
    #[serde(default)]
    tier: String,
    #[serde(deserialize_with = "amount")]
    input: f64,
    #[serde(deserialize_with = "amount")]
    output: f64,
    #[serde(default, deserialize_with = "maybe_amount")]
    cache_read: Option<f64>,
    #[serde(default, deserialize_with = "maybe_amount")]
    cache_write: Option<f64>,
    #[serde(default, deserialize_with = "maybe_amount")]
    cache_write_1h: Option<f64>,
    #[serde(default, deserialize_with = "maybe_amount")]
    web_searches: Option<f64>,
    #[serde(default, deserialize_with = "maybe_amount")]
    code_runs: Option<f64>,
}

impl Row {
    fn price(&self) -> ModelPrice {
        type Set = fn(ModelPrice, f64) -> ModelPrice;
        let parts: [(Option<f64>, Set); 5] = [
            (self.cache_read, ModelPrice::cache_read),
            (self.cache_write, ModelPrice::cache_write),
            (self.cache_write_1h, ModelPrice::cache_write_1h),
            (self.web_searches, ModelPrice::web_searches),
            (self.code_runs, ModelPrice::code_runs),
        ];
        let price = ModelPrice::per_million(self.input, self.output);
        parts
            .into_iter()
            .fold(price, |price, (part, set)| match part {
                Some(part) => set(price, part),
                None => price,
            })
    }
}

/// The rows, of which no two are about the same. It is judged while it is read, so that a mistake has its line.
struct Models(Vec<Row>);

impl<'de> Deserialize<'de> for Models {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;

        impl<'de> Visitor<'de> for Rows {
            type Value = Models;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of models")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Models, A::Error> {
                let mut all = Vec::new();
                let mut seen = HashSet::new();
                while let Some(row) = rows.next_element::<Row>()? {
                    let key = (row.provider.clone(), row.model.clone(), row.tier.clone());
                    if !seen.insert(key) {
                        let Row { model, .. } = row;
                        return Err(de::Error::custom(format_args!(
                            "the model `{model}` has prices already, for the same provider and tier"
                        )));
                    }
                    all.push(row);
                }
                Ok(Models(all))
            }
        }

        deserializer.deserialize_seq(Rows)
    }
}

/// An amount of money.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let price = f64::deserialize(deserializer)?;
    if (0.0..=1e12).contains(&price) {
        return Ok(price);
    }
    Err(de::Error::custom(format_args!(
        "{price} is no price: expected dollars for a million tokens, 0 or more"
    )))
}

fn maybe_amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    amount(deserializer).map(Some)
}

/// A day: `2026-11-30`.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let shape = |(at, byte): (usize, &u8)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    if text.len() == 10 && text.as_bytes().iter().enumerate().all(shape) {
        return Ok(text);
    }
    Err(de::Error::custom(format_args!(
        "{text:?} is no day: expected the day of the prices, such as \"2026-11-30\""
    )))
}

impl Prices {
    /// Reads prices from JSON: the day of the table, and rows in US dollars for a million tokens (for a thousand
    /// searches or runs). `provider` and `tier` may be left out, as may all but `model`, `input` and `output`.
    ///
    /// ```
    /// use obs_runtime::llm::Prices;
    ///
    /// let prices = Prices::from_json(
    ///     r#"{
    ///         "date": "2026-11-30",
    ///         "models": [
    ///             {"model": "house-large", "input": 3, "output": 15, "cache_read": 0.3},
    ///             {"model": "house-large", "tier": "flex", "input": 1.5, "output": 7.5}
    ///         ]
    ///     }"#,
    /// )?;
    /// let mistake = Prices::from_json("{\n\"date\": \"2026-11-30\",\n\"models\": 7}").unwrap_err();
    /// assert!(mistake.to_string().contains("line 3"));
    /// # drop(prices);
    /// # Ok::<(), obs_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// The text is not such a table; the error has the line. Nothing of it is used then.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let file: File = serde_json::from_str(json).map_err(|error| {
            Error::config(format!("no table of prices: {error}")).because(error)
        })?;
        let empty = Self::new().dated(file.date);
        Ok(file.models.0.into_iter().fold(empty, |prices, row| {
            let price = row.price();
            prices.price_for_tier(row.provider, row.model, row.tier, price)
        }))
    }

    /// Reads prices from a file, as [`from_json`](Self::from_json) does.
    ///
    /// # Errors
    /// The file cannot be read, or is no such table; the error has its path, and the line.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let said = format!("{}: cannot be read: {error}", path.display());
            Error::config(said).because(error)
        })?;
        Self::from_json(&text)
            .map_err(|error| Error::config(format!("{}: {error}", path.display())).because(error))
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
