use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use prost::Message as _;

use super::*;
use crate::exporter::otlp::batch::Envelope;
use crate::exporter::otlp::fixtures::{Fixture, callsite, encode, resource};
use crate::exporter::otlp::metrics::batches;
use crate::metrics::snapshot::{Labels, NumberPoint};
use crate::metrics::{MetricData, MetricFamily, Number};
use crate::trace::Value;

/// Halves a request until each part has one item.
fn shred(batch: Batch, signal: Signal) -> Vec<Batch> {
    match halve(&batch, signal) {
        Some(halves) => halves
            .into_iter()
            .flat_map(|half| shred(half, signal))
            .collect(),
        None => vec![batch],
    }
}

fn spans(count: usize) -> Batch {
    let site = callsite(&["n"], &[]);
    let span = |n| Fixture::new(site, vec![Value::i64(n as i64)]);
    let all: Vec<_> = (0..count).map(span).collect();
    Batch::encoded(encode(&all), count as u64)
}

#[test]
fn every_span_is_in_one_half_with_all_that_it_stands_under() {
    let whole = spans(7);
    let all = ExportTraceServiceRequest::decode(whole.body()).unwrap();
    let halves = halve(&whole, Signal::Traces).unwrap();
    assert_eq!(halves.each_ref().map(|half| half.items), [3, 4]);
    let parts = shred(whole, Signal::Traces);
    assert_eq!(parts.len(), 7);
    for (n, part) in parts.iter().enumerate() {
        let request = ExportTraceServiceRequest::decode(part.body()).unwrap();
        assert_eq!(request.encode_to_vec(), part.body());
        let mut expected = all.clone();
        let spans = &mut expected.resource_spans[0].scope_spans[0].spans;
        *spans = vec![spans[n].clone()];
        assert_eq!(request, expected);
    }
}

#[test]
fn every_point_is_in_one_half_under_its_metric() {
    let point = |n: u64| NumberPoint {
        labels: Labels::from([("n", n.to_string().leak() as &'static str)]),
        start_unix_nanos: 1,
        value: Number::U64(n),
        exemplar: None,
    };
    let family = |name: &'static str, data| MetricFamily {
        name: name.into(),
        description: "What it is.".into(),
        unit: "{call}".into(),
        data,
        library: None,
    };
    let families = [
        family("a", MetricData::Counter((0..4).map(point).collect())),
        family("b", MetricData::Gauge((4..9).map(point).collect())),
    ];
    let envelope = Envelope::new(&resource());
    let [whole] = <[Batch; 1]>::try_from(batches(&envelope, &families, 7, 1 << 20, None))
        .ok()
        .unwrap();
    assert_eq!(whole.items, 9);
    let parts = shred(whole, Signal::Metrics);
    let metrics = parts.iter().map(|part| {
        let request = ExportMetricsServiceRequest::decode(part.body()).unwrap();
        assert_eq!(request.encode_to_vec(), part.body());
        let [metric] = &request.resource_metrics[0].scope_metrics[0].metrics[..] else {
            panic!("one metric");
        };
        metric.clone()
    });
    let points = |metric: &Metric| match metric.data.as_ref().unwrap() {
        Data::Sum(sum) if sum.is_monotonic && sum.aggregation_temporality == 2 => {
            sum.data_points.len()
        }
        Data::Gauge(gauge) => gauge.data_points.len(),
        other => panic!("{other:?}"),
    };
    let found: Vec<_> = metrics
        .map(|metric| (metric.name.clone(), points(&metric)))
        .collect();
    let expected = ["a", "a", "a", "a", "b", "b", "b", "b", "b"].map(|name| (name.to_owned(), 1));
    assert_eq!(found, expected);
}

#[test]
fn what_is_not_what_its_head_says_is_not_divided() {
    let whole = spans(4);
    for items in [0, 1, 3, 5, u64::MAX] {
        let batch = Batch::encoded(whole.body().to_vec(), items);
        assert!(halve(&batch, Signal::Traces).is_none(), "{items}");
    }
    assert!(halve(&Batch::encoded(vec![0xff; 9], 2), Signal::Traces).is_none());
}
