//! The samplers: they decide which traces are recorded.
//!
//! The thread that begins a trace asks the sampler, so a decision may not block. `installed.rs`
//! holds the samplers that are in force; this file holds what a user builds.

mod installed;
mod rate;
mod span_match;

use std::sync::Arc;

use crate::Error;
use crate::callsite::Callsite;
use crate::trace::value::Value;
pub(crate) use installed::{Decision, decide, decide_by_fields, decide_by_id, scope_records, set};
use rate::Bucket;
pub use span_match::SpanMatch;

/// The threshold of a ratio that takes every trace.
const ALWAYS: u64 = u64::MAX;

/// A sampler decides at the root of a trace whether the trace is recorded.
///
/// Calls are counted in the metrics either way. A root is the first span of a trace in this
/// process, also where another process called; the calls inside it follow its decision. Samplers
/// are built from each other:
///
/// ```
/// use obs_runtime::{Sampler, trace::SpanMatch};
/// // Calls from elsewhere follow their caller's decision. Of the others: no health checks, and of
/// // the rest one trace in ten, but no more than 100 in a second.
/// let sampler = Sampler::parent_based(Sampler::rule_based(
///     [(SpanMatch::new().name("health*"), Sampler::always_off())],
///     Sampler::all_of([Sampler::ratio(0.1), Sampler::rate_limited(100.0)]),
/// ));
/// # let _ = sampler;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sampler(Rule);

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// The share, and the bound of the ids that it takes.
    Ratio(f64, u64),
    RateLimited(Arc<Bucket>),
    ParentBased(Arc<Sampler>),
    FirstMatch(Arc<[(SpanMatch, Sampler)]>, Arc<Sampler>),
    AnyOf(Arc<[Sampler]>),
    AllOf(Arc<[Sampler]>),
}

/// What is known of a span when it begins.
struct Start<'a> {
    site: &'static Callsite,
    trace_lo: u64,
    /// The decision of the caller in another process.
    remote: Option<bool>,
    /// The values of `site.keys()`; empty before they are evaluated.
    values: &'a [Value],
}

impl Start<'_> {
    fn new(site: &'static Callsite, trace_lo: u64, remote: Option<bool>) -> Self {
        Self {
            site,
            trace_lo,
            remote,
            values: &[],
        }
    }
}

/// Returns the bound of the ids that a share takes.
///
/// It is compared with the lower half of the trace id without its last bit.
pub(crate) fn threshold(ratio: f64) -> u64 {
    if ratio >= 1.0 {
        ALWAYS
    } else {
        (ratio * (1u64 << 63) as f64) as u64
    }
}

#[inline]
pub(crate) fn by_id(threshold: u64, trace_lo: u64) -> bool {
    // Every id is below `ALWAYS`.
    trace_lo >> 1 < threshold
}

impl Sampler {
    /// Returns a sampler that takes every trace.
    pub const fn always_on() -> Self {
        Self(Rule::Ratio(1.0, ALWAYS))
    }

    /// Returns a sampler that takes no trace.
    pub const fn always_off() -> Self {
        Self(Rule::Ratio(0.0, 0))
    }

    /// Returns a sampler that takes the given share of traces, chosen by their id.
    ///
    /// The same trace gets the same decision in every process that uses this ratio (OpenTelemetry
    /// trace SDK, "TraceIdRatioBased"). `install` refuses a number that is not between 0 and 1.
    pub fn ratio(ratio: f64) -> Self {
        Self(Rule::Ratio(ratio, threshold(ratio)))
    }

    /// Returns a sampler that takes at most `per_second` traces per second in this process.
    ///
    /// `0.1` means one trace in ten seconds. It is a token bucket that holds the traces of one
    /// second, and at least one; clones share the bucket. `install` refuses a number that is
    /// negative or not finite.
    pub fn rate_limited(per_second: f64) -> Self {
        Self(Rule::RateLimited(Arc::new(Bucket::new(per_second))))
    }

    /// Returns a sampler that follows a caller in another process, and asks `root` where there is
    /// none.
    #[must_use]
    pub fn parent_based(root: Self) -> Self {
        Self(Rule::ParentBased(Arc::new(root)))
    }

    /// Returns a sampler that asks the sampler of the first rule that fits, else `otherwise`.
    ///
    /// The rules look at the span that begins the trace in this process. A rule about an attribute
    /// needs the fields of that span, which are then evaluated whatever the decision is; the fields
    /// of other calls are evaluated only if they are recorded.
    pub fn rule_based(rules: impl IntoIterator<Item = (SpanMatch, Self)>, otherwise: Self) -> Self {
        Self(Rule::FirstMatch(
            rules.into_iter().collect(),
            Arc::new(otherwise),
        ))
    }

    /// Returns a sampler that takes what any of the samplers takes.
    ///
    /// The samplers are asked in their order until one takes the trace. Without samplers it takes
    /// no trace.
    pub fn any_of(samplers: impl IntoIterator<Item = Self>) -> Self {
        Self(Rule::AnyOf(samplers.into_iter().collect()))
    }

    /// Returns a sampler that takes what all of the samplers take.
    ///
    /// The samplers are asked in their order until one refuses the trace, so a rate limit behind a
    /// ratio counts what the ratio takes. Without samplers it takes every trace.
    pub fn all_of(samplers: impl IntoIterator<Item = Self>) -> Self {
        Self(Rule::AllOf(samplers.into_iter().collect()))
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.0 {
            Rule::Ratio(ratio, _) if !(0.0..=1.0).contains(ratio) => Err(Error::config(format!(
                "sampling ratio {ratio}: expected a number from 0 (no trace) to 1 (every trace)"
            ))),
            Rule::RateLimited(bucket) if !bucket.is_usable() => Err(Error::config(format!(
                "sampling rate {}: expected traces per second, a number from 0",
                bucket.per_second
            ))),
            Rule::Ratio(..) | Rule::RateLimited(_) => Ok(()),
            Rule::ParentBased(root) => root.check(),
            Rule::FirstMatch(rules, otherwise) => {
                for (rule, sampler) in rules.iter() {
                    rule.check()?;
                    sampler.check()?;
                }
                otherwise.check()
            }
            Rule::AnyOf(all) | Rule::AllOf(all) => all.iter().try_for_each(Self::check),
        }
    }

    /// Returns the sampler as a threshold, and whether callers decide, if these two say all of it.
    fn words(&self) -> Option<(u64, bool)> {
        match &self.0 {
            Rule::Ratio(_, threshold) => Some((*threshold, false)),
            Rule::ParentBased(root) => root.words().map(|(threshold, _)| (threshold, true)),
            _ => None,
        }
    }

    /// Returns whether a rule asks for values that a call of `site` records.
    fn asks_for_fields(&self, site: &Callsite) -> bool {
        match &self.0 {
            Rule::Ratio(..) | Rule::RateLimited(_) => false,
            Rule::ParentBased(root) => root.asks_for_fields(site),
            Rule::FirstMatch(rules, otherwise) => {
                let asks = |(rule, sampler): &(SpanMatch, Self)| {
                    rule.asks_for_fields(site) || sampler.asks_for_fields(site)
                };
                rules.iter().any(asks) || otherwise.asks_for_fields(site)
            }
            Rule::AnyOf(all) | Rule::AllOf(all) => all.iter().any(|s| s.asks_for_fields(site)),
        }
    }

    /// Decides before the fields are known, if they do not matter.
    ///
    /// No sampler is asked twice: a rate limit would count the trace twice.
    fn begin(&self, start: &Start<'_>) -> Decision {
        if let (Rule::ParentBased(_), Some(sampled)) = (&self.0, start.remote) {
            return sampled.into();
        }
        if !start.site.keys().is_empty() && self.asks_for_fields(start.site) {
            return Decision::AskFields;
        }
        self.decide(start).into()
    }

    fn decide(&self, start: &Start<'_>) -> bool {
        match &self.0 {
            Rule::Ratio(_, threshold) => by_id(*threshold, start.trace_lo),
            Rule::RateLimited(bucket) => bucket.take(),
            Rule::ParentBased(root) => start.remote.unwrap_or_else(|| root.decide(start)),
            Rule::FirstMatch(rules, otherwise) => rules
                .iter()
                .find(|(rule, _)| rule.fits_start(start.site, start.values))
                .map_or(&**otherwise, |(_, sampler)| sampler)
                .decide(start),
            Rule::AnyOf(all) => all.iter().any(|s| s.decide(start)),
            Rule::AllOf(all) => all.iter().all(|s| s.decide(start)),
        }
    }
}

impl Default for Sampler {
    /// Returns `parentbased_always_on`, OpenTelemetry's default.
    fn default() -> Self {
        Self::parent_based(Self::always_on())
    }
}

#[cfg(test)]
#[path = "sampler_tests.rs"]
mod tests;
