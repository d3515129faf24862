//! The text format, read back by a small parser of our own.

#![allow(clippy::float_cmp, reason = "the numbers are exact")]

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::metrics::MetricsCollector;
use crate::metrics::snapshot::HistogramPoint;

type Result<T = ()> = std::result::Result<T, crate::Error>;

/// One line that is no comment.
#[derive(Debug, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

/// Reads the format by its description (Prometheus documentation, "Exposition formats").
fn parse(text: &str) -> Vec<Sample> {
    assert!(text.is_empty() || text.ends_with('\n'));
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.map(parse_sample).collect()
}

fn parse_sample(line: &str) -> Sample {
    let name_end = line.find(['{', ' ']).expect("a name");
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (key, after) = rest.split_once("=\"").expect("a label");
            let mut value = String::new();
            let mut chars = after.char_indices();
            let end = loop {
                match chars.next().expect("a closing quote") {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match chars.next().expect("an escape").1 {
                        'n' => '\n',
                        c @ ('\\' | '"') => c,
                        c => panic!("escape \\{c}"),
                    }),
                    (_, c) => value.push(c),
                }
            };
            labels.push((key.to_owned(), value));
            rest = after[end + 1..].trim_start_matches(',');
        }
        rest = &rest[1..];
    }
    let value = match rest.trim() {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        number => number.parse().expect("a number"),
    };
    Sample {
        name: name.to_owned(),
        labels,
        value,
    }
}

fn valid_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn gauge(
    name: &'static str,
    points: Vec<(Vec<(&'static str, &'static str)>, f64)>,
) -> MetricFamily {
    let point = |(labels, value): (Vec<(&'static str, &'static str)>, f64)| NumberPoint {
        labels: labels.into_iter().collect(),
        start_unix_nanos: 0,
        value: Number::F64(value),
        exemplar: None,
    };
    MetricFamily {
        name: name.into(),
        description: "".into(),
        unit: "".into(),
        data: MetricData::Gauge(points.into_iter().map(point).collect()),
        library: None,
    }
}

// bug: I9 (`my-app_bad-name.x` was printed as it is).
#[test]
fn names_follow_the_specification() {
    let cases = [
        ("foo.bar", "By", true, "foo_bar_bytes_total"),
        ("function.calls", "{call}", true, "function_calls_total"),
        (
            "function.calls.duration",
            "s",
            false,
            "function_calls_duration_seconds",
        ),
        (
            "gen_ai.client.inference.usage.input_tokens",
            "{token}",
            true,
            "gen_ai_client_inference_usage_input_tokens_total",
        ),
        ("request_seconds", "s", false, "request_seconds"),
        ("kiloseconds", "s", false, "kiloseconds_seconds"),
        ("requests_total", "", true, "requests_total"),
        ("requests_total", "s", true, "requests_seconds_total"),
        ("speed", "m/s", false, "speed_meters_per_second"),
        ("rate", "{request}/s", false, "rate_per_second"),
        ("rate", "1/min", false, "rate_per_min"),
        ("ratio", "1", false, "ratio"),
        ("cpu", "%", false, "cpu_percent"),
        ("a--b..c", "", false, "a_b_c"),
        ("1st", "", false, "_1st"),
        ("weird", "foo bar", false, "weird_foo_bar"),
        ("cost", "USD", true, "cost_USD_total"),
    ];
    for (name, unit, counter, expected) in cases {
        assert_eq!(names::metric(name, unit, counter, counter), expected);
    }
}

#[test]
fn labels_follow_the_specification() {
    for (key, expected) in [
        ("a.b", "a_b"),
        ("1a", "key_1a"),
        ("__x", "_x"),
        ("é", "_"),
        ("", "_"),
    ] {
        assert_eq!(names::label(key), expected);
    }
}

// bug: I9 (an empty page was a line feed).
#[test]
fn nothing_is_an_empty_text() {
    assert_eq!(text(&[], &[]), "");
    assert_eq!(text(&[gauge("empty", vec![])], &[]), "");
}

// bug: I9 (metrics that were not counted yet were absent), T48 (no metric was exported at all).
#[test]
fn each_metric_has_one_help_and_one_type() -> Result {
    let collector = MetricsCollector::new();
    for i in 0..100 {
        collector.counter(format!("m{i}")).build()?;
    }
    let text = text(&collector.collect_all(), &[]);
    let lines = |start: &str| text.lines().filter(|l| l.starts_with(start)).count();
    assert_eq!((lines("# TYPE "), lines("# HELP ")), (100, 100));
    // A declared counter is there before its first use.
    assert!(text.contains("\nm0_total 0\n"));
    Ok(())
}

// bug: T48 (percentiles as buckets, no `+Inf`, no sum).
#[test]
fn a_histogram_accumulates_and_ends_with_infinity() -> Result {
    let collector = MetricsCollector::new();
    let h = collector
        .histogram("request.duration")
        .unit("s")
        .description("Time\nper \\ request \"quoted\"")
        .labels(["route"])
        .buckets([0.1, 0.5, 1.0, f64::INFINITY])
        .build()?;
    let bound = h.with(["/a"])?;
    for value in [0.1, 0.5, 1.5] {
        bound.observe(value);
    }
    assert_eq!(
        text(&collector.collect_all(), &[]),
        "# HELP request_duration_seconds Time\\nper \\\\ request \"quoted\"\n\
         # TYPE request_duration_seconds histogram\n\
         request_duration_seconds_bucket{route=\"/a\",le=\"0.1\"} 1\n\
         request_duration_seconds_bucket{route=\"/a\",le=\"0.5\"} 2\n\
         request_duration_seconds_bucket{route=\"/a\",le=\"1\"} 2\n\
         request_duration_seconds_bucket{route=\"/a\",le=\"+Inf\"} 3\n\
         request_duration_seconds_sum{route=\"/a\"} 2.1\n\
         request_duration_seconds_count{route=\"/a\"} 3\n"
    );
    Ok(())
}

// bug: I10 (`inf` and `nan`).
#[test]
fn numbers_read_back_unchanged() {
    let write = |value: Number| {
        let mut out = String::new();
        write::number(&mut out, value);
        out
    };
    assert_eq!(write(Number::F64(f64::NAN)), "NaN");
    assert_eq!(write(Number::F64(f64::INFINITY)), "+Inf");
    assert_eq!(write(Number::F64(f64::NEG_INFINITY)), "-Inf");
    assert_eq!(write(Number::F64(1e300)), "1e300");
    assert_eq!(write(Number::F64(-0.25)), "-0.25");
    assert_eq!(write(Number::U64(u64::MAX)), "18446744073709551615");
    assert_eq!(write(Number::I64(i64::MIN)), "-9223372036854775808");
}

// bug: I9 (two metrics of one name were both printed).
#[test]
fn metrics_of_one_name_are_a_conflict() {
    let mut counter = gauge("a.b_total", vec![(vec![], 1.0)]);
    counter.data = match counter.data {
        MetricData::Gauge(points) => MetricData::Counter(points),
        other => other,
    };
    let all = [
        counter,
        gauge("a_b_total", vec![(vec![], 2.0)]),
        gauge("a.b.total", vec![(vec![], 3.0)]),
    ];
    let exposition = encode(&all, &[]);
    assert_eq!(parse(&exposition.text).len(), 1);
    assert_eq!(exposition.conflicts.len(), 2, "{:?}", exposition.conflicts);
    assert!(exposition.conflicts[0].contains("`a_b_total` (gauge)"));
}

#[test]
fn a_metric_may_not_be_a_series_of_a_histogram() -> Result {
    let collector = MetricsCollector::new();
    collector.histogram("x").build()?.observe(1);
    collector.gauge("x.count").build()?;
    let exposition = encode(&collector.collect_all(), &[]);
    assert_eq!(exposition.conflicts.len(), 1);
    assert_eq!(exposition.text.matches("\nx_count").count(), 1);
    Ok(())
}

#[test]
fn one_metric_of_two_sources_is_one() {
    let all = [
        gauge("g", vec![(vec![("k", "b")], 2.0)]),
        gauge("g", vec![(vec![("k", "a")], 1.0), (vec![("k", "b")], 3.0)]),
    ];
    let exposition = encode(&all, &[]);
    let values: Vec<_> = parse(&exposition.text).iter().map(|s| s.value).collect();
    assert_eq!(values, [1.0, 2.0]);
    assert_eq!(exposition.conflicts.len(), 1);
}

#[test]
fn keys_of_one_name_are_joined() {
    let both = gauge(
        "g",
        vec![(vec![("a.b", "1"), ("a_b", "2"), ("c", "3")], 1.0)],
    );
    assert!(text(&[both], &[]).contains("g{a_b=\"1;2\",c=\"3\"} 1\n"));
    // Two series that only look the same: the text never has both.
    let apart = gauge(
        "g",
        vec![(vec![("a.b", "1")], 1.0), (vec![("a_b", "1")], 2.0)],
    );
    let exposition = encode(&[apart], &[]);
    assert_eq!(parse(&exposition.text).len(), 1);
    assert_eq!(exposition.conflicts.len(), 1);
}

#[test]
fn unsorted_series_of_ambiguous_keys_are_all_there() {
    let points = vec![
        (vec![("a.b", "1")], 1.0),
        (vec![("a_b", "2")], 2.0),
        (vec![("a.b", "0")], 3.0),
        (vec![("a.b", "1")], 4.0),
    ];
    let exposition = encode(&[gauge("g", points)], &[]);
    let values: Vec<_> = parse(&exposition.text).iter().map(|s| s.value).collect();
    assert_eq!(values, [3.0, 1.0, 2.0]);
    assert_eq!(exposition.conflicts.len(), 1);
}

#[test]
fn a_label_le_of_a_histogram_is_renamed() {
    let point = HistogramPoint {
        labels: Labels::from([("le", "x")]),
        start_unix_nanos: 0,
        bounds: Arc::new([]),
        counts: vec![1],
        count: 1,
        sum: 2.0,
        min: None,
        max: None,
        exemplars: Vec::new(),
    };
    let family = MetricFamily {
        data: MetricData::Histogram(vec![point].into()),
        ..gauge("h", vec![])
    };
    assert!(text(&[family], &[]).contains("h_bucket{exported_le=\"x\",le=\"+Inf\"} 1\n"));
}

#[test]
fn the_resource_is_target_info() {
    let resource = [
        ("service.name".into(), "rag".into()),
        (
            "process.command_args".into(),
            AttributeValue::StringArray(vec!["a\"b".into(), "c".into()]),
        ),
        ("process.pid".into(), AttributeValue::I64(7)),
    ];
    let samples = parse(&text(&[], &resource));
    assert_eq!(samples[0].name, "target_info");
    assert_eq!(
        samples[0].labels,
        [
            (
                "process_command_args".to_owned(),
                "[\"a\\\"b\",\"c\"]".to_owned()
            ),
            ("process_pid".to_owned(), "7".to_owned()),
            ("service_name".to_owned(), "rag".to_owned()),
        ]
    );
}

proptest! {
    #[test]
    fn whole_numbers_are_written_as_the_standard_library_does(value in any::<u64>(), shift in 0..64_u32) {
        let mut out = String::new();
        write::whole(&mut out, value >> shift);
        prop_assert_eq!(out, (value >> shift).to_string());
    }

    #[test]
    fn one_special_byte_anywhere_is_escaped(
        before in "[ -!#-\\[\\]-~é]{0,20}",
        after in "[ -!#-\\[\\]-~é]{0,20}",
        special in prop_oneof![Just("\n"), Just("\\"), Just("\"")],
    ) {
        let mut out = String::new();
        write::label_value(&mut out, &format!("{before}{special}{after}"));
        let escaped = special.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
        prop_assert_eq!(out, format!("{before}{escaped}{after}"));
    }

    #[test]
    fn any_labels_and_values_read_back(
        series in proptest::collection::btree_map("\\PC{1,8}|[\\\\\"\n]{1,4}", any::<f64>(), 1..20),
        key in "\\PC{1,10}",
        name in "\\PC{1,10}",
    ) {
        let points = series.iter().map(|(value, number)| NumberPoint {
            labels: Labels::from([(key.clone(), value)]),
            start_unix_nanos: 0,
            value: Number::F64(*number),
            exemplar: None,
        });
        let family = MetricFamily {
            name: name.into(),
            description: "a\\b\nc".into(),
            data: MetricData::Gauge(points.collect()),
            unit: "".into(), library: None };
        let samples = parse(&text(&[family], &[]));
        prop_assert_eq!(samples.len(), series.len());
        for (sample, (value, number)) in samples.iter().zip(&series) {
            prop_assert!(valid_name(&sample.name) && valid_name(&sample.labels[0].0));
            prop_assert_eq!(&sample.labels[0].1, value);
            prop_assert!(sample.value == *number || (sample.value.is_nan() && number.is_nan()));
        }
    }

    #[test]
    fn series_of_several_labels_read_back_sorted(
        series in proptest::collection::hash_set(("[ab\"]{0,2}", "[ab\n]{0,2}", "[ab]{0,2}"), 1..30),
    ) {
        let collector = MetricsCollector::new();
        let counter = collector.counter("c").labels(["x", "y.z", "w"]).build().expect("valid");
        for (n, (x, y, w)) in series.iter().enumerate() {
            counter.with([x, y, w]).expect("three labels").add(n + 1);
        }
        let samples = parse(&text(&collector.collect_all(), &[]));
        prop_assert_eq!(samples.len(), series.len());
        for (n, (x, y, w)) in series.iter().enumerate() {
            let pairs = [("w", w), ("x", x), ("y_z", y)];
            let labels: Vec<_> = pairs.into_iter().filter(|(_, v)| !v.is_empty()).collect();
            let found = samples.iter().find(|s| {
                s.labels.iter().map(|(k, v)| (&**k, v)).eq(labels.iter().copied())
            });
            prop_assert_eq!(found.map(|s| s.value), Some((n + 1) as f64));
        }
    }

    #[test]
    fn histograms_hold_together(values in proptest::collection::vec(-1e5..1e5_f64, 0..50)) {
        let collector = MetricsCollector::new();
        let h = collector.histogram("h").build().expect("valid");
        for value in &values {
            h.observe(*value);
        }
        let samples = parse(&text(&collector.collect_all(), &[]));
        let buckets: Vec<_> = samples.iter().filter(|s| s.name == "h_bucket").collect();
        prop_assert!(buckets.is_sorted_by(|a, b| a.value <= b.value));
        let infinite: Vec<_> = buckets.iter().filter(|s| s.labels[0].1 == "+Inf").collect();
        prop_assert_eq!(infinite.len(), 1);
        prop_assert_eq!(infinite[0].value, values.len() as f64);
        let count = samples.iter().find(|s| s.name == "h_count").expect("a count");
        prop_assert_eq!(count.value, values.len() as f64);
    }
}
