//! What counts cost: between two ends, where counts are unknown, not the provider's, or contradict each other.

use super::cost::{Cost, Reason, Reasons};
use super::mix;
use super::usd::Usd;
use crate::llm::usage::{Unit, Usage};

/// The prices of one model in one context. They grow with each count, and those of the input do not depend on the parts
/// of the output.
pub(crate) trait Rates {
    /// The price of these counts; `None` if they contradict each other or are beyond all amounts.
    fn price(&self, counts: &Counts) -> Option<Usd>;

    /// Whether the unit has a price of its own: what has none is not free.
    fn has(&self, unit: Unit) -> bool;

    /// Whether this part of a sum has another price than the rest of it.
    fn tells(&self, part: Unit) -> bool;

    /// Whether a price of zero is one, not the lack of one.
    fn is_free(&self) -> bool;
}

/// Counts that are all known. Sums include their parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) read: u64,
    pub(crate) write_5m: u64,
    pub(crate) write_1h: u64,
    pub(crate) reasoning: u64,
    pub(crate) audio_input: u64,
    pub(crate) audio_output: u64,
    pub(crate) image_input: u64,
    pub(crate) image_output: u64,
    /// Of the cached ones.
    pub(crate) read_audio: u64,
    pub(crate) read_image: u64,
    pub(crate) requests: u64,
    pub(crate) web_searches: u64,
    pub(crate) code_runs: u64,
}

/// What bounds a call whose usage is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The most output tokens that the request allows.
    pub(crate) output: Option<u64>,
    /// The most input tokens that the prompt can have.
    pub(crate) input: Option<u64>,
    /// Whether the request lets the provider run tools of its own, which it charges for.
    pub(crate) server_tools: bool,
}

/// Whether the provider said its last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    All,
    /// It may have used more than was reported.
    Part,
    Nothing,
}

/// A sum of tokens: at least, and at most as far as that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) least: u64,
    pub(super) most: u64,
}

/// Returns what a usage cost.
pub(crate) fn cost(rates: &dyn Rates, usage: &Usage, said: Said, bounds: Bounds) -> Cost {
    let usage = &usage.filled();
    let mut reasons = Reasons::NONE;
    match said {
        Said::All => {}
        Said::Part => reasons = reasons.and(Reason::Cut),
        Said::Nothing => reasons = reasons.and(Reason::NoUsage),
    }
    if usage.is_impossible() {
        reasons = reasons.and(Reason::InvalidUsage);
    }
    if usage.has_counted() {
        reasons = reasons.and(Reason::Counted);
    }
    let mut bounded = !usage.is_impossible();
    let mut sum = |unit: Unit, bound: Option<u64>| {
        let least = usage.certain(unit).unwrap_or_else(|| parts(usage, unit));
        let open = match unit {
            // The input is said at once, and does not grow but by tools of the provider.
            Unit::InputTokens => usage.certain(unit).is_none(),
            _ => usage.certain(unit).is_none() || said != Said::All,
        };
        // A sum that has no price needs no count.
        if !open || !rates.has(unit) {
            return Ends { least, most: least };
        }
        if reasons.is_empty() {
            reasons = reasons.and(Reason::NoUsage);
        }
        bounded &= bound.is_some();
        let counted = usage.get(unit).unwrap_or(0);
        Ends {
            least,
            most: bound.unwrap_or(least).max(least).max(counted),
        }
    };
    let input = sum(Unit::InputTokens, bounds.input);
    let output = sum(Unit::OutputTokens, bounds.output);
    let fees = fees(rates, usage, said, bounds);
    reasons = reasons.union(fees.reasons);
    bounded &= fees.bounded;
    let certain = usage.certain_part();
    let low = mix::spread(rates, &certain, input.least, (output.least, 0));
    let grown = (output.most, output.most - output.least);
    let high = if !bounded {
        Some(None)
    } else if (input.least, output.least) == (input.most, output.most) {
        low.map(Some)
    } else {
        mix::spread(rates, &certain, input.most, grown).map(Some)
    };
    let (Some(low), Some(high)) = (low, high) else {
        return Cost::unknown(Reason::InvalidUsage);
    };
    let cost = Cost {
        // Nothing is certain of a request that may never have arrived, such as a price for each.
        at_least: if said == Said::Nothing {
            Usd::ZERO
        } else {
            low.least
        },
        at_most: high.map(|high| high.most),
        reasons: reasons.union(low.reasons),
    };
    if bounded {
        cost
    } else {
        cost.because(Reason::Unbounded)
    }
}

/// What a sum is at least of which only parts are said. Of these, what was read from the cache may be of a modality.
fn parts(usage: &Usage, sum: Unit) -> u64 {
    let certain = |unit| usage.certain(unit).unwrap_or(0);
    let parts = if sum == Unit::InputTokens {
        let cached = [Unit::CacheReadAudioTokens, Unit::CacheReadImageTokens];
        let modal = [Unit::AudioInputTokens, Unit::ImageInputTokens];
        let [audio, image] = [0, 1].map(|at| certain(modal[at]).max(certain(cached[at])));
        // As many of them as possible were cached.
        let both = |at: usize, all| usage.certain(cached[at]).unwrap_or(all);
        let both = both(0, audio).saturating_add(both(1, image));
        [
            usage.certain_part().cache_write_tokens().unwrap_or(0),
            audio,
            image,
            certain(Unit::CacheReadTokens).saturating_sub(both),
        ]
    } else {
        [
            certain(Unit::ReasoningTokens),
            certain(Unit::AudioOutputTokens),
            certain(Unit::ImageOutputTokens),
            0,
        ]
    };
    parts.into_iter().fold(0, u64::saturating_add)
}

/// What is said of the tools of the provider.
struct Fees {
    reasons: Reasons,
    bounded: bool,
}

fn fees(rates: &dyn Rates, usage: &Usage, said: Said, bounds: Bounds) -> Fees {
    let mut fees = Fees {
        reasons: Reasons::NONE,
        bounded: true,
    };
    let mut ran = false;
    for unit in [Unit::WebSearches, Unit::CodeRuns] {
        let some = usage.get(unit).is_some_and(|count| count > 0);
        ran |= some;
        if some && !rates.has(unit) {
            fees.reasons = fees.reasons.and(Reason::UnpricedUnit);
            fees.bounded = false;
        }
        if some && usage.certain(unit).is_none() {
            fees.bounded = false;
        }
    }
    // A tool that ran may do so again, and what it finds is further input.
    if said != Said::All && (ran || bounds.server_tools) {
        fees.bounded = false;
    }
    fees
}

#[cfg(test)]
#[path = "rates_tests.rs"]
mod tests;
