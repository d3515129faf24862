//! The account that obs keeps of itself: what each stage took, passed on and lost, by reason.
//!
//! Every item that is lost must be counted here with its reason, so that `health()`, `stats()` and
//! the metrics `obs.*` add up. The counters are atomic; any thread may add to them.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::SystemTime;

use crate::Error;
use crate::error::ErrorKind;
use crate::lock::lock;
use crate::rfc3339::rfc3339;
use crate::words::words;

words! {
    /// Why an item was lost.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum DropReason {
        /// The span buffers had reached their byte budget.
        BufferFull => "buffer_full",
        /// The exporter's queue was full: the receiver is slower than the program.
        QueueFull => "queue_full",
        /// The receiver could not be reached, or the connection broke.
        Unreachable => "unreachable",
        /// The receiver refused the data (HTTP 4xx, gRPC status, partial success).
        Rejected => "rejected",
        /// The receiver did not answer in time.
        Timeout => "timeout",
        /// The item was larger than the receiver takes.
        TooLarge => "too_large",
        /// The item was still queued when the shutdown deadline passed.
        Shutdown => "shutdown",
        /// An attribute, event or status came after its span had ended, or a report after its model call had.
        Late => "late",
        /// An exporter returned an error, or panicked; or obs did on the item's way there.
        ExporterFailed => "exporter_failed",
        /// The spool was full: its oldest items made room for newer ones.
        SpoolFull => "spool_full",
        /// The item could not be written to the spool, or not be read back whole.
        SpoolFailed => "spool_failed",
        /// Tail sampling did not keep the trace.
        TailSampled => "tail_sampled",
        /// The exporter's format has no form for the value.
        Unsupported => "unsupported",
        /// An allocator that is annotated, or counts, was called by obs itself.
        Reentrant => "reentrant",
    }
}

impl DropReason {
    /// Those that an exporter can have: all but those of buffers, of late data and of sampling.
    pub(crate) const OF_EXPORTERS: &[Self] = &[
        Self::QueueFull,
        Self::Unreachable,
        Self::Rejected,
        Self::Timeout,
        Self::TooLarge,
        Self::Shutdown,
        Self::ExporterFailed,
        Self::SpoolFull,
        Self::SpoolFailed,
        Self::Unsupported,
    ];
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Counters by reason.
#[derive(Debug, Default)]
pub(crate) struct DropCounters([AtomicU64; DropReason::ALL.len()]);

impl DropCounters {
    pub(crate) fn add(&self, reason: DropReason, items: u64) {
        self.0[reason as usize].fetch_add(items, Ordering::Release);
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|n| n.load(Ordering::Acquire)).sum()
    }

    pub(crate) fn snapshot(&self) -> Vec<(DropReason, u64)> {
        DropReason::ALL
            .iter()
            .map(|r| (*r, self.0[*r as usize].load(Ordering::Acquire)))
            .filter(|(_, n)| *n > 0)
            .collect()
    }
}

/// The account of one exporter for one signal.
///
/// `taken = exported + dropped + spooled + in flight` holds at all times.
#[derive(Debug, Default)]
pub(crate) struct ExporterCounters {
    /// The exporter's name: `otlp`, `console`, …
    pub(crate) name: &'static str,
    pub(crate) taken: AtomicU64,
    pub(crate) exported: AtomicU64,
    pub(crate) dropped: DropCounters,
    /// The items on disk, of this process and of earlier ones.
    pub(crate) spooled: AtomicU64,
    /// The items of `taken` that were found on disk, where an earlier process left them.
    pub(crate) recovered: AtomicU64,
    /// What does not work, one for each part that can fail by itself.
    problems: Mutex<Vec<Problem>>,
}

/// What can fail of an exporter by itself, and work again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The last export.
    Export,
    /// The queue in front of it.
    Queue,
    /// The files of what could not be exported.
    #[cfg(feature = "otlp")]
    Spool,
}

#[derive(Debug)]
struct Problem {
    part: Part,
    /// When it failed first, after it had worked.
    since: SystemTime,
    /// How it failed last.
    text: String,
}

impl ExporterCounters {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// Notes how a part failed, and what to do against it; none if it works.
    pub(crate) fn set_problem(&self, part: Part, problem: Option<&str>) {
        let mut all = lock(&self.problems);
        let Some(text) = problem else {
            return all.retain(|known| known.part != part);
        };
        match all.iter_mut().find(|known| known.part == part) {
            Some(known) => text.clone_into(&mut known.text),
            None => all.push(Problem {
                part,
                since: SystemTime::now(),
                text: text.to_owned(),
            }),
        }
    }

    /// Returns what does not work and since when, a sentence for each part.
    pub(crate) fn problems(&self) -> Vec<String> {
        let all = lock(&self.problems);
        let sentence =
            |Problem { since, text, .. }: &Problem| format!("{text} (since {})", rfc3339(*since));
        all.iter().map(sentence).collect()
    }

    pub(crate) fn snapshot(&self) -> ExporterStats {
        // Read the outcomes before what was taken, so that the difference is never negative.
        let exported = self.exported.load(Ordering::Acquire);
        let dropped = self.dropped.snapshot();
        let lost = dropped.iter().map(|(_, n)| n).sum::<u64>();
        let spooled = self.spooled.load(Ordering::Acquire);
        let recovered = self.recovered.load(Ordering::Acquire);
        let taken = self.taken.load(Ordering::Acquire);
        ExporterStats {
            name: self.name,
            taken,
            exported,
            in_flight: taken.saturating_sub(exported + lost + spooled),
            spooled,
            recovered,
            dropped,
        }
    }

    /// Takes items off the disk's count. Call it before their outcome is counted, so that none
    /// counts twice.
    #[cfg(feature = "otlp")]
    pub(crate) fn unspool(&self, items: u64) {
        self.spooled.fetch_sub(items, Ordering::Release);
    }
}

/// The account of what one exporter did with the items that it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ExporterStats {
    /// The exporter's name.
    pub name: &'static str,
    /// The items that the exporter was given, including those found in the spool.
    pub taken: u64,
    /// The items that the receiver acknowledged.
    pub exported: u64,
    /// The items that are gathered, queued or being sent.
    pub in_flight: u64,
    /// The items that wait on disk until the receiver takes them (`OtlpConfig::spool`).
    pub spooled: u64,
    /// The items of `taken` that an earlier process had left on disk.
    pub recovered: u64,
    /// The items that were lost, by reason; reasons without a loss are left out.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::map"))]
    pub dropped: Vec<(DropReason, u64)>,
}

impl ExporterStats {
    /// Returns the sum of all losses.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().map(|(_, n)| n).sum()
    }
}

/// The account of spans: `recorded = lost + sampled_out + waiting + what each exporter took`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SpanStats {
    /// Sampled spans that ended.
    pub recorded: u64,
    /// Spans for which the buffers had no room ([`DropReason::BufferFull`]).
    pub lost: u64,
    /// Spans of traces that tail sampling did not keep ([`DropReason::TailSampled`]).
    pub sampled_out: u64,
    /// Spans that wait for tail sampling to decide.
    pub waiting: u64,
    /// Traces that tail sampling decided early, because the memory for those that wait was full.
    pub evicted_traces: u64,
    /// Each exporter.
    pub exporters: Vec<ExporterStats>,
}

/// The account of log records: `recorded = lost + what each exporter took`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LogStats {
    /// Records that were made while an exporter took logs.
    pub recorded: u64,
    /// Records for which the queue had no room ([`DropReason::BufferFull`]).
    pub lost: u64,
    /// Each exporter.
    pub exporters: Vec<ExporterStats>,
}

/// Starts a thread of obs.
///
/// # Errors
/// When the system gives the process no further thread.
pub(crate) fn start_thread(
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Error> {
    // The standard library panics at a zero in a name, and an exporter or a notifier may have any name.
    let thread = std::thread::Builder::new().name(name.replace('\0', " "));
    thread.spawn(run).map_err(|e| {
        let text =
            format!("the thread `{name}` could not be started ({e}): raise the limit of threads");
        Error::new(ErrorKind::State, text)
    })
}

static REENTRANT_CALLS: AtomicU64 = AtomicU64::new(0);
static REENTRANT_VALUES: AtomicU64 = AtomicU64::new(0);

/// Counts an annotated call that came from inside of obs, and for which there was no room at once.
#[cold]
pub(crate) fn count_reentrant_call() {
    REENTRANT_CALLS.fetch_add(1, Ordering::Relaxed);
}

/// Counts a value of a metric that came from inside of obs, before the thread had counted there.
#[cold]
pub(crate) fn count_reentrant_value() {
    REENTRANT_VALUES.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn reentrant_calls() -> u64 {
    REENTRANT_CALLS.load(Ordering::Relaxed)
}

pub(crate) fn reentrant_values() -> u64 {
    REENTRANT_VALUES.load(Ordering::Relaxed)
}

static LATE: AtomicU64 = AtomicU64::new(0);

/// Counts data for a span that had ended or lives elsewhere, or a call that ended after its
/// `Observability`.
#[cold]
pub(crate) fn count_late() {
    LATE.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn late() -> u64 {
    LATE.load(Ordering::Relaxed)
}
