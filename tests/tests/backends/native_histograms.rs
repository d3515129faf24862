//! Exponential histograms are native histograms in a real Prometheus that takes OTLP: its own functions say
//! what was observed, within the error that obs states, and its exemplars name the span.

#![allow(clippy::float_cmp, reason = "counts are exact")]

use std::time::{SystemTime, UNIX_EPOCH};

use obs_runtime::metrics::{Histogram, MetricData, MetricsCollector, Summary};
use obs_runtime::{Observability, SpanContext, traced};
use obs_tests::own_process;
use obs_tests::prometheus_server::Prometheus;
use obs_tests::promql::PromQl;
use obs_tests::server::until;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Smallest buckets that Prometheus keeps (OpenTelemetry specification, "Prometheus and OpenMetrics
/// Compatibility", "Exponential Histograms"): finer ones are joined.
const FINEST_SCALE: i32 = 8;

const QUANTILES: [f64; 9] = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];

/// What is observed, in ascending order.
struct Observed {
    name: &'static str,
    values: Vec<f64>,
}

impl Observed {
    /// The smallest value that is not below the part `q` of them.
    fn quantile(&self, q: f64) -> f64 {
        let rank = (q * self.values.len() as f64).ceil() as usize;
        self.values[rank.saturating_sub(1)]
    }
}

/// How wide a bucket is, as a part of its values.
fn error(metrics: &MetricsCollector, name: &str) -> f64 {
    let data = metrics.get(name).expect("the metric").data;
    let scale = match &data {
        MetricData::ExponentialHistogram(points) => points[0].scale,
        MetricData::Summary(points) => points[0].histogram.scale,
        other => panic!("{other:?}"),
    };
    f64::from(-scale.min(FINEST_SCALE)).exp2().exp2() - 1.0
}

fn check(promql: PromQl, observed: &Observed, error: f64) {
    let Observed { name, values } = observed;
    let ask = |query: String| until(&query, || promql.query(&query).pop().map(|(_, v)| v));
    // The series is there once its count is.
    assert_eq!(
        ask(format!("histogram_count({name})")),
        values.len() as f64,
        "{name}"
    );
    let (sum, expected) = (
        ask(format!("histogram_sum({name})")),
        values.iter().sum::<f64>(),
    );
    assert!(
        (sum - expected).abs() <= expected.abs() * 1e-9,
        "{name}: {sum} {expected}"
    );
    for q in QUANTILES {
        let (estimate, value) = (
            ask(format!("histogram_quantile({q}, {name})")),
            observed.quantile(q),
        );
        let off = (estimate - value).abs();
        assert!(
            off <= value.abs() * error * 1.000_001,
            "{name}: the quantile {q} is {value:e}, not {estimate:e}: more than {error} off"
        );
    }
}

/// Takes the values in a span of its own, and says which.
#[traced]
fn observe(latency: &Histogram, wait: &Summary, values: &[f64]) -> Option<(String, String)> {
    for value in values {
        latency.observe(*value);
        wait.observe(*value);
    }
    let own = SpanContext::current()?;
    Some((own.trace_id().to_string(), own.span_id().to_string()))
}

/// Prometheus' times are milliseconds, and it refuses a second sample of one.
fn a_millisecond_passes() {
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.expect("after 1970").as_millis()
    };
    let start = now();
    while now() == start {
        std::thread::yield_now();
    }
}

#[test]
fn prometheus_has_the_histograms_as_they_were_observed() -> Result {
    own_process!();
    let test = "prometheus_has_the_histograms_as_they_were_observed";
    let Some(prometheus) = Prometheus::receive(test) else {
        return Ok(());
    };
    let builder = Observability::builder().service_name("native");
    let obs = builder.otlp(prometheus.otlp_url()).install()?;
    let metrics = obs.metrics();
    let latency = metrics.histogram("latency").unit("s").exponential();
    let latency = latency.build()?;
    let wait = metrics.summary("wait").unit("ms").build()?;
    let narrow = metrics.histogram("narrow").exponential().build()?;
    let wide = metrics.histogram("wide").exponential().build()?;
    let change = metrics.histogram("change").exponential().build()?;

    let values: Vec<f64> = (1..=1_000).map(|i| f64::from(i) * 0.001).collect();
    let span = observe(&latency, &wait, &values).ok_or("no span")?;
    let all = [
        Observed {
            name: "latency_seconds",
            values: values.clone(),
        },
        Observed {
            name: "wait_milliseconds",
            values,
        },
        // Finer than Prometheus keeps.
        Observed {
            name: "narrow",
            values: (0..500).map(|i| 100.0 + f64::from(i) * 1e-5).collect(),
        },
        // Coarser than one bucket for each doubling. What is below 1e-128 is zero to Prometheus.
        Observed {
            name: "wide",
            values: (-100..=300).map(|i| 10_f64.powi(i)).collect(),
        },
        Observed {
            name: "change",
            values: (-400..=-1).map(f64::from).chain([0.0; 3]).collect(),
        },
    ];
    for (instrument, observed) in [(&narrow, &all[2]), (&wide, &all[3]), (&change, &all[4])] {
        // Half of it, a request, and the rest.
        for values in observed.values.chunks(observed.values.len().div_ceil(2)) {
            for value in values {
                instrument.observe(*value);
            }
            a_millisecond_passes();
            // It takes no traces.
            let _ = obs.force_flush();
        }
    }
    let sent = obs.stats().metrics;
    assert_eq!(sent[0].dropped_total(), 0, "{sent:?}");

    let promql = prometheus.promql();
    for (name, observed) in ["latency", "wait", "narrow", "wide", "change"]
        .iter()
        .zip(&all)
    {
        check(promql, observed, error(metrics, name));
    }
    // Of the values below zero there is a bucket for each magnitude, and one for zero.
    let zeros = promql.only("histogram_fraction(-0.5, 0.5, change)").1;
    assert!((zeros - 3.0 / 403.0).abs() < 1e-9, "{zeros}");

    let exemplars = promql.exemplars_until_result("latency_seconds");
    let own = |e: &&(_, serde_json::Value)| {
        e.1["labels"]["trace_id"] == *span.0 && e.1["labels"]["span_id"] == *span.1
    };
    assert!(exemplars.iter().any(|e| own(&e)), "{exemplars:?}");
    for (_, exemplar) in exemplars.iter().filter(own) {
        let value: f64 = exemplar["value"].as_str().ok_or("a text")?.parse()?;
        assert!(all[0].values.contains(&value), "{value}");
    }
    // Its traces have nowhere to go.
    let _ = obs.shutdown();
    Ok(())
}
