//! Metrics over OTLP in a real VictoriaMetrics: the sums that were counted, under the names of `/metrics`.

use obs_runtime::exporter::otlp::OtlpConfig;
use obs_runtime::{
    Observability,
    exporter::{Temporality, prometheus},
};
use obs_tests::own_process;
use obs_tests::promql::PromQl;
use obs_tests::server::until;
use obs_tests::victoria_metrics::VictoriaMetrics;

type Result<T = ()> = std::result::Result<T, obs_runtime::Error>;

const ROUNDS: u32 = 3;

/// Counts in rounds, and sends each by itself. Returns what `/metrics` would have said at the end.
fn count(server: &VictoriaMetrics, temporality: Temporality) -> Result<String> {
    let builder = Observability::builder().service_name("victoria");
    let config = OtlpConfig::new(server.otlp_url()).temporality(temporality);
    let builder = builder.otlp_with(config);
    let obs = builder.detect_resource(false).strict(true).install()?;
    let metrics = obs.metrics();
    let rows = metrics.counter("etl.rows").labels(["task.name"]).build()?;
    let cost = metrics.counter("cost").unit("USD").build()?;
    let depth = metrics.gauge("queue.depth").build()?;
    let active = metrics
        .up_down_counter("active")
        .unit("{request}")
        .build()?;
    let latency = metrics.histogram("latency").unit("s");
    let latency = latency.buckets([0.25, 0.5, 0.75, 1.0]).build()?;
    let size = metrics.histogram("size").unit("By").exponential().build()?;
    for round in 1..=ROUNDS {
        rows.with(["load \"x\""])?.add(round);
        rows.with(["größe"])?.add(1_u64 << 40);
        cost.add(0.25);
        depth.set(-f64::from(round));
        active.inc();
        for value in 1..=100 {
            latency.observe(f64::from(value) * 0.01);
            size.observe(value * 1_000);
        }
        // The store keeps one value of a series for each millisecond.
        let at = std::time::Instant::now();
        until("the next millisecond", || {
            (at.elapsed().as_millis() >= 2).then_some(())
        });
        obs.force_flush()?;
    }
    let text = prometheus::encode(&obs.metrics().collect_all(), &[]).text;
    obs.shutdown()?;
    server.settle();
    Ok(text)
}

fn close(a: f64, b: f64, part: f64) -> bool {
    (a - b).abs() <= b.abs() * part + 1e-9
}

/// What was counted in all; `sum` makes a query of the name of a counter.
fn check(promql: PromQl, sum: impl Fn(&str) -> String) {
    let is = |query: &str, wanted: f64| {
        // New series can be found a moment later; a wrong value stays wrong.
        until(&format!("{query} is {wanted}"), || {
            let result = promql.query(&sum(query));
            let [(_, value)] = &result[..] else {
                return None;
            };
            close(*value, wanted, 1e-9).then_some(())
        });
    };
    is(r#"etl_rows_total{task_name="load \"x\""}"#, 6.0);
    is(
        r#"etl_rows_total{task_name="größe"}"#,
        3.0 * (1_u64 << 40) as f64,
    );
    is("latency_seconds_count", 300.0);
    is("latency_seconds_sum", 151.5);
    is(r#"latency_seconds_bucket{le="0.5"}"#, 150.0);
    is(r#"latency_seconds_bucket{le="+Inf"}"#, 300.0);
    is("size_bytes_count", 300.0);
    is("size_bytes_sum", 15_150_000.0);
    let last = |query: &str| promql.only(query).1;
    assert!(close(last("queue_depth"), -3.0, 0.0));
    assert!(close(last("active"), 3.0, 0.0));
    let labels = promql.only("queue_depth").0;
    assert_eq!(
        labels["service.name"]
            .as_str()
            .or(labels["service_name"].as_str()),
        Some("victoria")
    );
}

#[test]
fn totals_and_deltas_are_what_was_counted() -> Result {
    own_process!();
    let test = "totals_and_deltas_are_what_was_counted";
    let Some(server) = VictoriaMetrics::start(test) else {
        return Ok(());
    };
    let page = count(&server, Temporality::Cumulative)?;
    let promql = server.promql();
    check(promql, str::to_owned);
    // Another program names each series as obs does.
    for line in page.lines().filter(|l| !l.starts_with('#')) {
        let series = line.rsplit_once(' ').map_or(line, |(series, _)| series);
        // Exponential buckets have bounds of their own there.
        if !series.starts_with("size_bytes_bucket") {
            assert_eq!(promql.query_until_result(series).len(), 1, "{series}");
        }
    }
    // An estimate from exponential buckets is as good as they are narrow.
    let median = promql
        .only("histogram_quantile(0.5, sum(size_bytes_bucket) by (vmrange))")
        .1;
    assert!(close(median, 50_000.0, 0.05), "{median}");
    drop(server);

    let Some(server) = VictoriaMetrics::start("deltas") else {
        return Ok(());
    };
    count(&server, Temporality::Delta)?;
    // Deltas are kept as they came: their sum over the time is the total.
    check(server.promql(), |name| format!("sum_over_time({name}[1h])"));
    Ok(())
}
