//! What `counter!`, `gauge!` and `histogram!` become: a static that remembers its handles.
//!
//! The memory serves the default scope alone; calls of another one (`testing::capture`) look their series up.

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::borrow::Cow;
use std::sync::OnceLock;

use super::label::Label;
use super::{MetricsCollector, validate};
use crate::trace::local::local;
use crate::{Error, init, self_log};

/// Most handles that a call site remembers; with more combinations of values each call looks its series up.
const MOST_HANDLES: usize = 256;

/// Epochs that have a memory of their own: before the installation, after it, and after two changes more.
const MEMORIES: usize = 4;

/// How often an `Observability` became the default or its metrics were taken out: what was remembered before
/// does not hold any more.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// From now on no call site uses what it remembers. To be called after the change.
pub(crate) fn forget() {
    EPOCH.fetch_add(1, Ordering::Release);
}

/// A label's value at a call, and the values that the label can have there.
#[derive(Clone, Copy, Debug)]
pub struct LabelValue {
    text: &'static str,
    all: Option<&'static [&'static str]>,
}

impl LabelValue {
    pub(super) fn text(self) -> &'static str {
        self.text
    }
}

/// A value of a type that is a label.
#[inline]
pub fn label<L: Label>(value: &L) -> LabelValue {
    LabelValue {
        text: value.as_str(),
        all: L::VALUES,
    }
}

/// A value that stands in the source.
#[inline]
pub const fn constant_label(all: &'static [&'static str; 1]) -> LabelValue {
    LabelValue {
        text: all[0],
        all: Some(all),
    }
}

/// A handle that a call site can have.
pub trait Bound: Clone + Sized {
    /// The metric that it is a series of.
    type Instrument: fmt::Debug;

    /// The metric with these labels, in any order.
    ///
    /// # Errors
    /// When the metric exists with another kind or other labels.
    fn instrument(
        collector: &MetricsCollector,
        name: &'static str,
        labels: &[&str],
    ) -> Result<Self::Instrument, Error>;

    /// Where each label of the metric, in its order, stands in the given list.
    fn order(instrument: &Self::Instrument, labels: &[&str]) -> Box<[usize]>;

    /// The series of these values, in the metric's order.
    ///
    /// # Errors
    /// When there is no room.
    fn bind(instrument: &Self::Instrument, values: &[&str]) -> Result<Self, Error>;

    /// A series that nobody collects.
    fn detached(name: &'static str) -> Self;
}

/// A metric as a call site finds it: its labels may stand in another order there.
#[derive(Debug)]
struct Family<B: Bound> {
    instrument: B::Instrument,
    order: Box<[usize]>,
}

impl<B: Bound> Family<B> {
    fn of(
        collector: &MetricsCollector,
        name: &'static str,
        labels: &[&str],
    ) -> Result<Self, Error> {
        let instrument = B::instrument(collector, name, labels)?;
        let order = B::order(&instrument, labels);
        Ok(Self { instrument, order })
    }

    fn bind<const N: usize>(&self, values: &[LabelValue; N]) -> Result<B, Error> {
        // Every label of the metric is one of the call's, and the other way round: `instrument` saw to it.
        let ordered: [&str; N] = core::array::from_fn(|i| {
            let value = self.order.get(i).and_then(|at| values.get(*at));
            value.map_or("", |value| value.text)
        });
        B::bind(&self.instrument, &ordered)
    }
}

/// One `counter!`, `gauge!` or `histogram!` in the source.
#[derive(Debug)]
pub struct MetricSite<B: Bound, const N: usize> {
    name: &'static str,
    labels: [&'static str; N],
    memories: [OnceLock<Memory<B>>; MEMORIES],
    told: AtomicBool,
}

/// What is known since one epoch began.
#[derive(Debug)]
struct Memory<B: Bound> {
    epoch: u64,
    family: Family<B>,
    handles: Handles<B>,
}

/// Handles by the positions of their values.
#[derive(Debug)]
struct Handles<B> {
    /// The values of each label. The static of a generic function serves all its types, and their values differ.
    all: Box<[Option<&'static [&'static str]>]>,
    handles: Box<[OnceLock<B>]>,
}

impl<B> Handles<B> {
    /// Without room for handles if there would be too many.
    fn new(values: &[LabelValue]) -> Self {
        let combinations = values.iter().try_fold(1_usize, |product, value| {
            product.checked_mul(value.all?.len())
        });
        let handles = combinations.filter(|len| *len <= MOST_HANDLES);
        Self {
            all: values.iter().map(|value| value.all).collect(),
            handles: (0..handles.unwrap_or(0)).map(|_| OnceLock::new()).collect(),
        }
    }

    #[inline]
    fn handle(&self, values: &[LabelValue]) -> Option<&OnceLock<B>> {
        let mut at = 0_usize;
        for (value, known) in values.iter().zip(&self.all) {
            let (all, known) = (value.all?, (*known)?);
            if !core::ptr::eq(all, known) && all != known {
                return None;
            }
            if all.len() > 1 {
                let position = all.iter().position(|text| *text == value.text)?;
                at = at.checked_mul(all.len())?.checked_add(position)?;
            }
        }
        self.handles.get(at)
    }
}

impl<B: Bound, const N: usize> MetricSite<B, N> {
    /// # Panics
    /// When the name is not valid: at compile time, because a site is a static.
    pub const fn new(name: &'static str, labels: [&'static str; N]) -> Self {
        assert!(
            validate::is_name(name),
            "a metric name starts with a letter, goes on with letters, digits, `_`, `.`, `-` and \
             `/`, and has at most 255 characters"
        );
        Self {
            name,
            labels,
            memories: [const { OnceLock::new() }; MEMORIES],
            told: AtomicBool::new(false),
        }
    }

    /// The series of these values in the collector of the scope that the call belongs to.
    #[inline]
    #[must_use = "the macro only finds the series: call a method of it, such as `.inc()`, `.set(…)` or `.observe(…)`"]
    pub fn bind(&'static self, values: [LabelValue; N]) -> Cow<'static, B> {
        let epoch = EPOCH.load(Ordering::Acquire);
        if let Some(memory) = self.memory(epoch).get()
            && memory.epoch == epoch
            && local().scope() == 0
        {
            match memory.handles.handle(&values) {
                Some(handle) => {
                    if let Some(bound) = handle.get() {
                        return Cow::Borrowed(bound);
                    }
                }
                // Values that cannot be enumerated: the metric at least is known.
                None => {
                    if let Ok(bound) = memory.family.bind(&values) {
                        return Cow::Owned(bound);
                    }
                }
            }
        }
        // The epoch was read first: a handle that is older than a change is kept under the number of before.
        self.look_up(epoch, &values)
    }

    #[inline]
    fn memory(&self, epoch: u64) -> &OnceLock<Memory<B>> {
        let last = MEMORIES - 1;
        &self.memories[usize::try_from(epoch).map_or(last, |epoch| epoch.min(last))]
    }

    #[cold]
    #[inline(never)]
    fn look_up(&'static self, epoch: u64, values: &[LabelValue; N]) -> Cow<'static, B> {
        let collector = init::current_metrics();
        let is_default = local().scope() == 0;
        if is_default {
            collector.is_remembered();
        }
        let found = Family::of(&collector, self.name, &self.labels)
            .and_then(|family: Family<B>| Ok((family.bind(values)?, family)));
        let (bound, family) = match found {
            Ok(found) => found,
            Err(error) => return Cow::Owned(self.refuse(&collector, &error)),
        };
        if !is_default {
            return Cow::Owned(bound);
        }
        let memory = self.memory(epoch).get_or_init(|| Memory {
            epoch,
            family,
            handles: Handles::new(values),
        });
        match memory.handles.handle(values) {
            Some(handle) if memory.epoch == epoch => Cow::Borrowed(handle.get_or_init(|| bound)),
            _ => Cow::Owned(bound),
        }
    }

    /// The program goes on: the loss is counted as a refused value of the metric, and said once.
    fn refuse(&self, collector: &MetricsCollector, error: &Error) -> B {
        collector.refuse(self.name);
        if !self.told.swap(true, Ordering::Relaxed) {
            self_log::once(format!("metrics: {error}"));
        }
        B::detached(self.name)
    }
}

#[cfg(test)]
#[path = "site_tests.rs"]
mod tests;
