//! Whatever names, labels and values a source has: promtool takes the page, and both official parsers
//! read the same from both formats.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use obs_runtime::exporter::prometheus::{self, Format, Options};
use obs_runtime::metrics::snapshot::{ExponentialBuckets, NumberPoint};
use obs_runtime::metrics::{
    ExponentialHistogramPoint, HistogramPoint, Labels, MetricData, MetricFamily, Number, Points,
    SummaryPoint,
};
use obs_tests::programs;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

/// Pieces of names, and words that the formats have a use for.
const NAME: &str = r#"([a-c_:.\-/ "\\éß0-9]{0,3}(total|sum|count|bucket|created|info|seconds|target|le|quantile)?){0,2}"#;
/// Labels' values: anything, and what the formats escape.
const VALUE: &str = r#"([^\r]|[\\"\n{}=#,]|\\n){0,6}"#;
const UNITS: [&str; 8] = ["", "s", "By", "1", "%", "{x}", "{x}/s", "a.b é"];

fn labels() -> impl Strategy<Value = Labels> {
    proptest::collection::btree_map(NAME, VALUE, 0..3).prop_map(Labels::from_iter)
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -1e3..1e3_f64,
        prop_oneof![
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
            Just(0.0)
        ],
    ]
}

/// A family of each kind, by number.
fn data() -> impl Strategy<Value = MetricData> {
    let numbers = (labels(), number(), 0..3_u8).prop_map(|(labels, value, kind)| {
        let point = |value| {
            Points::from(vec![NumberPoint {
                labels,
                start_unix_nanos: 1_700_000_000_123_456_789,
                value,
                exemplar: None,
            }])
        };
        match kind {
            // A counter's value is no negative one, whatever the source.
            0 => MetricData::Counter(point(Number::U64(value.abs() as u64))),
            1 => MetricData::UpDownCounter(point(Number::I64(value as i64))),
            _ => MetricData::Gauge(point(Number::F64(value))),
        }
    });
    let bounds = proptest::collection::btree_set(-1_000..1_000_000_i64, 0..5);
    let histograms =
        (labels(), bounds, 0..9_u64, -1e9..1e9_f64).prop_map(|(labels, bounds, each, sum)| {
            let bounds: Vec<f64> = bounds.into_iter().map(|b| b as f64 / 8.0).collect();
            MetricData::Histogram(
                vec![HistogramPoint {
                    labels,
                    start_unix_nanos: 1,
                    counts: vec![each; bounds.len() + 1],
                    count: each * (bounds.len() as u64 + 1),
                    bounds: bounds.into(),
                    sum,
                    min: None,
                    max: None,
                    exemplars: Vec::new(),
                }]
                .into(),
            )
        });
    let buckets = || {
        let counts = proptest::collection::vec(0..5_u64, 0..40);
        (-60..60_i32, counts).prop_map(|(offset, counts)| ExponentialBuckets { offset, counts })
    };
    let exponential = (
        labels(),
        -4..21_i32,
        0..3_u64,
        buckets(),
        buckets(),
        any::<bool>(),
    );
    let exponential =
        exponential.prop_map(|(labels, scale, zero_count, positive, negative, summary)| {
            let total = |b: &ExponentialBuckets| b.counts.iter().sum::<u64>();
            let count = total(&positive) + total(&negative) + zero_count;
            let histogram = ExponentialHistogramPoint {
                labels,
                start_unix_nanos: 1,
                scale,
                zero_count,
                positive,
                negative,
                count,
                sum: 1.5,
                min: None,
                max: None,
                exemplars: Vec::new(),
            };
            if summary {
                MetricData::Summary(
                    vec![SummaryPoint {
                        histogram,
                        quantiles: Arc::new([0.0, 0.5, 1.0]),
                    }]
                    .into(),
                )
            } else {
                MetricData::ExponentialHistogram(vec![histogram].into())
            }
        });
    prop_oneof![2 => numbers, 1 => histograms, 2 => exponential]
}

fn family() -> impl Strategy<Value = MetricFamily> {
    (NAME, VALUE, 0..UNITS.len(), data()).prop_map(|(name, help, unit, data)| MetricFamily {
        name: name.into(),
        description: help.into(),
        unit: UNITS[unit].into(),
        data,
        library: None,
    })
}

/// Name, labels and value of each sample, bounds and quantiles as numbers.
type Samples = BTreeSet<(String, Vec<(String, String)>, String)>;

fn parse(python: &Path, text: &str, format: &str) -> Result<Samples, TestCaseError> {
    let families = programs::parse_metrics(python, text, format).map_err(TestCaseError::fail)?;
    let samples = families.iter().filter_map(|f| f["samples"].as_array());
    let sample = |sample: &Value| {
        let labels = sample[1].as_object().expect("labels").iter();
        let labels = labels.map(|(key, value)| {
            let value = value.as_str().expect("a text");
            let number = match key.as_str() {
                "le" | "quantile" => value.parse::<f64>().ok(),
                _ => None,
            };
            (
                key.clone(),
                number.map_or_else(|| value.to_owned(), |n| n.to_string()),
            )
        });
        let text = |at: usize| sample[at].as_str().expect("a text").to_owned();
        (text(0), labels.collect(), text(2))
    };
    Ok(samples.flatten().map(sample).collect())
}

/// The metrics after `# TYPE`: name and type, without what one of the formats adds.
fn families(text: &str) -> BTreeSet<(&str, &str)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(name, kind)| match kind {
            "counter" => (name.strip_suffix("_total").unwrap_or(name), kind),
            _ => (name, kind),
        })
        .collect()
}

/// The samples of metrics that both pages have: conflicts depend on the format, and what one of them
/// leaves out is not compared.
fn common_samples(text: &str, open_metrics: &str) -> BTreeSet<String> {
    let both = &families(text) & &families(open_metrics);
    let samples = both.into_iter().flat_map(|(name, kind)| {
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "summary" => &["", "_sum", "_count"],
            _ => &[""],
        };
        suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
    });
    samples.collect()
}

#[test]
fn all_parsers_agree_on_hostile_pages() {
    let test = "all_parsers_agree_on_hostile_pages";
    let Some(python) = programs::python(test) else {
        return;
    };
    let mut runner = TestRunner::new(Config {
        cases: 12,
        // Each case starts three programs.
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let pages = proptest::collection::vec(family(), 1..40);
    let result = runner.run(&pages, |page| {
        let resource = [("service.name".into(), "a\"b\\\n".into())];
        let text = prometheus::encode(&page, &resource).text;
        let options = Options::new().format(Format::OpenMetrics).created(true);
        let open_metrics = prometheus::encode_with(&page, &resource, &options).text;
        // 3 is a matter of taste, such as a unit in a name.
        if let Some(output) = programs::promtool_check_metrics(test, &text) {
            let said = String::from_utf8_lossy(&output.stderr);
            let code = output.status.code();
            prop_assert!(matches!(code, Some(0 | 3)), "{:?} {}\n{}", code, said, text);
        }
        let plain = parse(&python, &text, "text")?;
        let open = parse(&python, &open_metrics, "openmetrics")?;
        let both = common_samples(&text, &open_metrics);
        let missing = plain.difference(&open).filter(|(name, labels, value)| {
            // OpenMetrics has no sums of what can fall, and no negative quantiles.
            let left_out = name.ends_with("_sum") || name.ends_with("_count");
            let negative = labels.iter().any(|(k, _)| k == "quantile") && value.starts_with('-');
            !left_out && !negative && both.contains(name)
        });
        let missing: Vec<_> = missing.collect();
        prop_assert!(
            missing.is_empty(),
            "{:?}\n{}\n{}",
            missing,
            text,
            open_metrics
        );
        let more = open
            .difference(&plain)
            .filter(|(name, ..)| both.contains(name));
        let more: Vec<_> = more.collect();
        prop_assert!(more.is_empty(), "{:?}\n{}\n{}", more, text, open_metrics);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
