use std::time::{Duration, UNIX_EPOCH};

use super::*;

fn alert() -> Alert {
    let mut alert = Alert::new(Severity::Critical, "Pipeline etl failed")
        .message("Run 42\nfailed")
        .detail("task", "load rows")
        .detail("attempt", 3)
        .label("pipeline", "etl");
    alert.trace_id = None;
    alert.time = UNIX_EPOCH + Duration::from_millis(1_795_172_645_007);
    alert
}

#[test]
fn the_json_is_as_documented() {
    let json: serde_json::Value = serde_json::from_str(&alert().to_json()).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "version": 1,
            "fingerprint": "d69c9cce41ad5289",
            "severity": "critical",
            "title": "Pipeline etl failed",
            "message": "Run 42\nfailed",
            "details": {"task": "load rows", "attempt": "3"},
            "labels": {"pipeline": "etl"},
            "time": "2026-11-20T11:04:05.007Z",
        })
    );
    let trace = TraceId::from_bytes([0xab; 16]);
    let json: serde_json::Value = serde_json::from_str(&alert().trace_id(trace).to_json()).unwrap();
    assert_eq!(json["trace_id"], "ab".repeat(16));
}

#[test]
fn the_line_is_one_line() {
    assert_eq!(
        alert().to_string(),
        r#"CRITICAL Pipeline etl failed: Run 42\nfailed pipeline=etl task="load rows" attempt=3"#
    );
}

#[test]
fn the_fingerprint_is_of_title_and_labels() {
    let print = |alert: Alert| alert.fingerprint();
    let same = print(alert());
    assert_eq!(print(alert().message("other").detail("n", 1)), same);
    assert_ne!(print(alert().label("host", "a")), same);
    assert_ne!(
        print(Alert::new(Severity::Info, "ab").label("c", "d")),
        print(Alert::new(Severity::Info, "a").label("bc", "d"))
    );
}

#[test]
fn secrets_are_masked_everywhere() {
    let alert = Alert::new(Severity::Error, "token=abc failed")
        .message("Authorization: Bearer x")
        .detail("db", "postgres://u:p@h/d")
        .detail("password", "hunter2")
        .label("api_key", "k")
        .redacted();
    assert_eq!(alert.title, "token=*** failed");
    assert_eq!(alert.message, "Authorization: Bearer ***");
    assert_eq!(alert.details[0].1, "postgres://u:***@h/d");
    assert_eq!(alert.details[1].1, "***");
    assert_eq!(alert.labels["api_key"], "***");
}

#[test]
fn an_alert_is_serialized_as_the_webhook_sends_it() {
    let trace = TraceId::from_bytes([0xab; 16]);
    for alert in [
        alert(),
        alert().trace_id(trace),
        alert().detail("task", "index"),
    ] {
        let json = serde_json::to_value(&alert).unwrap();
        assert_eq!(json.to_string(), alert.to_json());
        assert_eq!(json["trace_id"].is_null(), alert.trace_id.is_none());
        let last = alert
            .details
            .iter()
            .rfind(|(key, _)| key == "task")
            .unwrap();
        assert_eq!(json["details"]["task"], last.1);
    }
}
