//! Lines of JSON, as the definition of OTLP reads them.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data, number_data_point};
use std::time::{Duration, Instant};

use super::*;
use crate::exporter::delta::Temporality;
use crate::metrics::{MetricFamily, MetricsCollector};
use crate::trace::{Event, Outcome, SpanId, TraceId};
use crate::{SpanContext, SpanKind, trace::TraceFlags};

type Result<T = ()> = std::result::Result<T, Error>;

/// What is written, and how many bytes are taken before the disk is full.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<(Vec<u8>, Option<usize>)>>);

impl Disk {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().0.clone()).expect("UTF-8");
        text.lines().map(str::to_owned).collect()
    }

    fn room(&self, bytes: Option<usize>) {
        self.0.lock().unwrap().1 = bytes;
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.lock().unwrap();
        let room = disk.1.unwrap_or(usize::MAX).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            return Err(io::Error::other("no space left"));
        }
        disk.0.extend_from_slice(&bytes[..room]);
        disk.1 = disk.1.map(|left| left - room);
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn export(lines: &mut JsonLines, families: &[MetricFamily]) -> Result {
    let batch = MetricBatch {
        resource: &[
            ("service.name".into(), "sh\"op".into()),
            (
                "tags".into(),
                AttributeValue::StringArray(vec!["a".into(), "b".into()]),
            ),
            ("ports".into(), AttributeValue::I64Array(vec![1, -2])),
            ("on".into(), true.into()),
            ("share".into(), 0.5.into()),
        ],
        families,
        unix_nanos: 1_700_000_000_000_000_000,
        temporality: Temporality::Delta,
        deadline: Instant::now() + Duration::from_secs(1),
    };
    MetricExporter::export(lines, batch)
}

fn metrics(line: &str) -> (Vec<KeyValue>, Vec<Metric>) {
    let mut request: ExportMetricsServiceRequest = serde_json::from_str(line).expect(line);
    let mut all = request.resource_metrics.pop().expect("a resource");
    let scope = all.scope_metrics.pop().expect("a scope");
    assert_eq!(scope.scope.expect("a scope").name, "obs");
    (all.resource.expect("a resource").attributes, scope.metrics)
}

#[test]
fn every_kind_of_metric_is_read_back() -> Result {
    let collector = MetricsCollector::new();
    collector
        .counter("a")
        .unit("{row}")
        .description("Rows\n\"")
        .build()?
        .add(u64::MAX);
    collector.up_down_counter("b").build()?.add(-7);
    let gauge = collector.gauge("c").labels(["k"]).build()?;
    gauge.with(["größe \u{1}\\"])?.set(0.25);
    let explicit = collector.histogram("d").buckets([0.5, 10.0]).build()?;
    let exponential = collector.histogram("e").exponential().build()?;
    let summary = collector.summary("f").build()?;
    let trace = TraceId(1 << 100);
    let context = SpanContext::remote(trace, SpanId(9), TraceFlags::SAMPLED).expect("ids");
    let span = context.attach();
    for value in [-1.0, 0.0, 4.0] {
        explicit.observe(value);
        exponential.observe(value);
        summary.observe(value);
    }
    drop(span);
    let disk = Disk::default();
    export(
        &mut JsonLines::writer(disk.clone()),
        &collector.collect_all(),
    )?;
    let (resource, metrics) = metrics(&disk.lines()[0]);
    let texts: Vec<_> = resource.iter().map(|a| &*a.key).collect();
    assert_eq!(texts, ["service.name", "tags", "ports", "on", "share"]);
    let value = |at: usize| resource[at].value.as_ref().and_then(|v| v.value.clone());
    assert_eq!(value(0), Some(Value::StringValue("sh\"op".into())));
    assert!(matches!(value(1), Some(Value::ArrayValue(all)) if all.values.len() == 2));
    assert_eq!(
        (value(3), value(4)),
        (Some(Value::BoolValue(true)), Some(Value::DoubleValue(0.5)))
    );

    let [counter, up_down, gauge, explicit, rest @ ..] = &metrics[..] else {
        panic!("metrics: {metrics:?}");
    };
    assert_eq!(
        (&*counter.description, &*counter.unit),
        ("Rows\n\"", "{row}")
    );
    let Some(Data::Sum(sum)) = &counter.data else {
        panic!("{counter:?}")
    };
    assert_eq!((sum.is_monotonic, sum.aggregation_temporality), (true, 1));
    let double = number_data_point::Value::AsDouble(u64::MAX as f64);
    assert_eq!(sum.data_points[0].value, Some(double));
    let Some(Data::Sum(sum)) = &up_down.data else {
        panic!("{up_down:?}")
    };
    assert_eq!((sum.is_monotonic, sum.aggregation_temporality), (false, 2));
    assert_eq!(
        sum.data_points[0].value,
        Some(number_data_point::Value::AsInt(-7))
    );
    let Some(Data::Gauge(found)) = &gauge.data else {
        panic!("{gauge:?}")
    };
    let label = found.data_points[0].attributes[0].value.as_ref();
    let label = label.and_then(|v| v.value.clone());
    assert_eq!(label, Some(Value::StringValue("größe \u{1}\\".into())));
    let Some(Data::Histogram(h)) = &explicit.data else {
        panic!("{explicit:?}")
    };
    let p = &h.data_points[0];
    assert_eq!(
        (&p.bucket_counts[..], &p.explicit_bounds[..]),
        (&[2, 1, 0][..], &[0.5, 10.0][..])
    );
    assert_eq!(rest.len(), 2);
    for m in rest {
        let Some(Data::ExponentialHistogram(h)) = &m.data else {
            panic!("{m:?}")
        };
        let p = &h.data_points[0];
        assert_eq!((p.count, p.zero_count, p.sum), (3, 1, Some(3.0)));
        assert_eq!((p.min, p.max), (Some(-1.0), Some(4.0)));
        assert_eq!(p.positive.as_ref().expect("buckets").bucket_counts, [1]);
        assert_eq!(p.exemplars.len(), 3);
        assert_eq!(p.exemplars[0].trace_id, trace.to_bytes());
        assert_eq!(p.exemplars[0].span_id, SpanId(9).to_bytes());
    }
    Ok(())
}

#[test]
fn spans_are_read_back() -> Result {
    let disk = Disk::default();
    let mut lines = JsonLines::writer(disk.clone());
    lines.begin(&[("service.name".into(), "shop".into())]);
    let link = SpanContext::remote(TraceId(5), SpanId(6), TraceFlags::SAMPLED).expect("ids");
    let record = SpanRecord {
        name: "load \"x\"".into(),
        function: "load",
        module: "etl::io",
        trace_id: TraceId(1 << 90),
        span_id: SpanId(3),
        parent_id: Some(SpanId(2)),
        parent_is_remote: true,
        kind: SpanKind::Client,
        start_unix_nanos: 10,
        end_unix_nanos: 30,
        outcome: Outcome::Error,
        error: Some(crate::trace::SpanError::new(
            "io::Error",
            Some("no file".to_owned()),
        )),
        attributes: vec![("rows".into(), 7.into()), ("ratio".into(), 0.5.into())],
        events: vec![Event {
            name: "retry".into(),
            unix_nanos: 20,
            attributes: vec![("n".into(), 1.into())],
        }],
        links: vec![crate::trace::Link {
            context: link,
            attributes: Vec::new(),
        }],
        is_ok: false,
    };
    RecordExporter::export(&mut lines, vec![record])?;
    let line = &disk.lines()[0];
    let request: ExportTraceServiceRequest = serde_json::from_str(line).expect(line);
    let all = &request.resource_spans[0];
    assert_eq!(
        all.resource.as_ref().expect("a resource").attributes[0].key,
        "service.name"
    );
    let span = &all.scope_spans[0].spans[0];
    assert_eq!(
        (&*span.name, span.kind, span.flags),
        ("load \"x\"", 3, 0x301)
    );
    assert_eq!(span.trace_id, TraceId(1 << 90).to_bytes());
    assert_eq!(
        (&span.span_id, &span.parent_span_id),
        (
            &SpanId(3).to_bytes().to_vec(),
            &SpanId(2).to_bytes().to_vec()
        )
    );
    assert_eq!(
        (span.start_time_unix_nano, span.end_time_unix_nano),
        (10, 30)
    );
    let keys: Vec<_> = span.attributes.iter().map(|a| &*a.key).collect();
    assert_eq!(keys, ["rows", "ratio", "code.function.name", "error.type"]);
    let status = span.status.as_ref().expect("a status");
    assert_eq!((status.code, &*status.message), (2, "no file"));
    assert_eq!(
        (&*span.events[0].name, span.events[0].time_unix_nano),
        ("retry", 20)
    );
    assert_eq!(
        (&span.links[0].trace_id[..], span.links[0].flags),
        (&TraceId(5).to_bytes()[..], 0x301)
    );
    Ok(())
}

#[test]
fn a_line_that_was_cut_off_spoils_no_other() -> Result {
    let collector = MetricsCollector::new();
    collector.counter("a").build()?.inc();
    let families = collector.collect_all();
    let disk = Disk::default();
    let mut lines = JsonLines::writer(disk.clone());
    export(&mut lines, &families)?;
    disk.room(Some(40));
    let error = export(&mut lines, &families).expect_err("a full disk");
    assert!(error.to_string().contains("no space left"), "{error}");
    disk.room(None);
    export(&mut lines, &families)?;
    let written = disk.lines();
    assert_eq!((written.len(), written[1].len()), (3, 40));
    for line in [&written[0], &written[2]] {
        assert_eq!(metrics(line).1.len(), 1);
    }
    Ok(())
}

#[test]
fn a_file_is_appended_to_and_a_bad_path_is_named() -> Result {
    let path = std::env::temp_dir().join(format!("obs-lines-{}.jsonl", std::process::id()));
    let collector = MetricsCollector::new();
    collector.counter("a").build()?.inc();
    for _ in 0..2 {
        export(&mut JsonLines::file(&path)?, &collector.collect_all())?;
    }
    let text = std::fs::read_to_string(&path).expect("the file");
    assert_eq!(text.lines().count(), 2);
    std::fs::remove_file(&path).expect("removed");
    let error = JsonLines::file(path.join("below")).expect_err("no directory");
    assert!(error.to_string().contains("below"), "{error}");
    Ok(())
}
