//! OpenMetrics 1.0, where it differs from the older format.

use super::*;
use crate::metrics::MetricsCollector;
use crate::metrics::snapshot::{Exemplar, HistogramPoint};
use crate::trace::{SpanId, TraceId};

fn open_metrics(families: &[MetricFamily]) -> Exposition {
    encode_as(families, &[], Format::OpenMetrics)
}

fn example(value: f64) -> Exemplar {
    Exemplar {
        value,
        unix_nanos: 1_700_000_000_005_000_000,
        trace_id: TraceId(0xabc),
        span_id: SpanId(0xdef),
    }
}

const IDS: &str = "{trace_id=\"00000000000000000000000000000abc\",span_id=\"0000000000000def\"}";

fn family(name: &'static str, unit: &'static str, data: MetricData) -> MetricFamily {
    MetricFamily {
        name: name.into(),
        description: "a \"b\"".into(),
        unit: unit.into(),
        data,
        library: None,
    }
}

fn number(exemplar: Option<Exemplar>) -> NumberPoint {
    NumberPoint {
        labels: Labels::new(),
        start_unix_nanos: 0,
        value: Number::U64(2),
        exemplar: exemplar.map(Box::new),
    }
}

fn histogram(bounds: &[f64], sum: f64, exemplars: Vec<Exemplar>) -> MetricData {
    MetricData::Histogram(
        vec![HistogramPoint {
            labels: Labels::new(),
            start_unix_nanos: 0,
            bounds: bounds.into(),
            counts: vec![1; bounds.len() + 1],
            count: bounds.len() as u64 + 1,
            sum,
            min: None,
            max: None,
            exemplars,
        }]
        .into(),
    )
}

#[test]
fn counters_have_an_exemplar_and_a_name_without_total() {
    let calls = family(
        "calls",
        "{call}",
        MetricData::Counter(vec![number(Some(example(1.0)))].into()),
    );
    let level = family(
        "level.total",
        "",
        MetricData::Gauge(vec![number(Some(example(1.0)))].into()),
    );
    assert_eq!(
        open_metrics(&[calls.clone(), level]).text,
        format!(
            "# HELP calls a \\\"b\\\"\n# TYPE calls counter\n\
             calls_total 2 # {IDS} 1 1700000000.005000000\n\
             # HELP level_total a \\\"b\\\"\n# TYPE level_total gauge\nlevel_total 2 # {IDS} 1 1700000000.005000000\n# EOF\n"
        )
        // A gauge may not have one.
        .replace(&format!("level_total 2 # {IDS} 1 1700000000.005000000"), "level_total 2")
    );
    // The older format has none at all.
    assert!(!text(&[calls], &[]).contains("trace_id"));
}

#[test]
fn buckets_have_their_own_exemplar_and_canonical_bounds() {
    let data = histogram(
        &[0.5, 1.0, 2e6],
        7.0,
        vec![example(3e6), example(0.5), example(f64::NAN)],
    );
    let text = open_metrics(&[family("wait", "s", data)]).text;
    assert_eq!(
        text,
        format!(
            "# HELP wait_seconds a \\\"b\\\"\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n\
             wait_seconds_bucket{{le=\"0.5\"}} 1 # {IDS} 0.5 1700000000.005000000\n\
             wait_seconds_bucket{{le=\"1.0\"}} 2\n\
             wait_seconds_bucket{{le=\"2e+06\"}} 3\n\
             wait_seconds_bucket{{le=\"+Inf\"}} 4 # {IDS} 3000000 1700000000.005000000\n\
             wait_seconds_sum 7\nwait_seconds_count 4\n# EOF\n"
        )
    );
}

#[test]
fn histograms_of_values_below_zero_have_no_sum() {
    for data in [
        histogram(&[-1.0, 1.0], 2.0, vec![]),
        histogram(&[1.0], -2.0, vec![]),
    ] {
        let text = open_metrics(&[family("t", "Cel", data)]).text;
        assert!(text.contains("le=\"+Inf\"") && !text.contains("_sum") && !text.contains("_count"));
    }
}

#[test]
fn the_resource_is_of_the_type_info() {
    let resource = [("service.name".into(), "etl".into())];
    let exposition = encode_as(&[], &resource, Format::OpenMetrics);
    assert_eq!(
        exposition.text,
        "# HELP target Target metadata\n# TYPE target info\n\
         target_info{service_name=\"etl\"} 1\n# EOF\n"
    );
    assert_eq!(open_metrics(&[]).text, "# EOF\n");
}

#[test]
fn a_name_belongs_to_one_family() -> Result<(), crate::Error> {
    let collector = MetricsCollector::new();
    collector.counter("jobs").build()?;
    collector.gauge("jobs.created").build()?;
    collector.histogram("wait").build()?;
    collector.gauge("wait.created").build()?;
    collector.gauge("rows").build()?;
    collector.counter("rows.total").build()?;
    let exposition = open_metrics(&collector.collect_all());
    assert_eq!(exposition.conflicts.len(), 3, "{:?}", exposition.conflicts);
    // Nothing of that is a conflict in the older format.
    assert!(encode(&collector.collect_all(), &[]).conflicts.is_empty());
    Ok(())
}

#[test]
fn bounds_are_written_canonically() {
    // OpenMetrics 1.0, "Considerations: Canonical Numbers".
    let cases = [
        (0.0, "0.0"),
        (1.0, "1.0"),
        (10.0, "10.0"),
        (0.1, "0.1"),
        (0.001, "0.001"),
        (1e-5, "1e-05"),
        (100_000.0, "100000.0"),
        (1e6, "1e+06"),
        (1_048_576.0, "1.048576e+06"),
        (1e10, "1e+10"),
        (-0.25, "-0.25"),
        (f64::INFINITY, "+Inf"),
    ];
    for (value, expected) in cases {
        let mut out = String::new();
        write::bound(&mut out, value, true);
        assert_eq!(out, expected);
    }
}

#[test]
fn created_samples_follow_what_they_are_about() -> Result<(), crate::Error> {
    let collector = MetricsCollector::new();
    let jobs = collector.counter("jobs").labels(["k"]).build()?;
    jobs.with(["a"])?.inc();
    jobs.with(["b"])?.inc();
    collector.histogram("h").buckets([1]).build()?.observe(-1);
    collector.summary("s").build()?;
    collector.gauge("g").build()?;
    let mut families = collector.collect_all();
    for family in &mut families {
        let start = 1_700_000_000_250_000_000;
        match &mut family.data {
            MetricData::Counter(p) => p
                .make_mut()
                .iter_mut()
                .for_each(|p| p.start_unix_nanos = start),
            MetricData::Histogram(p) => p.make_mut()[0].start_unix_nanos = start,
            MetricData::Summary(p) => p.make_mut()[0].histogram.start_unix_nanos = start,
            _ => {}
        }
    }
    let options = Options::new()
        .format(Format::OpenMetrics)
        .created(true)
        .prefix("x.y");
    let page = encode_with(&families, &[], &options).text;
    assert_eq!(
        page,
        "# HELP x_y_g g\n# TYPE x_y_g gauge\nx_y_g 0\n\
         # HELP x_y_h h\n# TYPE x_y_h histogram\n\
         x_y_h_bucket{le=\"1.0\"} 1\nx_y_h_bucket{le=\"+Inf\"} 1\n\
         x_y_h_created 1700000000.250000000\n\
         # HELP x_y_jobs jobs\n# TYPE x_y_jobs counter\n\
         x_y_jobs_total{k=\"a\"} 1\nx_y_jobs_created{k=\"a\"} 1700000000.250000000\n\
         x_y_jobs_total{k=\"b\"} 1\nx_y_jobs_created{k=\"b\"} 1700000000.250000000\n\
         # HELP x_y_s s\n# TYPE x_y_s summary\nx_y_s_sum 0\nx_y_s_count 0\n\
         x_y_s_created 1700000000.250000000\n# EOF\n"
    );
    // The older format has none, and no option is no change.
    let text = encode_with(&families, &[], &Options::new().created(true).prefix("")).text;
    assert!(!text.contains("created") && text.contains("\njobs_total{k=\"a\"} 1\n"));
    Ok(())
}
