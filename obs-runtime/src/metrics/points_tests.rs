use crate::metrics::{MetricData, MetricsCollector, Number, NumberPoint, Points};

fn points(collector: &MetricsCollector) -> Points<NumberPoint> {
    match collector.get("rows").map(|family| family.data) {
        Some(MetricData::Counter(points)) => points,
        other => panic!("{other:?}"),
    }
}

fn values(points: &[NumberPoint]) -> Vec<Number> {
    points.iter().map(|point| point.value).collect()
}

#[test]
fn what_somebody_holds_stays_as_it_is() -> Result<(), crate::Error> {
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").labels(["task"]).build()?;
    let (load, save) = (rows.with(["load"])?, rows.with(["save"])?);
    load.inc();

    let mut first = points(&collector);
    save.add(2);
    let second = points(&collector);
    assert_eq!(values(&first), [Number::U64(1), Number::U64(0)]);
    assert_eq!(values(&second), [Number::U64(1), Number::U64(2)]);

    let at = second.as_ptr();
    drop(second);
    load.inc();
    let third = points(&collector);
    assert_eq!(values(&third), [Number::U64(2), Number::U64(2)]);
    assert_eq!(third.as_ptr(), at, "nobody holds it: used again");

    first.make_mut().clear();
    let mut changed = third.clone();
    changed.make_mut()[0].value = Number::U64(9);
    drop((third, changed));
    assert_eq!(
        values(&points(&collector)),
        [Number::U64(2), Number::U64(2)]
    );
    Ok(())
}

#[test]
fn series_that_join_are_there() -> Result<(), crate::Error> {
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").labels(["task"]);
    let rows = rows.max_series(3).build()?;
    let tasks = |points: Points<NumberPoint>| {
        let task = |p: NumberPoint| p.labels.get("task").map(str::to_owned);
        points.into_iter().map(task).collect::<Vec<_>>()
    };
    rows.with(["c"])?.inc();
    assert_eq!(tasks(points(&collector)), [Some("c".into())]);
    rows.with(["a"])?.inc();
    rows.with(["b"])?.inc();
    let sorted = ["a", "b", "c"].map(|task| Some(task.to_owned()));
    assert_eq!(tasks(points(&collector)), sorted);
    assert!(points(&collector).are_in_order());
    for _ in 0..2 {
        rows.with(["d"])?.inc();
        let all = points(&collector);
        // The series of what has no room is the last one, whatever its label.
        assert!(!all.are_in_order());
        assert_eq!(all[3].labels.get("otel.metric.overflow"), Some("true"));
    }
    assert_eq!(points(&collector)[3].value, Number::U64(2));
    Ok(())
}

#[test]
fn further_labels_are_on_a_copy() -> Result<(), crate::Error> {
    let collector = MetricsCollector::new();
    let rows = collector
        .counter("rows")
        .description("Rows")
        .labels(["b"])
        .build()?;
    rows.with(["x"])?.add(3);
    collector.summary("s").build()?.observe(1);
    let families = collector.collect_all();
    let copies: Vec<_> = families
        .iter()
        .map(|f| f.with_labels([("b", "y"), ("a", "z")]))
        .collect();
    let MetricData::Counter(points) = &copies[0].data else {
        panic!("a counter");
    };
    assert_eq!(points[0].labels, [("a", "z"), ("b", "y")].into());
    assert_eq!(
        (&*copies[0].description, points[0].value),
        ("Rows", Number::U64(3))
    );
    let MetricData::Summary(points) = &copies[1].data else {
        panic!("a summary");
    };
    assert_eq!(points[0].histogram.labels.len(), 2);
    let MetricData::Counter(points) = &families[0].data else {
        panic!("a counter");
    };
    assert_eq!(points[0].labels, [("b", "x")].into());
    Ok(())
}

#[test]
fn only_points_of_a_collector_are_known_to_be_in_order() {
    let point = |task: &'static str| NumberPoint {
        labels: [("task", task)].into(),
        start_unix_nanos: 0,
        value: Number::U64(1),
        exemplar: None,
    };
    assert!(!Points::from(vec![point("b"), point("a")]).are_in_order());
    assert!(
        ![point("a")]
            .into_iter()
            .collect::<Points<_>>()
            .are_in_order()
    );
    let mut known = Points::in_order(vec![point("a"), point("b")]);
    assert!(known.are_in_order() && known.clone().are_in_order());
    known.make_mut().reverse();
    assert!(!known.are_in_order() && !known.clone().are_in_order());
    assert_ne!(known, Points::in_order(vec![point("a"), point("b")]));
    assert!(known.unshared().is_some());
    let copy = known.clone();
    assert!(known.unshared().is_none());
    drop(copy);
    assert!(known.unshared().is_some());
}
