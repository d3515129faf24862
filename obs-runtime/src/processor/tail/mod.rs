//! Tail sampling: spans wait until it is known whether their trace is worth keeping.
//!
//! A rule can only speak for a trace, never against it. So a trace is kept at the moment when one
//! rule holds, and the traces that wait are those that no rule spoke for yet. The share that is
//! kept by its id does not wait at all.
//!
//! One sampler belongs to one scope and runs in the passes of the drain.

mod config;
mod decided;

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use crate::Error;
pub use config::TailSampling;
use decided::Decided;

use crate::memory::Held;
use crate::processor::owned::OwnedSpan;
use crate::semconv::attribute::{OBS_COST_AT_LEAST, OPERATION_COST};
use crate::trace::heap::HeapBytes as _;
use crate::trace::sampler::{by_id, threshold};
use crate::trace::view::{Outcome, SpanView};
use crate::trace::{TraceId, ValueRef};

/// What a waiting trace takes beside its spans: its places in the tables, at their lowest load.
const TRACE_BYTES: usize = 384;
const SPAN_BYTES: usize = size_of::<OwnedSpan>();

/// Takes the spans of a scope, and passes on those of the traces that are kept.
pub(crate) struct TailSampler {
    config: TailSampling,
    threshold: u64,
    waiting: HashMap<TraceId, Waiting>,
    /// The waiting traces by their arrival.
    order: BTreeMap<u64, TraceId>,
    arrivals: u64,
    /// The traces whose root came in this pass, and in the one before. A child on another thread
    /// that ended before the root may come one pass later.
    ended: [Vec<TraceId>; 2],
    decided: Decided,
    /// What the waiting spans take.
    held: Held,
    now: Instant,
    pub(crate) account: TailAccount,
}

/// The account of the spans that tail sampling took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TailAccount {
    /// The spans of traces that were not kept.
    pub(crate) sampled_out: u64,
    /// The spans that wait.
    pub(crate) waiting: u64,
    /// The traces that were decided because memory ran short.
    pub(crate) evicted: u64,
}

/// A trace that no rule spoke for yet.
struct Waiting {
    spans: Vec<OwnedSpan>,
    bytes: usize,
    cost: f64,
    since: Instant,
    arrival: u64,
    /// Whether the first span of the trace in this process is among them.
    has_ended: bool,
}

type Next<'a> = &'a mut dyn FnMut(&SpanView<'_>);

impl TailSampler {
    /// Creates a sampler from a configuration, if it is valid.
    pub(crate) fn start(config: TailSampling) -> Result<Self, Error> {
        config.check().map(|()| Self::new(config))
    }

    fn new(config: TailSampling) -> Self {
        Self {
            threshold: threshold(config.ratio),
            config,
            waiting: HashMap::new(),
            order: BTreeMap::new(),
            arrivals: 0,
            ended: [Vec::new(), Vec::new()],
            decided: Decided::default(),
            held: Held::none(),
            now: Instant::now(),
            account: TailAccount::default(),
        }
    }

    /// Takes a span: passes it on, keeps it waiting, or counts it.
    ///
    /// Returns whether the span's trace is kept, as far as this is known.
    pub(crate) fn span(&mut self, span: &SpanView<'_>, next: Next<'_>) -> bool {
        let trace = span.trace_id;
        if by_id(self.threshold, trace.0 as u64) {
            next(span);
            return true;
        }
        match self.decided.get(trace) {
            Some(true) => next(span),
            Some(false) => {
                self.account.sampled_out += 1;
                return false;
            }
            None => {
                let cost = self.config.costlier_than.map_or(0.0, |_| cost(span));
                if !self.is_worth_it(span, cost) {
                    return self.wait(span, cost, next);
                }
                self.keep(trace, next);
                next(span);
            }
        }
        true
    }

    /// Returns whether a rule speaks for the trace, now that this span is known.
    fn is_worth_it(&self, span: &SpanView<'_>, cost: f64) -> bool {
        let config = &self.config;
        let nanos = span.end_unix_nanos - span.start_unix_nanos;
        if config.errors && matches!(span.outcome, Outcome::Error | Outcome::Panicked)
            || config
                .slower_than
                .is_some_and(|least| u128::from(nanos) >= least.as_nanos())
            || config.matching.iter().any(|m| m.fits_end(span))
        {
            return true;
        }
        config.costlier_than.is_some_and(|least| {
            let before = self.waiting.get(&span.trace_id).map_or(0.0, |w| w.cost);
            cost > 0.0 && before + cost >= least
        })
    }

    fn keep(&mut self, trace: TraceId, next: Next<'_>) {
        self.decided.set(trace, true);
        for span in self.take_out(trace) {
            next(&span.view());
        }
    }

    fn sample_out(&mut self, trace: TraceId) {
        self.decided.set(trace, false);
        self.account.sampled_out += self.take_out(trace).len() as u64;
    }

    fn take_out(&mut self, trace: TraceId) -> Vec<OwnedSpan> {
        let Some(waiting) = self.waiting.remove(&trace) else {
            return Vec::new();
        };
        self.order.remove(&waiting.arrival);
        self.held.shrink(waiting.bytes);
        self.account.waiting -= waiting.spans.len() as u64;
        waiting.spans
    }

    /// Lets a span wait. Returns whether making room for it had its own trace kept.
    fn wait(&mut self, span: &SpanView<'_>, cost: f64, next: Next<'_>) -> bool {
        let trace = span.trace_id;
        let owned = OwnedSpan::new(span);
        loop {
            let (room, new) = match self.waiting.get(&trace) {
                Some(w) if w.spans.len() < w.spans.capacity() => (0, 0),
                Some(w) => ((w.spans.len() / 2).max(4), 0),
                None => (4, TRACE_BYTES),
            };
            let more = owned.heap_bytes() + room * SPAN_BYTES + new;
            let fits = self.held.bytes() + more <= self.config.max_bytes;
            if fits && self.held.grow(more) {
                self.push(owned, cost, room, more);
                break;
            }
            self.account.evicted += 1;
            match self.order.first_key_value().map(|(_, oldest)| *oldest) {
                Some(oldest) => self.settle(oldest, next),
                // One span alone is too large.
                None => self.decided.set(trace, false),
            }
            match self.decided.get(trace) {
                Some(true) => {
                    next(span);
                    return true;
                }
                Some(false) => {
                    self.account.sampled_out += 1;
                    return false;
                }
                None => {}
            }
        }
        let is_root = !span.parent_id.is_valid() || span.parent_is_remote;
        if is_root && let Some(waiting) = self.waiting.get_mut(&trace) {
            waiting.has_ended = true;
            self.ended[0].push(trace);
        }
        false
    }

    fn push(&mut self, span: OwnedSpan, cost: f64, room: usize, bytes: usize) {
        let trace = span.view().trace_id;
        let waiting = self.waiting.entry(trace).or_insert_with(|| {
            self.arrivals += 1;
            self.order.insert(self.arrivals, trace);
            Waiting {
                spans: Vec::new(),
                bytes: 0,
                cost: 0.0,
                since: self.now,
                arrival: self.arrivals,
                has_ended: false,
            }
        });
        // Reserve no more than was counted.
        waiting.spans.reserve_exact(room);
        waiting.spans.push(span);
        waiting.bytes += bytes;
        waiting.cost += cost;
        self.account.waiting += 1;
    }

    /// Ends a pass: decides the traces whose root came in the pass before, and those that have
    /// waited long enough.
    pub(crate) fn pass_end(&mut self, now: Instant, next: Next<'_>) {
        self.now = now;
        let [this, before] = &mut self.ended;
        let whole = core::mem::replace(before, core::mem::take(this));
        for trace in whole {
            self.settle(trace, next);
        }
        while let Some((_, oldest)) = self.order.first_key_value() {
            let trace = *oldest;
            let since = self.waiting.get(&trace).map(|w| w.since);
            if since.is_some_and(|s| now.duration_since(s) < self.config.decision_wait) {
                break;
            }
            self.settle(trace, next);
        }
    }

    /// Decides the traces whose root came, right after a pass.
    ///
    /// Everything that ended before the pass is here, so each of these traces is whole.
    pub(crate) fn flush(&mut self, next: Next<'_>) {
        for trace in self.ended.each_mut().map(core::mem::take).concat() {
            self.settle(trace, next);
        }
    }

    /// Decides every trace by what is known of it.
    pub(crate) fn finish(&mut self, now: Instant, next: Next<'_>) {
        self.flush(next);
        self.now = now;
        while let Some((_, oldest)) = self.order.first_key_value() {
            self.settle(*oldest, next);
        }
    }

    /// Decides a waiting trace by what is known of it.
    fn settle(&mut self, trace: TraceId, next: Next<'_>) {
        let Some(waiting) = self.waiting.get(&trace) else {
            // The trace was kept, or made room for others.
            return;
        };
        let waited = self.now.saturating_duration_since(waiting.since);
        // Without its root the trace takes at least as long as it waited.
        let is_slow =
            !waiting.has_ended && self.config.slower_than.is_some_and(|least| waited >= least);
        if is_slow {
            self.keep(trace, next);
        } else {
            self.sample_out(trace);
        }
    }
}

/// Returns what the span cost, in US dollars; of a cost that is not known exactly, the lower end.
fn cost(span: &SpanView<'_>) -> f64 {
    let is_cost = |key: &str| key == OPERATION_COST || key == OBS_COST_AT_LEAST;
    let found = span.attributes().find(|(key, _)| is_cost(key));
    match found {
        Some((_, ValueRef::F64(usd))) if usd.is_finite() => usd,
        _ => 0.0,
    }
}

#[cfg(test)]
#[path = "tail_tests.rs"]
mod tests;
