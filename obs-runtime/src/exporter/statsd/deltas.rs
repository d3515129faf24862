//! What counters added since it was last sent.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::metrics::Number;
use crate::metrics::snapshot::Labels;

/// A series: its metric's name and its labels.
pub(super) type Series = (Cow<'static, str>, Labels);

/// A counter, or the sum and the count of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Total {
    pub(super) sum: Number,
    /// 0 for counters.
    pub(super) count: u64,
}

/// The totals that the server knows of.
#[derive(Debug, Default)]
pub(super) struct Deltas {
    sent: HashMap<Series, Total>,
}

impl Deltas {
    /// What is new of a counter. One that is smaller than before began again.
    pub(super) fn counter(&self, series: &Series, now: Number) -> Number {
        match (self.sent.get(series).map(|t| t.sum), now) {
            (Some(Number::U64(before)), Number::U64(now)) if now >= before => {
                Number::U64(now - before)
            }
            (Some(before), now) if now.as_f64() >= before.as_f64() => {
                Number::F64(now.as_f64() - before.as_f64())
            }
            (_, now) => now,
        }
    }

    /// What is new of a histogram: its values may be negative, so that only the count tells
    /// whether it began again.
    pub(super) fn histogram(&self, series: &Series, sum: f64, count: u64) -> (f64, u64) {
        match self.sent.get(series) {
            Some(before) if count >= before.count => {
                (sum - before.sum.as_f64(), count - before.count)
            }
            _ => (sum, count),
        }
    }

    /// The server was told.
    pub(super) fn settle(&mut self, series: Series, total: Total) {
        self.sent.insert(series, total);
    }
}
