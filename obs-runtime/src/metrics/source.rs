//! The sources that are asked for metrics when somebody collects, beside the instruments.

use core::fmt;
use std::sync::{Arc, Mutex};

use super::snapshot::{
    Labels, MetricData, MetricFamily, MetricSource, Number, NumberPoint, Points,
};
use crate::guarded::guarded;
use crate::lock::lock;
use crate::self_log;
use crate::semconv::MetricDef;
use crate::trace::suppress::suppress;

/// The sources of a scope.
#[derive(Default)]
pub(crate) struct Sources {
    /// The program's.
    given: Mutex<Vec<Arc<dyn MetricSource>>>,
    /// Those of obs itself, whose metrics have names that nobody else's can have.
    own: Mutex<Vec<Arc<dyn MetricSource>>>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

impl Sources {
    /// Adds a source that the program has given.
    pub(crate) fn add(&self, source: Arc<dyn MetricSource>) {
        lock(&self.given).push(source);
    }

    /// Adds a source of obs itself.
    #[cfg_attr(
        not(any(
            feature = "alert",
            feature = "prometheus",
            feature = "llm",
            feature = "opentelemetry"
        )),
        allow(dead_code, reason = "for domains behind features")
    )]
    pub(crate) fn add_own(&self, source: Arc<dyn MetricSource>) {
        lock(&self.own).push(source);
    }

    /// Asks every source, outside of the lock. A metric that is there already stays as it is.
    pub(crate) fn collect(&self, out: &mut Vec<MetricFamily>) {
        let given = lock(&self.given).clone();
        for source in given {
            let mut found = Vec::new();
            // A collection may come by a thread of the program, and must not be recorded by what it asks.
            let _suppressed = suppress();
            if guarded(|| source.collect(&mut found)).is_none() {
                let text = format_args!("a source of metrics panicked: some of its are missing");
                self_log::warn("metrics", "source", text);
            }
            for family in found {
                if out
                    .iter()
                    .any(|f| f.name.eq_ignore_ascii_case(&family.name))
                {
                    let text = format_args!(
                        "metric `{}` of a source exists already, the source's is left out: use another name",
                        family.name
                    );
                    self_log::warn("metrics", "twice", text);
                } else {
                    out.push(family);
                }
            }
        }
        let own = lock(&self.own).clone();
        for source in own {
            source.collect(out);
        }
    }
}

/// Returns the point of one series, without an exemplar.
pub(crate) fn point(labels: Labels, start_unix_nanos: u64, value: Number) -> NumberPoint {
    NumberPoint {
        labels,
        start_unix_nanos,
        value,
        exemplar: None,
    }
}

/// Adds a metric, unless it has no points.
#[cfg_attr(
    not(any(
        feature = "alert",
        feature = "prometheus",
        feature = "llm",
        feature = "process-metrics",
        feature = "tokio-metrics"
    )),
    allow(dead_code, reason = "for sources behind features")
)]
pub(crate) fn push(
    out: &mut Vec<MetricFamily>,
    def: &MetricDef,
    kind: fn(Points<NumberPoint>) -> MetricData,
    points: Vec<NumberPoint>,
) {
    if !points.is_empty() {
        out.push(MetricFamily::new(def, kind(points.into())));
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
