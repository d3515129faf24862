//! What `counter!`, `gauge!` and `histogram!` become: a static that remembers its handles.
//!
//! The memory serves the default scope alone; calls of another one (`testing::capture`) look their series up.

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
    /// The series of these labels, given in any order.
    ///
    /// # Errors
    /// When the metric exists with another kind or other labels, or there is no room.
    fn bind(
        collector: &MetricsCollector,
        name: &'static str,
        labels: &[(&str, &str)],
    ) -> Result<Self, Error>;

    /// A series that nobody collects.
    fn detached(name: &'static str) -> Self;
}

/// One `counter!`, `gauge!` or `histogram!` in the source.
#[derive(Debug)]
pub struct MetricSite<B, const N: usize> {
    name: &'static str,
    labels: [&'static str; N],
    memories: [OnceLock<Memory<B>>; MEMORIES],
    told: AtomicBool,
}

/// The handles of one epoch, by the positions of their values.
#[derive(Debug)]
struct Memory<B> {
    epoch: u64,
    /// The values of each label. The static of a generic function serves all its types, and their values differ.
    all: Box<[Option<&'static [&'static str]>]>,
    handles: Box<[OnceLock<B>]>,
}

impl<B> Memory<B> {
    /// Without room for handles if there would be too many.
    fn new(epoch: u64, values: &[LabelValue]) -> Self {
        let combinations = values.iter().try_fold(1_usize, |product, value| {
            product.checked_mul(value.all?.len())
        });
        let handles = combinations.filter(|len| *len <= MOST_HANDLES);
        Self {
            epoch,
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
            && let Some(bound) = memory.handle(&values).and_then(OnceLock::get)
        {
            return Cow::Borrowed(bound);
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
        let pairs: [_; N] = core::array::from_fn(|i| (self.labels[i], values[i].text));
        let bound = match B::bind(&collector, self.name, &pairs) {
            Ok(bound) => bound,
            Err(error) => return Cow::Owned(self.refuse(&collector, &error)),
        };
        if !is_default {
            return Cow::Owned(bound);
        }
        let memory = self
            .memory(epoch)
            .get_or_init(|| Memory::new(epoch, values));
        match memory.handle(values) {
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
