use core::time::Duration;

use super::*;
use crate::callsite::{Callsite, CallsiteSpec, More, Source};
use crate::trace::attribute::SpanExtra;
use crate::trace::value::Value;
use crate::trace::{SpanId, SpanMatch, TraceFlags};
use proptest::prelude::*;

static SITE: Callsite = Callsite::new(CallsiteSpec {
    more: Some(&More {
        keys: &["tenant", "text"],
        ..More::NONE
    }),
    ..CallsiteSpec::new(
        "step",
        &Source {
            module: "m",
            file: "f.rs",
        },
        1,
    )
});

const SECOND: u64 = 1_000_000_000;
/// Nanoseconds of the Unix epoch at which all spans of these tests begin.
const BEGIN: u64 = 1_700_000_000 * SECOND;

#[derive(Clone, Debug, Default)]
struct Made {
    trace: u8,
    is_root: bool,
    failed: bool,
    seconds: u64,
    usd: f64,
    is_inexact: bool,
    text: usize,
    span: u64,
}

impl Made {
    fn with_view<R>(&self, what: impl FnOnce(&SpanView<'_>) -> R) -> R {
        let values = [
            Value::from_static(if self.trace == 3 { "gold" } else { "lead" }),
            Value::from_str(&"x".repeat(self.text)),
        ];
        let key = if self.is_inexact {
            OBS_COST_AT_LEAST
        } else {
            OPERATION_COST
        };
        let extra = (self.usd > 0.0).then(|| SpanExtra {
            attributes: vec![(key.into(), self.usd.into())],
            ..SpanExtra::default()
        });
        what(&SpanView {
            callsite: &SITE,
            scope: 0,
            trace_id: trace(self.trace),
            span_id: SpanId(self.span),
            parent_id: SpanId(u64::from(!self.is_root)),
            parent_is_remote: false,
            flags: TraceFlags::SAMPLED,
            start_unix_nanos: BEGIN,
            end_unix_nanos: BEGIN + self.seconds * SECOND,
            outcome: if self.failed {
                Outcome::Error
            } else {
                Outcome::Ok
            },
            values: &values,
            base: core::ptr::null(),
            extra: extra.as_ref(),
        })
    }
}

/// Ids at equal distances: of a ratio of 0.25 the first quarter is kept.
fn trace(number: u8) -> TraceId {
    TraceId(1 << 64 | u128::from(u64::from(number) << 61 | 9))
}

/// A sampler, its clock, and the spans it passed on.
struct Bench {
    tail: TailSampler,
    now: Instant,
    out: Vec<u64>,
    taken: u64,
}

impl Bench {
    fn new(config: TailSampling) -> Self {
        config.check().unwrap();
        let tail = TailSampler::new(config);
        Self {
            now: tail.now,
            tail,
            out: Vec::new(),
            taken: 0,
        }
    }

    fn span(&mut self, made: &Made) {
        self.taken += 1;
        let out = &mut self.out;
        made.with_view(|v| self.tail.span(v, &mut |s| out.push(s.span_id.0)));
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        let out = &mut self.out;
        self.tail.pass_end(self.now, &mut |s| out.push(s.span_id.0));
    }

    fn flush(&mut self) {
        let out = &mut self.out;
        self.tail.flush(&mut |s| out.push(s.span_id.0));
    }

    fn finish(&mut self) {
        let out = &mut self.out;
        self.tail.finish(self.now, &mut |s| out.push(s.span_id.0));
    }

    /// What must hold at any time.
    fn check(&self) {
        let account = self.tail.account;
        let held = self.tail.waiting.values();
        let spans: usize = held.clone().map(|w| w.spans.len()).sum();
        let all = self.out.len() as u64 + account.sampled_out + account.waiting;
        assert_eq!(self.taken, all, "{account:?}");
        assert_eq!(account.waiting, spans as u64);
        assert_eq!(self.tail.order.len(), self.tail.waiting.len());
        let bytes = |w: &Waiting| {
            let heap: usize = w.spans.iter().map(OwnedSpan::heap_bytes).sum();
            TRACE_BYTES + w.spans.capacity() * SPAN_BYTES + heap
        };
        assert_eq!(self.tail.held.bytes(), held.map(bytes).sum::<usize>());
        assert!(self.tail.held.bytes() <= self.tail.config.max_bytes);
    }
}

fn made(trace: u8, span: u64) -> Made {
    Made {
        trace,
        span,
        ..Made::default()
    }
}

fn root(trace: u8, span: u64) -> Made {
    Made {
        is_root: true,
        ..made(trace, span)
    }
}

#[test]
fn an_error_keeps_what_came_before_and_comes_after() {
    let mut bench = Bench::new(TailSampling::new().keep_errors());
    bench.span(&made(1, 10));
    bench.span(&made(2, 20));
    bench.span(&Made {
        failed: true,
        ..made(1, 11)
    });
    assert_eq!(bench.out, [10, 11]);
    bench.span(&root(1, 12));
    bench.span(&root(2, 21));
    bench.flush();
    // Late ones follow the decision, even if they would have changed it.
    bench.span(&made(1, 13));
    bench.span(&Made {
        failed: true,
        ..made(2, 22)
    });
    assert_eq!(bench.out, [10, 11, 12, 13]);
    assert_eq!(bench.tail.account.sampled_out, 3);
    bench.check();
}

#[test]
fn a_child_may_come_one_pass_after_its_root() {
    let mut bench = Bench::new(TailSampling::new().keep_errors());
    bench.span(&root(1, 10));
    bench.pass(0);
    bench.span(&Made {
        failed: true,
        ..made(1, 11)
    });
    bench.pass(0);
    assert_eq!(bench.out, [10, 11]);
    bench.span(&root(2, 20));
    bench.pass(0);
    bench.pass(0);
    bench.span(&Made {
        failed: true,
        ..made(2, 21)
    });
    assert_eq!(bench.out, [10, 11]);
}

#[test]
fn slow_begins_at_the_threshold() {
    let slow = TailSampling::new().keep_slower_than(Duration::from_secs(2));
    let mut bench = Bench::new(slow);
    bench.span(&Made {
        seconds: 1,
        ..root(1, 10)
    });
    bench.span(&Made {
        seconds: 2,
        ..root(2, 20)
    });
    bench.flush();
    assert_eq!(bench.out, [20]);
    // A trace whose root has not ended after the wait is slow as well.
    bench.span(&made(3, 30));
    bench.pass(299);
    assert_eq!(bench.out, [20]);
    bench.pass(1);
    assert_eq!(bench.out, [20, 30]);
    bench.check();
}

#[test]
fn costs_of_a_trace_add_up() {
    let mut bench = Bench::new(TailSampling::new().keep_costlier_than(0.1));
    bench.span(&Made {
        usd: 0.06,
        ..made(1, 10)
    });
    bench.span(&Made {
        usd: 0.06,
        ..made(2, 20)
    });
    // bug: of what is not known exactly the rule saw nothing.
    bench.span(&Made {
        usd: 0.05,
        is_inexact: true,
        ..made(1, 11)
    });
    assert_eq!(bench.out, [10, 11]);
    bench.span(&root(2, 21));
    bench.flush();
    assert_eq!(bench.out, [10, 11]);
}

#[test]
fn what_fits_is_kept() {
    let gold = SpanMatch::new().attribute("tenant", "gold");
    let mut bench = Bench::new(TailSampling::new().keep_matching(gold));
    bench.span(&root(3, 30));
    bench.span(&root(4, 40));
    bench.finish();
    assert_eq!(bench.out, [30]);
}

#[test]
fn without_room_the_oldest_is_decided() {
    let config = TailSampling::new().keep_errors().max_bytes(16_000);
    let mut bench = Bench::new(config);
    for n in 0..7 {
        bench.span(&Made {
            text: 4_000,
            ..made(n, u64::from(n))
        });
        bench.check();
    }
    let account = bench.tail.account;
    assert!(account.evicted >= 3 && account.waiting >= 1, "{account:?}");
    // The evicted were decided: nothing of them is kept any more.
    bench.span(&Made {
        failed: true,
        ..made(0, 90)
    });
    bench.span(&Made {
        failed: true,
        ..made(6, 91)
    });
    assert_eq!(bench.out, [6, 91]);
    // One that can never fit.
    bench.span(&Made {
        text: 20_000,
        ..made(7, 92)
    });
    assert_eq!(bench.tail.account.waiting, 0);
    bench.check();
}

#[test]
fn decisions_are_remembered_up_to_a_bound() {
    let mut decided = Decided::default();
    for n in 1..=decided::MOST as u128 + 1 {
        decided.set(TraceId(n), n % 2 == 0);
    }
    assert_eq!(decided.get(TraceId(1)), None);
    assert_eq!(decided.get(TraceId(2)), Some(true));
    assert_eq!(decided.get(TraceId(3)), Some(false));
}

#[test]
fn unusable_numbers_are_refused() {
    for bad in [-0.1, 1.5, f64::NAN] {
        assert!(
            TailSampling::new()
                .ratio(bad)
                .check()
                .unwrap_err()
                .is_config()
        );
    }
    let error = TailSampling::new()
        .keep_costlier_than(-1.0)
        .check()
        .unwrap_err();
    assert!(error.to_string().contains("-1"), "{error}");
}

#[derive(Clone, Debug)]
enum Step {
    Span(Made),
    Pass(u64),
    Flush,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let span = (
        0u8..8,
        any::<bool>(),
        prop::bool::weighted(0.1),
        0u64..4,
        0u32..4,
        0usize..200,
    );
    let span = span.prop_map(|(trace, is_root, failed, seconds, cents, text)| {
        let usd = f64::from(cents) / 32.0;
        Step::Span(Made {
            trace,
            is_root,
            failed,
            seconds,
            usd,
            is_inexact: false,
            text,
            span: 0,
        })
    });
    let step = prop_oneof![8 => span, 2 => (0u64..5).prop_map(Step::Pass), 1 => Just(Step::Flush)];
    prop::collection::vec(step, 0..80).prop_map(|mut steps| {
        for (n, step) in (1..).zip(&mut steps) {
            if let Step::Span(made) = step {
                made.span = n;
            }
        }
        steps
    })
}

/// One trace as the rules are written down: everything is computed anew from what has come.
#[derive(Default)]
struct Trace {
    spans: Vec<Made>,
    since: u64,
    kept: Option<bool>,
    root_pass: Option<u64>,
}

impl Trace {
    fn is_worth_it(&self, by_id: bool) -> bool {
        let usd: f64 = self.spans.iter().map(|s| s.usd).sum();
        by_id || usd >= 0.125 || self.spans.iter().any(|s| s.failed || s.seconds >= 3)
    }
}

/// The ids that are passed on, sorted.
fn model(steps: &[Step]) -> Vec<u64> {
    let mut traces: [Trace; 8] = Default::default();
    let (mut now, mut pass) = (0, 0);
    let mut out = Vec::new();
    for step in steps {
        match step {
            Step::Span(made) => {
                let trace = &mut traces[usize::from(made.trace)];
                if trace.spans.is_empty() {
                    trace.since = now;
                }
                trace.spans.push(made.clone());
                if trace.kept.is_none() {
                    trace.kept = trace.is_worth_it(made.trace < 2).then_some(true);
                    if made.is_root {
                        trace.root_pass.get_or_insert(pass);
                    }
                    if trace.kept.is_some() {
                        out.extend(trace.spans.iter().map(|s| s.span));
                    }
                } else if trace.kept == Some(true) {
                    out.push(made.span);
                }
            }
            Step::Pass(_) | Step::Flush => {
                let ends_pass = matches!(step, Step::Pass(_));
                if let Step::Pass(seconds) = step {
                    now += seconds;
                }
                for trace in traces
                    .iter_mut()
                    .filter(|t| t.kept.is_none() && !t.spans.is_empty())
                {
                    let whole = trace
                        .root_pass
                        .is_some_and(|root| !ends_pass || root < pass);
                    let waited = now - trace.since;
                    if whole || ends_pass && waited >= 7 {
                        let kept = trace.root_pass.is_none() && waited >= 3;
                        trace.kept = Some(kept);
                        if kept {
                            out.extend(trace.spans.iter().map(|s| s.span));
                        }
                    }
                }
                pass += u64::from(ends_pass);
            }
        }
    }
    out.sort_unstable();
    out
}

proptest! {
    #[test]
    fn it_keeps_what_the_model_keeps(steps in steps()) {
        let mut bench = Bench::new(
            TailSampling::new()
                .keep_errors()
                .keep_slower_than(Duration::from_secs(3))
                .keep_costlier_than(0.125)
                .ratio(0.25)
                .decision_wait(Duration::from_secs(7)),
        );
        for step in &steps {
            match step {
                Step::Span(made) => bench.span(made),
                Step::Pass(seconds) => bench.pass(*seconds),
                Step::Flush => bench.flush(),
            }
            bench.check();
        }
        bench.out.sort_unstable();
        prop_assert_eq!(bench.out, model(&steps));
    }

    /// With little memory: the bound holds, every span is accounted for, and a trace is never torn
    /// apart once it is decided.
    #[test]
    fn the_bound_holds(steps in steps(), max_bytes in 0usize..20_000) {
        let config = TailSampling::new().keep_errors().ratio(0.25).max_bytes(max_bytes);
        let mut bench = Bench::new(config);
        for step in &steps {
            match step {
                Step::Span(made) => bench.span(made),
                Step::Pass(seconds) => bench.pass(*seconds),
                Step::Flush => bench.flush(),
            }
            bench.check();
        }
        bench.finish();
        bench.check();
        prop_assert_eq!(bench.tail.account.waiting, 0);
        let all = |number: u8| steps.iter().filter_map(move |s| match s {
            Step::Span(made) if made.trace == number => Some(made.span),
            _ => None,
        });
        for number in 0..8 {
            let out = all(number).filter(|id| bench.out.contains(id)).count();
            prop_assert!(number >= 2 || out == all(number).count());
        }
    }
}
