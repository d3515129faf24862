//! The series of one metric: found by their label values, kept in order, limited in number.

use core::hash::{BuildHasher, BuildHasherDefault, Hasher};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use super::cells::{Allocation, Slot};
use super::snapshot::Labels;
use super::validate::OVERFLOW_LABEL;

/// What all series of a metric share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: Cow<'static, str>,
    /// Upper bounds of a histogram's buckets; empty for other metrics.
    pub(super) bounds: Arc<[f64]>,
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
    /// In the order of the metric's label names.
    values: Box<[Box<str>]>,
    /// Sorted by name, without empty values.
    pub(super) labels: Labels,
    pub(super) start_unix_nanos: u64,
    cells: Allocation,
    /// The value of a gauge, which is the last one set by any thread.
    pub(super) gauge: AtomicU64,
}

impl Series {
    #[inline]
    pub(super) fn slot(&self) -> Slot {
        self.cells.slot()
    }

    fn is(&self, values: &[&str]) -> bool {
        self.values.iter().zip(values).all(|(a, b)| **a == **b)
    }
}

pub(super) fn unix_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_nanos() as u64)
}

/// The series by the hash of their label values. Different values may share a hash.
type ByHash = HashMap<u64, Vec<Arc<Series>>, BuildHasherDefault<Identity>>;

#[derive(Debug, Default)]
struct Table {
    by_hash: ByHash,
    /// By labels. Readers take a reference and let go of the lock.
    sorted: Arc<Vec<Arc<Series>>>,
}

impl Table {
    fn find(&self, hash: u64, values: &[&str]) -> Option<&Arc<Series>> {
        self.by_hash.get(&hash)?.iter().find(|s| s.is(values))
    }
}

/// All series of one metric.
#[derive(Debug)]
pub(super) struct SeriesSet {
    shared: Arc<Shared>,
    names: Box<[Cow<'static, str>]>,
    cells_each: usize,
    limit: usize,
    seed: u64,
    table: RwLock<Table>,
    overflow: Option<Arc<Series>>,
    /// Lookups that fell into the overflow series.
    overflowed: AtomicU64,
    /// Whether somebody was told.
    warned: AtomicBool,
}

impl SeriesSet {
    /// `None` when no cells are left.
    pub(super) fn new(
        shared: Arc<Shared>,
        names: Vec<Cow<'static, str>>,
        cells_each: usize,
        limit: usize,
    ) -> Option<Self> {
        let mut set = Self {
            shared,
            names: names.into(),
            cells_each,
            limit,
            seed: std::hash::RandomState::new().hash_one(0_u64) | 1,
            table: RwLock::default(),
            overflow: None,
            overflowed: AtomicU64::new(0),
            warned: AtomicBool::new(false),
        };
        if set.names.is_empty() {
            set.find_or_insert(&[])?;
        } else {
            let labels = [(OVERFLOW_LABEL.into(), "true".into())];
            set.overflow = Some(set.create(&[], Arc::new(labels))?);
        }
        Some(set)
    }

    pub(super) fn names(&self) -> &[Cow<'static, str>] {
        &self.names
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }

    /// Whether series were lost in the overflow series since nobody knew; true once.
    pub(super) fn overflow_is_news(&self) -> bool {
        self.overflowed() > 0 && !self.warned.swap(true, Ordering::Relaxed)
    }

    /// All series in the order of their labels; the overflow series last, once it is used.
    pub(super) fn all(&self) -> (Arc<Vec<Arc<Series>>>, Option<&Arc<Series>>) {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let overflow = self.overflow.as_ref().filter(|_| self.overflowed() > 0);
        (Arc::clone(&table.sorted), overflow)
    }

    /// The series of these values, if there is one.
    pub(super) fn find(&self, values: &[&str]) -> Option<Arc<Series>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.find(hash(self.seed, values), values).cloned()
    }

    /// The series of these values; a new one while the limit allows it, the overflow series then.
    /// `None` only if there are no cells and no overflow series.
    pub(super) fn find_or_insert(&self, values: &[&str]) -> Option<Arc<Series>> {
        let hash = hash(self.seed, values);
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = table.find(hash, values) {
            return Some(Arc::clone(series));
        }
        let full = table.sorted.len() >= self.limit;
        drop(table);
        let fresh = if full {
            None
        } else {
            self.insert(hash, values)
        };
        fresh.or_else(|| {
            self.overflowed.fetch_add(1, Ordering::Relaxed);
            self.overflow.clone()
        })
    }

    #[cold]
    fn insert(&self, hash: u64, values: &[&str]) -> Option<Arc<Series>> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster.
        if let Some(series) = table.find(hash, values) {
            return Some(Arc::clone(series));
        }
        if table.sorted.len() >= self.limit {
            return None;
        }
        let series = self.create(values, self.labels(values))?;
        let same_hash = table.by_hash.entry(hash).or_default();
        same_hash.push(Arc::clone(&series));
        let at = table.sorted.partition_point(|s| s.labels < series.labels);
        Arc::make_mut(&mut table.sorted).insert(at, Arc::clone(&series));
        Some(series)
    }

    fn create(&self, values: &[&str], labels: Labels) -> Option<Arc<Series>> {
        Some(Arc::new(Series {
            shared: Arc::clone(&self.shared),
            values: values.iter().map(|v| Box::from(*v)).collect(),
            labels,
            start_unix_nanos: unix_nanos(),
            cells: Allocation::new(self.cells_each)?,
            gauge: AtomicU64::new(0),
        }))
    }

    /// An empty value is the same as no label (Prometheus data model, "Labels").
    fn labels(&self, values: &[&str]) -> Labels {
        let pairs = self.names.iter().zip(values).filter(|(_, v)| !v.is_empty());
        let mut labels: Vec<_> = pairs
            .map(|(name, value)| (name.clone(), Cow::Owned((*value).to_owned())))
            .collect();
        labels.sort();
        labels.into()
    }
}

/// Multiplies and folds, eight bytes at a time; seeded for each metric, so that nobody can choose
/// label values that meet in one place.
fn hash(seed: u64, values: &[&str]) -> u64 {
    let fold = |state: u64, word: u64| {
        let wide = u128::from(state ^ word) * 0x9e37_79b9_7f4a_7c15;
        (wide as u64).wrapping_add(seed) ^ ((wide >> 64) as u64)
    };
    let mut state = seed;
    for value in values {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        state = fold(state, value.len() as u64);
        let mut chunks = value.as_bytes().chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            state = fold(state, u64::from_le_bytes(word));
        }
        let mut word = [0; 8];
        let rest = chunks.remainder();
        word[..rest.len()].copy_from_slice(rest);
        state = fold(state, u64::from_le_bytes(word));
    }
    state
}

/// The keys are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
