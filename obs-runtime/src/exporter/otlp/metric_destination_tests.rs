use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
use prost::Message as _;

use super::*;
use crate::exporter::delta::Temporality;
use crate::exporter::otlp::fixtures::resource;
use crate::exporter::otlp::receiver::{LONG, Receiver, Reply, ok};
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
            data: MetricData::Counter(
                vec![NumberPoint {
                    labels: Labels::new(),
                    start_unix_nanos: 1,
                    value: Number::U64(times),
                    exemplar: None,
                }]
                .into(),
            ),
            library: None,
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

fn start(config: &OtlpConfig) -> (PeriodicPusher, Arc<Asked>) {
    let source = Arc::new(Asked::default());
    let pusher = super::start(
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
    let config = OtlpConfig::new(&receiver.url).metric_interval(Duration::from_millis(1));
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
    // Long enough for the collection, which is not waited for beyond it either.
    let soon = Instant::now() + Duration::from_millis(500);
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
    let error = super::start(&OtlpConfig::default(), &resource(), source)
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
    let config = OtlpConfig::new(&receiver.url).metric_interval(Duration::from_millis(1));
    let pusher = super::start(&config, &resource(), Arc::new(Panics)).unwrap();
    for _ in 0..3 {
        assert_eq!(value(&receiver.next().body), Some(Value::AsInt(1)));
    }
    pusher.flush()(long()).unwrap();
    pusher.shutdown(long()).unwrap();
}

/// The amount, whether it is a delta, and its interval.
fn delta(body: &[u8]) -> (Option<Value>, bool, u64, u64) {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    let Some(Data::Sum(sum)) = &metric.data else {
        panic!("a sum: {metric:?}");
    };
    let p = &sum.data_points[0];
    let is_delta = sum.aggregation_temporality == 1;
    (p.value, is_delta, p.start_time_unix_nano, p.time_unix_nano)
}

#[test]
fn an_interval_that_was_not_delivered_is_part_of_the_next() {
    let bad = || Reply::Status(400, "", Vec::new());
    let receiver = Receiver::start([ok(), bad(), bad()]);
    let config = OtlpConfig::new(&receiver.url).temporality(Temporality::Delta);
    let collector = crate::metrics::MetricsCollector::new();
    let rows = collector.counter("rows").build().unwrap();
    let pusher = super::start(&config, &resource(), Arc::new(collector)).unwrap();
    rows.add(1);
    pusher.flush()(long()).unwrap();
    let (value, is_delta, _, first) = delta(&receiver.next().body);
    assert_eq!((value, is_delta), (Some(Value::AsInt(1)), true));
    for (added, expected) in [(2, 2), (4, 6)] {
        rows.add(added);
        assert!(pusher.flush()(long()).is_err());
        assert_eq!(delta(&receiver.next().body).0, Some(Value::AsInt(expected)));
    }
    rows.add(8);
    pusher.shutdown(long()).unwrap();
    let (value, _, start, end) = delta(&receiver.next().body);
    assert_eq!((value, start), (Some(Value::AsInt(14)), first));
    assert!(end > start);
}

#[test]
fn what_a_full_queue_refused_is_sent_later() {
    let receiver = Receiver::start([]);
    let mut config = OtlpConfig::new(&receiver.url).temporality(Temporality::LowMemory);
    config.limits.queue_bytes = 1;
    let collector = crate::metrics::MetricsCollector::new();
    let rows = collector.counter("rows").build().unwrap();
    rows.add(3);
    let pusher = super::start(&config, &resource(), Arc::new(collector.clone())).unwrap();
    assert!(pusher.flush()(long()).is_err());
    let stats = pusher.stats().snapshot();
    assert_eq!(stats.dropped, [(DropReason::QueueFull, 1)]);

    let target = config.target(Signal::Metrics).unwrap().unwrap();
    let mut destination = OtlpMetrics {
        envelope: Envelope::new(&resource()),
        batch_bytes: config.limits.batch_bytes,
        lane: Lane::new(&target, &config.limits),
    };
    let deltas: Arc<Mutex<Deltas>> = Arc::default();
    let added = |now| {
        let mut families = collector.collect_all();
        families.retain(|family| family.name == "rows");
        deltas.lock().unwrap().take(&mut families, now);
        families
    };
    let batch = MetricBatch {
        resource: &[],
        families: &added(1),
        unix_nanos: 1,
        temporality: Temporality::LowMemory,
        deadline: long(),
    };
    destination.deliver(batch, &deltas);
    let stats = destination.lane.counters.snapshot();
    assert_eq!(stats.dropped, [(DropReason::QueueFull, 1)]);
    rows.add(4);
    let families = added(u64::MAX);
    let MetricData::Counter(points) = &families[0].data else {
        panic!("a counter");
    };
    assert_eq!(points[0].value, Number::U64(7));
}

#[test]
fn a_pusher_that_is_dropped_gives_up_what_its_receiver_does_not_take() {
    let receiver = Receiver::start([Reply::Silence]);
    let (pusher, _source) = start(&OtlpConfig::new(&receiver.url));
    let pending = pusher.flush();
    receiver.next();
    let counters = pusher.stats();
    drop(pusher);
    let error = pending(long()).unwrap_err().to_string();
    assert!(error.contains("could not be delivered"), "{error}");
    let stats = counters.snapshot();
    // The last collection comes too late as well, now or in a moment.
    assert_eq!((stats.exported, stats.dropped.len()), (0, 1));
    assert_eq!(stats.dropped[0].0, DropReason::Shutdown);
}

/// Always the same.
struct Many(MetricFamily);

impl MetricSource for Many {
    fn collect(&self, out: &mut Vec<MetricFamily>) {
        out.push(self.0.clone());
    }
}

// bug: what a receiver found too large was lost as a whole.
#[test]
fn what_a_receiver_finds_too_large_is_halved() {
    let points = (0..40_u64).map(|n| NumberPoint {
        labels: Labels::from([("n", &*n.to_string().leak())]),
        start_unix_nanos: 1,
        value: Number::U64(n),
        exemplar: None,
    });
    let source = Many(MetricFamily {
        name: "many".into(),
        description: "".into(),
        unit: "".into(),
        data: MetricData::Counter(points.collect()),
        library: None,
    });
    let receiver = Receiver::start_limited(800);
    let config = OtlpConfig::new(&receiver.url).metric_interval(LONG * 60);
    let pusher = super::start(&config, &resource(), Arc::new(source)).unwrap();
    pusher.flush()(Instant::now() + LONG).unwrap();
    let stats = pusher.stats().snapshot();
    assert_eq!((stats.exported, stats.dropped), (40, Vec::new()));
    let took = receiver.all().filter(|request| request.body.len() <= 800);
    let counts = took.map(|request| {
        let request = ExportMetricsServiceRequest::decode(&*request.body).unwrap();
        match &request.resource_metrics[0].scope_metrics[0].metrics[0].data {
            Some(Data::Sum(sum)) => sum.data_points.len(),
            other => panic!("a sum: {other:?}"),
        }
    });
    assert_eq!(counts.sum::<usize>(), 40);
}
