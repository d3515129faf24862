//! Calls and durations of annotated functions, counted by the drain from finished records.
//!
//! Names and labels are those of autometrics, so that its alert rules and dashboards work.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::exemplar;
use super::snapshot::{
    Exemplar, HistogramPoint, Labels, MetricData, MetricFamily, Number, NumberPoint,
};
use crate::semconv::{attribute, metric};
use crate::trace::{Outcome, SpanId, TraceId};
use crate::{Callsite, callsites};

/// Labels that the user's function gives its calls.
pub(super) type Given = &'static [(&'static str, &'static str)];

const BOUNDS: usize = metric::FUNCTION_SECONDS.len();

/// The bounds in nanoseconds, so that the drain compares whole numbers. Padded, so that a bucket
/// has always two bounds after it.
const NANOS: [u64; BOUNDS + 2] = {
    let mut nanos = [u64::MAX; BOUNDS + 2];
    let mut i = 0;
    while i < BOUNDS {
        nanos[i] = (metric::FUNCTION_SECONDS[i] * 1e9) as u64;
        i += 1;
    }
    nanos
};

/// For each number of bits that a duration may have: the first bucket that it can belong to.
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

/// A value equal to a bound belongs to that bound's bucket.
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

/// A call that stands for others like it; none while its trace id is zero.
#[derive(Clone, Copy, Debug, Default)]
struct Example {
    span: CallSpan,
    duration_nanos: u64,
}

impl Example {
    /// Keeps the later one.
    fn merge(&mut self, other: &Self) {
        if other.span.end_unix_nanos >= self.span.end_unix_nanos {
            *self = *other;
        }
    }

    fn exemplar(&self, value: f64) -> Option<Exemplar> {
        (self.span.trace_id.is_valid() && exemplar::is_enabled()).then_some(Exemplar {
            value,
            unix_nanos: self.span.end_unix_nanos,
            trace_id: self.span.trace_id,
            span_id: self.span.span_id,
        })
    }
}

/// What is known of one function.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    site: &'static Callsite,
    /// By `Outcome`.
    outcomes: [u64; 4],
    buckets: [u64; BOUNDS + 1],
    /// Enough for 584 years of calls.
    sum_nanos: u64,
    min_nanos: u64,
    max_nanos: u64,
    /// The last sampled call of each bucket.
    examples: [Example; BOUNDS + 1],
    /// The last sampled call that ended otherwise than well, by `Outcome` without its first.
    failed: [Example; 3],
}

impl Calls {
    fn new(site: &'static Callsite) -> Self {
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

    /// How many results there are: each is a series.
    pub(super) fn results(&self) -> usize {
        let [_, error, panicked, cancelled] = self.outcomes;
        1 + usize::from(error + panicked > 0) + usize::from(cancelled > 0)
    }

    fn merge(&mut self, more: &Self) {
        for (count, more) in self.outcomes.iter_mut().zip(more.outcomes) {
            *count += more;
        }
        for (count, more) in self.buckets.iter_mut().zip(more.buckets) {
            *count += more;
        }
        self.sum_nanos = self.sum_nanos.wrapping_add(more.sum_nanos);
        self.min_nanos = self.min_nanos.min(more.min_nanos);
        self.max_nanos = self.max_nanos.max(more.max_nanos);
        for (example, more) in self.examples.iter_mut().zip(&more.examples) {
            example.merge(more);
        }
        for (example, more) in self.failed.iter_mut().zip(&more.failed) {
            example.merge(more);
        }
    }
}

/// Calls and durations of every annotated function.
#[derive(Clone, Debug)]
pub(crate) struct FunctionMetrics {
    /// By `Callsite::id`.
    functions: Vec<Option<Calls>>,
    start_unix_nanos: u64,
}

impl Default for FunctionMetrics {
    /// Counts for a store that has a start.
    fn default() -> Self {
        Self::new(u64::MAX)
    }
}

impl FunctionMetrics {
    /// `start_unix_nanos` is when counting began, for all series.
    pub(crate) fn new(start_unix_nanos: u64) -> Self {
        Self {
            functions: Vec::new(),
            start_unix_nanos,
        }
    }

    pub(crate) fn start_unix_nanos(&self) -> u64 {
        self.start_unix_nanos
    }

    /// Counts one call, with its span if it has one. Whether the callsite wants metrics is the
    /// caller's question.
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

    /// Adds what another store counted; the earlier start counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.start_unix_nanos = self.start_unix_nanos.min(other.start_unix_nanos);
        for calls in other.functions.iter().flatten() {
            self.add(calls.site).merge(calls);
        }
    }

    /// All functions of the program, also those that were not called, by module and name:
    /// callsites of one name (methods of several types) are one function here, and each set of
    /// labels is one of its own.
    pub(super) fn by_function(&self) -> BTreeMap<(&'static str, &'static str, Given), Calls> {
        let mut functions = BTreeMap::new();
        let uncalled = callsites().filter(|site| site.metrics()).map(Calls::new);
        for calls in self.functions.iter().flatten().cloned().chain(uncalled) {
            let site = calls.site;
            let key = (site.module(), site.function(), site.labels());
            functions
                .entry(key)
                .and_modify(|all: &mut Calls| all.merge(&calls))
                .or_insert(calls);
        }
        functions
    }

    /// Appends `function.calls` and `function.calls.duration`. A function that was never called
    /// has the series `result="ok"` with 0, so that rates and alerts know it from the start.
    pub(crate) fn collect(&self, out: &mut Vec<MetricFamily>) {
        let mut counts = Vec::new();
        let mut durations = Vec::new();
        let bounds: Arc<[f64]> = metric::FUNCTION_SECONDS.into();
        for calls in self.by_function().into_values() {
            self.count(&calls, &mut counts);
            let count = calls.buckets.iter().sum();
            durations.push(HistogramPoint {
                labels: labels(calls.site, None),
                start_unix_nanos: self.start_unix_nanos,
                bounds: Arc::clone(&bounds),
                counts: calls.buckets.to_vec(),
                count,
                sum: calls.sum_nanos as f64 / 1e9,
                min: (count > 0).then_some(calls.min_nanos as f64 / 1e9),
                max: (count > 0).then_some(calls.max_nanos as f64 / 1e9),
                exemplars: examples(&calls),
            });
        }
        if counts.is_empty() {
            return;
        }
        // By labels, whose first is the function.
        counts.sort_by(|a, b| a.labels.cmp(&b.labels));
        durations.sort_by(|a, b| a.labels.cmp(&b.labels));
        out.push(MetricFamily::new(
            &metric::FUNCTION_CALLS,
            MetricData::Counter(counts.into()),
        ));
        out.push(MetricFamily::new(
            &metric::FUNCTION_CALLS_DURATION,
            MetricData::Histogram(durations.into()),
        ));
    }

    fn count(&self, calls: &Calls, out: &mut Vec<NumberPoint>) {
        let site = calls.site;
        let [ok, error, panicked, cancelled] = calls.outcomes;
        let [mut failed, panic, cut] = calls.failed;
        failed.merge(&panic);
        // A panic is an error here, so that autometrics' rules see it. Calls that ended well have
        // their examples with the durations.
        let results = [
            ("ok", ok, None),
            ("error", error + panicked, failed.exemplar(1.0)),
            ("cancelled", cancelled, cut.exemplar(1.0)),
        ];
        for (result, calls, exemplar) in results {
            if calls > 0 || result == "ok" {
                out.push(NumberPoint {
                    labels: labels(site, Some(result)),
                    start_unix_nanos: self.start_unix_nanos,
                    value: Number::U64(calls),
                    exemplar: exemplar.map(Box::new),
                });
            }
        }
    }
}

fn examples(calls: &Calls) -> Vec<Exemplar> {
    let examples = calls.examples.iter();
    examples
        .filter_map(|e| e.exemplar(e.duration_nanos as f64 / 1e9))
        .collect()
}

fn labels(site: &'static Callsite, result: Option<&'static str>) -> Labels {
    let own = [
        (attribute::FUNCTION, site.function()),
        (attribute::MODULE, site.module()),
    ];
    let result = result.map(|result| (attribute::RESULT, result));
    let given = site.labels().iter().copied();
    let pairs = own.into_iter().chain(result).chain(given);
    pairs.collect()
}

#[cfg(test)]
#[path = "function_tests.rs"]
mod tests;
