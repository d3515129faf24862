//! Which traces are recorded.

mod installed;
mod rate;
mod span_match;

use std::sync::Arc;

use crate::Error;
use crate::callsite::Callsite;
use crate::trace::value::Value;
pub(crate) use installed::{Decision, decide, decide_by_fields, scope_records, set};
use rate::Bucket;
pub use span_match::SpanMatch;

/// Threshold of a ratio that takes everything.
const ALWAYS: u64 = u64::MAX;

/// Decides at the root of a trace whether it is recorded. Calls are counted either way.
///
/// A root is the first span of a trace in this process, also where another process called: what it
/// calls follows it. Samplers are built of each other:
///
/// ```
/// use obs_runtime::{Sampler, SpanMatch};
/// // Calls from elsewhere follow their caller's decision. Of the others: no health checks, and of the
/// // rest one trace in ten, but no more than 100 in a second.
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

/// What is known of a span that begins.
struct Start<'a> {
    site: &'static Callsite,
    trace_lo: u64,
    /// The decision of the caller in another process.
    remote: Option<bool>,
    /// Values of `site.keys()`; empty before they are evaluated.
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

/// Bound of the ids, in the lower half of the trace id without its last bit, that a share takes.
pub(crate) fn threshold(ratio: f64) -> u64 {
    if ratio >= 1.0 {
        ALWAYS
    } else {
        (ratio * (1u64 << 63) as f64) as u64
    }
}

#[inline]
pub(crate) fn by_id(threshold: u64, trace_lo: u64) -> bool {
    threshold == ALWAYS || trace_lo >> 1 < threshold
}

impl Sampler {
    /// Every trace.
    pub const fn always_on() -> Self {
        Self(Rule::Ratio(1.0, ALWAYS))
    }

    /// No trace.
    pub const fn always_off() -> Self {
        Self(Rule::Ratio(0.0, 0))
    }

    /// The given share of traces, by their id: the same trace gets the same decision in every
    /// process that uses this ratio (OpenTelemetry trace SDK, "TraceIdRatioBased").
    ///
    /// A number that is not between 0 and 1 is refused when the sampler is installed.
    pub fn ratio(ratio: f64) -> Self {
        Self(Rule::Ratio(ratio, threshold(ratio)))
    }

    /// At most so many traces per second, of this process: a token bucket that holds the traces of one
    /// second, and at least one. `0.1` is one in ten seconds.
    ///
    /// Clones share the bucket. A number that is negative or not finite is refused when the sampler is
    /// installed.
    pub fn rate_limited(per_second: f64) -> Self {
        Self(Rule::RateLimited(Arc::new(Bucket::new(per_second))))
    }

    /// Follows the decision of the caller in another process, and `root` where there is none.
    #[must_use]
    pub fn parent_based(root: Self) -> Self {
        Self(Rule::ParentBased(Arc::new(root)))
    }

    /// The sampler of the first rule that fits the span that begins the trace here, else `otherwise`.
    ///
    /// A rule about an attribute sees the fields of that span, which are then evaluated whatever the
    /// decision; no other call evaluates fields in vain.
    pub fn rule_based(rules: impl IntoIterator<Item = (SpanMatch, Self)>, otherwise: Self) -> Self {
        Self(Rule::FirstMatch(
            rules.into_iter().collect(),
            Arc::new(otherwise),
        ))
    }

    /// Traces that one of the samplers takes, asked in their order until one does; of none, no trace.
    pub fn any_of(samplers: impl IntoIterator<Item = Self>) -> Self {
        Self(Rule::AnyOf(samplers.into_iter().collect()))
    }

    /// Traces that all samplers take, asked in their order until one does not: a rate limit behind a
    /// ratio counts what the ratio takes. Of none, every trace.
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
                bucket.per_second()
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

    /// The sampler as a threshold, and whether callers decide; none if that does not say all.
    fn words(&self) -> Option<(u64, bool)> {
        match &self.0 {
            Rule::Ratio(_, threshold) => Some((*threshold, false)),
            Rule::ParentBased(root) => root.words().map(|(threshold, _)| (threshold, true)),
            _ => None,
        }
    }

    /// Whether a rule asks for values that a call of `site` records.
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

    /// Decides before the fields are known, if they do not matter. Nothing is asked twice: a rate limit
    /// would count double.
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
    /// `parentbased_always_on`, OpenTelemetry's default.
    fn default() -> Self {
        Self::parent_based(Self::always_on())
    }
}

#[cfg(test)]
#[path = "sampler_tests.rs"]
mod tests;
