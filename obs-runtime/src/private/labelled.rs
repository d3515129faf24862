//! `labels(…)` of an annotated function: a callsite for each combination of values.
//!
//! A record names its callsite, so the labels of a call cost it no room, and calls that are not
//! sampled have them too. Callsites are kept for good; their number is limited as that of a
//! metric's series.

use std::sync::OnceLock;

use crate::callsite::Callsite;
use crate::inside::Inside;
use crate::metrics::hash::hash;
use crate::metrics::index::Index;
use crate::metrics::limits::{MAX_SERIES, OVERFLOW};
use crate::self_log;
use crate::semconv::attribute::OTEL_METRIC_OVERFLOW;
use crate::trace::gate;

/// The values are part of the program: nobody chooses them so that they meet in one place.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// The callsites of one function with labels.
#[derive(Debug)]
pub struct LabelledSite<const N: usize> {
    /// For calls while obs is off, and for the registry.
    site: &'static Callsite,
    keys: [&'static str; N],
    index: Index<Labelled<N>>,
    /// For the combinations above the limit.
    overflow: OnceLock<&'static Callsite>,
}

#[derive(Debug)]
struct Labelled<const N: usize> {
    values: [&'static str; N],
    site: &'static Callsite,
}

impl<const N: usize> LabelledSite<N> {
    /// Labels of the callsite's function.
    pub const fn new(site: &'static Callsite, keys: [&'static str; N]) -> Self {
        Self {
            site,
            keys,
            index: Index::new(MAX_SERIES),
            overflow: OnceLock::new(),
        }
    }

    /// The callsite of calls with these values; while obs is off, they are not asked for.
    #[inline]
    pub fn of_call(&'static self, values: impl FnOnce() -> [&'static str; N]) -> &'static Callsite {
        if gate::gate() == 0 {
            return self.site;
        }
        let values = values();
        let hash = hash(SEED, &values);
        match self.find(hash, &values) {
            Some(site) => site,
            None => self.add(hash, values),
        }
    }

    #[inline]
    fn find(&self, hash: u64, values: &[&'static str; N]) -> Option<&'static Callsite> {
        let found = self.index.find(hash, |known| known.values == *values);
        found.map(|known| known.site)
    }

    #[cold]
    #[inline(never)]
    fn add(&'static self, hash: u64, values: [&'static str; N]) -> &'static Callsite {
        // Within an annotated allocator: the call is recorded without its labels.
        let Some(_inside) = Inside::first() else {
            return self.site;
        };
        let make = || {
            // An empty value is the same as no label (Prometheus data model, "Labels").
            let labels = self.keys.into_iter().zip(values);
            let labels = labels.filter(|(_, value)| !value.is_empty()).collect();
            let site = self.labelled(labels);
            Some(Labelled { values, site })
        };
        let known = |known: &Labelled<N>| known.values == values;
        let found = self.index.find_or_insert(hash, known, make);
        found.map_or_else(|| self.overflow(), |known| known.site)
    }

    fn overflow(&self) -> &'static Callsite {
        self.overflow.get_or_init(|| {
            let function = self.site.function();
            self_log::once(format!(
                "the labels of `{function}` have more than {MAX_SERIES} combinations of values: further \
                 ones are counted with the label `{OTEL_METRIC_OVERFLOW}`"
            ));
            self.labelled(OVERFLOW.to_vec())
        })
    }

    /// Never freed: records that name it may lie in any buffer.
    fn labelled(&self, labels: Vec<(&'static str, &'static str)>) -> &'static Callsite {
        self.site.with_labels(labels.leak())
    }
}

#[cfg(test)]
#[path = "labelled_tests.rs"]
mod tests;
