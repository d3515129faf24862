//! The price of a model call: amounts that add up exactly, costs with two ends, and prices by provider and model.
//!
//! A [`Pricer`] belongs to one `Observability`. It asks the program's own prices first (`own.rs`), then the price list
//! of `genai-prices` (`listed.rs`), which is decoded once per process. A model is looked for once. What a usage costs at
//! the prices that were found is an interval (`rates.rs`): a call that cannot be priced is never priced at zero.

mod context;
mod cost;
mod file;
mod listed;
mod mix;
mod own;
mod rates;
mod usd;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use context::Context;
pub(crate) use context::is_standard_tier;
#[cfg(any(feature = "tracing", feature = "opentelemetry"))]
pub(in crate::llm) use listed::listed_provider;
pub(crate) use listed::warm_up;
use listed::{Found, Listed};
pub(crate) use rates::Bounds;
use rates::{Rates, Said};

use crate::llm::attempt::AttemptEnd;
use crate::llm::usage::LlmResponse;
use crate::lock::lock;

pub use cost::{Cost, Reason, Reasons};
pub use own::{ModelPrice, Prices};
pub use usd::Usd;

/// The most models that are remembered; what is beyond is looked for at each call.
const MAX_MODELS: usize = 1_024;

/// Finds the prices of calls for one `Observability`.
#[derive(Debug, Default)]
pub(crate) struct Pricer {
    own: Prices,
    /// What was found for each model: looking for one tries all rules of the list.
    found: Mutex<HashMap<Asked, Arc<Priced>>>,
}

/// A model in a context, as a call names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Asked {
    provider: String,
    requested: String,
    served: Option<String>,
    context: Context,
}

/// What was found for a model.
#[derive(Debug)]
enum Priced {
    Own(ModelPrice, Arc<str>),
    Listed(Listed),
    /// There is no price, for this reason.
    Nothing(Reason),
}

/// What an attempt cost, and by which table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PricedAt {
    pub(crate) cost: Cost,
    /// The name of the table; `None` where the provider said the price, or nothing has one.
    pub(crate) table: Option<Arc<str>>,
}

impl Pricer {
    pub(crate) fn new(own: Prices) -> Self {
        Self {
            own,
            found: Mutex::default(),
        }
    }

    /// Returns the price of an attempt.
    ///
    /// The model that answered decides, and the tier that served. The model that was asked for stands in where no price
    /// is known for the one that answered, if the program has a price for it, or the one is a version of the other.
    pub(crate) fn price(
        &self,
        (provider, requested): (&str, &str),
        response: &LlmResponse,
        end: AttemptEnd,
        bounds: Bounds,
    ) -> PricedAt {
        let said = match end {
            AttemptEnd::Answered => Said::All,
            AttemptEnd::Cut => Said::Part,
            _ => Said::Nothing,
        };
        if let Some(usd) = response.cost_usd {
            return PricedAt {
                cost: reported(usd, said),
                table: None,
            };
        }
        let usage = response.usage.unwrap_or_default();
        let found = self.found(provider, requested, response);
        let (rates, table): (&dyn Rates, _) = match &*found {
            Priced::Own(price, table) => (price, Arc::clone(table)),
            Priced::Listed(listed) => (listed, listed::NAME.into()),
            Priced::Nothing(reason) => {
                let cost = Cost::unknown(*reason);
                let cost = match said {
                    Said::All => cost,
                    Said::Part => cost.because(Reason::Cut),
                    Said::Nothing => cost.because(Reason::NoUsage),
                };
                return PricedAt { cost, table: None };
            }
        };
        let mut cost = rates::cost(rates, &usage, said, bounds);
        // The list says $0 for what it lacks a price for; some models are free, and say so.
        let lacks = |unit| usage.get(unit).is_some_and(|count| count > 0) && !rates.has(unit);
        if !rates.is_free() && SUMS.into_iter().any(lacks) {
            cost.at_most = None;
            cost = cost
                .because(Reason::UnpricedUnit)
                .because(Reason::Unbounded);
        }
        PricedAt {
            cost,
            table: Some(table),
        }
    }

    fn found(&self, provider: &str, requested: &str, response: &LlmResponse) -> Arc<Priced> {
        let asked = Asked {
            provider: provider.to_owned(),
            requested: requested.to_owned(),
            served: response.model.clone(),
            context: Context::of(response),
        };
        if let Some(found) = lock(&self.found).get(&asked) {
            return Arc::clone(found);
        }
        let found = Arc::new(self.find(&asked));
        let mut all = lock(&self.found);
        if all.len() < MAX_MODELS {
            all.insert(asked, Arc::clone(&found));
        }
        found
    }

    fn find(&self, asked: &Asked) -> Priced {
        let models = asked.served.iter().chain([&asked.requested]);
        let models = models.filter(|model| !model.is_empty());
        let tier = asked.context.tier();
        for model in models.clone() {
            if let Some(price) = self.own.find(&asked.provider, model, &tier) {
                return price
                    .map_or_else(Priced::Nothing, |(price, table)| Priced::Own(price, table));
            }
        }
        // A router may serve another model than the one that was asked for. A longer name is a version of it.
        let served = asked.served.as_deref().filter(|model| !model.is_empty());
        let is_it = |model: &&String| {
            served.is_none_or(|served| **model == served || served.starts_with(model.as_str()))
        };
        for model in models.filter(is_it) {
            match listed::find(&asked.provider, model, &asked.context) {
                Found::Prices(listed) => return Priced::Listed(listed),
                Found::NoContext => return Priced::Nothing(Reason::TierUnknown),
                Found::Nothing => {}
            }
        }
        Priced::Nothing(Reason::UnpricedModel)
    }
}

const SUMS: [crate::llm::usage::Unit; 2] = [
    crate::llm::usage::Unit::InputTokens,
    crate::llm::usage::Unit::OutputTokens,
];

/// What the provider itself says of the price.
fn reported(usd: f64, said: Said) -> Cost {
    match Usd::from_f64(usd) {
        None => Cost::unknown(Reason::InvalidUsage),
        Some(usd) if said == Said::All => Cost::exactly(usd),
        Some(usd) => Cost::unbounded(usd, Reason::Cut),
    }
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
