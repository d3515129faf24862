use serde_json::{Value, json};

use crate::metrics::snapshot::{Exemplar, MetricData, MetricFamily, Number, NumberPoint};
use crate::metrics::{Labels, MetricsCollector};
use crate::trace::{SpanId, TraceId};

fn number(labels: Labels, value: Number) -> NumberPoint {
    NumberPoint {
        labels,
        start_unix_nanos: 5,
        value,
        exemplar: None,
    }
}

fn family(data: MetricData) -> MetricFamily {
    MetricFamily {
        name: "queue.size".into(),
        description: "Waiting".into(),
        unit: "{job}".into(),
        data,
        library: None,
    }
}

#[test]
fn a_family_has_its_kind_beside_its_points() {
    let mut counted = number(
        Labels::from([("queue", "mail"), ("region", "eu")]),
        u64::MAX.into(),
    );
    counted.exemplar = Some(Box::new(Exemplar {
        value: 1.5,
        unix_nanos: 7,
        trace_id: TraceId::from_bytes([0xab; 16]),
        span_id: SpanId::from_bytes([0xcd; 8]),
    }));
    assert_eq!(
        serde_json::to_value(family(MetricData::Counter(vec![counted].into()))).unwrap(),
        json!({
            "name": "queue.size",
            "description": "Waiting",
            "unit": "{job}",
            "type": "counter",
            "points": [{
                "labels": {"queue": "mail", "region": "eu"},
                "start_unix_nanos": 5,
                "value": u64::MAX,
                "exemplar": {
                    "value": 1.5,
                    "unix_nanos": 7,
                    "trace_id": "abababababababababababababababab",
                    "span_id": "cdcdcdcdcdcdcdcd",
                },
            }],
        })
    );
}

#[test]
fn numbers_are_written_as_such_and_others_as_texts() {
    let values = [
        Number::I64(-3),
        Number::F64(0.5),
        Number::F64(f64::NAN),
        Number::F64(f64::INFINITY),
    ];
    let points = values.map(|value| number(Labels::new(), value)).to_vec();
    let json = serde_json::to_value(family(MetricData::Gauge(points.into()))).unwrap();
    assert_eq!(
        (&json["type"], &json["points"][0]["labels"]),
        (&json!("gauge"), &json!({}))
    );
    let values = [json!(-3), json!(0.5), json!("NaN"), json!("Infinity")];
    for (at, value) in values.iter().enumerate() {
        assert_eq!(json["points"][at]["value"], *value);
    }
}

/// Returns the family of this name, without the moments at which counting began.
fn collected(collector: &MetricsCollector, name: &str) -> Value {
    let mut json = serde_json::to_value(collector.get(name).unwrap()).unwrap();
    for path in ["/points/0", "/points/0/histogram"] {
        if let Some(point) = json.pointer_mut(path).and_then(Value::as_object_mut) {
            point.remove("start_unix_nanos");
        }
    }
    json
}

#[test]
fn distributions_have_their_buckets() -> Result<(), crate::Error> {
    let collector = MetricsCollector::new();
    let fixed = collector.histogram("fixed").buckets([1, 10]).build()?;
    let growing = collector.histogram("growing").exponential().build()?;
    let summary = collector.summary("summary").quantiles([0.5]).build()?;
    for value in [2, 2] {
        fixed.observe(value);
        growing.observe(value);
        summary.observe(value);
    }
    assert_eq!(
        collected(&collector, "fixed"),
        json!({
            "name": "fixed",
            "description": "",
            "unit": "",
            "type": "histogram",
            "points": [{
                "labels": {},
                "bounds": [1.0, 10.0],
                "counts": [0, 2, 0],
                "count": 2,
                "sum": 4.0,
                "min": 2.0,
                "max": 2.0,
                "exemplars": [],
            }],
        })
    );
    let growing = collected(&collector, "growing");
    let buckets = &growing["points"][0]["positive"];
    assert_eq!(growing["type"], "exponential_histogram");
    assert_eq!(
        growing["points"][0],
        json!({
            "labels": {},
            "scale": growing["points"][0]["scale"],
            "zero_count": 0,
            "positive": {"offset": buckets["offset"], "counts": [2]},
            "negative": {"offset": 0, "counts": []},
            "count": 2,
            "sum": 4.0,
            "min": 2.0,
            "max": 2.0,
            "exemplars": [],
        })
    );
    let summary = collected(&collector, "summary");
    assert_eq!(summary["type"], "summary");
    assert_eq!(
        summary["points"][0],
        json!({
            "histogram": growing["points"][0],
            "quantiles": [{"quantile": 0.5, "value": 2.0}],
        })
    );
    Ok(())
}

#[test]
fn the_report_on_series_is_an_object() -> Result<(), crate::Error> {
    let collector = MetricsCollector::new();
    let rows = collector.counter("rows").labels(["table"]).build()?;
    rows.with(["users"])?.inc();
    let json = serde_json::to_value(collector.cardinality()).unwrap();
    assert_eq!(
        json,
        json!({
            "metrics": [{
                "name": "rows",
                "labels": [{"name": "table", "values": 1, "max_values": 100}],
                "series": 1,
                "worst_case": 101,
                "time_series_each": 1,
                "overflowed": 0,
            }],
        })
    );
    Ok(())
}
