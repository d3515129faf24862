//! Counters: sums of amounts.

use std::sync::Arc;

use super::cells::{self, Cells, Reader, Slot};
use super::instrument::{Core, instrument};
use super::series::Series;
use super::snapshot::Number;
use crate::Error;

/// Whole amounts and others are added up apart, so that whole numbers stay exact.
const WHOLE: usize = 0;
const FRACTION: usize = 1;
pub(super) const CELLS: usize = 2;

/// A sum that only grows: calls, bytes, money spent.
///
/// ```
/// # use obs_runtime::metrics::MetricsCollector;
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// let rows = collector
///     .counter("rows")
///     .description("Rows that were processed")
///     .unit("{row}")
///     .labels(["pipeline", "task"])
///     .build()?;
/// let loaded = rows.with(["etl", "load"])?;
/// loaded.inc();
/// loaded.add(100);
/// assert_eq!(loaded.value(), 101.0);
/// assert_eq!(rows.value(), 101.0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Counter {
    core: Arc<Core>,
    only: Option<BoundCounter>,
}

/// One series of a [`Counter`].
#[derive(Clone, Debug)]
pub struct BoundCounter {
    slot: Slot,
    series: Arc<Series>,
}

instrument!(Counter, BoundCounter, Counter);

impl Counter {
    /// Adds 1 to a metric without labels; with labels nothing can be counted without
    /// [`with`](Self::with), and the call is [`refused`](Self::refused).
    #[inline]
    pub fn inc(&self) {
        self.add(1_u64);
    }

    /// Adds an amount to a metric without labels. A negative amount, infinity and NaN are
    /// [`refused`](Self::refused), and so is every amount if the metric has labels.
    #[inline]
    pub fn add(&self, amount: impl Into<Number>) {
        match &self.only {
            Some(only) => only.add(amount),
            None => self.core.shared.refuse(),
        }
    }

    /// The sum over all series.
    pub fn value(&self) -> f64 {
        self.core.sum(read_counter)
    }

    /// The value of the series with these label values; 0 if it was never counted, and reading
    /// does not create it.
    ///
    /// # Errors
    /// When the number of values is not that of the labels.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "an array of values reads better without `&`"
    )]
    pub fn get<const N: usize, V: AsRef<str>>(&self, values: [V; N]) -> Result<f64, Error> {
        let series = self.core.find(&values.each_ref().map(AsRef::as_ref))?;
        Ok(series.map_or(0.0, |s| read_counter(&s, &Reader::new()).as_f64()))
    }
}

impl BoundCounter {
    /// Adds 1.
    #[inline]
    pub fn inc(&self) {
        add_whole(self.slot, 1);
    }

    /// Adds an amount. A negative amount, infinity and NaN are refused and counted
    /// ([`Counter::refused`]).
    #[inline]
    pub fn add(&self, amount: impl Into<Number>) {
        match amount.into() {
            Number::U64(v) => add_whole(self.slot, v),
            Number::I64(v) if v >= 0 => add_whole(self.slot, v as u64),
            Number::F64(v) if v >= 0.0 && v.is_finite() => add_fraction(self.slot, v),
            Number::I64(_) | Number::F64(_) => self.series.shared.refuse(),
        }
    }

    /// The series' value.
    pub fn value(&self) -> f64 {
        read_counter(&self.series, &Reader::new()).as_f64()
    }
}

#[inline]
fn add_whole(slot: Slot, amount: u64) {
    cells::update(slot, |cells| cells.add(WHOLE, amount));
}

#[inline]
fn add_fraction(slot: Slot, amount: f64) {
    cells::update(slot, |cells| cells.add_f64(FRACTION, amount));
}

/// A sum that goes up and down: requests in flight, items of a queue.
///
/// ```
/// # use obs_runtime::metrics::MetricsCollector;
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// let queued = collector.up_down_counter("queue.items").unit("{item}").build()?;
/// queued.add(3);
/// queued.dec();
/// assert_eq!(queued.value(), 2.0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct UpDownCounter {
    core: Arc<Core>,
    only: Option<BoundUpDownCounter>,
}

/// One series of an [`UpDownCounter`].
#[derive(Clone, Debug)]
pub struct BoundUpDownCounter {
    slot: Slot,
    series: Arc<Series>,
}

instrument!(UpDownCounter, BoundUpDownCounter, UpDownCounter);

impl UpDownCounter {
    /// Adds 1 to a metric without labels; refused if it has labels.
    #[inline]
    pub fn inc(&self) {
        self.add(1_i64);
    }

    /// Takes 1 from a metric without labels; refused if it has labels.
    #[inline]
    pub fn dec(&self) {
        self.add(-1_i64);
    }

    /// Adds an amount, which may be negative, to a metric without labels. Infinity and NaN are
    /// [`refused`](Self::refused), and so is every amount if the metric has labels.
    #[inline]
    pub fn add(&self, amount: impl Into<Number>) {
        match &self.only {
            Some(only) => only.add(amount),
            None => self.core.shared.refuse(),
        }
    }

    /// The sum over all series.
    pub fn value(&self) -> f64 {
        self.core.sum(read_up_down)
    }

    /// The value of the series with these label values; 0 if there is none, and reading does not
    /// create it.
    ///
    /// # Errors
    /// When the number of values is not that of the labels.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "an array of values reads better without `&`"
    )]
    pub fn get<const N: usize, V: AsRef<str>>(&self, values: [V; N]) -> Result<f64, Error> {
        let series = self.core.find(&values.each_ref().map(AsRef::as_ref))?;
        Ok(series.map_or(0.0, |s| read_up_down(&s, &Reader::new()).as_f64()))
    }
}

impl BoundUpDownCounter {
    /// Adds 1.
    #[inline]
    pub fn inc(&self) {
        self.add(1_i64);
    }

    /// Takes 1 away.
    #[inline]
    pub fn dec(&self) {
        self.add(-1_i64);
    }

    /// Adds an amount, which may be negative. Infinity and NaN are refused and counted
    /// ([`UpDownCounter::refused`]).
    #[inline]
    pub fn add(&self, amount: impl Into<Number>) {
        match amount.into() {
            Number::U64(v) => add_whole(self.slot, v),
            Number::I64(v) => add_whole(self.slot, v as u64),
            Number::F64(v) if v.is_finite() => add_fraction(self.slot, v),
            Number::F64(_) => self.series.shared.refuse(),
        }
    }

    /// The series' value.
    pub fn value(&self) -> f64 {
        read_up_down(&self.series, &Reader::new()).as_f64()
    }
}

/// Both sums over all threads.
fn sums(series: &Series, reader: &Reader) -> (u64, f64) {
    let add = |(whole, fraction): (u64, f64), cells: Cells<'_>| {
        let more = f64::from_bits(cells.get(FRACTION));
        (whole.wrapping_add(cells.get(WHOLE)), fraction + more)
    };
    reader.cells(series.slot()).fold((0, 0.0), add)
}

pub(super) fn read_counter(series: &Series, reader: &Reader) -> Number {
    match sums(series, reader) {
        (whole, 0.0) => Number::U64(whole),
        (whole, fraction) => Number::F64(whole as f64 + fraction),
    }
}

pub(super) fn read_up_down(series: &Series, reader: &Reader) -> Number {
    match sums(series, reader) {
        (whole, 0.0) => Number::I64(whole as i64),
        (whole, fraction) => Number::F64(whole as i64 as f64 + fraction),
    }
}
