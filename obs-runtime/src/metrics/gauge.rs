//! Gauges, which show the last value that was set.

use core::sync::atomic::Ordering;
use std::sync::Arc;

use super::cells::{Reader, Slot};
use super::instrument::Core;
use super::methods::{instrument, numeric};
use super::series::{Series, refuse};
use super::snapshot::Number;
use crate::Error;

/// A value that is set: a temperature, a size, a ratio. For sums of changes from many places an
/// [`UpDownCounter`](super::UpDownCounter) is cheaper.
///
/// ```
/// # use obs_runtime::metrics::MetricsCollector;
/// # fn main() -> Result<(), obs_runtime::Error> {
/// let collector = MetricsCollector::new();
/// let depth = collector.gauge("queue.depth").build()?;
/// depth.set(10);
/// depth.inc();
/// depth.add(5);
/// depth.sub(3);
/// assert_eq!(depth.value(), 13.0);
/// # Ok(())
/// # }
/// ```
///
/// Only numbers are values:
///
// bug: I3 (texts and truth values were set, and broke the scrape).
/// ```compile_fail,E0277
/// # fn f(depth: obs_runtime::metrics::Gauge) {
/// depth.set("ten");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Gauge {
    core: Arc<Core>,
    only: Option<BoundGauge>,
}

/// One series of a [`Gauge`].
#[derive(Clone, Debug)]
pub struct BoundGauge {
    /// A gauge has no cells.
    #[allow(dead_code, reason = "all handles are made by one macro")]
    slot: Slot,
    /// None of a handle that goes nowhere.
    series: Option<Arc<Series>>,
}

instrument!(Gauge, BoundGauge, Gauge);
numeric!(Gauge, BoundGauge, read, dec);

impl Gauge {
    /// Sets the value of a metric without labels; with labels the call is
    /// [`refused`](Self::refused), use [`with`](Self::with).
    pub fn set(&self, value: impl Into<Number>) {
        match &self.only {
            Some(only) => only.set(value),
            None => self.core.shared.refuse(),
        }
    }

    /// Takes an amount away; otherwise like [`add`](Self::add).
    pub fn sub(&self, amount: impl Into<Number>) {
        self.add(-amount.into().as_f64());
    }
}

impl BoundGauge {
    /// Sets the value; infinity and NaN are values too.
    #[inline]
    pub fn set(&self, value: impl Into<Number>) {
        let bits = value.into().as_f64().to_bits();
        if let Some(series) = &self.series {
            series.gauge.store(bits, Ordering::Relaxed);
        }
    }

    /// Adds an amount, which may be negative. Infinity and NaN are refused and counted
    /// ([`Gauge::refused`]).
    pub fn add(&self, amount: impl Into<Number>) {
        let amount = amount.into().as_f64();
        if !amount.is_finite() {
            return refuse(self.series.as_deref());
        }
        let sum = |bits| Some((f64::from_bits(bits) + amount).to_bits());
        if let Some(series) = &self.series {
            // The closure always has a value, so this cannot fail.
            let _ = series
                .gauge
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
        }
    }

    /// Takes an amount away; otherwise like [`add`](Self::add).
    pub fn sub(&self, amount: impl Into<Number>) {
        self.add(-amount.into().as_f64());
    }

    /// Adds 1.
    pub fn inc(&self) {
        self.add(1_u64);
    }

    /// Takes 1 away.
    pub fn dec(&self) {
        self.add(-1_i64);
    }
}

pub(super) fn read(series: &Series, _: &Reader) -> Number {
    Number::F64(f64::from_bits(series.gauge.load(Ordering::Relaxed)))
}
