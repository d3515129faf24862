//! In which context a call was served: what of the answer decides the price beside its counts.

use crate::llm::usage::LlmResponse;

/// The tier, batch and sort of search of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Context {
    /// In small letters; empty where nothing was said.
    tier: String,
    batch: bool,
    search_type: String,
}

/// Words of providers for the tier that is sold at the standard price.
const STANDARD: [&str; 6] = [
    "",
    "default",
    "standard",
    "standard_only",
    "on_demand",
    "auto",
];

/// Whether this is a word of providers for the tier that is sold at the standard price.
pub(crate) fn is_standard_tier(tier: &str) -> bool {
    STANDARD.contains(&&*tier.to_ascii_lowercase())
}

impl Context {
    pub(crate) fn of(response: &LlmResponse) -> Self {
        let text = |text: &Option<String>| text.as_deref().unwrap_or("").to_ascii_lowercase();
        let mut context = Self {
            tier: text(&response.tier),
            batch: response.batch.unwrap_or(false),
            search_type: text(&response.search_type),
        };
        // Anthropic says of a batch that it is a tier.
        if context.tier == "batch" {
            context.tier.clear();
            context.batch = true;
        }
        context
    }

    /// Whether these are words of providers for what is sold at the standard price.
    pub(crate) fn is_standard(&self) -> bool {
        !self.batch && self.search_type.is_empty() && STANDARD.contains(&&*self.tier)
    }

    /// What the price list knows it by.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        if self.is_standard() && !self.tier.is_empty() {
            // Some models of the list have the standard tier as a context.
            pairs.push(("service_tier", "default".to_owned()));
        } else if !self.tier.is_empty() {
            pairs.push(("service_tier", self.tier.clone()));
        }
        if self.batch {
            pairs.push(("processing", "batch".to_owned()));
        }
        if !self.search_type.is_empty() {
            pairs.push(("search_type", self.search_type.clone()));
        }
        pairs
    }

    /// The word for it in the program's own prices: empty for the standard tier.
    pub(super) fn tier(&self) -> String {
        if self.is_standard() {
            return String::new();
        }
        let batch = if self.batch { "batch" } else { "" };
        let parts = [batch, &self.tier, &self.search_type];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }
}
