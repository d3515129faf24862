use std::sync::atomic::{AtomicBool, Ordering};

use ::opentelemetry::metrics::MeterProvider as _;
use proptest::prelude::*;

use super::*;
use crate::metrics::snapshot::NumberPoint;
use crate::metrics::{MetricData, MetricFamily};
use crate::testing::{Captured, capture};

fn family<'a, R>(captured: &'a Captured<R>, name: &str) -> &'a MetricFamily {
    let found = captured.metrics.iter().find(|f| f.name == name);
    found.unwrap_or_else(|| panic!("no metric {name}"))
}

/// `key=value,… number`, of a family of numbers.
fn lines(family: &MetricFamily) -> Vec<String> {
    let line = |point: &NumberPoint| {
        let labels: Vec<_> = point
            .labels
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        format!("{} {}", labels.join(","), point.value.as_f64())
    };
    match &family.data {
        MetricData::Counter(all) | MetricData::UpDownCounter(all) | MetricData::Gauge(all) => {
            all.iter().map(line).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn meter() -> otel::Meter {
    MeterProvider::current().meter("library")
}

#[test]
fn each_set_of_attributes_is_a_series_in_any_order() {
    let captured = capture(|| {
        let queries = meter()
            .u64_counter("queries")
            .with_description("Queries.")
            .with_unit("{query}")
            .build();
        let (a, b) = (KeyValue::new("a", 1), KeyValue::new("b", true));
        queries.add(1, &[]);
        queries.add(2, &[a.clone(), b.clone()]);
        queries.add(3, &[b, a.clone()]);
        queries.add(4, &[KeyValue::new("a", "other"), a]);
        // The same instrument again.
        meter()
            .u64_counter("queries")
            .with_unit("{query}")
            .build()
            .add(5, &[]);
    });
    let family = family(&captured, "queries");
    assert_eq!(lines(family), [" 6", "a=1 4", "a=1,b=true 5"]);
    assert_eq!(
        (&*family.description, &*family.unit),
        ("Queries.", "{query}")
    );
    assert!(matches!(family.data, MetricData::Counter(_)));
}

#[test]
fn every_kind_of_instrument() {
    let captured = capture(|| {
        let meter = meter();
        meter.f64_counter("f64_counter").build().add(1.5, &[]);
        meter.i64_up_down_counter("i64_updown").build().add(-3, &[]);
        meter
            .f64_up_down_counter("f64_updown")
            .build()
            .add(-0.5, &[]);
        meter.u64_gauge("u64_gauge").build().record(7, &[]);
        meter.i64_gauge("i64_gauge").build().record(-7, &[]);
        meter.f64_gauge("f64_gauge").build().record(0.25, &[]);
        meter.u64_histogram("u64_histogram").build().record(30, &[]);
        let seconds = meter
            .f64_histogram("f64_histogram")
            .with_boundaries(vec![1.0, 2.0]);
        seconds.build().record(1.5, &[KeyValue::new("k", "v")]);
    });
    for (name, line) in [
        ("f64_counter", " 1.5"),
        ("i64_updown", " -3"),
        ("f64_updown", " -0.5"),
        ("u64_gauge", " 7"),
        ("i64_gauge", " -7"),
        ("f64_gauge", " 0.25"),
    ] {
        assert_eq!(lines(family(&captured, name)), [line], "{name}");
    }
    let MetricData::Histogram(points) = &family(&captured, "f64_histogram").data else {
        panic!("a histogram");
    };
    assert_eq!(
        (&*points[0].bounds, &*points[0].counts),
        (&[1.0, 2.0][..], &[0, 1, 0][..])
    );
    let MetricData::Histogram(points) = &family(&captured, "u64_histogram").data else {
        panic!("a histogram");
    };
    assert_eq!((points[0].count, points[0].sum), (1, 30.0));
}

#[test]
fn observables_are_asked_at_each_collection() {
    let called = Arc::new(AtomicBool::new(false));
    let captured = capture(|| {
        let meter = meter();
        let flag = Arc::clone(&called);
        let _ = meter
            .u64_observable_counter("pages")
            .with_description("Pages.")
            .with_callback(|observer| {
                observer.observe(5, &[KeyValue::new("disk", "a")]);
                observer.observe(6, &[KeyValue::new("disk", "a")]);
            })
            .with_callback(|_| panic!("expected"))
            .with_callback(move |observer| {
                flag.store(true, Ordering::Relaxed);
                observer.observe(7, &[KeyValue::new("disk", "b")]);
            })
            .build();
        let _ = meter
            .i64_observable_up_down_counter("open")
            .with_callback(|observer| observer.observe(-1, &[]))
            .build();
        // Another library with the same instrument.
        let _ = meter
            .f64_observable_gauge("load")
            .with_callback(|observer| observer.observe(0.5, &[KeyValue::new("cpu", 0)]))
            .build();
        let _ = meter
            .f64_observable_gauge("load")
            .with_callback(|observer| observer.observe(0.75, &[KeyValue::new("cpu", 1)]))
            .build();
        assert!(!called.load(Ordering::Relaxed));
    });
    assert_eq!(lines(family(&captured, "pages")), ["disk=a 6", "disk=b 7"]);
    assert_eq!(lines(family(&captured, "open")), [" -1"]);
    assert_eq!(
        lines(family(&captured, "load")),
        ["cpu=0 0.5", "cpu=1 0.75"]
    );
    assert!(called.load(Ordering::Relaxed));
}

#[test]
fn what_has_no_attributes_has_a_series_of_its_own() {
    let captured = capture(|| {
        let rows = meter().u64_counter("rows").build();
        let disk = [KeyValue::new("disk", "a")];
        for _ in 0..2 {
            rows.add(1, &disk);
            rows.add(10, &[]);
        }
    });
    assert_eq!(lines(family(&captured, "rows")), [" 20", "disk=a 2"]);
}

#[test]
fn any_character_stays_in_its_label() {
    let captured = capture(|| {
        let rows = meter().u64_counter("rows").build();
        rows.add(1, &[KeyValue::new("a\0b", "c\0d"), KeyValue::new("e", "f")]);
    });
    assert_eq!(lines(family(&captured, "rows")), ["a\0b=c\0d,e=f 1"]);
}

#[test]
fn what_has_no_name_or_no_value_is_no_label() {
    let captured = capture(|| {
        let rows = meter().u64_counter("rows").build();
        rows.add(1, &[KeyValue::new("", "x"), KeyValue::new("e", "")]);
        rows.add(2, &[]);
    });
    assert_eq!(lines(family(&captured, "rows")), [" 3"]);
}

#[test]
fn a_library_that_makes_ever_more_observables_fills_no_memory() {
    let captured = capture(|| {
        let meter = meter();
        for n in 0..2_001 {
            let _ = meter
                .u64_observable_gauge(format!("request.{n}"))
                .with_callback(|observer| observer.observe(1, &[]))
                .build();
        }
    });
    let requests = captured.metrics.iter();
    let requests = requests.filter(|family| family.name.starts_with("request."));
    assert_eq!(requests.count(), 2_000);
}

#[test]
fn what_a_callback_may_not_say_is_counted() {
    let captured = capture(|| {
        // An instrument of ours that refuses something too.
        let meter = meter();
        meter.f64_counter("paid").build().add(-1.0, &[]);
        for value in [-1.0, f64::NAN, 2.5] {
            let _ = meter
                .f64_observable_counter("read")
                .with_callback(move |observer| observer.observe(value, &[]))
                .build();
        }
        let _ = meter
            .f64_observable_up_down_counter("open")
            .with_callback(|observer| observer.observe(f64::INFINITY, &[]))
            .build();
    });
    assert_eq!(lines(family(&captured, "read")), [" 2.5"]);
    assert_eq!(
        lines(family(&captured, "obs.metrics.refused")),
        ["metric=paid 1", "metric=read 2", "metric=open 1"]
    );
}

#[test]
fn what_is_too_much_is_counted_together() {
    let captured = capture(|| {
        let counter = meter().u64_counter("many").build();
        let _ = meter()
            .u64_observable_counter("many_observed")
            .with_callback(|observer| {
                for n in 0..2_005_i64 {
                    observer.observe(1, &[KeyValue::new("n", n)]);
                }
            })
            .build();
        for n in 0..2_005_i64 {
            counter.add(1, &[KeyValue::new("n", n)]);
        }
    });
    for name in ["many", "many_observed"] {
        let all = lines(family(&captured, name));
        assert_eq!(all.len(), 2_001, "{name}");
        let overflow = "otel.metric.overflow=true 5".to_owned();
        assert!(all.contains(&overflow), "{name}");
    }
}

#[test]
fn a_clash_counts_nothing_and_breaks_nothing() {
    let captured = capture(|| {
        let collector = crate::scope::current_metrics();
        let ours = collector.counter("ours").labels(["shop"]).build().unwrap();
        ours.with(["Oslo"]).unwrap().inc();
        meter().u64_counter("ours").build().add(9, &[]);
        meter().f64_counter("not a name").build().add(9.0, &[]);
        let _ = meter()
            .u64_observable_gauge("ours")
            .with_callback(|observer| observer.observe(9, &[]))
            .build();
    });
    assert_eq!(lines(family(&captured, "ours")), ["shop=Oslo 1"]);
    assert_eq!(
        captured.metrics.iter().filter(|f| f.name == "ours").count(),
        1
    );
}

proptest! {
    /// Names and values with any characters, in any order.
    #[test]
    fn attributes_are_their_labels(pairs in proptest::collection::btree_map("\\PC{1,8}", "\\PC{1,8}", 0..6)) {
        let all: Vec<_> = pairs.iter().rev().map(|(k, v)| KeyValue::new(k.clone(), v.clone())).collect();
        let found = labels::with_labels(&all, |labels| {
            labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>()
        });
        prop_assert_eq!(found, pairs.into_iter().collect::<Vec<_>>());
    }
}
