//! The static that each `counter!`, `gauge!` and `histogram!` becomes.
//!
//! Each call site caches its series. The cache key is the address of the label strings, which is
//! sound because labels are `&'static str`: what lies at one address is equal for good, so no text
//! is read, whatever type it came from (the static of a generic function serves all its types).
//! Label values that stand in the source belong to the static and are no part of the key. The cache
//! serves the default scope alone; calls of another one (`testing::capture`) look their series up.

use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::borrow::Cow;
use std::sync::{OnceLock, RwLock};

use crate::inside::Inside;
use crate::metrics::bound::{self, Bound};
use crate::metrics::hash::fold;
use crate::metrics::index::Index;
use crate::metrics::instrument::Kind;
use crate::metrics::limits::MAX_SERIES;
use crate::metrics::{Label, MetricsCollector, validate};
use crate::semconv::MetricDef;
use crate::trace::local::local;
use crate::{Error, scope, self_log, self_obs};

/// Epochs that have a memory of their own: before the installation, after it, and after two changes
/// more. Later ones share one, behind a lock.
const MEMORIES: usize = 4;

/// Combinations of label values that a counter shows before they are counted.
const MOST_AHEAD: usize = 64;

/// The text of a value that is a label.
#[inline]
pub fn label<L: Label>(value: &L) -> &'static str {
    value.as_str()
}

/// A value that comes with a call, and all values of its type, if that knows them.
pub(crate) type Among = (&'static str, Option<&'static [&'static str]>);

/// The text of a value that is a label, among those of its type.
#[inline]
pub fn label_among<L: Label>(value: &L) -> Among {
    (value.as_str(), L::VALUES)
}

/// A label of a call site: its name, and its value if that stands in the source.
pub(crate) type SiteLabel = (&'static str, Option<&'static str>);

/// A metric as a call site finds it.
#[derive(Debug)]
struct Family<B: Bound> {
    instrument: B::Instrument,
    /// Where the value of each label of the metric comes from; the labels may stand in another
    /// order at the site.
    values: Box<[Origin]>,
}

#[derive(Clone, Copy, Debug)]
enum Origin {
    Source(&'static str),
    /// The position among those that come with the call.
    Call(usize),
}

impl<B: Bound> Family<B> {
    fn of(
        collector: &MetricsCollector,
        name: &'static str,
        own: Option<&MetricDef>,
        labels: &[SiteLabel],
    ) -> Result<Self, Error> {
        let names: Vec<_> = labels.iter().map(|(name, _)| *name).collect();
        let instrument = B::instrument(collector, name, own, &names)?;
        let mut varying = 0..;
        let origins = labels.iter().map(|(_, text)| match text {
            Some(text) => Origin::Source(text),
            None => Origin::Call(varying.next().unwrap_or_default()),
        });
        let origins: Vec<_> = origins.collect();
        // Every label of the metric is one of the call's, and the other way round: `instrument` saw to it.
        let order = B::order(&instrument, &names);
        let values = order.iter().filter_map(|at| origins.get(*at).copied());
        let values = values.collect();
        Ok(Self { instrument, values })
    }

    /// The values that each label can have, as far as the site knows them.
    fn known<'a, const VARYING: usize>(
        &'a self,
        among: &'a [Among; VARYING],
    ) -> impl Iterator<Item = Option<&'a [&'static str]>> {
        self.values.iter().map(|origin| match origin {
            Origin::Source(text) => Some(core::slice::from_ref(text)),
            Origin::Call(at) => among.get(*at).and_then(|(_, all)| *all),
        })
    }

    /// The metric's worst case counts what its labels can have.
    fn declare<const VARYING: usize>(&self, among: &[Among; VARYING]) {
        for (at, all) in self.known(among).enumerate() {
            if let Some(all) = all {
                B::declare(&self.instrument, at, all);
            }
        }
    }

    /// Lets a counter whose labels the site knows show every combination of their values, with 0:
    /// what counts a success shows that there was no failure yet. Other kinds are not 0 before
    /// their first value, or take many lines to say so.
    fn count_from_zero<const VARYING: usize>(&self, among: &[Among; VARYING]) {
        if VARYING == 0 || B::KIND != Kind::Counter {
            return;
        }
        let Some(known) = self.known(among).collect::<Option<Vec<_>>>() else {
            return;
        };
        let each = known.iter().map(|all| all.len());
        let combinations = each.fold(1, usize::saturating_mul);
        if combinations > MOST_AHEAD {
            return;
        }
        for number in 0..combinations {
            let mut rest = number;
            let values = known.iter().map(|all| {
                let value = all[rest % all.len()];
                rest /= all.len();
                value
            });
            B::add_ahead(&self.instrument, &values.collect::<Vec<_>>());
        }
    }

    /// The series of these values.
    fn bind(&self, varying: &[&'static str]) -> Result<B, Error> {
        let values = self.values.iter().map(|origin| match origin {
            Origin::Source(text) => *text,
            Origin::Call(at) => varying.get(*at).copied().unwrap_or_default(),
        });
        B::bind(&self.instrument, &values.collect::<Vec<_>>())
    }
}

/// One `counter!`, `gauge!` or `histogram!` in the source. The values of `VARYING` of its labels
/// come with the call.
#[derive(Debug)]
pub struct MetricSite<B: Bound, const VARYING: usize> {
    name: &'static str,
    /// What obs says of the metric, if it is its own.
    own: Option<&'static MetricDef>,
    labels: &'static [SiteLabel],
    /// By the epoch.
    memories: [OnceLock<Memory<B, VARYING>>; MEMORIES],
    /// That of a later epoch, and which.
    late: RwLock<Option<(u64, Memory<B, VARYING>)>>,
    told: AtomicBool,
}

/// What a site knows since one epoch began.
#[derive(Debug)]
struct Memory<B: Bound, const VARYING: usize> {
    /// Of the first call; all that there is if no label varies.
    first: Kept<B, VARYING>,
    others: Option<Box<Others<B, VARYING>>>,
}

/// A handle, and the values that it is for.
#[derive(Debug)]
struct Kept<B, const VARYING: usize> {
    values: [&'static str; VARYING],
    bound: B,
}

impl<B, const VARYING: usize> Kept<B, VARYING> {
    /// A copy of a text that lies elsewhere has a handle of its own, to the same series.
    #[inline]
    fn is_for(&self, values: &[&'static str; VARYING]) -> bool {
        let mut pairs = self.values.iter().zip(values);
        pairs.all(|(kept, value)| ptr::eq(*kept, *value))
    }
}

/// The handles of all further values, up to the series that a metric has; with more combinations
/// of values each call looks its series up.
#[derive(Debug)]
struct Others<B: Bound, const VARYING: usize> {
    family: Family<B>,
    index: Index<Kept<B, VARYING>>,
}

impl<B: Bound, const VARYING: usize> Others<B, VARYING> {
    #[inline]
    fn find(&self, values: &[&'static str; VARYING]) -> Option<&B> {
        let found = self.index.find(hash(values), |kept| kept.is_for(values));
        found.map(|kept| &kept.bound)
    }

    /// The handle for values that were not found, and from now on are, as long as there is room.
    fn add(&self, values: &[&'static str; VARYING]) -> Result<Cow<'_, B>, Error> {
        let bound = self.family.bind(values)?;
        let keep = || {
            let (values, bound) = (*values, bound.clone());
            Some(Kept { values, bound })
        };
        let is = |kept: &Kept<B, VARYING>| kept.is_for(values);
        let found = self.index.find_or_insert(hash(values), is, keep);
        Ok(match found {
            Some(kept) => Cow::Borrowed(&kept.bound),
            None => Cow::Owned(bound),
        })
    }
}

/// Of where the texts lie.
#[inline]
fn hash<const VARYING: usize>(values: &[&'static str; VARYING]) -> u64 {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    values.iter().fold(SEED, |state, text| {
        fold(
            state ^ text.as_ptr().addr() as u64,
            SEED ^ text.len() as u64,
        )
    })
}

impl<B: Bound, const VARYING: usize> Memory<B, VARYING> {
    fn new(family: Family<B>, values: [&'static str; VARYING]) -> Result<Self, Error> {
        let bound = family.bind(&values)?;
        let index = Index::new(MAX_SERIES);
        Ok(Self {
            first: Kept { values, bound },
            others: (VARYING > 0).then(|| Box::new(Others { family, index })),
        })
    }

    #[inline]
    fn find(&self, values: &[&'static str; VARYING]) -> Option<&B> {
        if self.first.is_for(values) {
            return Some(&self.first.bound);
        }
        self.others.as_ref()?.find(values)
    }

    /// The types of a generic function have values of their own.
    fn declare(&self, among: &[Among; VARYING]) {
        let others = self.others.as_ref();
        if let Some(others) = others.filter(|others| !others.index.is_full()) {
            others.family.declare(among);
            others.family.count_from_zero(among);
        }
    }

    fn find_or_add(&self, values: &[&'static str; VARYING]) -> Result<Cow<'_, B>, Error> {
        match (self.find(values), &self.others) {
            (Some(bound), _) => Ok(Cow::Borrowed(bound)),
            (None, Some(others)) => others.add(values),
            // No values are all found.
            (None, None) => Ok(Cow::Borrowed(&self.first.bound)),
        }
    }
}

impl<B: Bound, const VARYING: usize> MetricSite<B, VARYING> {
    /// # Panics
    /// When the name is not valid: at compile time, because a site is a static.
    pub const fn new(name: &'static str, labels: &'static [SiteLabel]) -> Self {
        assert!(
            validate::is_name(name),
            "a metric name starts with a letter, goes on with letters, digits, `_`, `.`, `-` and \
             `/`, and has at most 255 characters"
        );
        Self::with(name, None, labels)
    }

    /// A site of a metric of obs itself.
    pub(crate) const fn own(def: &'static MetricDef, labels: &'static [SiteLabel]) -> Self {
        Self::with(def.name, Some(def), labels)
    }

    const fn with(
        name: &'static str,
        own: Option<&'static MetricDef>,
        labels: &'static [SiteLabel],
    ) -> Self {
        Self {
            name,
            own,
            labels,
            memories: [const { OnceLock::new() }; MEMORIES],
            late: RwLock::new(None),
            told: AtomicBool::new(false),
        }
    }

    /// The series of these values, of the labels that have none in the source, in the collector of
    /// the scope that the call belongs to.
    #[inline]
    #[must_use = "the macro only finds the series: call a method of it, such as `.inc()`, `.set(…)` or `.observe(…)`"]
    pub fn bind(&'static self, among: [Among; VARYING]) -> Cow<'static, B> {
        let values = among.map(|(text, _)| text);
        let epoch = bound::epoch();
        if let Some(memory) = self.slot(epoch).and_then(OnceLock::get)
            && local().scope() == 0
            && let Some(bound) = memory.find(&values)
        {
            return Cow::Borrowed(bound);
        }
        // The epoch was read first: a handle that is older than a change is kept under the number of before.
        self.look_up(epoch, &values, &among)
    }

    #[inline]
    fn slot(&self, epoch: u64) -> Option<&OnceLock<Memory<B, VARYING>>> {
        self.memories.get(usize::try_from(epoch).ok()?)
    }

    #[cold]
    #[inline(never)]
    fn look_up(
        &'static self,
        epoch: u64,
        values: &[&'static str; VARYING],
        among: &[Among; VARYING],
    ) -> Cow<'static, B> {
        let Some(_inside) = Inside::first() else {
            self_obs::count_reentrant_value();
            return Cow::Owned(B::NOWHERE);
        };
        let found = if local().scope() != 0 {
            let family = self.family(&scope::current_metrics(), among);
            family.and_then(|family| family.bind(values).map(Cow::Owned))
        } else if let Some(slot) = self.slot(epoch) {
            self.remember(slot, values, among)
        } else {
            self.late(epoch, values, among).map(Cow::Owned)
        };
        found.unwrap_or_else(|error| Cow::Owned(self.refuse(&error)))
    }

    fn family(
        &self,
        collector: &MetricsCollector,
        among: &[Among; VARYING],
    ) -> Result<Family<B>, Error> {
        let family = Family::of(collector, self.name, self.own, self.labels)?;
        family.declare(among);
        Ok(family)
    }

    fn remember(
        &self,
        slot: &'static OnceLock<Memory<B, VARYING>>,
        values: &[&'static str; VARYING],
        among: &[Among; VARYING],
    ) -> Result<Cow<'static, B>, Error> {
        if let Some(memory) = slot.get() {
            memory.declare(among);
            return memory.find_or_add(values);
        }
        let memory = self.memory(*values, among)?;
        slot.get_or_init(|| memory).find_or_add(values)
    }

    /// A memory can be replaced only where nobody borrows from it.
    fn late(
        &self,
        epoch: u64,
        values: &[&'static str; VARYING],
        among: &[Among; VARYING],
    ) -> Result<B, Error> {
        // Not waited for: whoever holds the lock may be a thread that a fork has left behind.
        let late = self.late.try_read();
        if let Ok(Some((since, memory))) = late.as_deref()
            && *since == epoch
        {
            if memory.find(values).is_none() {
                memory.declare(among);
            }
            return memory.find_or_add(values).map(Cow::into_owned);
        }
        drop(late);
        let memory = self.memory(*values, among)?;
        let bound = memory.first.bound.clone();
        // Freeing the cells takes a lock of its own.
        let old = self.late.try_write();
        let old = old.map(|mut late| late.replace((epoch, memory)));
        drop(old);
        Ok(bound)
    }

    fn memory(
        &self,
        values: [&'static str; VARYING],
        among: &[Among; VARYING],
    ) -> Result<Memory<B, VARYING>, Error> {
        let collector = scope::current_metrics();
        collector.is_remembered();
        let family = self.family(&collector, among)?;
        family.count_from_zero(among);
        Memory::new(family, values)
    }

    /// The program goes on: the loss is counted as a refused value of the metric, and said once.
    fn refuse(&self, error: &Error) -> B {
        scope::current_metrics().refuse(self.name);
        if !self.told.swap(true, Ordering::Relaxed) {
            self_log::once(format!("metrics: {error}"));
        }
        B::detached(self.name)
    }
}

#[cfg(test)]
#[path = "metric_site_tests.rs"]
mod tests;
