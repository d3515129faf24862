use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
use prost::Message as _;

use super::*;
use crate::exporter::otlp::config::OtlpConfig;
use crate::exporter::otlp::fixtures::resource;
use crate::exporter::otlp::metric_pusher;
use crate::exporter::otlp::receiver::{LONG, Receiver, Reply};
use crate::metrics::snapshot::{Labels, NumberPoint};
use crate::metrics::{MetricData, MetricFamily, Number};
use crate::self_obs::DropReason;

/// Counts how often it was asked.
#[derive(Default)]
struct Asked {
    times: AtomicU64,
    is_empty: Mutex<bool>,
}

impl MetricSource for Asked {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        if *self.is_empty.lock().unwrap() {
            return;
        }
        let times = self.times.fetch_add(1, Ordering::SeqCst) + 1;
        out.push(MetricFamily {
            name: "asked".into(),
            description: "".into(),
            unit: "".into(),
            data: MetricData::Counter(vec![NumberPoint {
                labels: Labels::from([]),
                start_unix_nanos: 1,
                value: Number::U64(times),
                exemplar: None,
            }]),
        });
    }
}

fn value(body: &[u8]) -> Option<Value> {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    match &metric.data {
        Some(Data::Sum(sum)) => sum.data_points[0].value,
        other => panic!("a sum: {other:?}"),
    }
}

fn start(config: &OtlpConfig) -> (MetricPusher, Arc<Asked>) {
    let source = Arc::new(Asked::default());
    let pusher = metric_pusher(
        config,
        &resource(),
        Arc::clone(&source) as Arc<dyn MetricSource>,
    );
    (pusher.unwrap(), source)
}

fn long() -> Instant {
    Instant::now() + LONG
}

#[test]
fn a_flush_and_the_shutdown_collect() {
    let receiver = Receiver::start([]);
    let (pusher, source) = start(&OtlpConfig::new(&receiver.url));
    pusher.flush()(long()).unwrap();
    let request = receiver.next();
    assert!(request.head.starts_with("post /v1/metrics http/1.1\r\n"));
    assert_eq!(value(&request.body), Some(Value::AsInt(1)));
    // Nothing to say is no request.
    *source.is_empty.lock().unwrap() = true;
    pusher.flush()(long()).unwrap();
    assert_eq!(receiver.further(), 0);
    *source.is_empty.lock().unwrap() = false;
    pusher.shutdown(long()).unwrap();
    assert_eq!(value(&receiver.next().body), Some(Value::AsInt(2)));
    let stats = pusher.stats().snapshot();
    assert_eq!((stats.taken, stats.exported, stats.in_flight), (2, 2, 0));
}

#[test]
fn the_interval_collects_by_itself() {
    let receiver = Receiver::start([]);
    let config = OtlpConfig::new(&receiver.url).with_metric_interval(Duration::from_millis(1));
    let (pusher, _source) = start(&config);
    for expected in 1..=3 {
        assert_eq!(value(&receiver.next().body), Some(Value::AsInt(expected)));
    }
    pusher.shutdown(long()).unwrap();
    let stats = pusher.stats().snapshot();
    assert_eq!((stats.taken, stats.in_flight), (stats.exported, 0));
}

#[test]
fn lost_points_are_counted() {
    let receiver = Receiver::start([Reply::Status(400, "", Vec::new()), Reply::Silence]);
    let (pusher, _source) = start(&OtlpConfig::new(&receiver.url));
    let error = pusher.flush()(long()).unwrap_err();
    assert!(error.to_string().contains("1 metric points"), "{error}");
    let counters = pusher.stats();
    assert_eq!(counters.snapshot().dropped, [(DropReason::Rejected, 1)]);
    let soon = Instant::now() + Duration::from_millis(20);
    assert!(pusher.shutdown(soon).is_err());
    drop(pusher);
    let stats = counters.snapshot();
    assert_eq!(
        stats.dropped,
        [(DropReason::Rejected, 1), (DropReason::Shutdown, 1)]
    );
    assert_eq!((stats.taken, stats.in_flight), (2, 0));
}

#[test]
fn no_endpoint_is_an_error_that_says_what_to_do() {
    let source = Arc::new(Asked::default());
    let error = metric_pusher(&OtlpConfig::default(), &resource(), source)
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("OTEL_EXPORTER_OTLP_ENDPOINT"),
        "{error}"
    );
}

/// Fails after its first family.
struct Panics;

impl MetricSource for Panics {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        Asked::default().collect(out);
        panic!("a callback of the user");
    }
}

#[test]
fn a_source_that_panics_ends_neither_the_caller_nor_the_thread() {
    let receiver = Receiver::start([]);
    let config = OtlpConfig::new(&receiver.url).with_metric_interval(Duration::from_millis(1));
    let pusher = metric_pusher(&config, &resource(), Arc::new(Panics)).unwrap();
    for _ in 0..3 {
        assert_eq!(value(&receiver.next().body), Some(Value::AsInt(1)));
    }
    pusher.flush()(long()).unwrap();
    pusher.shutdown(long()).unwrap();
}
