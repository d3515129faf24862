//! The label names of a metric, and what its series' labels are for values in the order of those names.

use std::borrow::Cow;

use super::any_labels::{self, ANY};
use super::labels::{Labels, Names};

/// What the values that come with a call mean.
#[derive(Debug)]
pub(super) enum Keys {
    /// One for each name; and where each of the sorted names stands in the metric's list.
    Named { names: Names, places: Box<[usize]> },
    /// One text, which has the names too.
    Any,
}

impl Keys {
    /// The names in the metric's order; none twice.
    pub(super) fn new(names: &[Cow<'static, str>]) -> Self {
        if let [only] = names
            && only == ANY
        {
            return Self::Any;
        }
        let mut places: Box<[usize]> = (0..names.len()).collect();
        places.sort_by_key(|place| &names[*place]);
        let names = places.iter().map(|place| names[*place].clone()).collect();
        Self::Named { names, places }
    }

    pub(super) fn labels(&self, values: &[&str]) -> Labels {
        match self {
            Self::Named { names, places } => {
                Labels::with_names(names, places.iter().map(|place| values[*place]))
            }
            Self::Any => {
                let pairs = any_labels::labels(values.first().copied().unwrap_or_default());
                pairs
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            }
        }
    }

    /// Whether these are the labels of the values.
    #[inline]
    pub(super) fn are(&self, labels: &Labels, values: &[&str]) -> bool {
        match self {
            Self::Named { names, places } => {
                let value = |place: &usize| values.get(*place).copied().unwrap_or_default();
                labels
                    .values_are(names, places.iter().map(value))
                    .unwrap_or_else(|| {
                        let pairs = names
                            .iter()
                            .zip(places)
                            .map(|(name, place)| (&**name, value(place)));
                        labels
                            .iter()
                            .eq(pairs.filter(|(_, value)| !value.is_empty()))
                    })
            }
            Self::Any => {
                let text = values.first().copied().unwrap_or_default();
                labels.iter().eq(any_labels::labels(text))
            }
        }
    }
}
