//! What a call site of `counter!`, `gauge!` or `histogram!` needs of an instrument, and until when
//! the handles that it caches hold.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use super::MetricsCollector;
use super::instrument::Kind;
use crate::Error;
use crate::semconv::MetricDef;

/// How often an `Observability` became the default or its metrics were taken out: what was
/// remembered before does not hold any more.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// Lets no call site use what it remembers from now on. It is to be called after the change.
pub(crate) fn forget() {
    EPOCH.fetch_add(1, Ordering::Release);
}

/// Returns the number of the present epoch.
#[inline]
pub(crate) fn epoch() -> u64 {
    EPOCH.load(Ordering::Acquire)
}

/// A handle of one series that a call site can cache.
pub trait Bound: Clone + Sized {
    /// A handle of no series, which needs no memory: whatever it takes is lost.
    const NOWHERE: Self;

    /// The metric that it is a series of.
    type Instrument: fmt::Debug;

    /// The metric's kind.
    const KIND: Kind;

    /// Finds or defines the metric with these labels, in any order. One of obs itself has a
    /// definition.
    ///
    /// # Errors
    /// When the metric exists with another kind or other labels.
    fn instrument(
        collector: &MetricsCollector,
        name: &'static str,
        own: Option<&MetricDef>,
        labels: &[&str],
    ) -> Result<Self::Instrument, Error>;

    /// Returns where each label of the metric, in its order, stands in the given list.
    fn order(instrument: &Self::Instrument, labels: &[&str]) -> Box<[usize]>;

    /// Returns the series of these values, which are in the metric's order.
    ///
    /// # Errors
    /// When there is no room.
    fn bind(instrument: &Self::Instrument, values: &[&str]) -> Result<Self, Error>;

    /// Adds the series of these values, which are in the metric's order, with nothing in it.
    fn add_ahead(instrument: &Self::Instrument, values: &[&str]);

    /// Notes that the label at this place in the metric's order can have these values.
    fn declare(instrument: &Self::Instrument, at: usize, all: &[&'static str]);

    /// Creates a series that nobody collects.
    fn detached(name: &'static str) -> Self;
}
