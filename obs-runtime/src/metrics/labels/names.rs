//! The label names of a metric, and the labels that values in the order of those names make.

use core::fmt;
use std::borrow::Cow;

use super::set::{Labels, Names};

/// Which labels the series of a metric have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::metrics) enum LabelNames {
    /// All series have these; values are given in this order.
    Listed(Vec<Cow<'static, str>>),
    /// Each series has labels of its own, as in OpenTelemetry.
    Open,
}

impl LabelNames {
    /// Returns the names that are listed: none where the labels are open.
    pub(in crate::metrics) fn listed(&self) -> &[Cow<'static, str>] {
        match self {
            Self::Listed(names) => names,
            Self::Open => &[],
        }
    }

    pub(in crate::metrics) fn is_open(&self) -> bool {
        *self == Self::Open
    }

    /// Returns whether all series have no labels at all.
    pub(in crate::metrics) fn is_none(&self) -> bool {
        matches!(self, Self::Listed(names) if names.is_empty())
    }

    /// Returns whether the names are the same in another order. A metric lists no label twice.
    pub(in crate::metrics) fn is_permutation_of(&self, other: &Self) -> bool {
        let (names, others) = (self.listed(), other.listed());
        self.is_open() == other.is_open()
            && names.len() == others.len()
            && names.iter().all(|name| others.contains(name))
    }
}

/// Names as they stand in a message.
impl fmt::Display for LabelNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed(names) => write!(f, "{names:?}"),
            Self::Open => f.write_str("that differ from series to series"),
        }
    }
}

/// How values in the order of a metric's names become labels, which are sorted by name.
#[derive(Debug)]
pub(in crate::metrics) struct Order {
    /// Sorted; all series share them.
    names: Names,
    /// Where each of the sorted names stands in the metric's list.
    places: Box<[usize]>,
}

impl Order {
    /// Creates it from names in the metric's order, none of them twice.
    pub(in crate::metrics) fn new(names: &[Cow<'static, str>]) -> Self {
        let mut places: Box<[usize]> = (0..names.len()).collect();
        places.sort_by_key(|place| &names[*place]);
        let names = places.iter().map(|place| names[*place].clone()).collect();
        Self { names, places }
    }

    /// Returns how many names there are.
    #[inline]
    pub(in crate::metrics) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns the labels of these values.
    pub(in crate::metrics) fn labels(&self, values: &[&str]) -> Labels {
        Labels::with_names(&self.names, self.places.iter().map(|place| values[*place]))
    }

    /// Returns whether these are the labels of the values.
    #[inline(always)]
    pub(in crate::metrics) fn are(&self, labels: &Labels, values: &[&str]) -> bool {
        let value = |place: &usize| values.get(*place).copied().unwrap_or_default();
        labels
            .values_are(&self.names, self.places.iter().map(value))
            .unwrap_or_else(|| {
                let pairs = self.names.iter().zip(&self.places);
                let pairs = pairs.map(|(name, place)| (&**name, value(place)));
                labels
                    .iter()
                    .eq(pairs.filter(|(_, value)| !value.is_empty()))
            })
    }
}
