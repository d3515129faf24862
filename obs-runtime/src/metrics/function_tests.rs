//! Function metrics as the drain fills them.

#![allow(clippy::float_cmp, reason = "the numbers are exact")]

use super::*;
use crate::callsite::{CallsiteSpec, Source};
use crate::trace::calls::{BOUNDS, CallSpan};
use crate::trace::{Outcome, SpanId, TraceId};

static LOAD: Callsite = Callsite::new(CallsiteSpec::new(
    "load",
    &Source {
        module: "fm::etl",
        file: file!(),
    },
    line!(),
));
/// A method of another type with the same name and module.
static LOAD_TOO: Callsite = Callsite::new(CallsiteSpec::new(
    "load",
    &Source {
        module: "fm::etl",
        file: file!(),
    },
    line!(),
));
static SAVE: Callsite = Callsite::new(CallsiteSpec::new(
    "save",
    &Source {
        module: "fm::etl",
        file: file!(),
    },
    line!(),
));
static IDLE: Callsite = Callsite::new(CallsiteSpec::new(
    "idle",
    &Source {
        module: "fm::idle",
        file: file!(),
    },
    line!(),
));
static SILENT: Callsite = Callsite::new(CallsiteSpec {
    metrics: false,
    ..CallsiteSpec::new(
        "silent",
        &Source {
            module: "fm::idle",
            file: file!(),
        },
        line!(),
    )
});
const _: () = {
    crate::__obs_register! { &IDLE }
};
const _: () = {
    crate::__obs_register! { &SILENT }
};

/// `module function result value` of the counter, and the histogram's points.
fn read(metrics: &CallCounts) -> (Vec<String>, Vec<HistogramPoint>) {
    read_from(false, metrics)
}

fn read_from(zero: bool, metrics: &CallCounts) -> (Vec<String>, Vec<HistogramPoint>) {
    let mut families = Vec::new();
    metrics.collect(zero, &mut families);
    let [calls, durations] = <[MetricFamily; 2]>::try_from(families).expect("two families");
    assert_eq!(
        (&*calls.name, &*durations.name),
        ("function.calls", "function.calls.duration")
    );
    assert_eq!(durations.unit, "s");
    let (MetricData::Counter(calls), MetricData::Histogram(durations)) =
        (calls.data, durations.data)
    else {
        panic!("a counter and a histogram");
    };
    let mine = |labels: &Labels| labels.get("module").is_some_and(|m| m.starts_with("fm::"));
    assert!(calls.is_sorted_by(|a, b| a.labels < b.labels));
    let calls = calls.iter().filter(|p| mine(&p.labels)).map(|p| {
        let values: Vec<_> = p.labels.values().collect();
        format!("{} {}", values.join(" "), p.value.as_f64())
    });
    let calls = calls.collect();
    (
        calls,
        durations.into_iter().filter(|p| mine(&p.labels)).collect(),
    )
}

#[test]
fn calls_by_result_and_functions_that_were_never_called() {
    let mut metrics = CallCounts::new(7);
    metrics.record(&LOAD, Outcome::Ok, 5_000_000, None);
    metrics.record(&LOAD_TOO, Outcome::Ok, 5_000_001, None);
    metrics.record(&SAVE, Outcome::Error, 1, None);
    metrics.record(&SAVE, Outcome::Panicked, 1, None);
    metrics.record(&SAVE, Outcome::Cancelled, 20_000_000_000, None);
    let (calls, durations) = read(&metrics);
    assert_eq!(
        calls,
        [
            "idle fm::idle ok 0",
            "load fm::etl ok 2",
            "save fm::etl cancelled 1",
            "save fm::etl error 2",
            "save fm::etl ok 0",
        ]
    );
    let [idle, load, save] = &durations[..] else {
        panic!("three functions");
    };
    assert_eq!((idle.count, idle.min), (0, None));
    assert_eq!((load.counts[0], load.counts[1], load.count), (1, 1, 2));
    assert_eq!((load.min, load.max), (Some(0.005), Some(0.005_000_001)));
    assert_eq!(
        (save.counts[0], save.counts[BOUNDS], save.start_unix_nanos),
        (2, 1, 7)
    );
    assert_eq!(save.sum, 20.000_000_002);
}

// bug: the series of errors was born by the first error, so that `increase()` said 0 of it.
#[test]
fn every_result_is_there_before_it_happens() {
    let eu = SAVE.with_labels(&[("region", "eu")]);
    let mut metrics = CallCounts::new(7);
    metrics.record(&LOAD, Outcome::Ok, 1, None);
    metrics.record(eu, Outcome::Ok, 1, None);
    let (calls, durations) = read_from(true, &metrics);
    assert_eq!(
        calls,
        [
            "idle fm::idle cancelled 0",
            "idle fm::idle error 0",
            "idle fm::idle ok 0",
            "load fm::etl cancelled 0",
            "load fm::etl error 0",
            "load fm::etl ok 1",
            // With the labels of a call, in the order of their names: region, result.
            "save fm::etl eu cancelled 0",
            "save fm::etl eu error 0",
            "save fm::etl eu ok 1",
        ]
    );
    assert_eq!(durations.len(), 3);
    // The series that the first error falls in began when the others did.
    let mut families = Vec::new();
    metrics.collect(true, &mut families);
    let MetricData::Counter(points) = &families[0].data else {
        panic!("a counter");
    };
    assert!(points.iter().all(|point| point.start_unix_nanos == 7));
}

#[test]
fn merged_stores_add_up() {
    let (mut a, mut b) = (CallCounts::new(9), CallCounts::new(4));
    a.record(&LOAD, Outcome::Ok, 1_000, None);
    b.record(&LOAD, Outcome::Error, 3_000_000_000, None);
    b.record(&LOAD, Outcome::Ok, 500, None);
    b.record(&SAVE, Outcome::Ok, 1, None);
    a.merge(&b);
    assert_eq!(a.start_unix_nanos(), 4);
    let (calls, durations) = read(&a);
    assert!(
        calls.contains(&"load fm::etl ok 2".to_owned())
            && calls.contains(&"load fm::etl error 1".to_owned())
    );
    let load = durations
        .iter()
        .find(|p| p.labels.get("function") == Some("load"))
        .expect("load");
    assert_eq!(load.count, 3);
    assert_eq!((load.min, load.max), (Some(5e-7), Some(3.0)));
}

fn span(number: u64) -> CallSpan {
    CallSpan {
        trace_id: TraceId(number.into()),
        span_id: SpanId(number + 100),
        end_unix_nanos: number * 10,
    }
}

#[test]
fn the_last_sampled_call_of_a_bucket_is_its_example() {
    let mut metrics = CallCounts::new(7);
    metrics.record(&LOAD, Outcome::Ok, 1_000, Some(&span(1)));
    metrics.record(&LOAD, Outcome::Error, 2_000_000, Some(&span(2)));
    // Counted, but in no trace.
    metrics.record(&LOAD, Outcome::Error, 3_000_000, None);
    metrics.record(&LOAD_TOO, Outcome::Ok, 5_000_000_000, Some(&span(3)));
    let mut later = CallCounts::new(8);
    later.record(&LOAD, Outcome::Panicked, 4_000_000, Some(&span(5)));
    later.record(&LOAD, Outcome::Ok, 5_000_000_000, Some(&span(2)));
    metrics.merge(&later);

    let (_, durations) = read(&metrics);
    let load = durations
        .iter()
        .find(|p| p.labels.get("function") == Some("load"))
        .expect("load");
    let examples: Vec<_> = load
        .exemplars
        .iter()
        .map(|e| (e.value, e.unix_nanos, e.trace_id.0, e.span_id.0))
        .collect();
    assert_eq!(examples, [(0.004, 50, 5, 105), (5.0, 30, 3, 103)]);

    let mut families = Vec::new();
    metrics.collect(false, &mut families);
    let MetricData::Counter(calls) = &families[0].data else {
        panic!("a counter");
    };
    let of = |result: &str| {
        let found = calls.iter().find(|p| {
            p.labels.get("function") == Some("load") && p.labels.get("result") == Some(result)
        });
        found.and_then(|p| p.exemplar.as_ref())
    };
    // A panic is an error, and this one came later.
    let error = of("error").expect("an example");
    assert_eq!((error.value, error.trace_id.0), (1.0, 5));
    assert!(of("ok").is_none());
}
