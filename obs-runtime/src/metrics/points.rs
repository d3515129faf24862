//! The list of a metric's points, which two collections can share.

use core::fmt;
use core::ops::Deref;
use std::sync::Arc;

/// The points of a metric at one moment: a slice, made from a `Vec`.
///
/// A clone is the same piece of memory. A collector uses it again for its next collection, if
/// nobody else holds it by then.
///
/// ```
/// # use obs_runtime::metrics::{Labels, Number, NumberPoint, Points};
/// let point = NumberPoint {
///     labels: Labels::from([("queue", "mail")]),
///     start_unix_nanos: 0,
///     value: Number::U64(3),
///     exemplar: None,
/// };
/// let points = Points::from(vec![point]);
/// assert_eq!(points.len(), 1);
/// assert_eq!(points[0].value, Number::U64(3));
/// ```
#[derive(Clone)]
pub struct Points<P> {
    all: Arc<Vec<P>>,
    in_order: bool,
}

impl<P> Points<P> {
    /// Creates points that are in the order of their labels, no labels twice.
    pub(crate) fn in_order(points: Vec<P>) -> Self {
        Self {
            all: Arc::new(points),
            in_order: true,
        }
    }

    /// Returns whether they are known to be in the order of their labels, no labels twice.
    pub(crate) fn are_in_order(&self) -> bool {
        self.in_order
    }

    /// Returns the points to change all but their labels, if nobody else holds them.
    pub(crate) fn unshared(&mut self) -> Option<&mut [P]> {
        Arc::get_mut(&mut self.all).map(Vec::as_mut_slice)
    }
}

impl<P: Clone> Points<P> {
    /// Returns the points to change; they are copied first if there are other holders.
    pub fn make_mut(&mut self) -> &mut Vec<P> {
        self.in_order = false;
        Arc::make_mut(&mut self.all)
    }
}

impl<P> Default for Points<P> {
    fn default() -> Self {
        Self::in_order(Vec::new())
    }
}

impl<P> Deref for Points<P> {
    type Target = [P];

    fn deref(&self) -> &[P] {
        &self.all
    }
}

impl<P> From<Vec<P>> for Points<P> {
    fn from(points: Vec<P>) -> Self {
        Self {
            all: Arc::new(points),
            in_order: false,
        }
    }
}

impl<P> FromIterator<P> for Points<P> {
    fn from_iter<I: IntoIterator<Item = P>>(points: I) -> Self {
        Vec::from_iter(points).into()
    }
}

impl<'a, P> IntoIterator for &'a Points<P> {
    type Item = &'a P;
    type IntoIter = core::slice::Iter<'a, P>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<P: Clone> IntoIterator for Points<P> {
    type Item = P;
    type IntoIter = std::vec::IntoIter<P>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.all).into_iter()
    }
}

impl<P: fmt::Debug> fmt::Debug for Points<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(f)
    }
}

impl<P: PartialEq> PartialEq for Points<P> {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

#[cfg(test)]
#[path = "points_tests.rs"]
mod tests;
