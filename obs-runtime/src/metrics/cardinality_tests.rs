//! How many series there can be, and what happens beyond.

use super::*;
use crate::callsite::Callsite;
use crate::callsite::{CallsiteSpec, Source};
use crate::metrics::{MetricsCollector, Number};
use crate::trace::Outcome;

type Result<T = ()> = std::result::Result<T, crate::Error>;

// bug: I38, S14 (no guard against labels with a value for each user).
#[test]
fn a_label_has_a_hundred_values_and_no_more() -> Result {
    let collector = MetricsCollector::new();
    let c = collector.counter("c").labels(["tier", "user"]).build()?;
    for user in 0..1_000 {
        c.with(["free".to_owned(), user.to_string()])?.inc();
    }
    let MetricData::Counter(points) = &collector.collect_all()[0].data else {
        panic!("a counter");
    };
    assert_eq!(points.len(), 101);
    let overflow: Vec<_> = points
        .iter()
        .filter(|p| p.labels.get("otel.metric.overflow") == Some("true"))
        .collect();
    assert_eq!((overflow.len(), overflow[0].value), (1, Number::U64(900)));
    // Known values of both labels still make new series.
    c.with(["paid", "7"])?.add(5);
    assert_eq!((c.get(["paid", "7"])?, c.value()), (5.0, 1_005.0));
    // A refused value is in no list: memory stays flat.
    let report = collector.cardinality();
    let metric = &report.metrics[0];
    let labels = metric.labels.iter();
    let labels: Vec<_> = labels
        .map(|label| (&*label.name, label.values, label.max_values))
        .collect();
    assert_eq!(labels, [("tier", 2, 100), ("user", 100, 100)]);
    assert_eq!((metric.series, metric.overflowed), (101, 900));
    let text = report.to_string();
    assert!(text.contains("}, 900 lookups overflowed\n"), "{text}");
    Ok(())
}

#[test]
fn whoever_asks_for_more_series_gets_more_values() -> Result {
    let collector = MetricsCollector::new();
    let many = collector
        .counter("many")
        .labels(["user"])
        .max_series(500)
        .build()?;
    let few = collector
        .counter("few")
        .labels(["user"])
        .max_label_values(3)
        .build()?;
    for user in 0..1_000 {
        many.with([user.to_string()])?.inc();
        few.with([user.to_string()])?.inc();
    }
    let report = collector.cardinality();
    let series: Vec<_> = report
        .metrics
        .iter()
        .map(|m| (&*m.name, m.series))
        .collect();
    assert_eq!(series, [("many", 500), ("few", 3)]);
    let error = collector
        .counter("few")
        .max_label_values(4)
        .build()
        .expect_err("a clash");
    assert!(error.to_string().contains("max_label_values 3"), "{error}");
    assert!(
        collector
            .counter("none")
            .max_label_values(0)
            .build()
            .is_err()
    );
    Ok(())
}

#[test]
fn the_worst_case_is_told_in_series_and_in_time_series() -> Result {
    let collector = MetricsCollector::new();
    collector.counter("a").build()?;
    let h = collector.histogram("h").buckets([1, 2]).labels(["x", "y"]);
    h.max_label_values(4).build()?.with(["1", "2"])?.observe(1);
    collector.summary("s").quantiles([0.5]).build()?;
    collector.gauge("open").labels(["x", "y"]).build()?;
    let report = collector.cardinality();
    let worst: Vec<_> = report
        .metrics
        .iter()
        .map(|m| (&*m.name, m.worst_case, m.worst_case_time_series()))
        .collect();
    // 100 times 100 would be more than the metric's 2,000; a histogram of 2 bounds has 5 lines.
    let expected = [
        ("open", 2_001, 2_001),
        ("h", 17, 85),
        ("s", 1, 3),
        ("a", 1, 1),
    ];
    assert_eq!(worst, expected);
    assert_eq!(
        (report.worst_case(), report.worst_case_time_series()),
        (2_020, 2_090)
    );
    let text = report.to_string();
    assert!(text.contains("h {x: 1 of 4, y: 1 of 4}\n"), "{text}");
    assert!(
        text.lines()
            .last()
            .is_some_and(|l| l.contains("2090") && l.ends_with("in all")),
        "{text}"
    );
    Ok(())
}

#[test]
fn functions_and_other_sources_are_part_of_it() {
    static PLAIN: Callsite = Callsite::new(CallsiteSpec::new(
        "plain",
        &Source {
            module: "ct",
            file: file!(),
        },
        line!(),
    ));
    static LABELLED: Callsite = Callsite::new(CallsiteSpec::new(
        "labelled",
        &Source {
            module: "ct",
            file: file!(),
        },
        line!(),
    ));
    let eu = LABELLED.with_labels(&[("region", "eu")]);
    let of = |functions: &CallCounts| {
        let mut families = Vec::new();
        functions.collect(false, &mut families);
        let report = Cardinality::new(Vec::new()).with(functions, &families);
        let find = |name| {
            let metric = report.metrics.iter().find(|m| m.name == name);
            let metric = metric.expect("always there");
            (metric.series, metric.worst_case, metric.time_series_each)
        };
        (find("function.calls"), find("function.calls.duration"))
    };
    let mut functions = CallCounts::new(1);
    // Functions of other tests are in the registry too.
    let (calls, durations) = of(&functions);
    functions.record(&PLAIN, Outcome::Ok, 1, None);
    functions.record(&PLAIN, Outcome::Panicked, 1, None);
    let more = of(&functions);
    assert_eq!((more.0.0 - calls.0, more.0.1 - calls.1), (2, 3));
    assert_eq!((more.1.0 - durations.0, more.1.1 - durations.1), (1, 1));
    assert_eq!((more.0.2, more.1.2), (1, 17));
    functions.record(&LABELLED, Outcome::Ok, 1, None);
    functions.record(eu, Outcome::Ok, 1, None);
    let (calls, durations) = of(&functions);
    assert_eq!((calls.0 - more.0.0, calls.1 - more.0.1), (2, 3 * 2_001));
    assert_eq!((durations.0 - more.1.0, durations.1 - more.1.1), (2, 2_001));

    let collector = MetricsCollector::new();
    let h = collector.histogram("h").buckets([1, 2]).build();
    h.expect("valid").observe(1);
    let families = collector.collect_all();
    let report = Cardinality::new(Vec::new()).with(&CallCounts::default(), &families);
    let h = report.metrics.iter().find(|m| m.name == "h").expect("it");
    assert_eq!((h.series, h.worst_case_time_series()), (1, 5));
    // Who knows its limits says them.
    let report = collector.cardinality();
    assert_eq!(
        report
            .clone()
            .with(&CallCounts::default(), &families)
            .metrics
            .len(),
        3
    );
}
