//! The counts of annotated functions: calls by outcome, durations, and a span as an example of
//! each.
//!
//! The drain counts finished records here, and a thread whose buffer is full counts the calls that
//! it cannot record, so that counts are exact whatever is sampled or lost. `metrics/function.rs`
//! turns them into series.

use crate::callsite::Callsite;
use crate::semconv::metric;
use crate::trace::{Outcome, SpanId, TraceId};

pub(crate) const BOUNDS: usize = metric::FUNCTION_SECONDS.len();

/// The bounds in nanoseconds, so that the drain compares whole numbers. The array is padded, so
/// that a bucket always has two bounds after it.
const NANOS: [u64; BOUNDS + 2] = {
    let mut nanos = [u64::MAX; BOUNDS + 2];
    let mut i = 0;
    while i < BOUNDS {
        nanos[i] = (metric::FUNCTION_SECONDS[i] * 1e9) as u64;
        i += 1;
    }
    nanos
};

/// For each number of bits that a duration may have, the first bucket that it can belong to.
const FIRST: [u8; 65] = {
    let mut first = [0; 65];
    let mut bits = 1;
    while bits <= 64 {
        let smallest = 1_u64 << (bits - 1);
        let mut bucket = 0;
        while bucket < BOUNDS && NANOS[bucket] < smallest {
            bucket += 1;
        }
        first[bits] = bucket as u8;
        // `bucket_of` looks at two bounds from there on.
        let largest = smallest | (smallest - 1);
        let mut within = bucket;
        while within < BOUNDS && NANOS[within] < largest {
            within += 1;
        }
        assert!(within - bucket <= 2, "three bounds within a power of two");
        bits += 1;
    }
    first
};

/// Returns the bucket of a duration. A value equal to a bound belongs to that bound's bucket.
#[inline]
fn bucket_of(nanos: u64) -> usize {
    let first = FIRST[64 - nanos.leading_zeros() as usize] as usize;
    first + usize::from(nanos > NANOS[first]) + usize::from(nanos > NANOS[first + 1])
}

/// The span of a sampled call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallSpan {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) end_unix_nanos: u64,
}

/// A call that stands for others like it. There is none while its trace id is zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Example {
    pub(crate) span: CallSpan,
    pub(crate) duration_nanos: u64,
}

impl Example {
    /// Keeps the later of both.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.span.end_unix_nanos >= self.span.end_unix_nanos {
            *self = *other;
        }
    }
}

/// The counts of one function.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    pub(crate) site: &'static Callsite,
    /// The number of calls by `Outcome`.
    pub(crate) outcomes: [u64; 4],
    pub(crate) buckets: [u64; BOUNDS + 1],
    /// The sum of all durations; it holds 584 years of calls.
    pub(crate) sum_nanos: u64,
    pub(crate) min_nanos: u64,
    pub(crate) max_nanos: u64,
    /// The last sampled call of each bucket.
    pub(crate) examples: [Example; BOUNDS + 1],
    /// The last sampled call of each outcome but ok.
    pub(crate) failed: [Example; 3],
}

impl Calls {
    pub(crate) fn new(site: &'static Callsite) -> Self {
        Self {
            site,
            outcomes: [0; 4],
            buckets: [0; BOUNDS + 1],
            sum_nanos: 0,
            min_nanos: u64::MAX,
            max_nanos: 0,
            examples: [Example::default(); BOUNDS + 1],
            failed: [Example::default(); 3],
        }
    }

    pub(crate) fn merge(&mut self, more: &Self) {
        let counts = self.outcomes.iter_mut().chain(&mut self.buckets);
        for (count, more) in counts.zip(more.outcomes.iter().chain(&more.buckets)) {
            *count += more;
        }
        self.sum_nanos = self.sum_nanos.wrapping_add(more.sum_nanos);
        self.min_nanos = self.min_nanos.min(more.min_nanos);
        self.max_nanos = self.max_nanos.max(more.max_nanos);
        let examples = self.examples.iter_mut().chain(&mut self.failed);
        for (example, more) in examples.zip(more.examples.iter().chain(&more.failed)) {
            example.merge(more);
        }
    }
}

/// The counts of every annotated function.
#[derive(Clone, Debug)]
pub(crate) struct CallCounts {
    /// The counts of each function, by `Callsite::id`.
    pub(crate) functions: Vec<Option<Calls>>,
    start_unix_nanos: u64,
}

impl Default for CallCounts {
    /// Creates counts to merge into a store, which has a start itself.
    fn default() -> Self {
        Self::new(u64::MAX)
    }
}

impl CallCounts {
    /// Creates counts of calls since `start_unix_nanos`, which holds for all series.
    pub(crate) fn new(start_unix_nanos: u64) -> Self {
        Self {
            functions: Vec::new(),
            start_unix_nanos,
        }
    }

    pub(crate) fn start_unix_nanos(&self) -> u64 {
        self.start_unix_nanos
    }

    /// Counts one call, with its span if it has one.
    ///
    /// The caller checks whether the callsite wants metrics.
    #[inline]
    pub(crate) fn record(
        &mut self,
        site: &'static Callsite,
        outcome: Outcome,
        duration_nanos: u64,
        span: Option<&CallSpan>,
    ) {
        let calls = match self.functions.get_mut(site.id() as usize) {
            Some(Some(calls)) => calls,
            _ => self.add(site),
        };
        calls.outcomes[outcome as usize] += 1;
        let bucket = bucket_of(duration_nanos);
        calls.buckets[bucket] += 1;
        calls.sum_nanos = calls.sum_nanos.wrapping_add(duration_nanos);
        calls.min_nanos = calls.min_nanos.min(duration_nanos);
        calls.max_nanos = calls.max_nanos.max(duration_nanos);
        if let Some(span) = span {
            let example = Example {
                span: *span,
                duration_nanos,
            };
            calls.examples[bucket] = example;
            if let Some(failed) = (outcome as usize).checked_sub(1) {
                calls.failed[failed] = example;
            }
        }
    }

    #[cold]
    fn add(&mut self, site: &'static Callsite) -> &mut Calls {
        let index = site.id() as usize;
        if self.functions.len() <= index {
            self.functions.resize(index + 1, None);
        }
        self.functions[index].get_or_insert_with(|| Calls::new(site))
    }

    /// Adds the counts of another store. The earlier start of both holds.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.start_unix_nanos = self.start_unix_nanos.min(other.start_unix_nanos);
        for calls in other.functions.iter().flatten() {
            self.add(calls.site).merge(calls);
        }
    }
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
