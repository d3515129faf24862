//! Annotated functions as a scrape of the installed endpoint shows them.

use obs_runtime::server::HttpConfig;
use obs_runtime::{Observability, traced};
use obs_tests::own_process;
use obs_tests::prometheus_server::Prometheus;
use obs_tests::{http, programs};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[traced]
fn halve(number: u32) -> Result<u32, String> {
    if number.is_multiple_of(2) {
        Ok(number / 2)
    } else {
        Err(format!("{number} is odd"))
    }
}

#[traced]
fn breaks(now: bool) {
    assert!(!now, "as the test wants it");
}

#[traced]
async fn waits() {
    std::future::pending::<()>().await;
}

#[traced]
fn never_called() {}

/// The value of the sample whose line begins so.
fn value(text: &str, start: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(start))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn calls(text: &str, function: &str, result: &str) -> Option<f64> {
    value(
        text,
        &format!(
            "function_calls_total{{function=\"{function}\",module=\"metrics::scrape\",result=\"{result}\"}} "
        ),
    )
}

// bug: T4, T24, T45, T48 (after a successful start nothing listened, and nothing was exported).
// bug: T33 (the promised duration of every operation was not there).
#[tokio::test]
async fn a_scrape_counts_every_call_before_it() -> Result {
    own_process!();
    let obs = Observability::builder()
        .service_name("scrape-test")
        // Nothing is recorded, everything is counted.
        .sampler(obs_runtime::Sampler::ratio(0.0))
        .prometheus_with(
            ([127, 0, 0, 1], 0),
            HttpConfig::new().bearer_token("s3cret"),
        )
        .strict(true)
        .install()?;
    let addr = obs.prometheus_addr().ok_or("no endpoint")?;
    let scrape = || http::get(addr.port(), "/metrics", "Authorization: Bearer s3cret\r\n");
    if false {
        never_called();
    }

    for round in 1..=3_u32 {
        for number in 0..10 {
            let _ = halve(number);
        }
        let text = scrape()?.body;
        let done = f64::from(round) * 5.0;
        assert_eq!(calls(&text, "halve", "ok"), Some(done), "{text}");
        assert_eq!(calls(&text, "halve", "error"), Some(done), "{text}");
    }
    let _ = std::panic::catch_unwind(|| breaks(true));
    breaks(false);
    // Polled once, then given up.
    tokio::select! {
        biased;
        () = waits() => {}
        () = std::future::ready(()) => {}
    }
    let own = obs
        .metrics()
        .counter("orders")
        .description("Orders taken")
        .build()?;
    own.add(2.5);

    let text = scrape()?.body;
    assert_eq!(calls(&text, "breaks", "ok"), Some(1.0), "{text}");
    assert_eq!(calls(&text, "breaks", "error"), Some(1.0), "{text}");
    assert_eq!(calls(&text, "waits", "cancelled"), Some(1.0), "{text}");
    assert_eq!(calls(&text, "never_called", "ok"), Some(0.0), "{text}");
    assert_eq!(value(&text, "orders_total "), Some(2.5), "{text}");
    let durations =
        "function_calls_duration_seconds_count{function=\"halve\",module=\"metrics::scrape\"} ";
    assert_eq!(value(&text, durations), Some(30.0), "{text}");
    assert!(text.contains("service_name=\"scrape-test\""), "{text}");

    let test = "a_scrape_counts_every_call_before_it";
    if let Some(output) = programs::promtool_check_metrics(test, &text) {
        assert!(
            output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(),
            "{output:?}"
        );
    }
    if let Some(python) = programs::python(test) {
        programs::parse_metrics(&python, &text, "text")?;
    }
    if let Some(prometheus) = Prometheus::scrape(test, addr, Some("s3cret")) {
        // The expression of autometrics' success-rate rules.
        let failing = prometheus.promql().query_until_result(
            r#"sum by (function, module) (function_calls_total{result="error"}) / ignoring(result) group_left sum by (function, module) (function_calls_total) > 0"#,
        );
        let ratio = |name: &str| {
            failing
                .iter()
                .find(|(labels, _)| labels["function"] == name)
                .map(|(_, v)| *v)
        };
        assert_eq!(
            (ratio("halve"), ratio("breaks")),
            (Some(0.5), Some(0.5)),
            "{failing:?}"
        );
    }
    obs.shutdown()?;
    assert!(scrape().is_err(), "the port is still open");
    Ok(())
}
