//! Counters and up-down counters, which are sums of amounts.

use std::sync::Arc;

use super::cells::{self, Cells, Reader, Slot};
use super::exemplar;
use super::instrument::Core;
use super::methods::{instrument, numeric};
use super::series::{Series, refuse};
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
///
/// It has no way down:
///
/// ```compile_fail,E0599
/// # fn f(rows: obs_runtime::metrics::Counter) {
/// rows.dec();
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
    /// None of a handle that goes nowhere.
    series: Option<Arc<Series>>,
}

instrument!(Counter, BoundCounter, Counter);
numeric!(Counter, BoundCounter, read_counter);

impl Counter {
    /// Adds the series of open labels, in the order of their names, with nothing in it.
    #[cfg(any(feature = "cache", feature = "steps"))]
    pub(super) fn add_ahead_open(&self, labels: &[(&str, &str)]) {
        self.core.series.insert_ahead_open(labels);
    }
}

impl BoundCounter {
    /// Offers the amount as an example of what was counted.
    #[inline]
    fn example(&self, amount: f64) {
        if exemplar::is_wanted()
            && let Some(series) = &self.series
        {
            series.exemplars.offer(1, 0, amount);
        }
    }

    /// Adds 1.
    #[inline]
    pub fn inc(&self) {
        add_whole(self.slot, 1);
        self.example(1.0);
    }

    /// Adds an amount. A negative amount, infinity and NaN are refused and counted
    /// ([`Counter::refused`]).
    #[inline]
    pub fn add(&self, amount: impl Into<Number>) {
        let amount = amount.into();
        match amount {
            Number::U64(v) => add_whole(self.slot, v),
            Number::I64(v) if v >= 0 => add_whole(self.slot, v as u64),
            Number::F64(v) if v >= 0.0 && v.is_finite() => add_fraction(self.slot, v),
            Number::I64(_) | Number::F64(_) => return refuse(self.series.as_deref()),
        }
        self.example(amount.as_f64());
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
    /// None of a handle that goes nowhere.
    series: Option<Arc<Series>>,
}

instrument!(UpDownCounter, BoundUpDownCounter, UpDownCounter);
numeric!(UpDownCounter, BoundUpDownCounter, read_up_down, dec);

impl BoundUpDownCounter {
    /// Adds 1.
    #[inline]
    pub fn inc(&self) {
        add_whole(self.slot, 1);
    }

    /// Takes 1 away.
    #[inline]
    pub fn dec(&self) {
        // Adding 2^64 - 1 takes 1 away.
        add_whole(self.slot, u64::MAX);
    }

    /// Adds an amount, which may be negative. Infinity and NaN are refused and counted
    /// ([`UpDownCounter::refused`]).
    #[inline]
    pub fn add(&self, amount: impl Into<Number>) {
        match amount.into() {
            Number::U64(v) => add_whole(self.slot, v),
            Number::I64(v) => add_whole(self.slot, v as u64),
            Number::F64(v) if v.is_finite() => add_fraction(self.slot, v),
            Number::F64(_) => refuse(self.series.as_deref()),
        }
    }
}

/// Returns both sums over all threads.
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

#[cfg(test)]
#[path = "counter_tests.rs"]
mod tests;
