//! The prices of the cases, and what a journal comes to at them.

use obs_runtime::llm::{ModelPrice, Prices};
use obs_tests_provider::Tokens;

/// Who is asked, whatever the format.
pub(crate) const PROVIDER: &str = "house";
pub(crate) const MODEL: &str = "house-large";
/// A model that answers in place of it, and is dearer.
pub(crate) const OTHER_MODEL: &str = "house-larger";

/// Whole dollars for a million tokens, so that every bill is a whole number of 1e-12 dollars.
struct Price {
    input: i128,
    output: i128,
    cache_read: i128,
    cache_write_5m: i128,
    cache_write_1h: i128,
}

const STANDARD: Price = Price {
    input: 4,
    output: 20,
    cache_read: 1,
    cache_write_5m: 5,
    cache_write_1h: 8,
};
const FLEX: Price = Price {
    input: 2,
    output: 10,
    cache_read: 1,
    cache_write_5m: 3,
    cache_write_1h: 4,
};
const LARGER: Price = Price {
    input: 10,
    output: 50,
    cache_read: 2,
    cache_write_5m: 12,
    cache_write_1h: 20,
};
/// Dollars for a thousand searches.
const SEARCHES: i128 = 10;

impl Price {
    fn of(&self) -> ModelPrice {
        let dollars = |price: i128| price as f64;
        ModelPrice::per_million(dollars(self.input), dollars(self.output))
            .cache_read(dollars(self.cache_read))
            .cache_write(dollars(self.cache_write_5m))
            .cache_write_1h(dollars(self.cache_write_1h))
            .web_searches(dollars(SEARCHES))
    }
}

pub(crate) fn prices() -> Prices {
    Prices::new()
        .price_for(PROVIDER, MODEL, STANDARD.of())
        .price_for_tier(PROVIDER, MODEL, "flex", FLEX.of())
        .price_for(PROVIDER, OTHER_MODEL, LARGER.of())
        .price_for_tier(PROVIDER, OTHER_MODEL, "flex", LARGER.of())
}

/// What tokens come to, in 1e-12 dollars: a dollar for a million tokens is a million of them for each.
pub(crate) fn picodollars(tokens: Tokens, model: &str, tier: Option<&str>) -> i128 {
    let price = match (model, tier) {
        (OTHER_MODEL, _) => LARGER,
        (_, Some("flex")) => FLEX,
        _ => STANDARD,
    };
    let plain = tokens.input - tokens.cache_read - tokens.cache_write();
    let sum = i128::from(plain) * price.input
        + i128::from(tokens.output) * price.output
        + i128::from(tokens.cache_read) * price.cache_read
        + i128::from(tokens.cache_write_5m) * price.cache_write_5m
        + i128::from(tokens.cache_write_1h) * price.cache_write_1h;
    sum * 1_000_000 + i128::from(tokens.web_searches) * SEARCHES * 1_000_000_000
}
