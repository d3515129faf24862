use core::sync::atomic::Ordering;
use std::sync::Mutex;

use super::*;
use crate::Error;
use crate::callsite::{CallsiteSpec, Source};
use crate::lock::lock;
use crate::processor::sink::PendingFlush;
use crate::trace::record::Call;
use crate::trace::{SpanId, TraceFlags, TraceId};

static SITE: Callsite = Callsite::new(CallsiteSpec::new(
    "work",
    &Source {
        module: "tests",
        file: "tests.rs",
    },
    1,
));

/// The span that ends with an error.
const FAILED: u64 = 9;

/// Gathers the ids of spans, and panics when it is told to.
#[derive(Default)]
struct Fragile {
    /// The spans in which it panics, and whether it does at the end of a pass.
    at: Vec<u64>,
    at_end: bool,
    unsettled: u64,
    gathered: Vec<u64>,
    sent: Arc<Mutex<Vec<u64>>>,
    counters: Arc<ExporterCounters>,
}

impl SpanSink for Fragile {
    fn span(&mut self, span: &SpanView<'_>) {
        self.counters.taken.fetch_add(1, Ordering::Release);
        self.unsettled += 1;
        if self.at.contains(&span.span_id.0) {
            std::panic::resume_unwind(Box::new(()));
        }
        self.gathered.push(span.span_id.0);
    }

    fn pass_end(&mut self, _: bool) {
        if core::mem::take(&mut self.at_end) {
            std::panic::resume_unwind(Box::new(()));
        }
        let exported = &self.counters.exported;
        exported.fetch_add(self.gathered.len() as u64, Ordering::Release);
        self.unsettled -= self.gathered.len() as u64;
        lock(&self.sent).append(&mut self.gathered);
    }

    fn flush(&mut self) -> PendingFlush {
        Box::new(|_| Ok(()))
    }

    fn shutdown(&mut self, _: Instant) -> Result<(), Error> {
        Ok(())
    }

    fn abandon(&mut self) {
        self.gathered.clear();
        let lost = core::mem::take(&mut self.unsettled);
        self.counters.dropped.add(DropReason::ExporterFailed, lost);
    }

    fn stats(&self) -> Arc<ExporterCounters> {
        Arc::clone(&self.counters)
    }
}

fn scope(sinks: Vec<Fragile>) -> ScopeDrain {
    let boxed = |sink| Box::new(sink) as Box<dyn SpanSink>;
    ScopeDrain::new(sinks.into_iter().map(boxed).collect(), None, None, None)
}

/// Takes a span as a pass does.
fn take(scope: &mut ScopeDrain, timeline: &Timeline, id: u64) {
    let call = Call {
        trace_hi: 0,
        trace_lo: 1,
        span: id,
        parent: 0,
        start: 0,
        end: 0,
    };
    let view = SpanView {
        scope: 0,
        callsite: &SITE,
        trace_id: TraceId(1),
        span_id: SpanId(id),
        parent_id: SpanId(0),
        parent_is_remote: false,
        flags: TraceFlags::SAMPLED,
        start_unix_nanos: 1_000,
        end_unix_nanos: 2_000,
        outcome: if id == FAILED {
            Outcome::Error
        } else {
            Outcome::Ok
        },
        values: &[],
        base: core::ptr::null(),
        extra: None,
    };
    let record = Record::Full(0, &view, &call);
    if guarded(|| scope.take(&record, timeline)).is_none() {
        scope.recover();
    }
}

/// The account of each exporter: taken, exported, lost.
fn accounts(scope: &ScopeDrain) -> Vec<(u64, u64, u64)> {
    let (spans, _) = scope.stats();
    let account = |e: crate::self_obs::ExporterStats| {
        assert_eq!(e.taken, spans.recorded, "{spans:?}");
        assert_eq!(e.in_flight, 0, "{spans:?}");
        let lost = e.dropped_total();
        assert!(
            e.dropped
                .iter()
                .all(|(r, _)| *r == DropReason::ExporterFailed)
        );
        (e.taken, e.exported, lost)
    };
    spans.exporters.clone().into_iter().map(account).collect()
}

// bug: a panic ended the pass and the thread of the drain, and what it held was counted nowhere
#[test]
fn a_sink_that_panics_costs_what_it_has_gathered_and_nobody_else() {
    let sent: [Arc<Mutex<Vec<u64>>>; 3] = Default::default();
    let sink = |at: &[u64], sent: &Arc<Mutex<Vec<u64>>>| Fragile {
        at: at.to_vec(),
        sent: Arc::clone(sent),
        ..Fragile::default()
    };
    let [first, second, third] = &sent;
    let mut scope = scope(vec![
        sink(&[], first),
        sink(&[2, 6], second),
        sink(&[5], third),
    ]);
    let timeline = Timeline::new();
    for ids in [0..4, 4..8] {
        ids.for_each(|id| take(&mut scope, &timeline, id));
        scope.pass_end(true, true);
    }
    assert_eq!(accounts(&scope), [(8, 8, 0), (8, 2, 6), (8, 4, 4)]);
    assert_eq!(*lock(first), (0..8).collect::<Vec<_>>());
    assert_eq!(*lock(second), [3, 7]);
    // The second one kept 2 and 6 from it.
    assert_eq!(*lock(third), [0, 1, 3, 7]);
}

#[test]
fn a_panic_at_the_end_of_a_pass_costs_what_was_gathered() {
    let fragile = Fragile {
        at_end: true,
        ..Fragile::default()
    };
    let mut scope = scope(vec![fragile, Fragile::default()]);
    let timeline = Timeline::new();
    for id in 0..2 {
        take(&mut scope, &timeline, id);
        scope.pass_end(true, true);
    }
    assert_eq!(accounts(&scope), [(2, 1, 1), (2, 2, 0)]);
}

// bug: the traces that had waited with the one in which a sink panicked were counted nowhere
#[test]
fn a_trace_that_has_waited_is_delivered_or_counted() {
    let fragile = Fragile {
        at: vec![1],
        ..Fragile::default()
    };
    let mut scope = scope(vec![fragile, Fragile::default()]);
    let tail = crate::TailSampling::new().keep_errors();
    scope.tail = Some(TailSampler::start(tail).unwrap());
    let timeline = Timeline::new();
    for id in 0..3 {
        take(&mut scope, &timeline, id);
    }
    assert_eq!(scope.stats().0.waiting, 3);
    take(&mut scope, &timeline, FAILED);
    scope.pass_end(true, true);
    assert_eq!(accounts(&scope), [(4, 2, 2), (4, 4, 0)]);
}

#[test]
fn a_span_that_no_sink_has_got_is_lost_by_all() {
    let mut scope = scope(vec![Fragile::default(), Fragile::default()]);
    let timeline = Timeline::new();
    take(&mut scope, &timeline, 1);
    scope.recover();
    // What masks secrets has panicked.
    scope.recorded += 1;
    scope.reached = 0;
    scope.recover();
    scope.recover();
    scope.pass_end(true, true);
    assert_eq!(accounts(&scope), [(2, 1, 1), (2, 1, 1)]);
}
