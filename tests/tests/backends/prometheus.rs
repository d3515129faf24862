//! What Prometheus, its linter and its official python parser make of our metrics.

use std::sync::Arc;

use obs_runtime::exporter::prometheus;
use obs_runtime::metrics::{MetricSource, MetricsCollector};
use obs_runtime::server::{HttpConfig, HttpServer};
use obs_tests::programs;
use obs_tests::prometheus_server::Prometheus;
use serde_json::Value;

type Result<T = ()> = std::result::Result<T, obs_runtime::Error>;

const HOSTILE: [&str; 6] = [
    "a\"b",
    "a\\b",
    "a\nb",
    "größe 東京",
    "{a=\"b\"} 1 # x",
    "\\n",
];

/// A metric of each kind, with names and labels as users choose them.
fn collector() -> Result<MetricsCollector> {
    let collector = MetricsCollector::new();
    let rows = collector
        .counter("etl.rows")
        .description("Rows with a \\ and a\nsecond line")
        .unit("{row}")
        .labels(["pipeline", "task.name"])
        .build()?;
    for value in HOSTILE {
        rows.with(["etl", value])?.add(2);
    }
    rows.with(["etl", "load"])?.add(40);
    collector.counter("revenue").unit("USD").build()?.add(12.25);
    collector
        .gauge("queue.depth")
        .description("Waiting items")
        .build()?
        .set(-3);
    let special = collector.gauge("special").labels(["value"]).build()?;
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 5e-324] {
        special.with([value.to_string()])?.set(value);
    }
    collector
        .up_down_counter("requests.active")
        .unit("{request}")
        .build()?
        .add(2);
    let latency = collector
        .histogram("request.duration")
        .description("Time of a request")
        .unit("s")
        .labels(["route"])
        .build()?;
    let bound = latency.with(["/a"])?;
    for ms in 1..=100 {
        bound.observe(f64::from(ms) / 100.0);
    }
    Ok(collector)
}

fn text() -> Result<String> {
    text_as(prometheus::Format::Text)
}

fn text_as(format: prometheus::Format) -> Result<String> {
    let resource = [
        ("service.name".into(), "rag \"x\"".into()),
        ("service.version".into(), "1.0".into()),
    ];
    let exposition = prometheus::encode_as(&collector()?.collect_all(), &resource, format);
    assert!(
        exposition.conflicts.is_empty(),
        "{:?}",
        exposition.conflicts
    );
    Ok(exposition.text)
}

/// What the official parser reads; none if there is no python for it.
fn parsed(test: &str, page: &str, format: &str) -> Option<Vec<Value>> {
    let families = programs::parse_metrics(&programs::python(test)?, page, format);
    Some(families.unwrap_or_else(|said| panic!("{said}")))
}

/// The family of a name.
fn family<'a>(families: &'a [Value], name: &str) -> &'a Value {
    let found = families.iter().find(|f| f["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {families:?}"))
}

#[test]
fn promtool_has_nothing_to_say() -> Result {
    let Some(output) = programs::promtool_check_metrics("promtool_has_nothing_to_say", &text()?)
    else {
        return Ok(());
    };
    assert!(
        output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
    Ok(())
}

#[test]
fn the_official_parser_reads_it_back_unchanged() -> Result {
    let test = "the_official_parser_reads_it_back_unchanged";
    let Some(families) = parsed(test, &text()?, "text") else {
        return Ok(());
    };
    let family = |name: &str| family(&families, name);
    let rows = family("etl_rows");
    assert_eq!(rows["type"], "counter");
    assert_eq!(rows["help"], "Rows with a \\ and a\nsecond line");
    let samples = rows["samples"].as_array().expect("samples");
    for value in HOSTILE {
        let read =
            |s: &&Value| s[1]["task_name"] == value && s[1]["pipeline"] == "etl" && s[2] == "2.0";
        assert!(samples.iter().any(|s| read(&s)), "{value:?} in {samples:?}");
    }
    assert_eq!(samples.len(), HOSTILE.len() + 1);

    let special = &family("special")["samples"];
    let mut values: Vec<_> = special
        .as_array()
        .expect("samples")
        .iter()
        .map(|s| s[2].as_str().expect("a text"))
        .collect();
    values.sort_unstable();
    assert_eq!(values, ["-inf", "1e+300", "5e-324", "inf", "nan"]);

    let latency = family("request_duration_seconds");
    assert_eq!(latency["type"], "histogram");
    let samples = latency["samples"].as_array().expect("samples");
    let infinite: Vec<_> = samples.iter().filter(|s| s[1]["le"] == "+Inf").collect();
    assert!(
        infinite.len() == 1 && infinite[0][2] == "100.0",
        "{infinite:?}"
    );
    assert_eq!(
        family("target_info")["samples"][0][1]["service_name"],
        "rag \"x\""
    );
    Ok(())
}

#[test]
fn the_official_parser_reads_open_metrics() -> Result {
    let test = "the_official_parser_reads_open_metrics";
    let Some(families) = parsed(
        test,
        &text_as(prometheus::Format::OpenMetrics)?,
        "openmetrics",
    ) else {
        return Ok(());
    };
    let family = |name: &str| family(&families, name);
    let rows = family("etl_rows");
    assert_eq!(rows["type"], "counter");
    assert_eq!(rows["help"], "Rows with a \\ and a\nsecond line");
    let samples = rows["samples"].as_array().expect("samples");
    for value in HOSTILE {
        let read = |s: &&Value| s[0] == "etl_rows_total" && s[1]["task_name"] == value;
        assert!(samples.iter().any(|s| read(&s)), "{value:?} in {samples:?}");
    }
    let latency = family("request_duration_seconds");
    assert_eq!(
        (&latency["type"], &latency["unit"]),
        (&"histogram".into(), &"seconds".into())
    );
    assert_eq!(family("target")["type"], "info");
    Ok(())
}

/// Metrics with names, units, labels and bounds that meet each other in every way.
fn motley() -> Result<MetricsCollector> {
    const NAMES: [&str; 12] = [
        "a",
        "a.total",
        "a_total",
        "a.seconds",
        "a.count",
        "a.bucket",
        "a.sum",
        "a.info",
        "a.created",
        "target",
        "target.info",
        "b",
    ];
    const UNITS: [&str; 10] = [
        "", "s", "By", "1", "{x}", "{x}/s", "m/s", "%", "USD", "a.b/{c}d",
    ];
    const BOUNDS: [&[f64]; 5] = [
        &[],
        &[0.0, 1.0, 10.0],
        &[1e-7, 1e-4, 0.1, 1e6, 1e7, 1e21, 1e300],
        &[-1.0, 1.0],
        &[0.3, 1.5, 123_456.0, 1_234_567.0],
    ];
    let collector = MetricsCollector::new();
    for (number, name) in NAMES.iter().enumerate() {
        for (index, unit) in UNITS.iter().enumerate() {
            let name = |kind: &str| match (number + index) % 3 {
                0 => (*name).to_owned(),
                1 => format!("{name}.{kind}"),
                _ => format!("{name}_{index}"),
            };
            // A name that another kind has already is an error: the first one stays.
            let labels = ["l.a", "l_b"];
            if let Ok(m) = collector
                .counter(name("c"))
                .unit(*unit)
                .labels(labels)
                .build()
            {
                m.with([HOSTILE[number % 6], "x"])?.add(0.5 + index as f64);
            }
            if let Ok(m) = collector
                .gauge(name("g"))
                .unit(*unit)
                .labels(labels)
                .build()
            {
                m.with(["", HOSTILE[index % 6]])?
                    .set(-(number as f64) * 1e-9);
            }
            let bounds = BOUNDS[(number + index) % 5].iter().copied();
            let h = collector.histogram(name("h")).unit(*unit).buckets(bounds);
            if let Ok(m) = h.build() {
                m.observe(if index == 3 { -5.0 } else { 0.25 });
            }
        }
    }
    Ok(collector)
}

#[test]
fn whatever_users_define_is_valid() -> Result {
    let test = "whatever_users_define_is_valid";
    let families = motley()?.collect_all();
    let resource = [("service.name".into(), "x".into())];
    for (format, argument) in [
        (prometheus::Format::Text, "text"),
        (prometheus::Format::OpenMetrics, "openmetrics"),
    ] {
        let exposition = prometheus::encode_as(&families, &resource, format);
        let kept = exposition.text.matches("# TYPE ").count();
        // Some are in each other's way; most are not.
        assert!(
            !exposition.conflicts.is_empty() && kept > families.len() / 2,
            "{kept}"
        );
        let Some(read) = parsed(test, &exposition.text, argument) else {
            return Ok(());
        };
        assert_eq!(read.len(), kept, "{argument}");
    }
    Ok(())
}

#[test]
fn prometheus_scrapes_and_answers_queries() -> Result {
    let test = "prometheus_scrapes_and_answers_queries";
    let collector = collector()?;
    let resource = vec![("service.name".into(), "rag".into())];
    let config = HttpConfig::new().bearer_token("s3cret").resource(resource);
    let source: Arc<dyn MetricSource> = Arc::new(collector.clone());
    let server = HttpServer::start(
        ([127, 0, 0, 1], 0).into(),
        config,
        source,
        Arc::new(Vec::new),
    )?;
    let Some(running) = Prometheus::scrape(test, server.local_addr(), Some("s3cret")) else {
        return Ok(());
    };
    let prometheus = running.promql();
    prometheus.query_until_result("up == 1");
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(close(
        prometheus.only("sum(etl_rows_total)").1,
        40.0 + 2.0 * HOSTILE.len() as f64
    ));
    assert!(close(
        prometheus.only(r#"etl_rows_total{task_name="a\\b"}"#).1,
        2.0
    ));
    assert!(close(prometheus.only("revenue_USD_total").1, 12.25));
    assert!(close(prometheus.only("queue_depth").1, -3.0));
    assert_eq!(prometheus.query("special == Inf").len(), 1);
    assert_eq!(prometheus.only("target_info").0["service_name"], "rag");

    // Both estimate in the same way.
    let ours = collector.get("request.duration").expect("a metric").data;
    let obs_runtime::metrics::MetricData::Histogram(points) = ours else {
        panic!("a histogram");
    };
    let ours = points[0].percentile(95.0).expect("values");
    let theirs = prometheus
        .only("histogram_quantile(0.95, request_duration_seconds_bucket)")
        .1;
    assert!(close(ours, theirs), "{ours} {theirs}");

    // What is counted after the first scrape arrives as well.
    collector
        .counter("etl.rows")
        .build()?
        .with(["etl", "load"])?
        .add(1);
    prometheus.query_until_result(r#"etl_rows_total{task_name="load"} == 41"#);
    Ok(())
}

// bug: T41 (queries that were no PromQL, or added up what does not add up).
#[test]
fn rates_and_quantiles_are_right_in_prometheus() -> Result {
    let test = "rates_and_quantiles_are_right_in_prometheus";
    let collector = MetricsCollector::new();
    let jobs = collector.counter("jobs").labels(["kind"]).build()?;
    let (slow, fast) = (jobs.with(["slow"])?, jobs.with(["fast"])?);
    let wait = collector.histogram("wait").unit("s").buckets([1, 2, 4]);
    let wait = wait.build()?;
    let size = collector.histogram("size").exponential().build()?;
    let source: Arc<dyn MetricSource> = Arc::new(collector.clone());
    let health = Arc::new(Vec::new);
    let local = ([127, 0, 0, 1], 0).into();
    let server = HttpServer::start(local, HttpConfig::new(), source, health)?;
    let Some(running) = Prometheus::scrape(test, server.local_addr(), None) else {
        return Ok(());
    };
    let prometheus = running.promql();
    // Each step is scraped before the next one, and nothing is counted during a scrape.
    for step in 1..=4 {
        slow.inc();
        fast.add(3);
        for value in [0.5, 1.5, 1.5, 3.0] {
            wait.observe(value);
            size.observe(value * 1_000.0);
        }
        prometheus.query_until_result(&format!(r#"jobs_total{{kind="slow"}} == {step}"#));
        prometheus.query_until_result(&format!("size_count == {}", 4 * step));
    }
    let is = |promql: &str, wanted: f64, error: f64| {
        let value = prometheus.only(promql).1;
        assert!(
            (value - wanted).abs() <= wanted * error,
            "{promql}: {value}"
        );
    };
    // All series have their samples at the same times, so that the time cancels out.
    is(
        r#"scalar(rate(jobs_total{kind="fast"}[5m])) / rate(jobs_total{kind="slow"}[5m])"#,
        3.0,
        1e-9,
    );
    is(
        "rate(wait_seconds_sum[5m]) / rate(wait_seconds_count[5m])",
        1.625,
        1e-9,
    );
    // Of four values one is up to 1, two up to 2, one up to 4.
    is(
        "histogram_quantile(0.5, rate(wait_seconds_bucket[5m]))",
        1.5,
        1e-9,
    );
    is(
        "histogram_quantile(1, rate(wait_seconds_bucket[5m]))",
        4.0,
        1e-9,
    );
    // Exponential histograms have four classic buckets for each doubling: each is a fifth wide.
    is(
        "histogram_quantile(0.5, rate(size_bucket[5m]))",
        1_500.0,
        0.19,
    );
    Ok(())
}
