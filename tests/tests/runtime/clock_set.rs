//! The system clock is set while a program runs. What took a time took that time, and what comes later is at the time
//! that the clock says now.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use obs_runtime::metrics::MetricData;
use obs_runtime::trace::SpanRecord;
use obs_runtime::{Handle, Observability, llm_call, traced};
use obs_tests::exporters::Kept;
use obs_tests::own_process;
use obs_tests::system_clock::{SystemClock, VARIABLE};

const HOUR: i64 = 3_600;

/// The histograms in which each call is; that of functions has two series.
const DURATIONS: [&str; 3] = [
    "function.calls.duration",
    "function.calls.duration",
    "gen_ai.client.inference.duration",
];
/// How long each call lasts at least.
const LEAST: Duration = Duration::from_millis(20);

fn last() {
    let began = Instant::now();
    while began.elapsed() < LEAST {
        std::hint::spin_loop();
    }
}

#[traced(root)]
fn request() {
    ask();
}

#[llm_call(provider = "house", model = "house-1")]
fn ask() {
    last();
}

/// The call's span and the times between which it ran, by the clocks of the test.
struct Ran {
    took: Duration,
    began: u64,
    ended: u64,
}

/// What the system clock says.
fn unix_nanos() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64
}

fn run() -> Ran {
    let (began, from) = (unix_nanos(), Instant::now());
    request();
    Ran {
        took: from.elapsed(),
        began,
        ended: unix_nanos(),
    }
}

/// The rate of the ticks is measured, so a hundredth is allowed for.
#[track_caller]
fn assert_duration(nanos: u64, ran: &Ran) {
    let (least, most) = (LEAST.as_nanos() as f64, ran.took.as_nanos() as f64);
    let nanos = nanos as f64;
    assert!(
        least * 0.99 <= nanos && nanos <= most * 1.01,
        "{nanos} is not from {least} to {most}"
    );
}

/// A difference below the step that is followed may remain.
#[track_caller]
fn assert_times(span: &SpanRecord, ran: &Ran) {
    let slack = 2_500_000_000;
    let (from, until) = (ran.began - slack, ran.ended + slack);
    let (start, end) = (span.start_unix_nanos, span.end_unix_nanos);
    assert!(
        from <= start && end <= until,
        "{start} to {end} is not in {from} to {until}"
    );
}

/// The last span of each name: the request, and the call in it.
#[track_caller]
fn assert_last(kept: &Kept, ran: &Ran) -> [SpanRecord; 2] {
    let last = ["request", "chat house-1"].map(|name| kept.named(name).pop().unwrap());
    for span in &last {
        assert_duration(span.end_unix_nanos - span.start_unix_nanos, ran);
    }
    let [outer, inner] = &last;
    assert!(outer.start_unix_nanos <= inner.start_unix_nanos);
    assert!(inner.end_unix_nanos <= outer.end_unix_nanos);
    last
}

/// The sums of the durations of functions and of model calls, and how many there were.
#[track_caller]
fn assert_sums(obs: &Handle, ran: &[Ran]) {
    let took: Duration = ran.iter().map(|ran| ran.took).sum();
    let sums = Ran {
        took,
        began: 0,
        ended: 0,
    };
    let calls = ran.len() as u64;
    let beside = LEAST.as_nanos() as u64 * (calls - 1);
    let mut seen = Vec::new();
    for family in obs.collect_metrics() {
        let MetricData::Histogram(points) = &family.data else {
            continue;
        };
        for point in points.iter().filter(|point| point.count > 0) {
            assert_eq!(point.count, calls, "{}", family.name);
            assert_duration((point.sum * 1e9) as u64 - beside, &sums);
            seen.push(family.name.clone());
        }
    }
    seen.sort();
    assert_eq!(seen, DURATIONS);
}

/// Runs the rest of the test in a process whose system clock the test can set.
macro_rules! with_clock {
    ($clock:ident) => {
        let Some($clock) = SystemClock::for_test(concat!("clock-set-", line!())) else {
            return;
        };
        own_process!("LD_PRELOAD" => $clock.library(), VARIABLE => $clock.shift());
    };
}

/// Runs a call, sets the clock by so many seconds, and runs another one, before the first pass.
#[track_caller]
fn set_within_the_first_pass(clock: &SystemClock, shift: i64) {
    let kept = Kept::default();
    let obs = Observability::builder().record_exporter(kept.clone());
    let obs = obs.install().unwrap();
    let first = run();
    clock.set(shift);
    let second = run();
    obs.force_flush().unwrap();
    assert_last(&kept, &second);
    // The flush has followed the step.
    let third = run();
    obs.force_flush().unwrap();
    for span in assert_last(&kept, &third) {
        assert_times(&span, &third);
    }
    assert_sums(&obs, &[first, second, third]);
}

// bug: all durations were 0 for the life of the program
#[test]
fn back_within_the_first_pass() {
    with_clock!(clock);
    set_within_the_first_pass(&clock, -HOUR);
}

// bug: a call of 100 ms lasted 2,394 s
#[test]
fn forth_within_the_first_pass() {
    with_clock!(clock);
    set_within_the_first_pass(&clock, HOUR);
}

// bug: every span after a step back was in the future for weeks
#[test]
fn again_and_again_while_the_program_runs() {
    with_clock!(clock);
    let kept = Kept::default();
    let obs = Observability::builder().record_exporter(kept.clone());
    let obs = obs.install().unwrap();
    let mut all = vec![run()];
    obs.force_flush().unwrap();
    for shift in [-HOUR, HOUR, 0, -5, 0, 5] {
        clock.set(shift);
        obs.force_flush().unwrap();
        let ran = run();
        obs.force_flush().unwrap();
        for span in assert_last(&kept, &ran) {
            assert_times(&span, &ran);
        }
        all.push(ran);
    }
    assert_sums(&obs, &all);
}
