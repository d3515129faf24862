//! The series of one metric.
//!
//! A [`SeriesSet`] finds a series by its label values without a lock, keeps all series in the order
//! of their labels, and limits their number: what exceeds it is counted in one overflow series.

use core::hash::BuildHasher;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex};

use super::cells::{Allocation, Slot};
use super::exemplar::Exemplars;
use super::hash::{hash, mix};
use super::index::Index;
use super::labels::Labels;
use super::labels::names::{LabelNames, Order};
use super::limits::{Limits, OVERFLOW};
use crate::clock::unix_nanos;
use crate::fork::Process;
use crate::inside::Inside;
use crate::lock::lock;

/// How the values of a histogram or summary are kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Buckets {
    /// With these upper bounds; none for metrics that have no buckets.
    Explicit(Arc<[f64]>),
    Exponential,
}

/// What all series of a metric share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: Cow<'static, str>,
    pub(super) buckets: Buckets,
    /// Those that a summary shows.
    pub(super) quantiles: Arc<[f64]>,
    /// How many of the metric's unit of time make a second.
    pub(super) per_second: f64,
    /// Values that were no valid amount.
    pub(super) refused: AtomicU64,
}

impl Shared {
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// One series. Handles keep it alive when its metric is removed from the collector.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) shared: Arc<Shared>,
    pub(super) labels: Labels,
    pub(super) start_unix_nanos: u64,
    cells: Allocation,
    /// The value of a gauge, which is the last one set by any thread.
    pub(super) gauge: AtomicU64,
    pub(super) exemplars: Exemplars,
}

impl Series {
    fn new(shared: Arc<Shared>, labels: Labels, cells: Allocation) -> Arc<Self> {
        Arc::new(Self {
            shared,
            labels,
            start_unix_nanos: unix_nanos(),
            cells,
            gauge: AtomicU64::new(0),
            exemplars: Exemplars::default(),
        })
    }

    #[inline]
    pub(super) fn slot(&self) -> Slot {
        self.cells.slot()
    }

    /// Creates a series of no metric.
    pub(super) fn detached(name: &'static str, cells: impl Fn(&Buckets) -> usize) -> Arc<Self> {
        let buckets = Buckets::Explicit(Arc::new([]));
        let cells = Allocation::new(cells(&buckets)).unwrap_or(Allocation::NOWHERE);
        let shared = Shared {
            name: Cow::Borrowed(name),
            buckets,
            quantiles: Arc::new([]),
            per_second: 1.0,
            refused: AtomicU64::new(0),
        };
        Self::new(Arc::new(shared), Labels::new(), cells)
    }
}

/// Counts a value that is no valid amount for a series.
#[cold]
pub(super) fn refuse(series: Option<&Series>) {
    if let Some(series) = series {
        series.shared.refuse();
    }
}

/// The series in the order of their labels, as far as `unsorted` does not say otherwise. Readers
/// take a reference and let go of the lock.
#[derive(Debug, Default)]
struct List {
    series: Arc<Vec<Arc<Series>>>,
    unsorted: bool,
    /// What is known of the values of each listed label, in the order of the names.
    labels: Box<[LabelValues]>,
}

/// The values of one label.
#[derive(Clone, Debug, Default)]
struct LabelValues {
    /// Those that it has had so far.
    seen: HashSet<Box<str>>,
    /// Those that it can have, as far as call sites have said.
    declared: BTreeSet<&'static str>,
    /// Whether it has had one that no call site has declared.
    undeclared: bool,
}

/// All series of one metric.
#[derive(Debug)]
pub(super) struct SeriesSet {
    /// The process that made it: in a forked child the lock may be held for ever.
    process: Process,
    shared: Arc<Shared>,
    names: LabelNames,
    order: Order,
    cells_each: usize,
    limits: Limits,
    seed: u64,
    index: Index<Arc<Series>>,
    list: Mutex<List>,
    overflow: Option<Arc<Series>>,
    /// Lookups that fell into the overflow series.
    overflowed: AtomicU64,
    overflow_reported: AtomicBool,
}

impl SeriesSet {
    /// Creates a set; `None` when no cells are left.
    pub(super) fn new(
        shared: Arc<Shared>,
        names: LabelNames,
        cells_each: usize,
        limits: Limits,
    ) -> Option<Self> {
        let listed = names.listed();
        let labels = vec![LabelValues::default(); listed.len()];
        let mut set = Self {
            process: Process::current(),
            shared,
            order: Order::new(listed),
            names,
            cells_each,
            limits,
            seed: std::hash::RandomState::new().hash_one(0_u64) | 1,
            index: Index::new(limits.series),
            list: Mutex::new(List {
                labels: labels.into(),
                ..List::default()
            }),
            overflow: None,
            overflowed: AtomicU64::new(0),
            overflow_reported: AtomicBool::new(false),
        };
        if set.names.is_none() {
            set.find_or_insert(&[])?;
        } else {
            set.overflow = Some(set.create(OVERFLOW.into())?);
        }
        Some(set)
    }

    pub(super) fn names(&self) -> &LabelNames {
        &self.names
    }

    /// Returns how many values name a series.
    #[inline]
    pub(super) fn values_each(&self) -> usize {
        self.order.len()
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Returns how many series there are, without the overflow series.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns how many values each listed label has had so far, in the order of the names.
    pub(super) fn label_values(&self) -> Vec<usize> {
        let _inside = Inside::enter();
        let list = lock(&self.list);
        list.labels.iter().map(|label| label.seen.len()).collect()
    }

    /// Returns how many values each listed label can have, in the order of the names: as many as
    /// the types of its values know, if it had none but these, or the limit.
    pub(super) fn most_label_values(&self) -> Vec<usize> {
        let _inside = Inside::enter();
        let limit = self.limits.label_values;
        let list = lock(&self.list);
        let most = list.labels.iter().map(|label| match label.declared.len() {
            0 => limit,
            _ if label.undeclared => limit,
            known => known.min(limit),
        });
        most.collect()
    }

    /// Notes that the label at this place can have these values.
    pub(super) fn declare(&self, at: usize, all: &[&'static str]) {
        let _inside = Inside::enter();
        if let Some(label) = lock(&self.list).labels.get_mut(at) {
            label.declared.extend(all);
        }
    }

    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }

    /// Returns whether series overflowed that nobody has reported; true once.
    pub(super) fn take_unreported_overflow(&self) -> bool {
        self.overflowed() > 0 && !self.overflow_reported.swap(true, Ordering::Relaxed)
    }

    /// Returns all series in the order of their labels, the overflow series last, once it is used.
    pub(super) fn all(&self) -> (Arc<Vec<Arc<Series>>>, Option<&Arc<Series>>) {
        if !self.process.is_current() {
            return (Arc::default(), None);
        }
        let overflow = self.overflow.as_ref().filter(|_| self.overflowed() > 0);
        let _inside = Inside::enter();
        let mut list = lock(&self.list);
        if list.unsorted {
            Arc::make_mut(&mut list.series).sort_by(|a, b| a.labels.cmp(&b.labels));
            list.unsorted = false;
        }
        (Arc::clone(&list.series), overflow)
    }

    /// Returns the series of these values, if there is one.
    pub(super) fn find(&self, values: &[&str]) -> Option<Arc<Series>> {
        let is = |series: &Arc<Series>| self.order.are(&series.labels, values);
        self.index.find(hash(self.seed, values), is).cloned()
    }

    /// Returns the series of these values: a new one while the limit allows it, then the overflow
    /// series. `None` only if there are no cells and no overflow series.
    #[inline(always)]
    pub(super) fn find_or_insert(&self, values: &[&str]) -> Option<Arc<Series>> {
        let hash = hash(self.seed, values);
        // A closure of its own, not shared with `find`: the compiler inlines what has one caller.
        let is = |series: &Arc<Series>| self.order.are(&series.labels, values);
        match self.index.find(hash, is) {
            Some(series) => Some(Arc::clone(series)),
            None => self.insert_values(hash, values),
        }
    }

    /// Adds the series of these values, so that collections show it before anything is counted in
    /// it. It takes no room that others may need: none is added once half of the series, or half of
    /// the values of a label, are there.
    pub(super) fn insert_ahead(&self, values: &[&str]) {
        let limits = self.limits;
        if !self.process.is_current() || self.len() >= limits.series / 2 {
            return;
        }
        let list = lock(&self.list);
        let mut labels = list.labels.iter().zip(values);
        let most = limits.label_values / 2;
        if labels.any(|(label, value)| label.seen.len() >= most && !label.seen.contains(*value)) {
            return;
        }
        drop(list);
        let _ = self.find_or_insert(values);
    }

    /// Does the same for open labels, in the order of their names.
    #[cfg(any(feature = "cache", feature = "steps"))]
    pub(super) fn insert_ahead_open(&self, labels: &[(&str, &str)]) {
        if self.process.is_current() && self.len() < self.limits.series / 2 {
            let _ = self.find_or_insert_open(labels);
        }
    }

    #[cold]
    fn insert_values(&self, hash: u64, values: &[&str]) -> Option<Arc<Series>> {
        let are = |labels: &Labels| self.order.are(labels, values);
        self.insert_or_overflow(hash, &are, values, &|| self.order.labels(values))
    }

    /// Does the same as [`find_or_insert`](Self::find_or_insert) for open labels, which are in the
    /// order of their names, none of them twice. Those of a series that is known are not copied.
    pub(super) fn find_or_insert_open(&self, labels: &[(&str, &str)]) -> Option<Arc<Series>> {
        let given = labels.iter().filter(|(_, value)| !value.is_empty());
        let hash = given.clone().fold(self.seed, |state, (name, value)| {
            mix(self.seed, mix(self.seed, state, name), value)
        });
        let are = |labels: &Labels| {
            labels
                .iter()
                .eq(given.clone().map(|(name, value)| (*name, *value)))
        };
        match self.index.find(hash, |series| are(&series.labels)) {
            Some(series) => Some(Arc::clone(series)),
            None => self.insert_or_overflow(hash, &are, &[], &|| {
                let owned = given
                    .clone()
                    .map(|(name, value)| ((*name).to_owned(), value));
                owned.collect()
            }),
        }
    }

    /// Adds a series, or counts an overflow. `values` are those of the listed labels.
    #[cold]
    fn insert_or_overflow(
        &self,
        hash: u64,
        are: &dyn Fn(&Labels) -> bool,
        values: &[&str],
        labels: &dyn Fn() -> Labels,
    ) -> Option<Arc<Series>> {
        let is = |series: &Arc<Series>| are(&series.labels);
        let make = || self.create_listed(values, labels);
        // An allocator that counts comes back while the locks are held.
        let _inside = Inside::enter();
        // In a forked child the locks may be held for ever.
        let here = self.process.is_current();
        let found = here.then(|| self.index.find_or_insert(hash, is, make));
        found.flatten().cloned().or_else(|| {
            self.overflowed.fetch_add(1, Ordering::Relaxed);
            self.overflow.clone()
        })
    }

    /// Creates a series; `None` if a label would have too many values, and if no cells are left.
    fn create_listed(&self, values: &[&str], labels: &dyn Fn() -> Labels) -> Option<Arc<Series>> {
        let mut list = lock(&self.list);
        let most = self.limits.label_values;
        let mut pairs = list.labels.iter().zip(values);
        if pairs.any(|(label, value)| label.seen.len() >= most && !label.seen.contains(*value)) {
            return None;
        }
        let mut labels = labels();
        if let Some(last) = list.series.last() {
            labels.share_names(&last.labels);
        }
        let series = self.create(labels)?;
        Arc::make_mut(&mut list.series).push(Arc::clone(&series));
        list.unsorted = true;
        for (label, value) in list.labels.iter_mut().zip(values) {
            label.undeclared |= !label.declared.contains(value);
            if !label.seen.contains(*value) {
                label.seen.insert(Box::from(*value));
            }
        }
        Some(series)
    }

    fn create(&self, labels: Labels) -> Option<Arc<Series>> {
        let cells = Allocation::new(self.cells_each)?;
        Some(Series::new(Arc::clone(&self.shared), labels, cells))
    }
}
