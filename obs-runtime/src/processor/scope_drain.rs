//! The drain's part for one scope: counts its calls and hands its spans and logs on.

use std::sync::Arc;
use std::time::Instant;

use crate::callsite::Callsite;
use crate::clock::{self, unix_nanos};
use crate::fork;
use crate::guarded::guarded;
use crate::processor::hand_on::{each_sink, lose, say_panicked};
use crate::processor::logs::Logs;
use crate::processor::redaction::SpanRedaction;
use crate::processor::sink::{LogSink, PendingFlush, SpanSink};
use crate::processor::tail::TailSampler;
use crate::self_obs::{self, DropReason, ExporterCounters, LogStats, SpanStats};
use crate::trace::buffer::Overflow;
use crate::trace::calls::{CallCounts, CallSpan};
use crate::trace::record::Record;
use crate::trace::timeline::Timeline;
use crate::trace::view::{Outcome, SpanView};

/// No span is being handed on.
const NONE: usize = usize::MAX;

/// The sinks of spans, and those of logs.
pub(crate) type Sinks = (Vec<Box<dyn SpanSink>>, Vec<Box<dyn LogSink>>);

/// The drain's part for one scope: counts its calls and hands its spans on.
pub(crate) struct ScopeDrain {
    metrics: CallCounts,
    sinks: Vec<Box<dyn SpanSink>>,
    /// None if nobody takes logs.
    logs: Option<Logs>,
    tail: Option<TailSampler>,
    redaction: Option<SpanRedaction>,
    recorded: u64,
    lost: u64,
    /// How many sinks were given the span that is being handed on; [`NONE`] if there is none.
    reached: usize,
    /// The accounts of the sinks, once there is no time left for what is still unread.
    given_up: Option<Vec<Arc<ExporterCounters>>>,
    /// When a forked child installed obs, in ticks; what began before belongs to its parent.
    since: u64,
}

impl ScopeDrain {
    pub(crate) fn new(
        sinks: Vec<Box<dyn SpanSink>>,
        logs: Option<Logs>,
        tail: Option<TailSampler>,
        redaction: Option<SpanRedaction>,
    ) -> Self {
        Self {
            metrics: CallCounts::new(unix_nanos()),
            sinks,
            logs,
            tail,
            redaction,
            recorded: 0,
            lost: 0,
            reached: NONE,
            given_up: None,
            since: if fork::is_child() {
                clock::init();
                clock::ticks()
            } else {
                0
            },
        }
    }

    #[inline]
    fn count(
        &mut self,
        site: &'static Callsite,
        outcome: Outcome,
        nanos: u64,
        span: Option<&CallSpan>,
    ) {
        if site.metrics() {
            self.metrics.record(site, outcome, nanos, span);
        }
    }

    #[inline]
    pub(super) fn take(&mut self, record: &Record<'_>, timeline: &Timeline) {
        match record {
            Record::Full(_, _, call) if call.start < self.since => {
                self_obs::count_late();
            }
            Record::Full(_, span, call) if self.given_up.is_some() => {
                self.recorded += 1;
                let nanos = timeline.nanos_of(call.ticks());
                self.count(span.callsite, span.outcome, nanos, None);
                let given_up = self.given_up.iter().flatten();
                lose(given_up.cloned(), DropReason::Shutdown);
            }
            Record::Full(_, span, call) => {
                self.recorded += 1;
                let of_call = CallSpan {
                    trace_id: span.trace_id,
                    span_id: span.span_id,
                    end_unix_nanos: span.end_unix_nanos,
                };
                let nanos = timeline.nanos_of(call.ticks());
                let (site, outcome) = (span.callsite, span.outcome);
                if let Some(logs) = &mut self.logs {
                    logs.span(span);
                }
                // Counted first where that is possible: a sink may panic.
                if let Some(tail) = &mut self.tail {
                    self.reached = 0;
                    let (sinks, redaction) = (&mut self.sinks, self.redaction);
                    let is_kept = tail.span(span, &mut |span| deliver(sinks, redaction, span));
                    // An exemplar must be of a span that can be looked up.
                    self.count(site, outcome, nanos, is_kept.then_some(&of_call));
                } else {
                    self.count(site, outcome, nanos, Some(&of_call));
                    self.reached = 0;
                    self.hand_on(span);
                }
                self.reached = NONE;
            }
            Record::Mini(_, site, outcome, ticks) => {
                self.count(site, *outcome, timeline.nanos_of(*ticks), None);
            }
        }
    }

    /// Hands a span to the sinks without a guard, which would be a twentieth of what a span costs here:
    /// if one of them panics, [`recover`](Self::recover) knows how far this came.
    #[inline]
    fn hand_on(&mut self, span: &SpanView<'_>) {
        match self.redaction.and_then(|redaction| redaction.span(span)) {
            None => self.give(span),
            Some(masked) => self.give(&masked.view()),
        }
    }

    #[inline]
    fn give(&mut self, span: &SpanView<'_>) {
        for sink in &mut self.sinks {
            self.reached += 1;
            sink.span(span);
        }
    }

    /// Counts what a panic in the midst of a span has cost, if this scope was handing one on: what the
    /// sink had gathered that panicked, and the span in those that did not get it.
    #[cold]
    pub(super) fn recover(&mut self) {
        let reached = core::mem::replace(&mut self.reached, NONE);
        if reached == NONE {
            return;
        }
        let (given, others) = self.sinks.split_at_mut(reached);
        if let Some(panicked) = given.last_mut() {
            guarded(|| panicked.abandon());
        }
        lose(others.iter().map(|s| s.stats()), DropReason::ExporterFailed);
    }

    pub(super) fn add(&mut self, overflow: &Overflow) {
        self.lost += overflow.lost_spans;
        self.recorded += overflow.lost_spans;
        self.metrics.merge(&overflow.metrics);
    }

    pub(crate) fn function_metrics(&self) -> &CallCounts {
        &self.metrics
    }

    /// Returns whether no call was recorded or counted.
    pub(crate) fn saw_nothing(&self) -> bool {
        self.recorded == 0 && self.metrics.functions.iter().flatten().next().is_none()
    }

    pub(crate) fn stats(&self) -> (SpanStats, LogStats) {
        let tail = self.tail.as_ref().map(|tail| tail.account);
        let tail = tail.unwrap_or_default();
        let spans = SpanStats {
            recorded: self.recorded,
            lost: self.lost,
            sampled_out: tail.sampled_out,
            waiting: tail.waiting,
            evicted_traces: tail.evicted,
            exporters: self.sinks.iter().map(|s| s.stats().snapshot()).collect(),
        };
        let logs = self.logs.as_ref().map(Logs::stats).unwrap_or_default();
        (spans, logs)
    }

    /// Has what is still unread counted as lost by the shutdown.
    pub(super) fn give_up(&mut self) {
        self.given_up = Some(self.sinks.iter().map(|sink| sink.stats()).collect());
    }

    /// Ends a pass. Whether a trace is whole is judged by what whole passes have read.
    pub(super) fn pass_end(&mut self, timer: bool, is_whole: bool) {
        if is_whole {
            let (sinks, redaction) = (&mut self.sinks, self.redaction);
            if let Some(tail) = &mut self.tail {
                tail.pass_end(Instant::now(), &mut |span| deliver(sinks, redaction, span));
            }
            each_sink(sinks, |sink| sink.pass_end(timer), SpanSink::abandon);
        }
        if let Some(logs) = &mut self.logs {
            logs.pass_end(timer);
        }
    }

    /// Flushes the sinks after a pass, and decides the traces that have ended if that was whole.
    pub(crate) fn flush_sinks(&mut self, is_whole: bool) -> Vec<PendingFlush> {
        let (sinks, redaction) = (&mut self.sinks, self.redaction);
        if let Some(tail) = self.tail.as_mut().filter(|_| is_whole) {
            tail.flush(&mut |span| deliver(sinks, redaction, span));
        }
        let spans = self.sinks.iter_mut().map(|sink| sink.flush());
        spans
            .chain(self.logs.iter_mut().flat_map(Logs::flush))
            .collect()
    }

    /// Gives the sinks all that is left, after which the account changes no more but for what the sinks do.
    pub(crate) fn finish(&mut self) {
        let (sinks, redaction) = (&mut self.sinks, self.redaction);
        if let Some(tail) = &mut self.tail {
            tail.finish(Instant::now(), &mut |span| deliver(sinks, redaction, span));
        }
        if let Some(logs) = &mut self.logs {
            logs.close();
        }
    }

    /// Returns the sinks of spans and those of logs.
    pub(crate) fn into_sinks(self) -> Sinks {
        let logs = self.logs.map(Logs::into_sinks);
        (self.sinks, logs.unwrap_or_default())
    }
}

/// Hands on a span that has waited. A panic must not cost the others that have waited with it.
fn deliver(sinks: &mut [Box<dyn SpanSink>], redaction: Option<SpanRedaction>, span: &SpanView<'_>) {
    let to_all = |span: &SpanView<'_>, sinks: &mut [Box<dyn SpanSink>]| {
        each_sink(sinks, |sink| sink.span(span), SpanSink::abandon);
    };
    match guarded(|| redaction.and_then(|redaction| redaction.span(span))) {
        Some(None) => to_all(span, sinks),
        Some(Some(masked)) => to_all(&masked.view(), sinks),
        // What it would have masked is not known.
        None => {
            say_panicked();
            lose(sinks.iter().map(|s| s.stats()), DropReason::ExporterFailed);
        }
    }
}

#[cfg(test)]
#[path = "scope_drain_tests.rs"]
mod tests;
