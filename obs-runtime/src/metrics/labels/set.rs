//! The labels of one series.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use std::borrow::Cow;
use std::sync::Arc;

/// The labels of one series, sorted by name, no name twice.
///
/// No value is empty, because an empty value is the same as no label (Prometheus, "Data model",
/// labels). A clone is the same piece of memory.
///
/// ```
/// # use obs_runtime::metrics::Labels;
/// let labels = Labels::from([("task", "load"), ("region", "eu"), ("shard", "")]);
/// assert_eq!(labels.get("region"), Some("eu"));
/// assert_eq!(labels.iter().collect::<Vec<_>>(), [("region", "eu"), ("task", "load")]);
/// ```
#[derive(Clone, Default)]
pub struct Labels(Option<Arc<Set>>);

/// Label names in order; series of a metric share them.
pub(crate) type Names = Arc<[Cow<'static, str>]>;

/// A collection and a page of metrics go through thousands of these: few pieces of memory, close
/// together.
struct Set {
    names: Names,
    /// All values, one after the other.
    text: Box<str>,
    ends: Ends,
    plain: bool,
}

/// Where each value ends in the text.
enum Ends {
    Few([u32; 5]),
    Many(Box<[u32]>),
}

impl Ends {
    #[inline]
    fn all(&self) -> &[u32] {
        match self {
            Self::Few(ends) => ends,
            Self::Many(ends) => ends,
        }
    }
}

impl Set {
    /// Creates a set from values in the order of the names, none of which is empty.
    fn new<'a>(names: Names, values: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut text = String::with_capacity(values.clone().map(str::len).sum());
        let mut few = [0; 5];
        let mut many = Vec::new();
        for (at, value) in values.enumerate() {
            text.push_str(value);
            // Values of 4 GiB are cut off.
            let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
            match few.get_mut(at) {
                Some(few) if names.len() <= 5 => *few = end,
                _ => many.push(end),
            }
        }
        Self {
            plain: is_plain(text.as_bytes()),
            text: text.into(),
            ends: if names.len() <= few.len() {
                Ends::Few(few)
            } else {
                Ends::Many(many.into())
            },
            names,
        }
    }

    /// Returns where each value ends.
    #[inline]
    fn ends(&self) -> &[u32] {
        let ends = self.ends.all();
        ends.get(..self.names.len()).unwrap_or(ends)
    }

    /// Returns where the value ends; 0 before the first.
    #[inline]
    fn end(&self, at: Option<usize>) -> usize {
        let end = at.and_then(|at| self.ends().get(at));
        end.map_or(0, |end| *end as usize)
    }

    #[inline]
    fn value(&self, at: usize) -> &str {
        let range = self.end(at.checked_sub(1))..self.end(Some(at));
        self.text.get(range).unwrap_or_default()
    }

    /// Returns the order of two with the same names.
    fn compare(&self, other: &Self) -> Ordering {
        let (a, b) = (self.text.as_bytes(), other.text.as_bytes());
        let equal = equal_bytes(a, b);
        for (end, other_end) in self.ends().iter().zip(other.ends()) {
            let shorter = *end.min(other_end) as usize;
            if equal < shorter {
                return a.get(equal).cmp(&b.get(equal));
            }
            // One is what the other begins with.
            if end != other_end {
                return end.cmp(other_end);
            }
        }
        Ordering::Equal
    }
}

impl Labels {
    /// Creates a set without labels.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Creates labels from values in the order of the names. Names ascend; if a value is empty, the
    /// names are others.
    pub(crate) fn with_names<'a>(
        names: &Names,
        values: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        if names.is_empty() {
            return Self(None);
        }
        if values.clone().any(str::is_empty) {
            return names.iter().cloned().zip(values).collect();
        }
        Self(Some(Arc::new(Set::new(Arc::clone(names), values))))
    }

    /// Returns how many labels there are.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |set| set.names.len())
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the value of the label with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let set = self.0.as_ref()?;
        let at = set.names.binary_search_by(|known| (**known).cmp(name));
        at.ok().map(|at| set.value(at))
    }

    /// Iterates over names with their values, in the order of the names.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            set: self.0.as_deref(),
            at: 0,
        }
    }

    /// Returns the names, which are the same piece of memory for series of a metric; `None` without
    /// labels.
    pub(crate) fn names(&self) -> Option<&Names> {
        self.0.as_ref().map(|set| &set.names)
    }

    /// Returns whether the values are these, if the names are the same piece of memory.
    #[inline]
    pub(crate) fn values_are<'a>(
        &self,
        names: &Names,
        mut values: impl Iterator<Item = &'a str>,
    ) -> Option<bool> {
        let set = self
            .0
            .as_ref()
            .filter(|set| Arc::ptr_eq(&set.names, names))?;
        let text = set.text.as_bytes();
        let mut start = 0;
        Some(set.ends().iter().all(|end| {
            let end = *end as usize;
            let own = text.get(start..end);
            start = end;
            own == values.next().map(str::as_bytes)
        }))
    }

    /// Takes over the other's piece of memory for the names, if they are equal.
    pub(crate) fn share_names(&mut self, other: &Self) {
        if let (Some(set), Some(names)) = (self.0.as_mut().and_then(Arc::get_mut), other.names())
            && set.names == *names
        {
            set.names = Arc::clone(names);
        }
    }

    /// Returns the values in the order of the names.
    #[inline]
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        let set = self.0.as_deref();
        let mut start = 0;
        set.map_or(&[][..], Set::ends).iter().map(move |end| {
            let range = start..*end as usize;
            start = range.end;
            set.and_then(|set| set.text.get(range)).unwrap_or_default()
        })
    }

    /// Returns whether no value has a character that formats of text escape: a quote, a backslash,
    /// a control character.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.0.as_ref().is_none_or(|set| set.plain)
    }
}

/// Counts how many of the first bytes are equal.
#[inline]
fn equal_bytes(a: &[u8], b: &[u8]) -> usize {
    let (a_words, _) = a.as_chunks::<8>();
    let (b_words, _) = b.as_chunks::<8>();
    let differing = |a: &[u8; 8], b: &[u8; 8]| {
        let bits = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        (bits != 0).then(|| bits.trailing_zeros() as usize / 8)
    };
    let mut equal = 0;
    for (a, b) in a_words.iter().zip(b_words) {
        if let Some(at) = differing(a, b) {
            return equal + at;
        }
        equal += 8;
    }
    let both = a.len().min(b.len());
    // The last eight bytes again, of which the first are known to be equal.
    let last = |text: &'_ [u8]| text.get(..both)?.last_chunk::<8>().copied();
    match (last(a), last(b)) {
        (Some(a), Some(b)) => differing(&a, &b).map_or(both, |at| both - 8 + at),
        _ => a.iter().zip(b).take_while(|(a, b)| a == b).count(),
    }
}

fn is_plain(text: &[u8]) -> bool {
    !text.iter().any(|b| matches!(b, b'"' | b'\\' | ..b' '))
}

/// An iterator over names with their values, in the order of the names.
#[derive(Clone)]
pub struct Iter<'a> {
    set: Option<&'a Set>,
    at: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let set = self.set?;
        let name = set.names.get(self.at)?;
        let value = set.value(self.at);
        self.at += 1;
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.set.map_or(0, |set| set.names.len() - self.at);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// In any order; of pairs with the same name the last one counts.
impl<K: Into<Cow<'static, str>>, V: AsRef<str>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value));
        let mut pairs: Vec<(Cow<'static, str>, V)> = pairs.collect();
        pairs.reverse();
        // Stable: of equal names the last one given is the first now.
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        pairs.dedup_by(|(later, _), (kept, _)| later == kept);
        pairs.retain(|(_, value)| !value.as_ref().is_empty());
        if pairs.is_empty() {
            return Self(None);
        }
        let (names, values): (Vec<_>, Vec<V>) = pairs.into_iter().unzip();
        let values = values.iter().map(AsRef::as_ref);
        Self(Some(Arc::new(Set::new(names.into(), values))))
    }
}

impl<K: Into<Cow<'static, str>>, V: AsRef<str>, const N: usize> From<[(K, V); N]> for Labels {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().fmt(f)
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.cmp(other).is_eq()
    }
}

impl Eq for Labels {}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of the pairs.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) if Arc::ptr_eq(&a.names, &b.names) => a.compare(b),
            _ => self.iter().cmp(other),
        }
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        for pair in self {
            pair.hash(state);
        }
    }
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
