//! The account of obs, which says what was recorded, exported and lost.

use core::fmt;

pub use crate::self_obs::{DropReason, ExporterStats, LogStats, SpanStats};

/// The account of what obs took, passed on and lost so far.
///
/// With the feature `serde` it is serialized with its fields; the losses of an exporter are an
/// object by reason.
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use obs_runtime::stats::Stats;
///
/// let json = serde_json::to_value(Stats::default())?;
/// assert_eq!(json["spans"]["recorded"], 0);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// The account of spans.
    pub spans: SpanStats,
    /// The accounts of metric exporters, whose items are points.
    pub metrics: Vec<ExporterStats>,
    /// The account of log records.
    pub logs: LogStats,
    /// The number of attributes, events and calls that came after their span or their `Observability` had
    /// ended, in the whole process.
    pub late: u64,
    /// The number of calls of annotated functions that obs itself made while it allocated, and could not
    /// record, in the whole process ([`DropReason::Reentrant`]).
    pub reentrant_calls: u64,
    /// The number of values of metrics for which the same holds.
    pub reentrant_values: u64,
}

impl Stats {
    /// Returns everything that was lost, by reason; reasons without a loss are left out.
    pub fn dropped(&self) -> Vec<(DropReason, u64)> {
        let mut by_reason = std::collections::BTreeMap::new();
        let exporters = self.spans.exporters.iter();
        let exporters = exporters.chain(&self.metrics).chain(&self.logs.exporters);
        let all = exporters.flat_map(|e| e.dropped.iter().copied()).chain([
            (DropReason::BufferFull, self.spans.lost + self.logs.lost),
            (DropReason::TailSampled, self.spans.sampled_out),
            (DropReason::Late, self.late),
            (
                DropReason::Reentrant,
                self.reentrant_calls + self.reentrant_values,
            ),
        ]);
        for (reason, items) in all.filter(|(_, items)| *items > 0) {
            *by_reason.entry(reason).or_insert(0) += items;
        }
        by_reason.into_iter().collect()
    }

    /// Returns the number of lost items of every kind.
    pub fn dropped_total(&self) -> u64 {
        self.dropped().iter().map(|(_, items)| items).sum()
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} spans recorded", self.spans.recorded)?;
        for exporter in &self.spans.exporters {
            sent(f, exporter)?;
            if exporter.spooled > 0 {
                write!(f, ", {} on disk", exporter.spooled)?;
            }
        }
        if !self.logs.exporters.is_empty() {
            write!(f, "; {} log records", self.logs.recorded)?;
        }
        for exporter in &self.logs.exporters {
            sent(f, exporter)?;
        }
        for (reason, items) in self.dropped() {
            write!(f, ", {items} lost ({reason})")?;
        }
        Ok(())
    }
}

fn sent(f: &mut fmt::Formatter<'_>, exporter: &ExporterStats) -> fmt::Result {
    let (name, exported, in_flight) = (exporter.name, exporter.exported, exporter.in_flight);
    write!(f, ", {name}: {exported} exported, {in_flight} in flight")
}

/// The parts that do not work: what could not start, and which exporter failed last time.
///
/// An exporter that fails is named with its last failure, since when it has been failing, and what to check; it is left
/// out again once it succeeds. The same is served as `/health`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Health {
    /// The problems, one sentence for each part that does not work.
    pub problems: Vec<String>,
}

impl Health {
    /// Returns whether everything that was asked for works.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}

#[cfg(all(test, feature = "serde"))]
#[path = "stats_tests.rs"]
mod tests;
