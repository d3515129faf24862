//! Instruments seen from a user: definitions, series, reading back.

#![allow(clippy::float_cmp, reason = "the numbers are exact")]

use std::sync::Arc;

use super::*;

type Result<T = ()> = std::result::Result<T, Error>;

#[test]
fn a_counter_starts_at_zero_and_adds() -> Result {
    let collector = MetricsCollector::new();
    let counter = collector.counter("calls").build()?;
    assert_eq!(counter.value(), 0.0);
    counter.inc();
    counter.add(5);
    assert_eq!(counter.value(), 6.0);
    counter.add(2.5);
    assert_eq!(counter.value(), 8.5);
    Ok(())
}

#[test]
fn whole_numbers_stay_exact() -> Result {
    let collector = MetricsCollector::new();
    let counter = collector.counter("bytes").build()?;
    counter.add((1_u64 << 53) + 1);
    let MetricData::Counter(points) = &collector.collect_all()[0].data else {
        panic!("a counter");
    };
    assert_eq!(points[0].value, Number::U64((1 << 53) + 1));
    Ok(())
}

// bug: I2, I4 (negative amounts and NaN were counted).
#[test]
fn bad_amounts_are_refused_and_counted() -> Result {
    let collector = MetricsCollector::new();
    let counter = collector.counter("calls").build()?;
    counter.add(3);
    counter.add(-1);
    counter.add(-0.5);
    counter.add(f64::NAN);
    counter.add(f64::INFINITY);
    assert_eq!(counter.value(), 3.0);
    assert_eq!(counter.refused(), 4);

    let histogram = collector.histogram("sizes").build()?;
    histogram.observe(f64::NAN);
    histogram.observe(f64::NEG_INFINITY);
    assert_eq!(histogram.count(), 0);

    let MetricData::Counter(points) = &collector.get_loss("obs.metrics.refused").data else {
        panic!("a counter");
    };
    let read: Vec<_> = points
        .iter()
        .map(|p| (p.labels.values().next(), p.value))
        .collect();
    assert_eq!(
        read,
        [
            (Some("calls"), Number::U64(4)),
            (Some("sizes"), Number::U64(2))
        ]
    );
    Ok(())
}

impl MetricsCollector {
    fn get_loss(&self, name: &str) -> MetricFamily {
        let mut all = self.collect_all().into_iter();
        all.find(|f| f.name == name).expect("a loss was counted")
    }
}

// bug: M18 (what the value of a counter with labels is was left open).
#[test]
fn label_sets_are_independent_and_reading_creates_nothing() -> Result {
    let collector = MetricsCollector::new();
    let rows = collector
        .counter("rows")
        .labels(["pipeline", "task"])
        .build()?;
    assert_eq!(rows.get(["etl", "load"])?, 0.0);
    assert!(collector.get("rows").is_none(), "reading made a series");
    rows.with(["etl", "load"])?.add(2);
    rows.with(["etl", "save"])?.add(3);
    assert_eq!(rows.get(["etl", "load"])?, 2.0);
    assert_eq!(rows.get(["etl", "save"])?, 3.0);
    assert_eq!(rows.value(), 5.0);

    let depth = collector.gauge("depth").labels(["queue"]).build()?;
    depth.with(["a"])?.set(1);
    depth.with(["b"])?.set(-2);
    assert_eq!((depth.get(["a"])?, depth.get(["b"])?), (1.0, -2.0));
    Ok(())
}

#[test]
fn values_are_not_joined_into_one() -> Result {
    let collector = MetricsCollector::new();
    let c = collector.counter("c").labels(["x", "y"]).build()?;
    c.with(["ab", "c"])?.inc();
    c.with(["a", "bc"])?.inc();
    assert_eq!((c.get(["ab", "c"])?, c.get(["a", "bc"])?), (1.0, 1.0));
    Ok(())
}

#[test]
fn a_gauge_goes_up_and_down() -> Result {
    let collector = MetricsCollector::new();
    let gauge = collector.gauge("depth").build()?;
    gauge.set(10);
    gauge.inc();
    assert_eq!(gauge.value(), 11.0);
    gauge.add(5);
    assert_eq!(gauge.value(), 16.0);
    gauge.sub(3);
    assert_eq!(gauge.value(), 13.0);
    gauge.sub(20);
    assert_eq!(gauge.value(), -7.0);
    gauge.set(f64::INFINITY);
    assert_eq!(gauge.value(), f64::INFINITY);
    Ok(())
}

// bug: I1 (another object for each module that asked), M14 (asked for again without its definition).
#[test]
fn the_same_name_is_the_same_instrument() -> Result {
    let collector = MetricsCollector::new();
    let first = collector
        .counter("rows")
        .labels(["task"])
        .unit("{row}")
        .build()?;
    first.with(["load"])?.inc();
    // Parts that are not given match; OpenTelemetry's names ignore case.
    let again = collector.counter("Rows").description("Rows").build()?;
    again.with(["load"])?.inc();
    assert_eq!(first.value(), 2.0);
    assert_eq!(collector.collect_all()[0].description, "Rows");
    Ok(())
}

// bug: I1 (another kind, labels or buckets gave the old object silently).
#[test]
fn clashing_definitions_are_errors_that_name_the_clash() -> Result {
    let collector = MetricsCollector::new();
    collector
        .counter("rows")
        .labels(["task"])
        .unit("{row}")
        .build()?;
    collector.histogram("size").buckets([1, 2]).build()?;
    let clashes = [
        (collector.gauge("rows").build().err(), "kind counter"),
        (
            collector.counter("rows").labels(["other"]).build().err(),
            "labels [\"task\"]",
        ),
        (
            collector.counter("rows").unit("By").build().err(),
            "unit \"{row}\"",
        ),
        (
            collector.histogram("size").buckets([1, 3]).build().err(),
            "buckets [1.0, 2.0]",
        ),
        (
            collector.counter("rows").max_series(5).build().err(),
            "max_series 2000",
        ),
    ];
    for (error, part) in clashes {
        let error = error.expect("a clash");
        assert!(
            error.is_metric() && error.to_string().contains(part),
            "{error}"
        );
    }
    Ok(())
}

// bug: I4 (unsorted buckets were kept), I9 (names were printed raw).
#[test]
fn invalid_definitions_are_errors_that_name_the_input() {
    let collector = MetricsCollector::new();
    let long = "x".repeat(256);
    let many = (0..501).map(f64::from);
    for name in ["", "1st", "_x", "a b", "a:b", "größe", &long] {
        let error = collector
            .counter(name.to_owned())
            .build()
            .expect_err(name)
            .to_string();
        assert!(
            error.contains(&name[..name.len().min(40)]) && error.contains("letter"),
            "{error}"
        );
    }
    for labels in [
        &["a b"][..],
        &["1"],
        &["__x"],
        &["a", "a"],
        &["a.b", "a_b"],
        &["otel.metric.overflow"],
    ] {
        let built = collector
            .counter("c")
            .labels(labels.iter().map(|l| (*l).to_owned()))
            .build();
        assert!(built.is_err(), "{labels:?}");
    }
    assert!(collector.histogram("h").labels(["le"]).build().is_err());
    for buckets in [
        vec![2.0, 1.0],
        vec![1.0, 1.0],
        vec![f64::NAN],
        vec![f64::INFINITY, 1.0],
        vec![f64::NEG_INFINITY],
        many.collect(),
    ] {
        let text = format!("{buckets:?}");
        assert!(
            collector.histogram("h").buckets(buckets).build().is_err(),
            "{text}"
        );
    }
    assert!(collector.counter("c").max_series(0).build().is_err());
    assert!(
        collector
            .counter("c")
            .max_series(2_000_000)
            .build()
            .is_err()
    );
    for unit in ["two words", &"x".repeat(64)] {
        assert!(
            collector
                .counter("c")
                .unit(unit.to_owned())
                .build()
                .is_err()
        );
    }
    assert!(
        collector.collect_all().is_empty(),
        "a refused definition left something"
    );
}

// bug: I2 (unknown labels were dropped, missing ones were empty).
#[test]
fn missing_and_unknown_labels_are_errors() -> Result {
    let collector = MetricsCollector::new();
    let rows = collector
        .counter("rows")
        .labels(["pipeline", "task"])
        .build()?;
    let error =
        |result: Result<crate::metrics::BoundCounter>| result.expect_err("refused").to_string();
    assert!(error(rows.with(["etl"])).contains("pipeline, task"));
    assert!(error(rows.with_labels(&[("pipeline", "etl")])).contains("`task`"));
    assert!(error(rows.with_labels(&[("pipeline", "etl"), ("job", "x")])).contains("\"job\""));
    assert!(error(rows.with_labels(&[("task", "a"), ("task", "b")])).contains("twice"));
    rows.with_labels(&[("task", "load"), ("pipeline", "etl")])?
        .inc();
    assert_eq!(rows.get(["etl", "load"])?, 1.0);
    assert!(rows.get(["etl"]).is_err());
    // Nothing can be counted without the labels; the attempt is not lost silently.
    rows.inc();
    assert_eq!((rows.value(), rows.refused()), (1.0, 1));
    Ok(())
}

#[test]
fn an_empty_value_is_no_label() -> Result {
    let collector = MetricsCollector::new();
    let calls = collector.counter("calls").labels(["b", "a"]).build()?;
    calls.with(["", "x"])?.inc();
    let MetricData::Counter(points) = &collector.collect_all()[0].data else {
        panic!("a counter");
    };
    assert_eq!(points[0].labels, [("a", "x")].into());
    Ok(())
}

#[test]
fn many_series_are_found_again_by_many_threads() -> Result {
    let collector = MetricsCollector::new();
    let c = collector
        .counter("c")
        .labels(["user", "path"])
        .max_series(5_000)
        .build()?;
    // Lengths around the words of the hash, and long values that differ in one place only.
    let path = |user: usize| format!("{}{user}{}", "/".repeat(user % 40), "x".repeat(user % 23));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for user in 0..5_000 {
                    let bound = c.with([user.to_string(), path(user)]).expect("two labels");
                    bound.inc();
                }
            });
        }
    });
    for user in 0..5_000 {
        assert_eq!(c.get([user.to_string(), path(user)])?, 4.0, "{user}");
    }
    assert_eq!(c.get(["5000".to_owned(), path(5_000)])?, 0.0);
    let MetricData::Counter(points) = &collector.collect_all()[0].data else {
        panic!("a counter");
    };
    assert_eq!(points.len(), 5_000);
    assert!(points.is_sorted_by(|a, b| a.labels < b.labels));
    Ok(())
}

// bug: I38 (no limit on series).
#[test]
fn series_above_the_limit_share_one() -> Result {
    let collector = MetricsCollector::new();
    let c = collector
        .counter("c")
        .labels(["user"])
        .max_series(100)
        .build()?;
    for user in 0..1_000 {
        c.with([user.to_string()])?.inc();
    }
    let MetricData::Counter(points) = &collector.collect_all()[0].data else {
        panic!("a counter");
    };
    assert_eq!(points.len(), 101);
    let overflow: Vec<_> = points
        .iter()
        .filter(|p| p.labels.get("otel.metric.overflow").is_some())
        .collect();
    assert_eq!((overflow.len(), overflow[0].value), (1, Number::U64(900)));
    assert_eq!(c.value(), 1_000.0);
    let MetricData::Counter(lost) = &collector.get_loss("obs.metrics.overflowed").data else {
        panic!("a counter");
    };
    assert_eq!(lost[0].value, Number::U64(900));
    // Known values still reach their own series.
    c.with(["7"])?.inc();
    assert_eq!(c.get(["7"])?, 2.0);
    Ok(())
}

#[test]
fn remove_and_clear() -> Result {
    let collector = MetricsCollector::new();
    let old = collector.counter("a").build()?;
    collector.counter("b").build()?;
    old.add(7);
    assert!(collector.remove("a"));
    assert!(!collector.remove("a"));
    assert!(collector.get("a").is_none() && collector.get("b").is_some());
    // The old handle counts apart from a new metric of the name.
    let new = collector.counter("a").build()?;
    old.inc();
    assert_eq!((old.value(), new.value()), (8.0, 0.0));
    collector.clear();
    assert!(collector.collect_all().is_empty());
    Ok(())
}

// bug: T12, T13 (counting without a lock).
#[test]
fn threads_lose_nothing_when_they_end() -> Result {
    let collector = MetricsCollector::new();
    let counter = collector.counter("c").build()?;
    let level = collector.up_down_counter("l").build()?;
    let gauge = collector.gauge("g").build()?;
    for _ in 0..3 {
        std::thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        counter.inc();
                        counter.add(0.5);
                        level.inc();
                        level.dec();
                        gauge.inc();
                        gauge.dec();
                    }
                });
            }
        });
    }
    assert_eq!(counter.value(), 45_000.0);
    assert_eq!((level.value(), gauge.value()), (0.0, 0.0));
    Ok(())
}

#[test]
fn counting_while_a_thread_ends_works() -> Result {
    struct CountsLate(Arc<crate::metrics::Counter>);
    impl Drop for CountsLate {
        fn drop(&mut self) {
            self.0.inc();
        }
    }
    thread_local!(static LATE: std::cell::RefCell<Vec<CountsLate>> = const { std::cell::RefCell::new(Vec::new()) });

    let collector = MetricsCollector::new();
    let counter = Arc::new(collector.counter("c").build()?);
    for first in [true, false] {
        let counter = Arc::clone(&counter);
        let thread = std::thread::spawn(move || {
            // Destructors run in one order or the other, depending on what was used first.
            if first {
                counter.inc();
            }
            LATE.with_borrow_mut(|late| late.push(CountsLate(Arc::clone(&counter))));
            if !first {
                counter.inc();
            }
        });
        thread.join().expect("the thread");
    }
    assert_eq!(counter.value(), 4.0);
    Ok(())
}

// bug: M22 (NaN is no JSON).
#[cfg(feature = "json")]
#[test]
fn export_is_json() -> Result {
    let collector = MetricsCollector::new();
    collector
        .counter("rows")
        .unit("{row}")
        .description("A \"quoted\"\nline")
        .build()?
        .add(3);
    let gauge = collector.gauge("g").labels(["k"]).build()?;
    gauge.with(["a\\b\u{1}é"])?.set(f64::NAN);
    gauge.with(["tiny"])?.set(1e-300);
    collector
        .histogram("h")
        .buckets([1, 2])
        .build()?
        .observe(1.5);
    collector.histogram("none").build()?;
    let summary = collector.summary("s").labels(["k"]).quantiles([0.5, 1.0]);
    let summary = summary.build()?;
    for (label, value) in [("a", 5.0), ("a", 6.0), ("b", 7.0)] {
        summary.with([label])?.observe(value);
    }
    let exponential = collector.histogram("e").exponential().build()?;
    exponential.observe(3);
    let json: serde_json::Value = serde_json::from_str(&collector.export()).expect("valid JSON");
    assert_eq!(json["rows"]["series"][0]["value"], 3);
    assert_eq!(json["rows"]["description"], "A \"quoted\"\nline");
    assert_eq!(json["g"]["series"][0]["labels"]["k"], "a\\b\u{1}é");
    assert_eq!(json["g"]["series"][0]["value"], "NaN");
    assert_eq!(json["g"]["series"][1]["value"], 1e-300);
    let h = &json["h"]["series"][0];
    assert_eq!((&h["count"], &h["p50"]), (&1.into(), &1.5.into()));
    assert_eq!(
        h["buckets"][2],
        serde_json::json!({"le": "Infinity", "count": 1})
    );
    assert!(json["none"]["series"][0]["mean"].is_null());
    let s = &json["s"]["series"];
    assert_eq!(s[1]["labels"]["k"], "b");
    let quantiles = serde_json::json!([
        {"quantile": 0.5, "value": 7},
        {"quantile": 1, "value": 7},
    ]);
    assert_eq!(s[1]["quantiles"], quantiles);
    assert_eq!((&s[0]["count"], &s[1]["sum"]), (&2.into(), &7.into()));
    assert_eq!(json["e"]["type"], "histogram");
    assert_eq!(json["e"]["series"][0]["buckets"][1]["count"], 1);
    Ok(())
}

// bug: I8 (behaviour 15).
