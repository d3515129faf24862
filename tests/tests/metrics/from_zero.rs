//! Counters that are there, with 0, before anything has happened that they count.

#![allow(clippy::float_cmp, reason = "the numbers are exact")]

use std::fmt::Write as _;
use std::time::Duration;

use obs_runtime::alert::AlertManager;
use obs_runtime::cache::Cache;
use obs_runtime::exporter::prometheus;
use obs_runtime::metrics::{MetricData, MetricFamily};
use obs_runtime::steps::{RetryPolicy, Router};
use obs_runtime::testing::capture;
use obs_runtime::{Label, Observability, counter, on_failure, pipeline_task, traced};
use obs_tests::{own_process, programs};

#[traced]
fn parse(text: &str) -> Result<i64, std::num::ParseIntError> {
    text.parse()
}

#[traced(metrics = false)]
fn uncounted() {}

#[pipeline_task(pipeline = "nightly", retries = 1, error_if = Result::is_err, timeout = "1m")]
async fn fetch() -> Result<(), String> {
    Ok(())
}

#[pipeline_task(pipeline = "nightly", depends_on(fetch))]
fn list() -> Vec<[u8; 32]> {
    Vec::new()
}

#[pipeline_task(pipeline = "nightly", depends_on(list), map(one in list))]
fn each(one: &[u8; 32]) -> usize {
    one.len()
}

#[on_failure]
fn tell() {}

#[derive(Clone, Copy, Label)]
enum Payment {
    Accepted,
    Declined,
}

/// The value of the series of a counter, or the count of a histogram, that has all of these labels;
/// none if there is no such series.
fn value(families: &[MetricFamily], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let has = |own: &obs_runtime::metrics::Labels| {
        labels
            .iter()
            .all(|(key, value)| own.get(key) == Some(*value))
    };
    let family = families.iter().find(|family| family.name == name)?;
    match &family.data {
        MetricData::Counter(points) => {
            let found = points.iter().find(|point| has(&point.labels))?;
            Some(found.value.as_f64())
        }
        MetricData::Histogram(points) => {
            let found = points.iter().find(|point| has(&point.labels))?;
            Some(found.count as f64)
        }
        other => panic!("{other:?}"),
    }
}

fn calls(families: &[MetricFamily], function: &str, result: &str) -> Option<f64> {
    let labels = [("function", function), ("result", result)];
    value(families, "function.calls", &labels)
}

// bug: counters were born by their first failure, so `increase()` said 0 of it, and no alert came.
#[test]
fn what_the_registry_knows_is_there_before_the_first_failure() {
    own_process!();
    let alerts = AlertManager::builder().log(true).build();
    let alerts = alerts.expect("a manager");
    let obs = Observability::builder().alerts(alerts).install();
    let obs = obs.expect("installs");
    let fresh = obs.collect_metrics();
    for function in ["parse", "fetch"] {
        for result in ["ok", "error", "cancelled"] {
            let is = calls(&fresh, function, result);
            assert_eq!(is, Some(0.0), "{function} {result}");
        }
    }
    assert_eq!(calls(&fresh, "uncounted", "ok"), None);
    let is = |name, labels: &[(&str, &str)]| value(&fresh, name, labels);
    // bug: an empty histogram of every task and state was on each page.
    for duration in ["obs.pipeline.run.duration", "obs.pipeline.task.duration"] {
        assert_eq!(is(duration, &[("pipeline", "nightly")]), None);
    }
    let task = [("pipeline", "nightly"), ("task", "fetch")];
    assert_eq!(is("obs.pipeline.task.retries", &task), Some(0.0));
    // How many records a task counts is not known: nothing is said.
    assert_eq!(is("obs.pipeline.records", &task), None);
    for (name, label) in [
        ("obs.alerts", ("outcome", "rejected")),
        ("obs.alerts", ("outcome", "delivered")),
        ("obs.dropped", ("reason", "late")),
    ] {
        assert_eq!(is(name, &[label]), Some(0.0), "{name} {label:?}");
    }
    assert!(parse("1").is_ok() && parse("x").is_err());
    uncounted();
    let later = obs.collect_metrics();
    assert_eq!(calls(&later, "parse", "error"), Some(1.0));
    assert_eq!(calls(&later, "fetch", "error"), Some(0.0));
    let page = prometheus::encode(&later, &[]);
    assert!(page.conflicts.is_empty(), "{:?}", page.conflicts);
    let line = "obs_pipeline_runs_total{pipeline=\"nightly\",state=\"failed\"} 0\n";
    assert!(page.text.contains(line), "{}", page.text);
}

#[test]
fn every_end_of_runs_tasks_and_handlers_is_there_before_the_first_run() {
    own_process!();
    let obs = Observability::builder().install().expect("installs");
    let fresh = obs.collect_metrics();
    let is = |name, labels: &[(&str, &str)]| value(&fresh, name, labels);
    for state in ["succeeded", "failed", "cancelled", "timed_out"] {
        let run = [("pipeline", "nightly"), ("state", state)];
        assert_eq!(is("obs.pipeline.runs", &run), Some(0.0));
    }
    // Nothing has ended as `running`.
    let running = [("pipeline", "nightly"), ("state", "running")];
    assert_eq!(is("obs.pipeline.runs", &running), None);
    for state in [
        "succeeded",
        "failed",
        "skipped",
        "cancelled",
        "timed_out",
        "cached",
        "panicked",
        "crashed",
    ] {
        let task = |task| [("pipeline", "nightly"), ("task", task), ("state", state)];
        assert_eq!(
            is("obs.pipeline.tasks", &task("fetch")),
            Some(0.0),
            "{state}"
        );
        assert_eq!(
            is("obs.pipeline.items", &task("each")),
            Some(0.0),
            "{state}"
        );
        assert_eq!(is("obs.pipeline.items", &task("list")), None, "{state}");
    }
    let error = |task, kind| {
        is(
            "obs.pipeline.task.errors",
            &[("task", task), ("error.type", kind)],
        )
    };
    for kind in [
        "alloc::string::String",
        "error_if",
        "panic",
        "timeout",
        "run_deadline",
    ] {
        assert_eq!(error("fetch", kind), Some(0.0), "{kind}");
    }
    assert_eq!(error("each", "items"), Some(0.0));
    assert_eq!(error("list", "timeout"), None);
    for result in ["ok", "error", "panic", "timeout"] {
        let handler = ("handler", "metrics::from_zero::tell");
        let called = [("pipeline", "nightly"), handler, ("result", result)];
        assert_eq!(
            is("obs.pipeline.handler.calls", &called),
            Some(0.0),
            "{result}"
        );
    }
}

/// A flow with everything that steps count, and whose step has never been called.
fn answer(name: &'static str) -> Result<(), obs_runtime::Error> {
    type Failed = Box<dyn std::error::Error + Send + Sync>;

    let step = |step| obs_runtime::steps::step(step, async |n: u32| Ok::<_, Failed>(n));
    let cache: Cache<u32, u32, Failed> = Cache::new(name, Duration::from_secs(60))?;
    let slow = step("slow").timeout(Duration::from_secs(1))?;
    let limited = slow.grace(Duration::from_secs(1)).on_timeout(step("short"));
    let safe = step("frail")
        .retry(RetryPolicy::new(2))
        .fallback(step("sure"));
    let router = Router::new(name, |_: &u32| "slow")
        .route("slow", limited)
        .route("safe", safe)
        .default_route("safe");
    drop(router.build()?.cached(cache, |n| *n));
    Ok(())
}

#[test]
fn every_end_of_steps_is_there_before_the_first_call() {
    own_process!();
    // One flow is there before anybody counts, one comes later.
    answer("early").expect("a flow");
    let obs = Observability::builder().install().expect("installs");
    answer("late").expect("a flow");
    let fresh = obs.collect_metrics();
    let is = |name, labels: &[(&str, &str)]| value(&fresh, name, labels);
    for name in ["early", "late"] {
        for outcome in ["hit", "shared", "miss", "no_key"] {
            let lookup = [("cache", name), ("outcome", outcome)];
            assert_eq!(is("obs.cache.lookups", &lookup), Some(0.0), "{lookup:?}");
        }
        for access in ["read", "write"] {
            let failed = [("cache", name), ("access", access)];
            assert_eq!(is("obs.cache.store_failures", &failed), Some(0.0));
        }
        for (route, reason) in [
            ("slow", "routing_function"),
            ("safe", "routing_function"),
            ("safe", "invalid_route_fallback"),
            ("safe", "routing_error_fallback"),
        ] {
            let decision = [("router", name), ("route", route), ("reason", reason)];
            assert_eq!(is("obs.router.decisions", &decision), Some(0.0));
        }
        // There is a default.
        let none = [("router", name), ("reason", "no_route")];
        assert_eq!(is("obs.router.decisions", &none), None);
    }
    for outcome in ["timed_out", "late", "fallback"] {
        let timeout = [("step", "slow"), ("outcome", outcome)];
        assert_eq!(is("obs.step.timeouts", &timeout), Some(0.0), "{outcome}");
    }
    assert_eq!(is("obs.step.retries", &[("step", "frail")]), Some(0.0));
    assert_eq!(is("obs.step.fallbacks", &[("step", "retry frail")]), None);
    assert_eq!(is("obs.step.fallbacks", &[("step", "frail")]), Some(0.0));
    for result in ["ok", "error", "cancelled"] {
        assert_eq!(calls(&fresh, "slow", result), Some(0.0), "{result}");
        assert_eq!(calls(&fresh, "timeout slow", result), Some(0.0), "{result}");
    }
}

// bug: the series of a failure was born by the first failure, whatever its label's type knew.
#[test]
fn a_counter_that_counts_a_success_shows_that_nothing_failed() {
    own_process!();
    let obs = Observability::builder().install().expect("installs");
    let count = |payment: Payment| counter!("payments", result = payment).inc();
    let is = |result| value(&obs.collect_metrics(), "payments", &[("result", result)]);
    assert_eq!(is("declined"), None);
    count(Payment::Accepted);
    assert_eq!((is("accepted"), is("declined")), (Some(1.0), Some(0.0)));
    count(Payment::Declined);
    assert_eq!((is("accepted"), is("declined")), (Some(1.0), Some(1.0)));
}

/// The rules of the documentation, judged by Prometheus: a page from before the first failure, scraped four times, then
/// one from after it.
#[test]
fn the_alert_rules_of_the_documentation_see_the_first_failure() {
    own_process!();
    let obs = Observability::builder().install().expect("installs");
    let before = prometheus::encode(&obs.collect_metrics(), &[]).text;
    assert!(parse("x").is_err());
    let after = prometheus::encode(&obs.collect_metrics(), &[]).text;

    let docs = include_str!("../../../docs/metrics.md");
    let rules = docs
        .split_once("```yaml\n")
        .and_then(|(_, rest)| rest.split_once("```"));
    let (rules, _) = rules.expect("the page has rules");
    let mut test =
        "rule_files: [rules.yml]\nevaluation_interval: 15s\ntests:\n  - interval: 15s\n    \
                    input_series:\n"
            .to_owned();
    let scraped = |line: &'static str, page: &str| {
        let found = page.lines().find_map(|l| l.strip_prefix(line));
        found.map_or("_".to_owned(), |value| value.trim().to_owned())
    };
    let series =
        r#"function_calls_total{function="parse",module="metrics::from_zero",result="error"}"#;
    let (old, new) = (scraped(series, &before), scraped(series, &after));
    let _ = writeln!(
        test,
        "      - series: '{series}'\n        values: '{old} {old} {old} {old} {new} {new}'"
    );
    test.push_str(
        "    alert_rule_test:\n      - {eval_time: 75s, alertname: FunctionFails, exp_alerts: [{exp_labels: \
         {function: parse, module: 'metrics::from_zero'}}]}\n",
    );
    let folder = std::env::temp_dir().join(format!("obs-from-zero-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("rules.yml"), rules).expect("written");
    let file = folder.join("test.yml");
    std::fs::write(&file, &test).expect("written");
    let judged = programs::promtool_test_rules("from_zero", &file);
    let _ = std::fs::remove_dir_all(&folder);
    if let Some(output) = judged {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{test}");
    }
}

/// A capture shows what the code under test counted.
#[test]
fn a_capture_has_only_what_was_counted() {
    let captured = capture(|| {
        counter!("payments", result = Payment::Accepted).inc();
        parse("1")
    });
    captured.assert_metric("payments").value(1);
    let calls = captured.assert_metric("function.calls");
    calls.labels([("function", "parse")]).value(1);
    assert!(
        captured
            .metrics
            .iter()
            .all(|family| family.name != "obs.pipeline.runs")
    );
}
