//! The first failure of a fresh program, as a real Prometheus sees it.
//!
//! A counter that is born by what it counts has nothing before it to be compared with:
//! `increase()` of a burst of failures right after a start is 0, and nobody is told.

use obs_runtime::pipeline::Pipeline;
use obs_runtime::{Observability, on_failure, pipeline_task, traced};
use obs_tests::own_process;
use obs_tests::prometheus_server::Prometheus;
use obs_tests::promql::PromQl;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[traced]
fn parse(text: &str) -> Result<i64, std::num::ParseIntError> {
    text.parse()
}

#[pipeline_task(pipeline = "first failures")]
async fn load() -> Result<i64, std::num::ParseIntError> {
    "no number".parse()
}

#[on_failure(pipeline = "first failures")]
fn tell() -> Result<(), String> {
    Err("nobody is there".to_owned())
}

/// What fails below: each is alone in its metric with these labels.
const FAILURES: [&str; 5] = [
    r#"function_calls_total{function="parse",result="error"}"#,
    r#"obs_pipeline_runs_total{pipeline="first failures",state="failed"}"#,
    r#"obs_pipeline_tasks_total{pipeline="first failures",task="load",state="failed"}"#,
    r#"obs_pipeline_task_errors_total{task="load",error_type="core::num::error::ParseIntError"}"#,
    r#"obs_pipeline_handler_calls_total{pipeline="first failures",result="error"}"#,
];

/// What happens to nobody.
const OTHERS: [&str; 3] = [
    r#"obs_pipeline_runs_total{pipeline="first failures",state="timed_out"}"#,
    r#"obs_pipeline_tasks_total{task="load",state="panicked"}"#,
    r#"obs_pipeline_task_errors_total{task="load",error_type="panic"}"#,
];

fn increase(prometheus: PromQl, series: &str) -> f64 {
    prometheus.only(&format!("increase({series}[5m])")).1
}

// bug: prometheus/prometheus#1673, #3886: the first failures after a start alerted nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_failure_of_a_fresh_program_is_an_increase() -> Result {
    own_process!();
    let test = "the_first_failure_of_a_fresh_program_is_an_increase";
    let obs = Observability::builder()
        .prometheus(([127, 0, 0, 1], 0))
        .install()?;
    let address = obs.prometheus_addr().ok_or("it listens")?;
    let Some(running) = Prometheus::scrape(test, address, None) else {
        return Ok(());
    };
    let prometheus = running.promql();
    // Two scrapes have seen that nothing has failed.
    for series in FAILURES.iter().chain(&OTHERS) {
        prometheus.query_until_result(&format!("count_over_time({series}[5m]) >= 2"));
        assert!(increase(prometheus, series).abs() < 1e-9, "{series}");
    }
    assert!(parse("no number").is_err());
    let run = Pipeline::named("first failures")?.run().await?;
    assert!(run.failed() && run.handler_errors.len() == 1, "{run}");
    for series in FAILURES {
        let alert = format!("increase({series}[5m]) > 0");
        prometheus.query_until_result(&alert);
        prometheus.query_until_result(&format!("{series} == 1"));
    }
    for series in OTHERS {
        assert!(increase(prometheus, series).abs() < 1e-9, "{series}");
    }
    Ok(())
}
