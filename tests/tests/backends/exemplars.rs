//! From a duration in Prometheus to the trace of the call: exemplars, end to end.

use obs_runtime::metrics::{Counter, Histogram};
use obs_runtime::{Observability, SpanContext, traced};
use obs_tests::own_process;
use obs_tests::prometheus_server::Prometheus;
use obs_tests::{http, programs};
use serde_json::Value;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Returns its own trace and span.
#[traced]
fn succeeds() -> Option<(String, String)> {
    let own = SpanContext::current()?;
    Some((own.trace_id().to_string(), own.span_id().to_string()))
}

#[traced]
fn fails(ids: &mut Option<(String, String)>) -> Result<(), String> {
    *ids = SpanContext::current().map(|s| (s.trace_id().to_string(), s.span_id().to_string()));
    Err("as the test wants it".into())
}

/// Counts with instruments of its own.
#[traced]
fn counts((orders, price, weight): &(Counter, Histogram, Histogram)) -> Option<(String, String)> {
    orders.inc();
    price.observe(7);
    weight.observe(7);
    let own = SpanContext::current()?;
    Some((own.trace_id().to_string(), own.span_id().to_string()))
}

#[test]
fn prometheus_finds_the_trace_of_a_call() -> Result {
    own_process!();
    let obs = Observability::builder()
        .service_name("exemplars")
        .prometheus(([127, 0, 0, 1], 0))
        .strict(true)
        .install()?;
    let addr = obs.prometheus_addr().ok_or("no endpoint")?;
    let _ = succeeds();
    let last = succeeds().ok_or("no span")?;
    let mut failed = None;
    let _ = fails(&mut failed);
    let failed = failed.ok_or("no span")?;
    let instruments = (
        obs.metrics().counter("orders").build()?,
        obs.metrics().histogram("price").build()?,
        obs.metrics().histogram("weight").exponential().build()?,
    );
    let counted = counts(&instruments).ok_or("no span")?;
    let has = |exemplar: &Value, ids: &(String, String)| {
        exemplar["trace_id"] == *ids.0 && exemplar["span_id"] == *ids.1
    };

    let test = "prometheus_finds_the_trace_of_a_call";
    let accept = "Accept: application/openmetrics-text; version=1.0.0\r\n";
    let text = http::get(addr.port(), "/metrics", accept)?.body;
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    // obs' own account is among the metrics.
    assert!(text.contains("\nobs_spans_recorded_total 4\n"), "{text}");
    if let Some(python) = programs::python(test) {
        let families = programs::parse_metrics(&python, &text, "openmetrics")?;
        let samples: Vec<&Value> = families
            .iter()
            .flat_map(|f| f["samples"].as_array().into_iter().flatten())
            .collect();
        let exemplar = |name: &str, function: &str, ids| {
            samples
                .iter()
                .any(|s| s[0] == name && s[1]["function"] == function && has(&s[3][0], ids))
        };
        let bucket = "function_calls_duration_seconds_bucket";
        assert!(exemplar(bucket, "succeeds", &last), "{text}");
        assert!(exemplar(bucket, "fails", &failed), "{text}");
        assert!(exemplar("function_calls_total", "fails", &failed), "{text}");
    }
    if let Some(prometheus) = Prometheus::scrape(test, addr, None) {
        let found = |promql: &str, ids| {
            let exemplars = prometheus.promql().exemplars_until_result(promql);
            let found = exemplars.iter().any(|(_, e)| has(&e["labels"], ids));
            assert!(found, "{promql}: {exemplars:?}");
        };
        found(
            r#"function_calls_duration_seconds_bucket{function="succeeds"}"#,
            &last,
        );
        found(
            r#"function_calls_total{function="fails", result="error"}"#,
            &failed,
        );
        found("orders_total", &counted);
        found("price_bucket", &counted);
        found("weight_bucket", &counted);
    }
    obs.shutdown()?;
    Ok(())
}
