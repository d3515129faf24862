//! Metrics of obs itself, as the collector shows them.

use super::*;
use crate::metrics::limits::MAX_SERIES;
use crate::metrics::{MetricData, MetricFamily, Number};
use crate::semconv::metric;

fn family(collector: &MetricsCollector, def: &MetricDef) -> MetricFamily {
    collector.get(def.name).expect("the metric has a series")
}

/// `key=value …` of each point of a counter, with the value.
fn points(family: &MetricFamily) -> Vec<(String, Number)> {
    let (MetricData::Counter(points) | MetricData::UpDownCounter(points)) = &family.data else {
        panic!("{family:?}")
    };
    let labels = points.iter().map(|point| {
        let pairs = point.labels.iter().map(|(k, v)| format!("{k}={v}"));
        (pairs.collect::<Vec<_>>().join(" "), point.value)
    });
    labels.collect()
}

#[test]
fn each_set_of_labels_is_a_series_in_any_order() {
    let collector = MetricsCollector::new();
    let def = &metric::GEN_AI_USAGE_INPUT_TOKENS;
    collector.count(def, &[("model", "x"), ("a", "1"), ("none", "")], 2);
    collector.count(def, &[("a", "1"), ("model", "x")], 3);
    collector.count(def, &[("model", "y"), ("a", "1")], 7);
    collector.count(def, &[("model", "y")], 8);
    collector.count(def, &[], 9);
    let family = family(&collector, def);
    assert_eq!(
        (&*family.unit, &*family.description),
        (def.unit, def.description)
    );
    let wanted = [
        ("", 9),
        ("a=1 model=x", 5),
        ("a=1 model=y", 7),
        ("model=y", 8),
    ];
    let wanted = wanted.map(|(labels, sum)| (labels.to_owned(), Number::U64(sum)));
    assert_eq!(points(&family), wanted);
}

#[test]
fn a_level_goes_up_and_down() {
    let collector = MetricsCollector::new();
    for by in [1, 1, -1, -1, -1] {
        let series = collector.up_down(&metric::OBS_LLM_ACTIVE, &[("m", "x")]);
        series.expect("a series").add(by);
    }
    let found = points(&family(&collector, &metric::OBS_LLM_ACTIVE));
    assert_eq!(found, [("m=x".to_owned(), Number::I64(-1))]);
}

#[test]
fn a_histogram_has_the_bounds_of_its_definition() {
    let collector = MetricsCollector::new();
    collector.exponential_by_default(true);
    let def = &metric::GEN_AI_INFERENCE_DURATION;
    for value in [0.01, 0.02, 0.015, 100.0] {
        collector.observe(def, &[], value);
    }
    let MetricData::Histogram(points) = family(&collector, def).data else {
        panic!("a histogram with explicit bounds")
    };
    let point = &points[0];
    assert_eq!(&*point.bounds, def.bounds);
    assert_eq!(
        (point.counts[0], point.counts[1], point.counts[14]),
        (1, 2, 1)
    );
    assert_eq!(
        (point.count, point.min, point.max),
        (4, Some(0.01), Some(100.0))
    );

    // Those that are the default give way to what the program prefers.
    let def = &metric::HTTP_SERVER_REQUEST_DURATION;
    collector.observe(def, &[], 0.5);
    let data = family(&collector, def).data;
    assert!(
        matches!(data, MetricData::ExponentialHistogram(_)),
        "{data:?}"
    );
}

#[test]
fn series_are_bounded_and_the_collector_knows_them() {
    let collector = MetricsCollector::new();
    let def = &metric::OBS_LLM_UNPRICED;
    for n in 0..MAX_SERIES + 50 {
        collector.count(def, &[("m", &n.to_string()), ("reason", "no_usage")], 1);
    }
    let points = points(&family(&collector, def));
    assert_eq!(points.len(), MAX_SERIES + 1);
    let overflow = ("otel.metric.overflow=true".to_owned(), Number::U64(50));
    assert!(points.contains(&overflow));

    let cardinality = collector.cardinality();
    let metric = &cardinality.metrics[0];
    assert_eq!(
        (metric.series, metric.worst_case, metric.overflowed),
        (MAX_SERIES, MAX_SERIES + 1, 50)
    );
    let labels = metric.labels.iter().map(|l| (&*l.name, l.values));
    assert_eq!(
        labels.collect::<Vec<_>>(),
        [("m", MAX_SERIES), ("reason", 1)]
    );
    assert!(collector.get("obs.metrics.overflowed").is_none());
    let all = collector.collect_all();
    assert!(all.iter().any(|f| f.name == "obs.metrics.overflowed"));
}

#[test]
fn a_metric_that_is_taken_out_begins_anew() {
    let collector = MetricsCollector::new();
    let def = &metric::OBS_LLM_UNPRICED;
    collector.count(def, &[], 5);
    collector.clear();
    collector.count(def, &[], 1);
    let found = points(&family(&collector, def));
    assert_eq!(found, [(String::new(), Number::U64(1))]);
}

#[test]
fn a_name_that_the_program_has_defined_otherwise_is_left_to_it() -> Result<(), Error> {
    let collector = MetricsCollector::new();
    let def = &metric::OBS_LLM_UNPRICED;
    let theirs = collector.counter(def.name).labels(["m"]).build()?;
    theirs.with(["x"])?.inc();
    collector.count(def, &[("m", "x")], 7);
    collector.observe(def, &[], 1.0);
    let found = points(&family(&collector, def));
    assert_eq!(found, [("m=x".to_owned(), Number::U64(1))]);
    Ok(())
}

#[test]
fn open_labels_are_given_by_name_and_once() -> Result<(), Error> {
    let collector = MetricsCollector::new();
    let def = &metric::OBS_LLM_UNPRICED;
    collector.count(def, &[("m", "x")], 1);
    let found = collector.counter(def.name).build()?;
    found.with_labels(&[("z", "1"), ("m", "x")])?.inc();
    let message = |error: Result<_, Error>| match error {
        Err(error) => error.to_string(),
        Ok(series) => panic!("{series:?}"),
    };
    let twice = message(found.with_labels(&[("m", "x"), ("a", "y"), ("m", "z")]));
    assert!(twice.contains("`m`") && twice.contains("twice"), "{twice}");
    let unnamed = message(found.with(["x"]));
    assert!(unnamed.contains("`with_labels`"), "{unnamed}");
    Ok(())
}
