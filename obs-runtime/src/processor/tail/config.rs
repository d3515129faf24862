//! The configuration of tail sampling: the rules that keep a trace, and the limits of waiting.

use core::time::Duration;

use crate::Error;
use crate::trace::SpanMatch;

/// The rules of tail sampling, which keeps the traces that are worth it when they have ended.
///
/// Rules keep traces with an error, slow, expensive or named ones, and a share of all others. A
/// trace is kept as soon as one rule holds. If none holds until the first span of the trace in this
/// process has ended, the trace is not kept: its spans reach no exporter and are counted as
/// [`DropReason::TailSampled`](crate::stats::DropReason::TailSampled). Metrics count every call either
/// way. Each process decides for its own spans; only the ratio is the same decision everywhere.
///
/// Exemplars of function metrics name kept traces only: the call for which its trace was kept, and
/// those that end after it. Exemplars of instruments, and log records, name their trace before
/// anybody knows whether it is kept, as they do where a collector samples tails: such an id may
/// lead to nothing. The traces that [`keep_errors`](Self::keep_errors) keeps are those of failed
/// calls, whose errors are log records.
///
/// Spans that wait take at most [`max_bytes`](Self::max_bytes). In addition, 1 MiB remembers the
/// decisions of the latest 16,384 traces, so that what ends after its root goes the same way.
///
/// ```
/// use core::time::Duration;
/// use obs_runtime::{Observability, TailSampling};
///
/// let builder = Observability::builder().tail_sampling(
///     TailSampling::new()
///         .keep_errors()
///         .keep_slower_than(Duration::from_secs(2))
///         .keep_costlier_than(0.10)
///         .ratio(0.01),
/// );
/// # let _ = builder;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct TailSampling {
    pub(super) errors: bool,
    pub(super) slower_than: Option<Duration>,
    pub(super) costlier_than: Option<f64>,
    pub(super) matching: Vec<SpanMatch>,
    pub(super) ratio: f64,
    pub(super) max_bytes: usize,
    pub(super) decision_wait: Duration,
}

impl TailSampling {
    /// Creates a configuration that keeps nothing yet.
    pub const fn new() -> Self {
        Self {
            errors: false,
            slower_than: None,
            costlier_than: None,
            matching: Vec::new(),
            ratio: 0.0,
            max_bytes: 32 << 20,
            decision_wait: Duration::from_secs(300),
        }
    }

    /// Keeps traces with a span that failed or panicked.
    pub const fn keep_errors(mut self) -> Self {
        self.errors = true;
        self
    }

    /// Keeps traces with a span that took at least this long.
    pub const fn keep_slower_than(mut self, duration: Duration) -> Self {
        self.slower_than = Some(duration);
        self
    }

    /// Keeps traces whose spans together cost at least this much, in US dollars.
    ///
    /// The cost is the sum of the spans' `operation.cost`, and of `obs.cost.at_least` where a cost is
    /// not known exactly. The rule never keeps a trace without a cost.
    pub const fn keep_costlier_than(mut self, usd: f64) -> Self {
        self.costlier_than = Some(usd);
        self
    }

    /// Keeps traces with a span that fits. All attributes that the span has at its end are looked
    /// at.
    pub fn keep_matching(mut self, spans: SpanMatch) -> Self {
        self.matching.push(spans);
        self
    }

    /// Keeps this share of all traces, from 0 to 1, by their id. Default: 0.
    ///
    /// These are the traces that [`Sampler::ratio`](crate::Sampler::ratio) takes, in every process.
    /// They do not wait.
    pub const fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = ratio;
        self
    }

    /// Sets how many bytes waiting spans may take. Default: 32 MiB.
    ///
    /// They are part of the budget of the process
    /// ([`Builder::memory_limit`](crate::Builder::memory_limit)). Where they, or it, do not suffice, the trace that has waited longest is decided by what is known of
    /// it.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how long a trace may wait for the end of its first span in this process. Default: 5
    /// minutes.
    ///
    /// After that the trace is decided by what is known of it; it took at least as long as it
    /// waited.
    pub const fn decision_wait(mut self, wait: Duration) -> Self {
        self.decision_wait = wait;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&self.ratio) {
            return Err(Error::config(format!(
                "ratio of tail sampling {}: expected a number from 0 (no trace) to 1 (every trace)",
                self.ratio
            )));
        }
        if let Some(usd) = self.costlier_than.filter(|usd| usd.is_nan() || *usd < 0.0) {
            return Err(Error::config(format!(
                "tail sampling, keep_costlier_than({usd}): expected an amount of US dollars from 0"
            )));
        }
        self.matching.iter().try_for_each(SpanMatch::check)
    }
}

impl Default for TailSampling {
    fn default() -> Self {
        Self::new()
    }
}
