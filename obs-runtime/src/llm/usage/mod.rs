//! What a model call used: counts that are known, unknown or impossible, and reports that come together.

mod count;
mod response;
mod unit;

use core::fmt;

pub use count::{Count, TokenCount};
pub use response::{IntoUsage, LlmResponse};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
pub(crate) use unit::{UNITS, Unit};

/// What one model call used, as somebody reported it.
///
/// Each count is known or not: what nobody said is unknown, which is not zero. The sums include their parts:
/// `input_tokens` includes the cached ones, `output_tokens` those of reasoning (GenAI semantic conventions,
/// `gen_ai.usage.*`). A part that is said to be unknown may be all of its sum or nothing of it: where its price is
/// another, the cost lies between the two ([`nothing_else`](Self::nothing_else) says that there is none).
///
/// It is serialized as an object of all its counts, in which `null` is unknown.
///
/// ```
/// use obs_runtime::llm::Usage;
/// let usage = Usage::new(1_200, 80).cache_read(1_000).reasoning(None::<u64>);
/// assert_eq!(usage.input_tokens(), Some(1_200));
/// assert_eq!(usage.cache_read_tokens(), Some(1_000));
/// assert_eq!(usage.reasoning_tokens(), None);
/// assert_eq!(usage.nothing_else().reasoning_tokens(), Some(0));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// By [`Unit`]; zero where it is not known.
    counts: [u64; UNITS],
    /// The units that are known.
    known: Units,
    /// The units of which somebody said what cannot be.
    impossible: Units,
    /// The known ones that the caller counted, and not the provider.
    counted: Units,
    source: Source,
    /// Whether the counts are those since the last report.
    delta: bool,
    rest: Rest,
}

/// What a usage says of the parts that are not set. It is said of the report, and is no part of what it says.
#[derive(Clone, Copy, Debug, Default, PartialOrd, Ord)]
enum Rest {
    /// Nothing.
    #[default]
    Unsaid,
    /// There are none: the tokens are plain ones.
    Plain,
    /// That nobody knows.
    Open,
}

impl PartialEq for Rest {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Rest {}

/// Who counted, and whether it is the last word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The provider: what it bills.
    #[default]
    Provider,
    /// The provider, in a chunk of a stream that is not its last word: at least so much.
    Partial,
    /// The caller, with a tokenizer or by an estimate. What the provider says comes before it.
    Counted,
}

impl Source {
    /// Returns the word for it: `provider`, `partial` or `counted`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Partial => "partial",
            Self::Counted => "counted",
        }
    }
}

crate::serialize::serialize_text!(as_str: Source);

/// A set of units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Units(u16);

impl Units {
    const fn has(self, unit: Unit) -> bool {
        self.0 & (1 << unit as u16) != 0
    }

    const fn set(&mut self, unit: Unit, on: bool) {
        let bit = 1 << unit as u16;
        self.0 = if on { self.0 | bit } else { self.0 & !bit };
    }
}

impl Usage {
    /// A usage of which nothing is known.
    pub const UNKNOWN: Self = Self {
        counts: [0; UNITS],
        known: Units(0),
        impossible: Units(0),
        counted: Units(0),
        source: Source::Provider,
        delta: false,
        rest: Rest::Unsaid,
    };

    /// Creates a usage from all input and all output tokens, parts included.
    ///
    /// An `Option` stands for a sum that the provider may leave out. Who knows both sums says all of it: its price is
    /// that of plain tokens but for the parts that are set. Where it is not known whether tokens were cached, say that
    /// with `cache_read(None::<u64>)`; the cost is a range then.
    pub fn new(input_tokens: impl TokenCount, output_tokens: impl TokenCount) -> Self {
        let mut usage = Self::sums(input_tokens, output_tokens);
        if usage.known.has(Unit::InputTokens) && usage.known.has(Unit::OutputTokens) {
            usage.rest = Rest::Plain;
        }
        usage
    }

    /// The same of a report that says nothing of the parts.
    pub(crate) fn sums(input_tokens: impl TokenCount, output_tokens: impl TokenCount) -> Self {
        Self::UNKNOWN
            .with(Unit::InputTokens, input_tokens)
            .with(Unit::OutputTokens, output_tokens)
    }

    /// Creates a usage with input tokens alone, as of embeddings; the output is unknown, which costs nothing with a
    /// model that has no output.
    pub fn input(tokens: impl TokenCount) -> Self {
        Self::UNKNOWN.with(Unit::InputTokens, tokens)
    }

    /// Creates a usage with output tokens alone, as of the later chunks of some streams; the input is unknown.
    pub fn output(tokens: impl TokenCount) -> Self {
        Self::UNKNOWN.with(Unit::OutputTokens, tokens)
    }

    /// Adds cached tokens that the provider reports apart from the input tokens, as Anthropic does.
    ///
    /// They are added to the input tokens too, which include all their parts. The two lifetimes of what was written
    /// are said with [`cache_write_5m`](Self::cache_write_5m) and [`cache_write_1h`](Self::cache_write_1h).
    ///
    /// ```
    /// use obs_runtime::llm::Usage;
    /// let usage = Usage::new(50, 80).cached_apart(1_000, 200);
    /// assert_eq!(usage, Usage::new(1_250, 80).cache_read(1_000).cache_write(200));
    /// ```
    #[must_use]
    pub fn cached_apart(self, read: impl TokenCount, written: impl TokenCount) -> Self {
        let mut usage = self
            .with(Unit::CacheReadTokens, read)
            .with(Unit::CacheWriteTokens, written);
        if let Some(plain) = usage.get(Unit::InputTokens) {
            let cached = [Unit::CacheReadTokens, Unit::CacheWriteTokens];
            let sum = cached
                .into_iter()
                .filter_map(|unit| usage.get(unit))
                .fold(plain, u64::saturating_add);
            usage = usage.with(Unit::InputTokens, sum);
        }
        usage
    }

    /// Says that this is all: what was not set is zero, but for the two sums. Nothing was cached, nothing was audio or an
    /// image, and no tool of the provider ran.
    ///
    /// ```
    /// use obs_runtime::llm::Usage;
    /// let usage = Usage::new(1_200, 80).cache_read(1_000).nothing_else();
    /// assert_eq!(usage.cache_write_tokens(), Some(0));
    /// assert_eq!(usage.cache_read_tokens(), Some(1_000));
    /// ```
    #[must_use]
    pub fn nothing_else(mut self) -> Self {
        for unit in Unit::ALL {
            let is_sum = matches!(unit, Unit::InputTokens | Unit::OutputTokens);
            // Writes to the cache may be known by their lifetimes alone, and a request is one.
            let is_said = unit == Unit::Requests
                || unit == Unit::CacheWriteTokens && self.cache_write_tokens().is_some();
            if !is_sum && !is_said && !self.known.has(unit) && !self.impossible.has(unit) {
                self = self.with(unit, 0_u64);
            }
        }
        self
    }

    /// Says that the provider counted this in a chunk that is not its last word, such as the `message_start` of
    /// Anthropic: the call used at least so much.
    #[must_use]
    pub const fn partial(mut self) -> Self {
        self.source = Source::Partial;
        self
    }

    /// Says that the caller counted this, with a tokenizer or by an estimate. It stands where the provider says
    /// nothing, and is no end of a cost: the provider may bill less or more. What bounds the request
    /// ([`Request`](crate::llm::Request)) bounds the cost.
    #[must_use]
    pub const fn counted(mut self) -> Self {
        self.source = Source::Counted;
        self.rest = Rest::Unsaid;
        self
    }

    /// Says that the counts are those since the last report, to be added to what was reported before.
    ///
    /// Nearly all providers report cumulative counts, of which the highest is taken.
    #[must_use]
    pub const fn delta(mut self) -> Self {
        self.delta = true;
        self
    }

    /// Returns who counted.
    pub const fn source(&self) -> Source {
        self.source
    }

    /// Returns whether some count that was reported cannot be: a negative number, a fraction, or beyond what 63 bits
    /// hold. Such a count is unknown.
    pub const fn is_impossible(&self) -> bool {
        self.impossible.0 != 0
    }

    /// Returns whether nothing at all is known.
    pub const fn is_unknown(&self) -> bool {
        self.known.0 == 0
    }

    /// Returns all tokens that were written to the cache, of whichever lifetime.
    pub fn cache_write_tokens(&self) -> Option<u64> {
        let parts = [Unit::CacheWrite5mTokens, Unit::CacheWrite1hTokens]
            .into_iter()
            .filter_map(|unit| self.get(unit))
            .reduce(u64::saturating_add);
        parts.max(self.get(Unit::CacheWriteTokens))
    }

    /// Returns the usage of one attempt of which this and a `later` report are known: of each count the higher one, as
    /// providers report cumulative counts, and the sum if the later one is a [`delta`](Self::delta).
    ///
    /// ```
    /// use obs_runtime::llm::Usage;
    /// // An Anthropic stream reports the input first and the output last.
    /// let start = Usage::new(100_000, 1).partial();
    /// assert_eq!(start.merge(Usage::output(500)), Usage::new(100_000, 500));
    /// ```
    #[must_use]
    pub fn merge(self, later: Self) -> Self {
        if self.says_nothing() {
            return later;
        }
        if later.delta {
            self.combine(later, u64::checked_add, false)
        } else {
            self.combine(later, |one, other| Some(one.max(other)), false)
        }
    }

    /// Returns the sum of two usages, as of two attempts: both were paid. What one of them does not say is missing from
    /// the sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        if self.says_nothing() {
            return other;
        }
        let mut sum = self.combine(other, u64::checked_add, true);
        let either = |source| self.source == source || other.source == source;
        sum.source = [Source::Partial, Source::Counted]
            .into_iter()
            .find(|source| either(*source))
            .unwrap_or_default();
        sum
    }

    const fn says_nothing(&self) -> bool {
        self.is_unknown() && !self.is_impossible()
    }

    /// The known ones that the caller counted.
    const fn counted_units(&self) -> Units {
        match self.source {
            Source::Counted => self.known,
            _ => Units(self.counted.0 & self.known.0),
        }
    }

    /// Returns whether some count is the caller's own.
    pub(crate) const fn has_counted(&self) -> bool {
        self.counted_units().0 != 0
    }

    /// Returns what the provider said of a unit.
    pub(crate) const fn certain(&self, unit: Unit) -> Option<u64> {
        if self.counted_units().has(unit) {
            None
        } else {
            self.get(unit)
        }
    }

    /// The same in which parts are none of which it says so.
    pub(crate) fn filled(self) -> Self {
        match self.rest {
            Rest::Plain => self.nothing_else(),
            Rest::Unsaid | Rest::Open => self,
        }
    }

    /// The same without what the caller counted.
    pub(crate) fn certain_part(mut self) -> Self {
        let counted = self.counted_units();
        for unit in Unit::ALL {
            if counted.has(unit) {
                self = self.with(unit, None::<u64>);
            }
        }
        self.counted = Units(0);
        self
    }

    /// Combines what is known to both. The last word of a provider stays one. In a report of one attempt its counts come
    /// before those of the caller; a `sum` of attempts is made of both.
    fn combine(mut self, later: Self, both: fn(u64, u64) -> Option<u64>, sum: bool) -> Self {
        if later.says_nothing() {
            return self;
        }
        let impossible = self.impossible.0 | later.impossible.0;
        let (own, theirs) = (self.counted_units(), later.counted_units());
        let rest = self.rest.max(later.rest);
        let mut counted = Units(0);
        for unit in Unit::ALL {
            let count = match (self.get(unit), later.get(unit)) {
                (Some(one), Some(_)) if !sum && !own.has(unit) && theirs.has(unit) => {
                    Count::Known(one)
                }
                (Some(_), Some(other)) if !sum && own.has(unit) && !theirs.has(unit) => {
                    Count::Known(other)
                }
                (Some(one), Some(other)) => {
                    counted.set(unit, own.has(unit) || theirs.has(unit));
                    both(one, other).map_or(Count::Impossible, Count::Known)
                }
                (one, other) => {
                    counted.set(unit, own.has(unit) || theirs.has(unit));
                    one.or(other).count()
                }
            };
            self = self.with(unit, count);
        }
        self.impossible.0 |= impossible;
        self.counted = counted;
        self.rest = rest;
        self.source = match (self.source, later.source) {
            (Source::Provider, _) | (_, Source::Provider) => Source::Provider,
            (Source::Partial, _) | (_, Source::Partial) => Source::Partial,
            _ => Source::Counted,
        };
        self.delta &= later.delta;
        self
    }

    pub(crate) const fn get(&self, unit: Unit) -> Option<u64> {
        if self.known.has(unit) {
            Some(self.counts[unit as usize])
        } else {
            None
        }
    }

    fn with(mut self, unit: Unit, count: impl TokenCount) -> Self {
        let count = count.count();
        let known = match count {
            Count::Known(number) => number.count(),
            other => other,
        };
        self.counts[unit as usize] = match known {
            Count::Known(number) => number,
            _ => 0,
        };
        self.known.set(unit, matches!(known, Count::Known(_)));
        let is_sum = matches!(unit, Unit::InputTokens | Unit::OutputTokens);
        if known == Count::Unknown && !is_sum {
            self.rest = Rest::Open;
        }
        self.impossible.set(unit, known == Count::Impossible);
        self
    }
}

impl Default for Usage {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl<I: TokenCount, O: TokenCount> From<(I, O)> for Usage {
    /// Creates a usage from input and output tokens.
    fn from((input, output): (I, O)) -> Self {
        Self::new(input, output)
    }
}

/// What is known, and what cannot be.
impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Usage");
        for unit in Unit::ALL {
            match self.get(unit) {
                Some(count) => shown.field(unit.as_str(), &count),
                None if self.impossible.has(unit) => shown.field(unit.as_str(), &"impossible"),
                None => continue,
            };
        }
        if self.source != Source::Provider {
            shown.field("source", &self.source);
        }
        if self.delta {
            shown.field("delta", &true);
        }
        shown.finish_non_exhaustive()
    }
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(UNITS))?;
        for unit in Unit::ALL {
            let count = match unit {
                Unit::CacheWriteTokens => self.cache_write_tokens(),
                unit => self.get(unit),
            };
            map.serialize_entry(unit.as_str(), &count)?;
        }
        map.end()
    }
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
