//! Headers of real clients, and odd ones.

use super::*;

const OPEN_METRICS: &str =
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores";

#[test]
fn clients_get_what_they_ask_for() {
    let cases = [
        ("", CONTENT_TYPE),
        ("*/*", CONTENT_TYPE),
        // Prometheus 2.
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OPEN_METRICS,
        ),
        // Prometheus 3.
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        // Prometheus that prefers protobuf.
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;version=1.0.0;escaping=values;q=0.5,*/*;q=0.2",
            "text/plain; version=1.0.0; charset=utf-8; escaping=values",
        ),
        // A browser.
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            CONTENT_TYPE,
        ),
        (
            "text/plain; q=0.2, Application/OpenMetrics-Text; Q=0.3; VERSION=\"1.0.0\"; escaping=dots",
            OPEN_METRICS,
        ),
        (
            "application/openmetrics-text; version=0.0.1",
            "application/openmetrics-text; version=0.0.1; charset=utf-8",
        ),
        (
            "application/openmetrics-text; q=0, text/*; q=0.1",
            CONTENT_TYPE,
        ),
        ("application/*", OPEN_METRICS),
        // Equal weights: the first.
        ("text/plain, application/openmetrics-text", CONTENT_TYPE),
        // Nothing fits, or nothing is understood.
        ("application/openmetrics-text; version=2.0.0", CONTENT_TYPE),
        ("application/json;;;q=,,=", CONTENT_TYPE),
    ];
    for (accept, expected) in cases {
        let answer = negotiate(accept);
        assert_eq!(answer.content_type, expected, "{accept}");
        let open_metrics = expected.starts_with("application/openmetrics");
        assert_eq!(answer.format == Format::OpenMetrics, open_metrics);
    }
}
