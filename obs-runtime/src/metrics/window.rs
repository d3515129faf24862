//! A window over the newest values, for quantiles that follow the last while.

use crate::lock::lock;
use std::sync::Mutex;

/// Keeps the newest values and answers with exact quantiles of them: for decisions inside the
/// program, such as a timeout that follows the last requests. For what is exported use a
/// [`Histogram`](super::Histogram): it loses nothing, and histograms of several processes add up.
///
/// Recording replaces the oldest value, whatever the number of values; a quantile selects from a
/// copy.
///
/// ```
/// use obs_runtime::metrics::ValueWindow;
///
/// let window = ValueWindow::new(3);
/// for value in [1000.0, 1.0, 2.0, 3.0] {
///     window.record(value);
/// }
/// // The oldest value is gone.
/// assert_eq!(window.quantile(1.0), Some(3.0));
/// assert_eq!(window.percentile(50.0), Some(2.0));
/// ```
#[derive(Debug)]
pub struct ValueWindow {
    ring: Mutex<Ring>,
    size: usize,
}

#[derive(Debug, Default)]
struct Ring {
    values: Vec<f64>,
    /// Where the oldest value is, once the window is full.
    oldest: usize,
}

impl Default for ValueWindow {
    /// Creates a window that keeps the newest 10,000 values, in 80 KB.
    fn default() -> Self {
        Self::new(10_000)
    }
}

impl ValueWindow {
    /// Creates a window that keeps the newest `size` values, at least one.
    pub fn new(size: usize) -> Self {
        Self {
            ring: Mutex::default(),
            size: size.max(1),
        }
    }

    /// Takes a value; infinity and NaN are ignored.
    pub fn record(&self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let mut ring = lock(&self.ring);
        if ring.values.len() < self.size {
            ring.values.push(value);
        } else {
            let oldest = ring.oldest;
            ring.values[oldest] = value;
            ring.oldest = (oldest + 1) % self.size;
        }
    }

    /// Returns how many values there are, at most the window's size.
    pub fn len(&self) -> usize {
        lock(&self.ring).values.len()
    }

    /// Returns whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        let ring = lock(&self.ring);
        let sum = ring.values.iter().sum::<f64>();
        (!ring.values.is_empty()).then(|| sum / ring.values.len() as f64)
    }

    /// Returns the smallest value that is not below the part `q` (0 to 1) of the values, exactly;
    /// `None` without values and for a `q` outside of 0 to 1.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if !(0.0..=1.0).contains(&q) {
            return None;
        }
        // Those who record wait for the copy, not for the selection.
        let mut values = lock(&self.ring).values.clone();
        let last = values.len().checked_sub(1)?;
        let rank = ((q * values.len() as f64).ceil() as usize).clamp(1, last + 1);
        let (_, value, _) = values.select_nth_unstable_by(rank - 1, f64::total_cmp);
        Some(*value)
    }

    /// Returns a percentile (0 to 100), see [`quantile`](Self::quantile).
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        self.quantile(percent / 100.0)
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
