//! Metrics of obs itself whose labels differ from series to series: `error.type` is on failures
//! alone.
//!
//! They are ordinary instruments with open labels, found by their definition at each update: a
//! request or a model call takes longer than that, and what is taken out of the collector
//! (`MetricsCollector::clear`) begins anew.

use std::sync::Arc;

#[cfg(any(feature = "llm", feature = "reqwest", feature = "tower"))]
use super::Histogram;
use super::MetricsCollector;
use super::builder::{Instrument, InstrumentBuilder, report};
use super::instrument::Core;
use crate::Error;
use crate::semconv::MetricDef;

/// Labels by name; an empty value is no label.
type Given<'a> = &'a [(&'a str, &'a str)];

impl MetricsCollector {
    /// Adds to a counter.
    #[cfg(any(feature = "llm", feature = "cache", feature = "steps"))]
    pub(crate) fn count(&self, def: &MetricDef, labels: Given<'_>, amount: u64) {
        let counter = self.open::<super::Counter>(def);
        let series = counter.and_then(|counter| counter.with_labels(labels));
        report(def, series.map(|series| series.add(amount)));
    }

    /// Adds a series of a counter with nothing in it; the labels are in the order of their names.
    #[cfg(any(feature = "cache", feature = "steps"))]
    pub(crate) fn count_ahead(&self, def: &MetricDef, labels: Given<'_>) {
        if let Some(counter) = report(def, self.open::<super::Counter>(def)) {
            counter.add_ahead_open(labels);
        }
    }

    /// Returns a series of an up-down counter. Whoever adds to it takes away from the same one, even if
    /// the collector was cleared in between.
    #[cfg(feature = "llm")]
    pub(crate) fn up_down(
        &self,
        def: &MetricDef,
        labels: Given<'_>,
    ) -> Option<super::BoundUpDownCounter> {
        let counter = self.open::<super::UpDownCounter>(def);
        report(def, counter.and_then(|counter| counter.with_labels(labels)))
    }

    /// Takes a value of a histogram.
    #[cfg(any(feature = "llm", feature = "reqwest", feature = "tower"))]
    pub(crate) fn observe(&self, def: &MetricDef, labels: Given<'_>, value: f64) {
        let histogram = self.open::<Histogram>(def);
        let series = histogram.and_then(|histogram| histogram.with_labels(labels));
        report(def, series.map(|series| series.observe(value)));
    }

    /// Takes several values of a histogram.
    #[cfg(feature = "llm")]
    pub(crate) fn observe_all(
        &self,
        def: &MetricDef,
        labels: Given<'_>,
        values: impl IntoIterator<Item = f64>,
    ) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return;
        }
        let histogram = self.open::<Histogram>(def);
        let series = histogram.and_then(|histogram| histogram.with_labels(labels));
        let observe =
            |series: super::BoundHistogram| values.for_each(|value| series.observe(value));
        report(def, series.map(observe));
    }

    /// Returns the instrument of a metric of obs itself whose labels are open. The first call
    /// defines it, later ones only find it: the names of these metrics are in lower case.
    fn open<I: Instrument>(&self, def: &MetricDef) -> Result<I, Error> {
        let is = |core: &Arc<Core>| {
            core.kind == I::KIND && core.series.names().is_open() && core.unit == def.unit
        };
        match self.core_in_lower_case(def.name).filter(is) {
            Some(core) => Ok(I::from_core(core)),
            None => InstrumentBuilder::of(self, def).open_labels().build(),
        }
    }
}

#[cfg(all(test, feature = "llm"))]
#[path = "own_tests.rs"]
mod tests;
