//! What a call cost, as far as it is known: two ends and the reasons why they differ.

use core::fmt;
use core::ops::{Add, AddAssign};

use serde::Serialize;

use super::Usd;

/// What something cost: at least so much and at most so much, with the reasons why it is not known exactly.
///
/// Where all is known the ends are equal and there is no reason: such an amount may stand on an invoice. Costs add up
/// end by end. It is serialized as `{"at_least_usd": "0.30", "at_most_usd": null, "reasons": ["cut", "unbounded"]}`.
///
/// ```
/// use obs_runtime::llm::{Cost, Reason, Usd};
/// let usd = |dollars| Usd::from_f64(dollars).unwrap();
/// assert_eq!(Cost::exactly(usd(0.3)).to_string(), "$0.30");
///
/// let cut = Cost::between(usd(0.3), usd(0.42), Reason::Cut);
/// assert_eq!(cut.to_string(), "$0.30 to $0.42 (cut)");
/// assert_eq!(cut.exact(), None);
///
/// let sum = cut + Cost::unbounded(usd(1.0), Reason::UnpricedModel);
/// assert_eq!(sum.to_string(), "at least $1.30 (cut, unpriced_model, unbounded)");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Cost {
    /// What was certainly charged.
    #[serde(rename = "at_least_usd")]
    pub at_least: Usd,
    /// What was charged at most; `None` where nothing bounds it.
    #[serde(rename = "at_most_usd")]
    pub at_most: Option<Usd>,
    /// Why the ends differ, or why they are not the provider's.
    pub reasons: Reasons,
}

impl Cost {
    /// Nothing was charged.
    pub const ZERO: Self = Self::exactly(Usd::ZERO);

    /// Nothing is known, for this reason.
    pub const fn unknown(reason: Reason) -> Self {
        Self::unbounded(Usd::ZERO, reason)
    }

    /// Exactly so much.
    pub const fn exactly(amount: Usd) -> Self {
        Self {
            at_least: amount,
            at_most: Some(amount),
            reasons: Reasons::NONE,
        }
    }

    /// At least so much, without an upper end.
    pub const fn unbounded(at_least: Usd, reason: Reason) -> Self {
        Self {
            at_least,
            at_most: None,
            reasons: Reasons::of(reason).and(Reason::Unbounded),
        }
    }

    /// Something between two amounts; the upper end is never below the lower one.
    pub fn between(at_least: Usd, at_most: Usd, reason: Reason) -> Self {
        Self {
            at_least,
            at_most: Some(at_most.max(at_least)),
            reasons: Reasons::of(reason),
        }
    }

    /// Returns the amount, if it is known exactly.
    pub fn exact(&self) -> Option<Usd> {
        self.is_exact().then_some(self.at_least)
    }

    /// Returns whether the amount is known exactly: the ends are equal, and nothing speaks against them.
    pub fn is_exact(&self) -> bool {
        self.at_most == Some(self.at_least) && self.reasons.is_empty()
    }

    /// One of the two, for a reason that matters if they differ.
    pub(crate) fn or(self, other: Self, reason: Reason) -> Self {
        if self == other {
            return self;
        }
        let at_most = self.at_most.zip(other.at_most);
        Self {
            at_least: self.at_least.min(other.at_least),
            at_most: at_most.map(|(one, other)| one.max(other)),
            reasons: self.reasons.union(other.reasons).and(reason),
        }
    }

    /// The same with one more reason.
    #[must_use]
    pub const fn because(mut self, reason: Reason) -> Self {
        self.reasons = self.reasons.and(reason);
        self
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let at_most = self.at_most.zip(other.at_most);
        Self {
            at_least: self.at_least + other.at_least,
            at_most: at_most.map(|(one, other)| one + other),
            reasons: self.reasons.union(other.reasons),
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl core::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::ZERO, |sum, cost| sum + cost)
    }
}

/// Writes the ends in dollars, and the reasons in brackets; a precision rounds, as in `{:.4}`.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at_most.is_none() {
            f.write_str("at least ")?;
        }
        f.write_str("$")?;
        fmt::Display::fmt(&self.at_least, f)?;
        if let Some(at_most) = self.at_most.filter(|at_most| *at_most != self.at_least) {
            f.write_str(" to $")?;
            fmt::Display::fmt(&at_most, f)?;
        }
        if self.reasons.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", self.reasons)
    }
}

/// Declares the reasons: the variant, its word, and what it says.
macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident $word:literal;)*) => {
        /// Why a cost is not known exactly.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $reason,)*
        }

        impl Reason {
            /// All reasons, in the order in which they are written.
            const ALL: &[Self] = &[$(Self::$reason),*];

            /// Returns the word for it, as metrics and texts have it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => $word,)*
                }
            }
        }
    };
}

reasons! {
    /// The call ended before the provider's last word on its usage: a stream was dropped or broke.
    Cut "cut";
    /// Nobody reported what the call used, and nothing proves that it was refused.
    NoUsage "no_usage";
    /// Tokens contradict each other, or are numbers that cannot be.
    InvalidUsage "invalid_usage";
    /// The caller counted, not the provider.
    Counted "counted";
    /// Nobody said how many of the tokens were of a sort that has another price: cached, audio, images.
    PartsUnknown "parts_unknown";
    /// Reports of several attempts could not be told apart.
    Ambiguous "ambiguous";
    /// Tokens were written to the cache, and for how long is not known: the prices of 5 minutes and an hour differ.
    TtlUnknown "ttl_unknown";
    /// The price list has no price for the tier, batch or sort of search of the answer.
    TierUnknown "tier_unknown";
    /// Neither the price list nor the program's own prices have the model.
    UnpricedModel "unpriced_model";
    /// The price list has the model, but no price for something that it used.
    UnpricedUnit "unpriced_unit";
    /// Nothing bounds the cost from above.
    Unbounded "unbounded";
}

crate::serialize::serialize_text!(as_str: Reason);

/// A set of [`Reason`]s. It is serialized as a list of their words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reasons(u16);

impl Reasons {
    /// No reason.
    pub const NONE: Self = Self(0);

    /// One reason.
    pub const fn of(reason: Reason) -> Self {
        Self(1 << reason as u16)
    }

    /// One reason more.
    #[must_use]
    pub const fn and(self, reason: Reason) -> Self {
        self.union(Self::of(reason))
    }

    /// The reasons of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns whether this is one of them.
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & Self::of(reason).0 != 0
    }

    /// Returns them one after the other.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL
            .iter()
            .copied()
            .filter(move |reason| self.contains(*reason))
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, reason) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            f.write_str(reason.as_str())?;
        }
        Ok(())
    }
}

impl Serialize for Reasons {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
#[path = "cost_tests.rs"]
mod tests;
