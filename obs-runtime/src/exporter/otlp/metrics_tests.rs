use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, exemplar, exponential_histogram_data_point, metric::Data,
    number_data_point::Value,
};
use prost::Message as _;

use super::*;
use crate::exporter::otlp::fixtures::{pair, resource};
use crate::metrics::{Library as Of, SummaryPoint};
use crate::trace::{SpanId, TraceId};

const NOW: u64 = 1_700_000_000_000_000_000;

fn family(name: &'static str, data: MetricData) -> MetricFamily {
    MetricFamily {
        name: name.into(),
        description: "What it counts.".into(),
        unit: "{call}".into(),
        data,
        library: None,
    }
}

fn labels_of(pairs: &[(&'static str, &'static str)]) -> Labels {
    pairs.iter().copied().collect()
}

fn point(value: Number) -> NumberPoint {
    NumberPoint {
        labels: labels_of(&[("function", "load"), ("result", "ok")]),
        start_unix_nanos: 5,
        value,
        exemplar: None,
    }
}

/// The metrics of each request, after the other implementation has written the same bytes.
fn requests(families: &[MetricFamily], batch_bytes: usize) -> Vec<(u64, Vec<Metric>)> {
    batches(
        &Envelope::new(&resource()),
        families,
        NOW,
        batch_bytes,
        None,
    )
    .iter()
    .map(|batch| {
        assert!(batch.body().len() <= batch_bytes || batch.items == 1);
        let request = ExportMetricsServiceRequest::decode(batch.body()).unwrap();
        assert_eq!(request.encode_to_vec(), batch.body());
        let [all] = &request.resource_metrics[..] else {
            panic!("one resource");
        };
        assert_eq!(
            all.resource.as_ref().unwrap().attributes[0],
            pair("service.name", "shop")
        );
        let [scope] = &all.scope_metrics[..] else {
            panic!("one scope");
        };
        assert_eq!(scope.scope.as_ref().unwrap().name, "obs");
        (batch.items, scope.metrics.clone())
    })
    .collect()
}

fn only(family: MetricFamily) -> Metric {
    let mut all = requests(&[family], 1 << 20);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1.len(), 1);
    all.remove(0).1.remove(0)
}

// bug: I15 (totals were added up again in each cycle).
#[test]
fn a_counter_is_a_cumulative_monotonic_sum() {
    let data =
        MetricData::Counter(vec![point(Number::U64(7)), point(Number::U64(u64::MAX))].into());
    let metric = only(family("function.calls", data));
    assert_eq!(metric.name, "function.calls");
    assert_eq!(metric.description, "What it counts.");
    assert_eq!(metric.unit, "{call}");
    let Some(Data::Sum(sum)) = metric.data else {
        panic!("a sum");
    };
    assert!(sum.is_monotonic);
    assert_eq!(
        sum.aggregation_temporality(),
        AggregationTemporality::Cumulative
    );
    let first = &sum.data_points[0];
    assert_eq!(first.value, Some(Value::AsInt(7)));
    assert_eq!((first.start_time_unix_nano, first.time_unix_nano), (5, NOW));
    assert_eq!(
        first.attributes,
        [pair("function", "load"), pair("result", "ok")]
    );
    // OTLP's whole numbers are signed: the largest counts go on as doubles.
    assert_eq!(
        sum.data_points[1].value,
        Some(Value::AsDouble(u64::MAX as f64))
    );
}

#[test]
fn a_counter_has_an_exemplar() {
    let example = Exemplar {
        value: 1.0,
        unix_nanos: 11,
        trace_id: TraceId(3),
        span_id: SpanId(4),
    };
    for value in [Number::U64(7), Number::F64(7.5)] {
        let point = NumberPoint {
            exemplar: Some(Box::new(example.clone())),
            ..point(value)
        };
        let metric = only(family("m", MetricData::Counter(vec![point].into())));
        let Some(Data::Sum(sum)) = metric.data else {
            panic!("a sum");
        };
        let exemplar = &sum.data_points[0].exemplars[0];
        assert_eq!(exemplar.value, Some(exemplar::Value::AsDouble(1.0)));
        assert_eq!(exemplar.time_unix_nano, 11);
        assert_eq!(exemplar.trace_id, 3_u128.to_be_bytes());
        assert_eq!(exemplar.span_id, 4_u64.to_be_bytes());
    }
}

// bug: I15 (gauges were sums of changes, and drifted).
#[test]
fn other_numbers() {
    let data = MetricData::UpDownCounter(vec![point(Number::I64(-7))].into());
    let Some(Data::Sum(sum)) = only(family("m", data)).data else {
        panic!("a sum");
    };
    assert!(!sum.is_monotonic);
    assert_eq!(sum.data_points[0].value, Some(Value::AsInt(-7)));

    let data = MetricData::Gauge(vec![point(Number::F64(0.0)), point(Number::F64(-1.5))].into());
    let Some(Data::Gauge(gauge)) = only(family("m", data)).data else {
        panic!("a gauge");
    };
    let values: Vec<_> = gauge.data_points.iter().map(|p| p.value).collect();
    assert_eq!(
        values,
        [Some(Value::AsDouble(0.0)), Some(Value::AsDouble(-1.5))]
    );
}

fn histogram(labels: Labels) -> HistogramPoint {
    HistogramPoint {
        labels,
        start_unix_nanos: 5,
        bounds: Arc::from([0.1, 1.0]),
        counts: vec![0, 2, 300],
        count: 302,
        sum: 77.5,
        min: Some(0.0),
        max: Some(9.25),
        exemplars: vec![Exemplar {
            value: 0.5,
            unix_nanos: 11,
            trace_id: TraceId(3),
            span_id: SpanId(4),
        }],
    }
}

#[test]
fn an_exponential_histogram_has_a_scale_and_buckets_of_both_signs() {
    let exponential = |offset: i32, counts: &[u64]| ExponentialBuckets {
        offset,
        counts: counts.to_vec(),
    };
    let point = ExponentialHistogramPoint {
        labels: labels_of(&[("function", "load")]),
        start_unix_nanos: 5,
        scale: -3,
        zero_count: 2,
        positive: exponential(-7, &[1, 0, 300]),
        negative: exponential(9, &[4]),
        count: 307,
        sum: 77.5,
        min: Some(-2.0),
        max: Some(9.25),
        exemplars: histogram(labels_of(&[])).exemplars,
    };
    let quantiles = Arc::from([0.5]);
    let summary = SummaryPoint {
        histogram: point.clone(),
        quantiles,
    };
    // OTLP has summaries for old data alone: it gets what the quantiles are made of.
    for data in [
        MetricData::ExponentialHistogram(vec![point].into()),
        MetricData::Summary(vec![summary].into()),
    ] {
        let Some(Data::ExponentialHistogram(found)) = only(family("m", data)).data else {
            panic!("an exponential histogram");
        };
        assert_eq!(
            found.aggregation_temporality(),
            AggregationTemporality::Cumulative
        );
        let point = &found.data_points[0];
        assert_eq!((point.scale, point.zero_count), (-3, 2));
        let buckets = |b: &Option<exponential_histogram_data_point::Buckets>| {
            let b = b.as_ref().unwrap();
            (b.offset, b.bucket_counts.clone())
        };
        assert_eq!(buckets(&point.positive), (-7, vec![1, 0, 300]));
        assert_eq!(buckets(&point.negative), (9, vec![4]));
        assert_eq!((point.count, point.sum), (307, Some(77.5)));
        assert_eq!((point.min, point.max), (Some(-2.0), Some(9.25)));
        assert_eq!((point.exemplars.len(), point.attributes.len()), (1, 1));
        assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (5, NOW));
    }
}

#[test]
fn a_histogram_has_bounds_counts_extremes_and_exemplars() {
    let mut bare = histogram(labels_of(&[]));
    bare.min = None;
    bare.max = None;
    bare.exemplars.clear();
    bare.bounds = Arc::from([]);
    bare.counts = vec![302];
    let points = vec![histogram(labels_of(&[("function", "load")])), bare].into();
    let Some(Data::Histogram(found)) = only(family("m", MetricData::Histogram(points))).data else {
        panic!("a histogram");
    };
    assert_eq!(
        found.aggregation_temporality(),
        AggregationTemporality::Cumulative
    );
    let first = &found.data_points[0];
    assert_eq!(first.explicit_bounds, [0.1, 1.0]);
    assert_eq!(first.bucket_counts, [0, 2, 300]);
    assert_eq!((first.count, first.sum), (302, Some(77.5)));
    assert_eq!((first.min, first.max), (Some(0.0), Some(9.25)));
    assert_eq!(first.attributes, [pair("function", "load")]);
    let exemplar = &first.exemplars[0];
    assert_eq!(exemplar.value, Some(exemplar::Value::AsDouble(0.5)));
    assert_eq!(exemplar.time_unix_nano, 11);
    assert_eq!(exemplar.trace_id, 3_u128.to_be_bytes());
    assert_eq!(exemplar.span_id, 4_u64.to_be_bytes());
    let second = &found.data_points[1];
    assert_eq!((second.min, second.max), (None, None));
    assert_eq!(second.bucket_counts, [302]);
    assert!(second.explicit_bounds.is_empty() && second.exemplars.is_empty());
}

#[test]
fn nothing_to_say_is_no_request() {
    assert!(requests(&[], 1 << 20).is_empty());
    assert!(
        requests(
            &[family("m", MetricData::Gauge(Vec::new().into()))],
            1 << 20
        )
        .is_empty()
    );
}

#[test]
fn many_points_go_into_several_requests() {
    let point = |i: u64| NumberPoint {
        start_unix_nanos: 5,
        labels: labels_of(&[("function", "load")]),
        value: Number::U64(i + 1),
        exemplar: None,
    };
    let families = [
        family("a", MetricData::Counter((0..1000).map(point).collect())),
        family("b", MetricData::Counter((1000..1010).map(point).collect())),
    ];
    let requests = requests(&families, 10_000);
    assert!(requests.len() > 3, "{}", requests.len());
    let mut values = Vec::new();
    for (items, metrics) in &requests {
        let before = values.len();
        for metric in metrics {
            assert!(metric.encoded_len() < 10_200);
            let Some(Data::Sum(sum)) = &metric.data else {
                panic!("a sum");
            };
            values.extend(sum.data_points.iter().map(|p| p.value));
        }
        assert_eq!(*items, (values.len() - before) as u64);
    }
    let expected: Vec<_> = (1..=1010).map(|i| Some(Value::AsInt(i))).collect();
    assert_eq!(values, expected);
}

// bug: metrics of every library stood under the scope of obs.
#[test]
fn metrics_of_libraries_stand_under_their_scope() {
    let attributes = vec![("shard".into(), 7_i64.into(), "7".to_owned())];
    let url = "https://opentelemetry.io/schemas/1.27.0";
    let library = Arc::new(Of::new(
        "driver".into(),
        "1.2".into(),
        url.into(),
        attributes,
    ));
    let points = |n: u64| (0..n).map(|n| point(Number::U64(n))).collect::<Vec<_>>();
    let of = |name, data, library: Option<&Arc<Of>>| family(name, data).of_library(library);
    let beside = Arc::new(library.beside());
    let families = [
        of(
            "queries",
            MetricData::Counter(points(30).into()),
            Some(&library),
        ),
        of(
            "queries",
            MetricData::Gauge(points(3).into()),
            Some(&beside),
        ),
        of("queries", MetricData::Counter(points(5).into()), None),
    ];
    for (batch_bytes, most) in [(100_000, 1), (1_000, 20), (1, 100)] {
        let batches = batches(
            &Envelope::new(&resource()),
            &families,
            NOW,
            batch_bytes,
            None,
        );
        assert!(batches.len() <= most, "{}", batches.len());
        let mut found = [0; 3];
        for batch in &batches {
            assert!(batch.body().len() <= batch_bytes || batch.items == 1);
            let request = ExportMetricsServiceRequest::decode(batch.body()).unwrap();
            assert_eq!(request.encode_to_vec(), batch.body());
            let mut items = 0;
            for all in &request.resource_metrics[0].scope_metrics {
                let scope = all.scope.as_ref().unwrap();
                let is_own = scope.name == "obs";
                if !is_own {
                    assert_eq!((&*scope.name, &*scope.version), ("driver", "1.2"));
                    assert_eq!(scope.attributes[0].key, "shard");
                    assert_eq!(all.schema_url, url);
                }
                for metric in &all.metrics {
                    let (at, points) = match metric.data.as_ref().unwrap() {
                        Data::Sum(sum) => (if is_own { 2 } else { 0 }, sum.data_points.len()),
                        Data::Gauge(gauge) => (1, gauge.data_points.len()),
                        other => panic!("{other:?}"),
                    };
                    assert_eq!(is_own, at == 2);
                    found[at] += points;
                    items += points as u64;
                }
            }
            assert_eq!(items, batch.items);
        }
        assert_eq!(found, [30, 3, 5]);
    }
}

#[test]
fn labels_that_the_conventions_have_as_whole_numbers_are_numbers() {
    let labels = labels_of(&[
        ("server.address", "api.openai.com"),
        ("server.port", "443"),
        ("http.response.status_code", "200"),
        ("n", "7"),
    ]);
    let point = NumberPoint {
        labels,
        ..point(Number::U64(1))
    };
    let metric = only(family("calls", MetricData::Counter(vec![point].into())));
    let Some(Data::Sum(sum)) = metric.data else {
        panic!("{metric:?}")
    };
    let expected = [
        pair("server.address", "api.openai.com"),
        pair("server.port", 443),
        pair("http.response.status_code", 200),
        pair("n", "7"),
    ];
    let shown = |all: &[KeyValue]| {
        let mut all: Vec<_> = all.iter().map(|pair| format!("{pair:?}")).collect();
        all.sort();
        all
    };
    assert_eq!(shown(&sum.data_points[0].attributes), shown(&expected));
}

#[test]
fn a_label_that_is_no_number_after_all_stays_a_text() {
    let labels = labels_of(&[("server.port", "_OTHER")]);
    let point = NumberPoint {
        labels,
        ..point(Number::U64(1))
    };
    let metric = only(family("calls", MetricData::Counter(vec![point].into())));
    let Some(Data::Sum(sum)) = metric.data else {
        panic!("{metric:?}")
    };
    assert_eq!(
        sum.data_points[0].attributes,
        [pair("server.port", "_OTHER")]
    );
}
