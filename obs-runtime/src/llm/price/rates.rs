//! What counts cost: between two ends, where counts are unknown or contradict each other.

use super::cost::{Cost, Reason, Reasons};
use super::usd::Usd;
use crate::llm::usage::{Source, Unit, Usage};

/// The prices of one model in one context.
pub(crate) trait Rates {
    /// The price of these counts; `None` if they contradict each other or are beyond all amounts.
    fn price(&self, counts: &Counts) -> Option<Usd>;

    /// Whether the unit has a price of its own: what has none is not free.
    fn has(&self, unit: Unit) -> bool;

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
}

/// Whether the provider said its last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    All,
    /// It may have used more than was reported.
    Part,
    Nothing,
}

/// Returns what a usage cost.
pub(crate) fn cost(rates: &dyn Rates, usage: &Usage, said: Said, bounds: Bounds) -> Cost {
    let mut reasons = Reasons::NONE;
    match said {
        Said::All => {}
        Said::Part => reasons = reasons.and(Reason::Cut),
        Said::Nothing => reasons = reasons.and(Reason::NoUsage),
    }
    if usage.is_impossible() {
        reasons = reasons.and(Reason::InvalidUsage);
    }
    if usage.source() == Source::Counted {
        reasons = reasons.and(Reason::Counted);
    }
    let mut bounded = !usage.is_impossible();
    // The sums from below and from above; a sum that has no price needs no count.
    let mut sum = |unit: Unit, most: Option<u64>| {
        let least = usage.get(unit).unwrap_or(0);
        let open = match unit {
            // The input is said at once, and does not grow.
            Unit::InputTokens => usage.get(unit).is_none(),
            _ => usage.get(unit).is_none() || said != Said::All,
        };
        if !open || !rates.has(unit) {
            return (least, least);
        }
        if reasons.is_empty() {
            reasons = reasons.and(Reason::NoUsage);
        }
        if most.is_none() {
            bounded = false;
        }
        (least, most.unwrap_or(least).max(least))
    };
    let input = sum(Unit::InputTokens, bounds.input);
    let output = sum(Unit::OutputTokens, bounds.output);
    for unit in [Unit::WebSearches, Unit::CodeRuns] {
        if usage.get(unit).is_some_and(|count| count > 0) && !rates.has(unit) {
            reasons = reasons.and(Reason::UnpricedUnit);
            bounded = false;
        }
    }
    if said != Said::All && usage.web_search_count().is_some_and(|count| count > 0) {
        // It searches, and may have done so again.
        bounded = false;
    }
    let hours = ttls(usage);
    let mut low: Vec<(Usd, Usd)> = Vec::with_capacity(hours.len());
    let mut most = Usd::ZERO;
    for hour in hours {
        let before = ends_of(rates, usage, (input.0, output.0), hour);
        let after = ends_of(rates, usage, (input.1, output.1), hour);
        let (Some(before), Some(after)) = (before, after) else {
            return Cost::unknown(Reason::InvalidUsage);
        };
        low.push(before);
        most = most.max(after.1);
    }
    if low.iter().any(|(inside, apart)| inside != apart) {
        reasons = reasons.and(Reason::InvalidUsage);
    }
    if low.windows(2).any(|pair| pair[0] != pair[1]) {
        reasons = reasons.and(Reason::TtlUnknown);
    }
    let at_least = low
        .iter()
        .map(|(inside, _)| *inside)
        .min()
        // Nothing is certain of a request that may never have arrived, such as a price for each.
        .filter(|_| said != Said::Nothing)
        .unwrap_or_default();
    let cost = Cost {
        at_least,
        at_most: bounded.then_some(most),
        reasons,
    };
    if bounded {
        cost
    } else {
        cost.because(Reason::Unbounded)
    }
}

/// How many of the tokens that were written to the cache were for an hour: the possible numbers.
fn ttls(usage: &Usage) -> Vec<u64> {
    let known = |unit| usage.get(unit).unwrap_or(0);
    let hour = known(Unit::CacheWrite1hTokens);
    let said = known(Unit::CacheWrite5mTokens).saturating_add(hour);
    let unknown = usage.cache_write_tokens().unwrap_or(0).saturating_sub(said);
    if unknown == 0 {
        vec![hour]
    } else {
        vec![hour, hour.saturating_add(unknown)]
    }
}

/// The price with the parts inside of the sums, and with them beside the sums: the same, unless more parts were reported
/// than there are.
fn ends_of(
    rates: &dyn Rates,
    usage: &Usage,
    (input, output): (u64, u64),
    write_1h: u64,
) -> Option<(Usd, Usd)> {
    let known = |unit| usage.get(unit).unwrap_or(0);
    let written = usage.cache_write_tokens().unwrap_or(0);
    let counts = Counts {
        input,
        output,
        read: known(Unit::CacheReadTokens),
        write_5m: written.saturating_sub(write_1h),
        write_1h: write_1h.min(written),
        reasoning: known(Unit::ReasoningTokens),
        audio_input: known(Unit::AudioInputTokens),
        audio_output: known(Unit::AudioOutputTokens),
        image_input: known(Unit::ImageInputTokens),
        image_output: known(Unit::ImageOutputTokens),
        requests: known(Unit::Requests),
        web_searches: known(Unit::WebSearches),
        code_runs: known(Unit::CodeRuns),
    };
    let inside = counts.fitting();
    if inside == counts {
        let price = rates.price(&counts)?;
        return Some((price, price));
    }
    let apart = Counts {
        input: input.checked_add(counts.read)?.checked_add(written)?,
        output: output
            .max(counts.reasoning)
            .max(counts.audio_output.checked_add(counts.image_output)?),
        ..counts
    };
    // The input grows by what modalities have beyond it.
    let modal = counts.audio_input.checked_add(counts.image_input)?;
    let apart = Counts {
        input: apart.input.max(modal),
        ..apart
    };
    let one = rates.price(&inside)?;
    let other = rates.price(&apart)?;
    Some((one.min(other), one.max(other)))
}

impl Counts {
    /// The same with parts that fit into their sums.
    fn fitting(mut self) -> Self {
        let mut left = self.input;
        for part in [&mut self.read, &mut self.write_5m, &mut self.write_1h] {
            *part = (*part).min(left);
            left -= *part;
        }
        self.audio_input = self.audio_input.min(self.input);
        self.image_input = self.image_input.min(self.input - self.audio_input);
        self.reasoning = self.reasoning.min(self.output);
        self.audio_output = self.audio_output.min(self.output);
        self.image_output = self.image_output.min(self.output - self.audio_output);
        self
    }
}

#[cfg(test)]
#[path = "rates_tests.rs"]
mod tests;
